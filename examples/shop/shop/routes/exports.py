"""Data to take away, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import not_found
from ..intake import choice, json_body
from ..models import Address, Export, Order, Review, User
from ..money import show
from ..paging import page_of
from ..security import current_user, requires

bp = Blueprint("exports", __name__, url_prefix="/api/exports")

COLUMNS = {
    "orders": ["number", "status", "total"],
    "addresses": ["label", "recipient", "city", "country"],
    "reviews": ["product_id", "rating", "title"],
}


def show_export(export: Export) -> dict[str, Any]:
    return {
        "id": export.id,
        "kind": export.kind,
        "rows": export.row_count,
        "file": f"/api/exports/{export.id}/file",
        "created_at": iso(export.created_at),
    }


def rows_of(user: User, kind: str) -> Iterator[list[Any]]:
    if kind == "orders":
        for order in db().scalars(select(Order).where(Order.user_id == user.id).order_by(Order.id)):
            yield [order.number, order.status, show(order.total_cents)]
    elif kind == "addresses":
        for address in db().scalars(select(Address).where(Address.user_id == user.id).order_by(Address.id)):
            yield [address.label, address.recipient, address.city, address.country]
    else:
        for review in db().scalars(select(Review).where(Review.user_id == user.id).order_by(Review.id)):
            yield [review.product_id, review.rating, review.title]


def own_export(export_id: int) -> Export:
    export = db().get(Export, export_id)
    if export is None or export.user_id != current_user().id:
        raise not_found("export")
    return export


@bp.post("")
@requires()
def make() -> ResponseReturnValue:
    kind = json_body(kind=choice(*COLUMNS))["kind"]
    rows = list(rows_of(current_user(), kind))
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS[kind], *rows])
    export = Export(user_id=current_user().id, kind=kind, row_count=len(rows), content=out.getvalue())
    db().add(export)
    db().flush()
    return jsonify(show_export(export)), 202, {"Location": f"/api/exports/{export.id}"}


@bp.get("")
@requires()
def exports() -> ResponseReturnValue:
    mine = select(Export).where(Export.user_id == current_user().id).order_by(Export.id.desc())
    return jsonify(page_of(mine, show_export))


@bp.get("/<int:export_id>")
@requires()
def export(export_id: int) -> ResponseReturnValue:
    return jsonify(show_export(own_export(export_id)))


@bp.get("/<int:export_id>/file")
@requires()
def file(export_id: int) -> ResponseReturnValue:
    mimetype = "text/plain" if on("export_media_type") else "text/csv"
    return Response(own_export(export_id).content, mimetype=mimetype)
