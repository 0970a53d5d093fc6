"""What only those who run the shop see."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, not_found
from ..intake import json_body, query_whole, text
from ..models import AuditEntry, Order, User
from ..money import show
from ..paging import page_of
from ..security import STAFF, current_user, requires
from .users import show_user

bp = Blueprint("admin", __name__, url_prefix="/api/admin")


def find_user(user_id: int) -> User:
    user = db().get(User, user_id)
    if user is None:
        raise not_found("user")
    return user


def show_order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "number": order.number,
        "user_id": order.user_id,
        "status": order.status,
        "total": show(order.total_cents),
        "pieces": sum(item.quantity for item in order.items),
    }


@bp.get("/users")
@requires("admin")
def users() -> ResponseReturnValue:
    query = select(User).order_by(User.id)
    if wanted := request.args.get("q"):
        query = query.where(or_(User.email.ilike(f"%{wanted}%"), User.name.ilike(f"%{wanted}%")))
    return jsonify(page_of(query, lambda row: show_user(row) | {"active": row.active}))


@bp.get("/users/<int:user_id>")
@requires("admin")
def user(user_id: int) -> ResponseReturnValue:
    found = find_user(user_id)
    return jsonify(show_user(found) | {"active": found.active, "balance": show(found.balance_cents)})


@bp.post("/users/<int:user_id>/suspend")
@requires("admin")
def suspend(user_id: int) -> ResponseReturnValue:
    return _set_active(find_user(user_id), False, json_body(reason=text(3, 200))["reason"])


@bp.post("/users/<int:user_id>/restore")
@requires("admin")
def restore(user_id: int) -> ResponseReturnValue:
    return _set_active(find_user(user_id), True, "restored")


def _set_active(user: User, active: bool, reason: str) -> ResponseReturnValue:
    if user.id == current_user().id:
        raise conflict("own_account", "Nobody suspends themselves.")
    if user.active == active:
        raise conflict("no_change", "The account is in this state already.")
    user.active = active
    db().add(AuditEntry(user_id=current_user().id, action="account", detail=f"{user.email}: {reason}"))
    return jsonify(user_id=user.id, active=user.active)


@bp.get("/orders")
@requires(*STAFF)
def orders() -> ResponseReturnValue:
    query = select(Order).order_by(Order.id)
    if not on("admin_orders_n_plus_one"):
        query = query.options(selectinload(Order.items))
    if "user_id" in request.args:
        query = query.where(Order.user_id == query_whole("user_id", 0, 1, 2**31))
    if "status" in request.args:
        query = query.where(Order.status == request.args["status"])
    return jsonify(page_of(query, show_order))


@bp.get("/audit")
@requires("admin")
def audit() -> ResponseReturnValue:
    query = select(AuditEntry).where(AuditEntry.user_id == query_whole("user_id", current_user().id, 1, 2**31))
    rows = page_of(
        query.order_by(AuditEntry.id),
        lambda row: {"action": row.action, "detail": row.detail, "user_id": row.user_id, "at": iso(row.created_at)},
    )
    return jsonify(rows)
