"""Money in a code, to give to somebody."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, not_found
from ..intake import amount, json_body, optional, text
from ..models import GiftCard
from ..money import show
from ..security import current_user, requires

bp = Blueprint("gift_cards", __name__, url_prefix="/api/gift-cards")


def show_card(card: GiftCard) -> dict[str, Any]:
    return {
        "code": card.code,
        "amount": show(card.amount_cents),
        "message": card.message,
        "status": card.status,
        "created_at": iso(card.created_at),
    }


def find_card(code: str) -> GiftCard:
    card = db().scalar(select(GiftCard).where(GiftCard.code == code))
    if card is None:
        raise not_found("gift card")
    return card


@bp.post("")
@requires()
def buy() -> ResponseReturnValue:
    data = json_body(amount=amount("500"), message=optional(text(0, 200), ""))
    card = GiftCard(
        code=f"GC-{secrets.token_hex(6).upper()}",
        buyer_id=current_user().id,
        amount_cents=data["amount"],
        message=data["message"],
        status="active",
    )
    db().add(card)
    db().flush()
    return jsonify(show_card(card)), 201, {"Location": f"/api/gift-cards/{card.code}"}


@bp.get("/balance")
@requires()
def balance() -> ResponseReturnValue:
    return jsonify(balance=show(current_user().balance_cents), currency="EUR")


@bp.get("/<code>")
@requires()
def card(code: str) -> ResponseReturnValue:
    shown = show_card(find_card(code))
    if on("gift_card_status_renamed") and shown["status"] == "active":
        shown["status"] = "enabled"
    return jsonify(shown)


@bp.post("/<code>/redeem")
@requires()
def redeem(code: str) -> ResponseReturnValue:
    card = find_card(code)
    if card.status != "active":
        raise conflict("redeemed", "This gift card has been redeemed.")
    card.status, card.redeemed_by = "redeemed", current_user().id
    current_user().balance_cents += card.amount_cents
    return jsonify(balance=show(current_user().balance_cents))
