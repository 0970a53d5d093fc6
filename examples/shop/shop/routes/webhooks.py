"""Telling other systems, and being told by the payment provider."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso, now
from ..database import db
from ..errors import ApiError, conflict, not_found
from ..intake import choice, json_body, text
from ..models import Webhook, WebhookDelivery
from ..security import current_user, requires

bp = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")

EVENTS = ("order.paid", "order.shipped", "refund.approved")
MAX_WEBHOOKS = 5


def show_webhook(webhook: Webhook) -> dict[str, Any]:
    return {"id": webhook.id, "url": webhook.url, "event": webhook.event, "active": webhook.active}


def own_webhook(webhook_id: int) -> Webhook:
    webhook = db().get(Webhook, webhook_id)
    if webhook is None or webhook.user_id != current_user().id:
        raise not_found("webhook")
    return webhook


@bp.get("")
@requires()
def webhooks() -> ResponseReturnValue:
    rows = db().scalars(select(Webhook).where(Webhook.user_id == current_user().id).order_by(Webhook.id))
    shown = [(row, show_webhook(row)) for row in rows]
    if on("webhook_secret_shown"):
        for row, item in shown:
            item["secret"] = row.secret
    return jsonify(items=[item for _, item in shown])


@bp.post("")
@requires()
def add() -> ResponseReturnValue:
    data = json_body(url=text(8, 200, r"https://\S+"), event=choice(*EVENTS))
    mine = db().scalars(select(Webhook.id).where(Webhook.user_id == current_user().id)).all()
    if len(mine) >= MAX_WEBHOOKS:
        raise conflict("too_many", f"You may have {MAX_WEBHOOKS} webhooks.")
    webhook = Webhook(user_id=current_user().id, secret=secrets.token_urlsafe(24), **data)
    db().add(webhook)
    db().flush()
    return jsonify(show_webhook(webhook) | {"secret": webhook.secret}), 201, {"Location": f"/api/webhooks/{webhook.id}"}


@bp.get("/<int:webhook_id>")
@requires()
def webhook(webhook_id: int) -> ResponseReturnValue:
    return jsonify(show_webhook(own_webhook(webhook_id)))


@bp.delete("/<int:webhook_id>")
@requires()
def remove(webhook_id: int) -> ResponseReturnValue:
    db().delete(own_webhook(webhook_id))
    return "", 204


@bp.post("/<int:webhook_id>/test")
@requires()
def test(webhook_id: int) -> ResponseReturnValue:
    """Queues a delivery; the queue is somebody else's."""
    webhook = own_webhook(webhook_id)
    delivery = WebhookDelivery(event=webhook.event, status="queued", payload={"test": True, "sent_at": iso(now())})
    webhook.deliveries.append(delivery)
    db().flush()
    return jsonify(id=delivery.id, status=delivery.status), 202


@bp.get("/<int:webhook_id>/deliveries")
@requires()
def deliveries(webhook_id: int) -> ResponseReturnValue:
    rows = own_webhook(webhook_id).deliveries
    return jsonify(
        items=[{"id": row.id, "event": row.event, "status": row.status, "payload": row.payload} for row in rows]
    )


@bp.post("/provider")
def from_provider() -> ResponseReturnValue:
    key = current_app.config["SHOP_SETTINGS"].provider_secret.encode()
    expected = hmac.new(key, request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), request.headers.get("X-Provider-Signature", "").encode()):
        raise ApiError(401, "bad_signature", "The signature does not fit the body.")
    event = json_body(event=text(3, 60))["event"]
    return jsonify(received=event)
