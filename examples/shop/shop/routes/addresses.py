"""Where parcels go."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select, update

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import not_found
from ..intake import given, json_body, optional, text
from ..models import Address
from ..security import current_user, requires

bp = Blueprint("addresses", __name__, url_prefix="/api/addresses")

POSTCODE = r"[0-9]{4,5}"
FIELDS = {
    "label": text(1, 40),
    "recipient": text(2, 80),
    "street": text(2, 120),
    "city": text(1, 80),
    "country": text(2, 2, r"[A-Z]{2}"),
}


def show_address(address: Address) -> dict[str, Any]:
    return {
        "id": address.id,
        "label": address.label,
        "recipient": address.recipient,
        "street": address.street,
        "city": address.city,
        "postcode": address.postcode,
        "country": address.country,
        "default": address.is_default,
        "created_at": iso(address.created_at),
    }


def own_address(address_id: int) -> Address:
    address = db().get(Address, address_id)
    if address is None or address.user_id != current_user().id:
        raise not_found("address")
    return address


@bp.get("")
@requires()
def addresses() -> ResponseReturnValue:
    mine = db().scalars(select(Address).where(Address.user_id == current_user().id).order_by(Address.id))
    return jsonify(items=[show_address(address) for address in mine])


@bp.post("")
@requires()
def add() -> ResponseReturnValue:
    postcode = text(1, 40) if on("postcode_unchecked") else text(4, 5, POSTCODE)
    address = Address(user_id=current_user().id, **json_body(**FIELDS, postcode=postcode))
    db().add(address)
    db().flush()
    place = "/api/address/{}" if on("address_location_wrong") else "/api/addresses/{}"
    return jsonify(show_address(address)), 201, {"Location": place.format(address.id)}


@bp.get("/<int:address_id>")
@requires()
def address(address_id: int) -> ResponseReturnValue:
    return jsonify(show_address(own_address(address_id)))


@bp.put("/<int:address_id>")
@requires()
def replace(address_id: int) -> ResponseReturnValue:
    address = own_address(address_id)
    for name, value in json_body(**FIELDS, postcode=text(4, 5, POSTCODE)).items():
        setattr(address, name, value)
    return jsonify(show_address(address))


@bp.patch("/<int:address_id>")
@requires()
def change(address_id: int) -> ResponseReturnValue:
    address = own_address(address_id)
    rules = {name: optional(rule) for name, rule in FIELDS.items()}
    for name, value in given(json_body(**rules, postcode=optional(text(4, 5, POSTCODE)))).items():
        setattr(address, name, value)
    return jsonify(show_address(address))


@bp.delete("/<int:address_id>")
@requires()
def remove(address_id: int) -> ResponseReturnValue:
    db().delete(own_address(address_id))
    return "", 204


@bp.post("/<int:address_id>/default")
@requires()
def make_default(address_id: int) -> ResponseReturnValue:
    address = own_address(address_id)
    db().execute(update(Address).where(Address.user_id == address.user_id).values(is_default=False))
    address.is_default = True
    db().flush()
    return jsonify(show_address(address))
