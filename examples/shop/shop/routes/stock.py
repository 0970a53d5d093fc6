"""How much of everything there is."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..clock import iso
from ..database import db
from ..errors import conflict
from ..intake import json_body, query_whole, text, whole
from ..models import Product, StockMovement
from ..paging import page_of
from ..security import STAFF, requires
from .catalogue import find_product

bp = Blueprint("stock", __name__, url_prefix="/api/stock")

LOW = 5


def check_available(product: Product, quantity: int) -> None:
    """Raises ApiError 409 rather than selling what is not there."""
    if product.stock < quantity:
        raise conflict("out_of_stock", f"Only {product.stock} of {product.name} left.")


def move(product: Product, delta: int, reason: str) -> None:
    check_available(product, -delta)
    product.stock += delta
    db().add(StockMovement(product_id=product.id, delta=delta, reason=reason))


@bp.get("/<int:product_id>")
def level(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    return jsonify(product_id=product.id, available=product.stock, low=product.stock < LOW)


@bp.put("/<int:product_id>")
@requires(*STAFF)
def count(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    counted = json_body(available=whole(0, 10_000))["available"]
    move(product, counted - product.stock, "count")
    return jsonify(product_id=product.id, available=product.stock)


@bp.post("/<int:product_id>/adjust")
@requires(*STAFF)
def adjust(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    data = json_body(delta=whole(-1000, 1000), reason=text(3, 80))
    move(product, data["delta"], data["reason"])
    return jsonify(product_id=product.id, available=product.stock)


@bp.get("/<int:product_id>/movements")
@requires(*STAFF)
def movements(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    query = select(StockMovement).where(StockMovement.product_id == product.id).order_by(StockMovement.id)
    return jsonify(
        page_of(query, lambda row: {"id": row.id, "delta": row.delta, "reason": row.reason, "at": iso(row.created_at)})
    )


@bp.get("/low")
@requires(*STAFF)
def low() -> ResponseReturnValue:
    below = query_whole("below", LOW, 1, 100)
    query = select(Product).where(Product.stock < below, Product.listed).order_by(Product.sku)
    return jsonify(page_of(query, lambda row: {"sku": row.sku, "available": row.stock}))
