"""The cart: one open cart for each user."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP
from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, not_found
from ..intake import json_body, optional, text, whole
from ..models import Cart, CartItem, Coupon
from ..money import show
from ..pricing import check_coupon, totals_of
from ..security import current_user, requires
from .catalogue import find_product

bp = Blueprint("carts", __name__, url_prefix="/api/cart")

MAX_LINES = 20


def open_cart() -> Cart:
    query = select(Cart).where(Cart.user_id == current_user().id, Cart.open)
    cart = db().scalar(query.options(selectinload(Cart.items).selectinload(CartItem.product)))
    if cart is None:
        cart = Cart(user_id=current_user().id)
        db().add(cart)
        db().flush()
    return cart


def show_cart(cart: Cart) -> dict[str, Any]:
    link = "place_order" if on("checkout_link_renamed") else "checkout"
    return {
        "id": cart.id,
        "items": [
            {
                "id": item.id,
                "product": {"id": item.product.id, "name": item.product.name, "price": show(item.product.price_cents)},
                "quantity": item.quantity,
                "line_total": show(item.product.price_cents * item.quantity),
            }
            for item in cart.items
        ],
        "coupon": cart.coupon.code if cart.coupon else None,
        "totals": totals_of(cart).as_json(),
        "links": {link: "/api/orders"},
        "updated_at": iso(cart.updated_at),
    }


def own_item(item_id: int) -> tuple[Cart, CartItem]:
    cart = open_cart()
    for item in cart.items:
        if item.id == item_id:
            return cart, item
    raise not_found("item in your cart")


@bp.get("")
@requires()
def cart() -> ResponseReturnValue:
    found = db().scalar(select(Cart).where(Cart.user_id == current_user().id, Cart.open))
    if found is None:
        raise not_found("cart yet")
    return jsonify(show_cart(found))


@bp.delete("")
@requires()
def clear() -> ResponseReturnValue:
    cart = open_cart()
    cart.items.clear()
    cart.coupon = None
    return "", 204


@bp.post("/items")
@requires()
def add() -> ResponseReturnValue:
    data = json_body(product_id=whole(1, 2**31), quantity=optional(whole(1, 99), 1))
    product = find_product(data["product_id"])
    if product.discontinued:
        raise conflict("discontinued", f"{product.name} is not sold any more.")
    cart = open_cart()
    same = next((item for item in cart.items if item.product_id == product.id), None)
    if same is not None:
        same.quantity = min(99, same.quantity + data["quantity"])
    elif len(cart.items) >= MAX_LINES:
        raise conflict("cart_full", f"A cart holds {MAX_LINES} lines.")
    else:
        cart.items.append(CartItem(product=product, product_id=product.id, quantity=data["quantity"]))
    db().flush()
    return jsonify(show_cart(cart)), 201


@bp.patch("/items/<int:item_id>")
@requires()
def change(item_id: int) -> ResponseReturnValue:
    cart, item = own_item(item_id)
    item.quantity = json_body(quantity=whole(1, 99))["quantity"]
    return jsonify(show_cart(cart))


@bp.delete("/items/<int:item_id>")
@requires()
def remove(item_id: int) -> ResponseReturnValue:
    cart, item = own_item(item_id)
    cart.items.remove(item)
    return "", 204


@bp.post("/coupon")
@requires()
def apply_coupon() -> ResponseReturnValue:
    code = json_body(code=text(3, 30))["code"].upper()
    cart = open_cart()
    coupon = check_coupon(db().scalar(select(Coupon).where(Coupon.code == code)))
    if cart.coupon_id == coupon.id and not on("coupon_reapplied"):
        raise conflict("coupon_applied", "This coupon is in your cart already.")
    cart.coupon, cart.coupon_id = coupon, coupon.id
    return jsonify(show_cart(cart))


@bp.delete("/coupon")
@requires()
def drop_coupon() -> ResponseReturnValue:
    cart = open_cart()
    if cart.coupon is None:
        raise not_found("coupon in your cart")
    cart.coupon = None
    return "", 204


@bp.post("/quote")
@requires()
def quote() -> ResponseReturnValue:
    """What the cart would cost, delivered to a country."""
    country = json_body(country=text(2, 2, r"[A-Z]{2}"))["country"]
    cart = open_cart()
    if not cart.items:
        raise conflict("empty_cart", "There is nothing in your cart.")
    rounding = ROUND_DOWN if on("quote_rounding") else ROUND_HALF_UP
    return jsonify(totals_of(cart, country, rounding).as_json() | {"country": country})
