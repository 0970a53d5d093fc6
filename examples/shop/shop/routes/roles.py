"""Who may do what."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from ..database import db
from ..errors import conflict, not_found
from ..intake import choice, json_body
from ..models import AuditEntry, User
from ..security import ROLES, STAFF, current_user, requires

bp = Blueprint("roles", __name__, url_prefix="/api")

PERMISSIONS = {
    "customer": {"order", "review", "wishlist"},
    "support": {"order", "review", "ticket.answer", "order.ship", "refund.approve"},
    "admin": {"order", "review", "ticket.answer", "order.ship", "refund.approve", "product.edit", "user.suspend"},
}


@bp.get("/roles")
@requires(*STAFF)
def roles() -> ResponseReturnValue:
    return jsonify(items=[{"name": name, "permissions": len(PERMISSIONS[name])} for name in ROLES])


@bp.get("/roles/<name>")
@requires(*STAFF)
def role(name: str) -> ResponseReturnValue:
    if name not in PERMISSIONS:
        raise not_found("role")
    return jsonify(name=name, permissions=list(PERMISSIONS[name]))  # a set: in no order


@bp.get("/users/<int:user_id>/permissions")
@requires(*STAFF)
def permissions(user_id: int) -> ResponseReturnValue:
    user = db().get(User, user_id)
    if user is None:
        raise not_found("user")
    return jsonify(user_id=user.id, role=user.role, permissions=sorted(PERMISSIONS[user.role]))


@bp.put("/users/<int:user_id>/role")
@requires("admin")
def change_role(user_id: int) -> ResponseReturnValue:
    data = json_body(role=choice(*ROLES))
    user = db().get(User, user_id)
    if user is None:
        raise not_found("user")
    if user.id == current_user().id:
        raise conflict("own_role", "Nobody changes their own role.")
    user.role = data["role"]
    db().add(AuditEntry(user_id=current_user().id, action="role", detail=f"{user.email} is {user.role}"))
    return jsonify(user_id=user.id, role=user.role)
