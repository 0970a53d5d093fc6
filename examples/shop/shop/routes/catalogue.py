"""What everybody can look at: categories, products, search."""

from __future__ import annotations

import random
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import selectinload

from ..changes import on
from ..clock import iso, now
from ..database import db
from ..errors import invalid, not_found
from ..intake import json_body, query_choice, query_whole, wholes
from ..models import Category, Product, ProductTag
from ..money import show
from ..paging import decode_cursor, encode_cursor, page_of
from ..timing import took_ms

bp = Blueprint("catalogue", __name__, url_prefix="/api/catalogue")

SORTS = {
    "name": (Product.name, Product.id),
    "price": (Product.price_cents, Product.id),
    "-price": (Product.price_cents.desc(), Product.id),
}
SEARCHES_PER_MINUTE = 120


def listed() -> Select[Product]:
    return select(Product).where(Product.listed, Product.discontinued.is_(False))


def show_row(product: Product) -> dict[str, Any]:
    return {"id": product.id, "sku": product.sku, "name": product.name, "price": show(product.price_cents)}


def show_product(product: Product) -> dict[str, Any]:
    return show_row(product) | {
        "description": product.description,
        "currency": "EUR",
        "weight_grams": product.weight_grams,
        "tax_rate": product.tax_rate,
        "category": {"id": product.category.id, "name": product.category.name},
        "tags": list({tag.tag for tag in product.tags}),  # a set: in no order
        "discontinued": product.discontinued,
        "created_at": iso(product.created_at),
    }


def find_product(product_id: int) -> Product:
    product = db().get(Product, product_id)
    if product is None:
        raise not_found("product")
    return product


@bp.get("/categories")
def categories() -> ResponseReturnValue:
    rows = db().scalars(select(Category).order_by(Category.id))
    return jsonify(items=[{"id": row.id, "slug": row.slug, "name": row.name, "parent": row.parent_id} for row in rows])


@bp.get("/categories/<slug>")
def category(slug: str) -> ResponseReturnValue:
    found = db().scalar(select(Category).where(Category.slug == slug))
    if found is None:
        raise not_found("category")
    products = db().scalars(listed().where(Product.category_id == found.id).order_by(Product.name).limit(12))
    return jsonify(id=found.id, slug=found.slug, name=found.name, products=[show_row(row) for row in products])


@bp.get("/products")
def products() -> ResponseReturnValue:
    query = listed().order_by(*SORTS[query_choice("sort", "name", tuple(SORTS))])
    if "max_price" in request.args:
        query = query.where(Product.price_cents <= query_whole("max_price", 0, 0, 1_000_000) * 100)
    if "category" in request.args:
        query = query.join(Category).where(Category.slug == request.args["category"])
    page = page_of(query, show_row)
    if on("product_total_wrong"):
        page["total"] = len(page["items"])
    return jsonify(page | {"took_ms": took_ms()})


@bp.get("/products/<int:product_id>")
def product(product_id: int) -> ResponseReturnValue:
    found = db().get(Product, product_id)
    if found is None:
        if on("product_404_html"):
            return "<html><body><h1>Not Found</h1></body></html>", 404
        raise not_found("product")
    shown = show_product(found)
    if on("weight_as_text"):
        shown["weight_grams"] = str(shown["weight_grams"])
    response = jsonify(shown)
    response.set_etag(f"{found.id}-{found.updated_at:%Y%m%d%H%M%S}", weak=True)
    return response


@bp.get("/products/<int:product_id>/related")
def related(product_id: int) -> ResponseReturnValue:
    found = find_product(product_id)
    others = listed().where(Product.category_id == found.category_id, Product.id != found.id)
    return jsonify(items=[show_row(row) for row in db().scalars(others.order_by(Product.id).limit(4))])


@bp.get("/products/by-sku/<sku>")
def by_sku(sku: str) -> ResponseReturnValue:
    found = db().scalar(select(Product).where(Product.sku == sku.upper()))
    if found is None:
        raise not_found("product")
    return jsonify(show_product(found))


@bp.get("/search")
def search() -> ResponseReturnValue:
    wanted = request.args.get("q", "").strip()
    if not wanted:
        raise invalid("q", "is required")
    if on("search_unicode_500"):
        wanted = wanted.encode("ascii").decode()
    like = f"%{wanted}%"
    found = page_of(
        listed().where(or_(Product.name.ilike(like), Product.description.ilike(like))).order_by(Product.name), show_row
    )
    response = jsonify(found | {"query": wanted, "took_ms": took_ms(), "server_time": iso(now())})
    if on("search_limit_header"):
        response.headers["X-RateLimit-Limit"] = str(SEARCHES_PER_MINUTE)
    return response


@bp.get("/suggest")
def suggest() -> ResponseReturnValue:
    wanted = request.args.get("q", "")
    if len(wanted) < 2:
        raise invalid("q", "must have at least 2 characters")
    names = db().scalars(listed().where(Product.name.ilike(f"{wanted}%")).order_by(Product.name).limit(5))
    return jsonify(suggestions=[row.name for row in names])


@bp.get("/feed")
def feed() -> ResponseReturnValue:
    """Everything, by cursor, for those who mirror the catalogue."""
    after = decode_cursor(request.args["cursor"]) if "cursor" in request.args else 0
    limit = query_whole("limit", 8, 1, 50)
    newer = Product.id >= after if on("feed_repeats") else Product.id > after
    rows = list(db().scalars(listed().where(newer).order_by(Product.id).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return jsonify(items=[show_row(row) for row in rows], next_cursor=encode_cursor(rows[-1].id) if more else None)


@bp.get("/recommended")
def recommended() -> ResponseReturnValue:
    rows = list(db().scalars(listed().order_by(Product.price_cents.desc(), Product.id).limit(6)))
    random.shuffle(rows)
    return jsonify(items=[show_row(row) for row in rows], generated_at=iso(now()))


@bp.get("/tags")
def tags() -> ResponseReturnValue:
    names = db().scalars(
        select(ProductTag.tag).join(Product, Product.id == ProductTag.product_id).where(Product.listed)
    )
    return jsonify(tags=list(set(names)))  # in no order


@bp.post("/compare")
def compare() -> ResponseReturnValue:
    wanted = json_body(product_ids=wholes(4))["product_ids"]
    query = listed().where(Product.id.in_(wanted)).options(selectinload(Product.tags), selectinload(Product.category))
    found = {row.id: row for row in db().scalars(query)}
    if missing := [product_id for product_id in wanted if product_id not in found]:
        raise invalid("product_ids", f"not in the catalogue: {', '.join(map(str, missing))}")
    cheapest = min(found.values(), key=lambda row: (row.price_cents, row.id))
    return jsonify(products=[show_product(found[product_id]) for product_id in wanted], cheapest_id=cheapest.id)
