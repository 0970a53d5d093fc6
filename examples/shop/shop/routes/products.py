"""The catalogue from the other side of the counter."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..database import db
from ..errors import conflict, invalid
from ..intake import amount, choice, flag, given, json_body, optional, text, whole
from ..models import AuditEntry, Category, Product, ProductTag
from ..money import show
from ..security import current_user, requires
from .catalogue import find_product, show_product

bp = Blueprint("products", __name__, url_prefix="/api/admin/products")


def show_internal(product: Product) -> dict[str, Any]:
    margin = product.price_cents - product.cost_cents
    return show_product(product) | {"cost": show(product.cost_cents), "margin": show(margin), "listed": product.listed}


@bp.post("")
@requires("admin")
def add() -> ResponseReturnValue:
    data = json_body(
        sku=text(3, 20, r"[A-Z0-9-]+"),
        name=text(2, 80),
        description=optional(text(0, 1000), ""),
        price=amount(),
        cost=amount(),
        category=text(),
        weight_grams=whole(1, 100_000),
        tax_rate=optional(choice("standard", "reduced", "none"), "standard"),
        listed=optional(flag(), False),
        tag=optional(text(1, 30)),
    )
    category = db().scalar(select(Category).where(Category.slug == data["category"]))
    if category is None:
        raise invalid("category", "is not known")
    if db().scalar(select(Product.id).where(Product.sku == data["sku"])):
        raise conflict("sku_taken", "There is a product with this SKU already.")
    product = Product(
        sku=data["sku"],
        name=data["name"],
        description=data["description"],
        price_cents=data["price"],
        cost_cents=data["cost"],
        category=category,
        weight_grams=data["weight_grams"],
        tax_rate=data["tax_rate"],
        listed=data["listed"],
        tags=[ProductTag(tag=data["tag"])] if data["tag"] else [],
    )
    db().add(product)
    db().flush()
    db().add(AuditEntry(user_id=current_user().id, action="product", detail=f"added {product.sku}"))
    return jsonify(show_internal(product)), 201, {"Location": f"/api/catalogue/products/{product.id}"}


@bp.patch("/<int:product_id>")
@requires("admin")
def change(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    data = json_body(name=optional(text(2, 80)), description=optional(text(0, 1000)), listed=optional(flag()))
    for name, value in given(data).items():
        setattr(product, name, value)
    return jsonify(show_internal(product))


@bp.post("/<int:product_id>/price")
@requires("admin")
def reprice(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    data = json_body(price=amount())
    if data["price"] < product.cost_cents:
        raise conflict("below_cost", "The price is below what we pay for it.")
    old, product.price_cents = product.price_cents, data["price"]
    detail = f"{product.sku}: {show(old)} -> {show(product.price_cents)}"
    db().add(AuditEntry(user_id=current_user().id, action="price", detail=detail))
    return jsonify(show_internal(product) | {"old_price": show(old)})


@bp.delete("/<int:product_id>")
@requires("admin")
def discontinue(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    if product.discontinued:
        raise conflict("discontinued", "The product is discontinued already.")
    product.discontinued = True
    return "", 204
