"""What the shop has to tell a user."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, update

from ..changes import on
from ..clock import iso, now
from ..database import db
from ..errors import not_found
from ..models import Notification
from ..paging import page_of
from ..security import current_user, requires

bp = Blueprint("notifications", __name__, url_prefix="/api/notifications")


def show_notification(row: Notification) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "text": row.text,
        "read": row.read_at is not None,
        "created_at": iso(row.created_at),
    }


def own_notification(notification_id: int) -> Notification:
    found = db().get(Notification, notification_id)
    if found is None or found.user_id != current_user().id:
        raise not_found("notification")
    return found


@bp.get("")
@requires()
def notifications() -> ResponseReturnValue:
    order = Notification.id.asc() if on("notifications_oldest_first") else Notification.id.desc()
    mine = select(Notification).where(Notification.user_id == current_user().id).order_by(order)
    return jsonify(page_of(mine, show_notification, size=50))


@bp.get("/unread-count")
@requires()
def unread() -> ResponseReturnValue:
    mine = (Notification.user_id == current_user().id) & Notification.read_at.is_(None)
    return jsonify(unread=db().scalar(select(func.count(Notification.id)).where(mine)))


@bp.post("/<int:notification_id>/read")
@requires()
def read(notification_id: int) -> ResponseReturnValue:
    found = own_notification(notification_id)
    found.read_at = found.read_at or now()
    return jsonify(show_notification(found))


@bp.post("/read-all")
@requires()
def read_all() -> ResponseReturnValue:
    mine = (Notification.user_id == current_user().id) & Notification.read_at.is_(None)
    count = db().scalar(select(func.count(Notification.id)).where(mine))
    db().execute(update(Notification).where(mine).values(read_at=now()))
    return jsonify(marked=count)


@bp.delete("/<int:notification_id>")
@requires()
def remove(notification_id: int) -> ResponseReturnValue:
    db().delete(own_notification(notification_id))
    return "", 204
