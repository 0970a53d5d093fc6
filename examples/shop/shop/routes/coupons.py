"""Coupons: what a code is worth, and who makes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, invalid, not_found
from ..intake import amount, flag, given, json_body, optional, text, whole
from ..models import Cart, Coupon
from ..money import show
from ..paging import page_of
from ..pricing import check_coupon, discount_of
from ..security import requires

bp = Blueprint("coupons", __name__, url_prefix="/api/coupons")


def show_coupon(coupon: Coupon) -> dict[str, Any]:
    return {
        "id": coupon.id,
        "code": coupon.code,
        "percent": coupon.percent,
        "fixed": show(coupon.fixed_cents),
        "minimum": show(coupon.minimum_cents),
        "active": coupon.active,
        "expires_at": iso(coupon.expires_at),
    }


def find_coupon(coupon_id: int) -> Coupon:
    coupon = db().get(Coupon, coupon_id)
    if coupon is None:
        raise not_found("coupon")
    return coupon


@bp.get("/<code>/preview")
def preview(code: str) -> ResponseReturnValue:
    try:
        subtotal: int = amount().check(request.args.get("amount"))
    except ValueError as problem:
        raise invalid("amount", str(problem)) from None
    coupon = check_coupon(db().scalar(select(Coupon).where(Coupon.code == code.upper())))
    discount = discount_of(coupon, subtotal)
    if on("coupon_preview_twice"):
        discount += discount_of(coupon, subtotal - discount)
    return jsonify(code=coupon.code, amount=show(subtotal), discount=show(discount), total=show(subtotal - discount))


@bp.get("")
@requires("admin")
def coupons() -> ResponseReturnValue:
    return jsonify(page_of(select(Coupon).order_by(Coupon.code), show_coupon))


@bp.post("")
@requires("admin")
def add() -> ResponseReturnValue:
    data = json_body(
        code=text(3, 30, r"[A-Za-z0-9]+"),
        percent=optional(whole(0, 90), 0),
        fixed=optional(amount("100"), 0),
        minimum=optional(amount(), 0),
    )
    code = data["code"].upper()
    if not data["percent"] and not data["fixed"]:
        raise invalid("percent", "or fixed must be given")
    if db().scalar(select(Coupon.id).where(Coupon.code == code)):
        raise conflict("code_taken", "There is a coupon with this code already.")
    coupon = Coupon(code=code, percent=data["percent"], fixed_cents=data["fixed"], minimum_cents=data["minimum"])
    db().add(coupon)
    db().flush()
    return jsonify(show_coupon(coupon)), 201, {"Location": f"/api/coupons/{coupon.code}/preview"}


@bp.patch("/<int:coupon_id>")
@requires("admin")
def change(coupon_id: int) -> ResponseReturnValue:
    coupon = find_coupon(coupon_id)
    for name, value in given(json_body(active=optional(flag()), percent=optional(whole(0, 90)))).items():
        setattr(coupon, name, value)
    return jsonify(show_coupon(coupon))


@bp.delete("/<int:coupon_id>")
@requires("admin")
def remove(coupon_id: int) -> ResponseReturnValue:
    coupon = find_coupon(coupon_id)
    if db().scalar(select(Cart.id).where(Cart.coupon_id == coupon.id).limit(1)):
        raise conflict("coupon_in_use", "The coupon is in somebody's cart.")
    db().delete(coupon)
    return "", 204
