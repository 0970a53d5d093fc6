"""Links by which a wishlist is shown to others."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso, now
from ..database import db
from ..errors import ApiError, not_found
from ..intake import json_body, optional, whole
from ..models import ShareLink, User, Wishlist
from ..security import current_user, requires
from .catalogue import show_row
from .wishlists import items_of, own_wishlist

bp = Blueprint("share", __name__, url_prefix="/api")


def show_link(link: ShareLink) -> dict[str, Any]:
    return {
        "code": link.code,
        "wishlist_id": link.wishlist_id,
        "url": f"/api/shared/{link.code}",
        "expires_at": iso(link.expires_at),
    }


def find_link(code: str) -> ShareLink:
    link = db().scalar(select(ShareLink).where(ShareLink.code == code))
    if link is None:
        raise not_found("link")
    return link


@bp.post("/share")
@requires()
def share() -> ResponseReturnValue:
    data = json_body(wishlist_id=whole(1, 2**31), days=optional(whole(1, 30), 7))
    wishlist = own_wishlist(data["wishlist_id"])
    link = ShareLink(
        code=secrets.token_urlsafe(9),
        user_id=wishlist.user_id,
        wishlist_id=wishlist.id,
        expires_at=now() + timedelta(days=data["days"]),
    )
    db().add(link)
    return jsonify(show_link(link)), 201, {"Location": f"/api/shared/{link.code}"}


@bp.get("/share")
@requires()
def links() -> ResponseReturnValue:
    rows = db().scalars(select(ShareLink).where(ShareLink.user_id == current_user().id).order_by(ShareLink.id))
    return jsonify(items=[show_link(row) for row in rows])


@bp.get("/shared/<code>")
def shared(code: str) -> ResponseReturnValue:
    link = find_link(code)
    if link.expires_at < now() and not on("share_expiry_ignored"):
        raise ApiError(410, "expired", "This link has expired.")
    wishlist = db().get(Wishlist, link.wishlist_id)
    if wishlist is None:
        raise not_found("wishlist any more")
    owner = db().get_one(User, link.user_id)
    return jsonify(name=wishlist.name, owner=owner.name, items=[show_row(item.product) for item in items_of(wishlist)])


@bp.delete("/share/<code>")
@requires()
def revoke(code: str) -> ResponseReturnValue:
    link = find_link(code)
    if link.user_id != current_user().id:
        raise not_found("link")
    db().delete(link)
    return "", 204
