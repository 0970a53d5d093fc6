"""Figures for those who run the shop."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from ..changes import on
from ..clock import iso, now
from ..database import db
from ..errors import forbidden, invalid, not_found
from ..intake import query_whole
from ..models import Order, OrderItem, User
from ..money import show
from ..security import STAFF, current_user, is_staff, requires

bp = Blueprint("reports", __name__, url_prefix="/api/reports")

SOLD = ("paid", "shipped", "delivered")


def sales_by_status() -> list[dict[str, Any]]:
    """Sums over a period, by default the year 2025: closed books do not change."""
    try:
        since = datetime.fromisoformat(request.args.get("from", "2025-01-01"))
        until = datetime.fromisoformat(request.args.get("to", "2026-01-01"))
    except ValueError:
        raise invalid("from", "must be a date such as 2025-01-31") from None
    period = (Order.created_at >= since) & (Order.created_at < until)
    sums = select(Order.status, func.count(Order.id), func.sum(Order.total_cents)).where(period).group_by(Order.status)
    return [
        {"status": row[0], "orders": row[1], "revenue": show(row[2])}
        for row in db().execute(sums.order_by(Order.status))
    ]


@bp.get("/sales")
def sales() -> ResponseReturnValue:
    if not on("report_open") and not is_staff(current_user()):
        raise forbidden()
    return jsonify(rows=sales_by_status(), generated_at=iso(now()), generated_for=g.user.name if g.user else None)


@bp.get("/sales.csv")
@requires(*STAFF)
def sales_csv() -> ResponseReturnValue:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["status", "orders", "revenue"])
    writer.writeheader()
    writer.writerows(sales_by_status())
    return Response(out.getvalue(), mimetype="text/csv")


@bp.get("/customers/<int:user_id>")
@requires(*STAFF)
def customer(user_id: int) -> ResponseReturnValue:
    user = db().get(User, user_id)
    if user is None:
        raise not_found("user")
    spent = list(db().scalars(select(Order.total_cents).where(Order.user_id == user.id, Order.status.in_(SOLD))))
    average = sum(spent) // len(spent) if spent or on("customer_report_500") else 0
    return jsonify(user_id=user.id, orders=len(spent), spent=show(sum(spent)), average=show(average))


@bp.get("/products/top")
@requires(*STAFF)
def top() -> ResponseReturnValue:
    """Best sellers of orders that are closed."""
    limit = query_whole("limit", 5, 1, 20)
    pieces = func.sum(OrderItem.quantity)
    query = select(OrderItem.name, pieces).join(Order).where(Order.created_at < datetime(2026, 1, 1))
    rows = db().execute(query.group_by(OrderItem.name).order_by(pieces.desc(), OrderItem.name).limit(limit))
    return jsonify(items=[{"name": row[0], "pieces": row[1]} for row in rows])
