"""What sending something costs."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from ..changes import on
from ..intake import json_body, optional, text, whole
from ..money import show
from ..pricing import ELSEWHERE, ZONES, shipping_cents

bp = Blueprint("shipping", __name__, url_prefix="/api/shipping")


@bp.get("/zones")
def zones() -> ResponseReturnValue:
    return jsonify(
        zones=[{"country": name, "zone": zone, "from": show(cents)} for name, (zone, cents) in ZONES.items()]
    )


@bp.post("/quotes")
def quote() -> ResponseReturnValue:
    default = None if on("shipping_quote_500") else 1000
    data = json_body(country=text(2, 2, r"[A-Z]{2}"), weight_grams=optional(whole(1, 100_000), default))
    zone, _ = ZONES.get(data["country"], ELSEWHERE)
    return jsonify(
        country=data["country"], zone=zone, price=show(shipping_cents(data["country"], data["weight_grams"]))
    )
