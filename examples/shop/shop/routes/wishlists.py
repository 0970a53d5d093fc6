"""Lists of things people would like to have."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import delete, func, select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, not_found
from ..intake import json_body, optional, text, whole
from ..models import Wishlist, WishlistItem
from ..paging import page_of
from ..security import current_user, requires
from .catalogue import find_product, show_row

bp = Blueprint("wishlists", __name__, url_prefix="/api/wishlists")


def items_of(wishlist: Wishlist) -> list[WishlistItem]:
    query = select(WishlistItem).where(WishlistItem.wishlist_id == wishlist.id).order_by(WishlistItem.id)
    return list(db().scalars(query))


def show_item(item: WishlistItem) -> dict[str, Any]:
    return {"id": item.id, "wishlist_id": item.wishlist_id, "product": show_row(item.product), "note": item.note}


def show_wishlist(wishlist: Wishlist) -> dict[str, Any]:
    items = [show_item(item) for item in items_of(wishlist)]
    return {"id": wishlist.id, "name": wishlist.name, "items": items, "created_at": iso(wishlist.created_at)}


def own_wishlist(wishlist_id: int) -> Wishlist:
    wishlist = db().get(Wishlist, wishlist_id)
    if wishlist is None or wishlist.user_id != current_user().id:
        raise not_found("wishlist")
    return wishlist


@bp.get("")
@requires()
def wishlists() -> ResponseReturnValue:
    counted = (
        select(Wishlist, func.count(WishlistItem.id))
        .outerjoin(WishlistItem, WishlistItem.wishlist_id == Wishlist.id)
        .where(Wishlist.user_id == current_user().id)
        .group_by(Wishlist.id)
        .order_by(Wishlist.id)
    )
    rows = db().execute(counted).tuples()
    return jsonify(items=[{"id": row.id, "name": row.name, "size": size} for row, size in rows])


@bp.post("")
@requires()
def add() -> ResponseReturnValue:
    wishlist = Wishlist(user_id=current_user().id, name=json_body(name=text(1, 60))["name"])
    db().add(wishlist)
    db().flush()
    status = 200 if on("wishlist_created_200") else 201
    return jsonify(show_wishlist(wishlist)), status, {"Location": f"/api/wishlists/{wishlist.id}"}


@bp.get("/items")
@requires()
def all_items() -> ResponseReturnValue:
    query = select(WishlistItem).where(WishlistItem.user_id == current_user().id).order_by(WishlistItem.id)
    return jsonify(page_of(query, show_item, size=20))


@bp.get("/<int:wishlist_id>")
@requires()
def wishlist(wishlist_id: int) -> ResponseReturnValue:
    return jsonify(show_wishlist(own_wishlist(wishlist_id)))


@bp.patch("/<int:wishlist_id>")
@requires()
def rename(wishlist_id: int) -> ResponseReturnValue:
    wishlist = own_wishlist(wishlist_id)
    wishlist.name = json_body(name=text(1, 60))["name"]
    return jsonify(show_wishlist(wishlist))


@bp.delete("/<int:wishlist_id>")
@requires()
def remove(wishlist_id: int) -> ResponseReturnValue:
    wishlist = own_wishlist(wishlist_id)
    if not on("wishlist_orphans"):
        db().execute(delete(WishlistItem).where(WishlistItem.wishlist_id == wishlist.id))
    db().delete(wishlist)
    return "", 204


@bp.post("/<int:wishlist_id>/items")
@requires()
def add_item(wishlist_id: int) -> ResponseReturnValue:
    wishlist = own_wishlist(wishlist_id)
    data = json_body(product_id=whole(1, 2**31), note=optional(text(0, 200), ""))
    product = find_product(data["product_id"])
    if any(item.product_id == product.id for item in items_of(wishlist)):
        raise conflict("listed", f"{product.name} is on the list already.")
    item = WishlistItem(user_id=wishlist.user_id, wishlist_id=wishlist.id, product=product, note=data["note"])
    db().add(item)
    db().flush()
    return jsonify(show_item(item)), 201


@bp.delete("/<int:wishlist_id>/items/<int:item_id>")
@requires()
def remove_item(wishlist_id: int, item_id: int) -> ResponseReturnValue:
    wishlist = own_wishlist(wishlist_id)
    item = db().get(WishlistItem, item_id)
    if item is None or item.wishlist_id != wishlist.id:
        raise not_found("item on this list")
    db().delete(item)
    return "", 204
