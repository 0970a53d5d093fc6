"""A user's own account, and what others see of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import forbidden, not_found
from ..intake import choice, flag, given, json_body, optional, text
from ..models import AuditEntry, Order, Review, User
from ..paging import page_of
from ..security import current_user, password_matches, requires

bp = Blueprint("users", __name__, url_prefix="/api/users")


def show_user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "phone": user.phone,
        "role": user.role,
        "locale": user.locale,
        "created_at": iso(user.created_at),
        "updated_at": iso(user.updated_at),
    }


def show_preferences(user: User) -> dict[str, Any]:
    return {"locale": user.locale, "marketing": user.marketing}


@bp.get("/me")
@requires()
def me() -> ResponseReturnValue:
    shown = show_user(current_user())
    if on("phone_null"):
        shown["phone"] = None
    return jsonify(shown)


@bp.patch("/me")
@requires()
def change_me() -> ResponseReturnValue:
    data = json_body(name=optional(text(2, 80)), phone=optional(text(5, 20, r"\+?[0-9 ]+")))
    user = current_user()
    for name, value in given(data).items():
        setattr(user, name, value)
    db().add(AuditEntry(user_id=user.id, action="profile", detail=", ".join(given(data))))
    db().flush()
    return jsonify(show_user(user))


@bp.get("/me/preferences")
@requires()
def preferences() -> ResponseReturnValue:
    shown = show_preferences(current_user())
    if on("marketing_inverted"):
        shown["marketing"] = not shown["marketing"]
    return jsonify(shown)


@bp.put("/me/preferences")
@requires()
def change_preferences() -> ResponseReturnValue:
    data = json_body(locale=choice("en", "de", "fr"), marketing=flag())
    user = current_user()
    user.locale, user.marketing = data["locale"], data["marketing"]
    return jsonify(show_preferences(user))


@bp.get("/me/activity")
@requires()
def activity() -> ResponseReturnValue:
    mine = select(AuditEntry).where(AuditEntry.user_id == current_user().id).order_by(AuditEntry.id.desc())
    return jsonify(page_of(mine, lambda row: {"action": row.action, "detail": row.detail, "at": iso(row.created_at)}))


@bp.post("/me/deactivate")
@requires("customer")
def deactivate() -> ResponseReturnValue:
    user = current_user()
    if not password_matches(json_body(password=text(1, 200))["password"], user.password_hash):
        raise forbidden("The password is wrong.")
    user.active = False
    return "", 204


@bp.get("/<int:user_id>")
def profile(user_id: int) -> ResponseReturnValue:
    user = db().get(User, user_id)
    if user is None or not user.active:
        raise not_found("user")
    reviews = select(func.count(Review.id)).where(Review.user_id == user.id, Review.status == "approved")
    shown = {"id": user.id, "name": user.name, "reviews": db().scalar(reviews)}
    if current_user().role != "customer":
        shown["orders"] = db().scalar(select(func.count(Order.id)).where(Order.user_id == user.id))
    return jsonify(shown)
