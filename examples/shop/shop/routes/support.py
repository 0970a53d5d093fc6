"""Tickets from the other side of the counter."""

from __future__ import annotations

import secrets

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..database import db
from ..errors import conflict, forbidden
from ..intake import json_body, query_whole, text
from ..models import Notification, PasswordReset, Ticket, TicketMessage
from ..paging import page_of
from ..security import STAFF, current_user, digest, requires
from .admin import find_user
from .tickets import show_message, show_row, visible_ticket

bp = Blueprint("support", __name__, url_prefix="/api/support")


@bp.get("/tickets")
@requires(*STAFF)
def queue() -> ResponseReturnValue:
    query = select(Ticket).order_by(Ticket.id)
    if "user_id" in request.args:
        query = query.where(Ticket.user_id == query_whole("user_id", 0, 1, 2**31))
    if "status" in request.args:
        query = query.where(Ticket.status == request.args["status"])
    return jsonify(page_of(query, show_row))


@bp.post("/tickets/<int:ticket_id>/assign")
@requires(*STAFF)
def assign(ticket_id: int) -> ResponseReturnValue:
    if on("support_locked_out") and current_user().role != "admin":
        raise forbidden()
    ticket = visible_ticket(ticket_id)
    ticket.assignee_id = current_user().id
    return jsonify(show_row(ticket))


@bp.post("/tickets/<int:ticket_id>/reply")
@requires(*STAFF)
def reply(ticket_id: int) -> ResponseReturnValue:
    ticket = visible_ticket(ticket_id)
    data = json_body(text=text(1, 4000))
    if ticket.status == "closed":
        raise conflict("closed", "The ticket is closed.")
    message = TicketMessage(author_id=current_user().id, text=data["text"])
    ticket.messages.append(message)
    ticket.status = "answered"
    db().add(Notification(user_id=ticket.user_id, kind="ticket", text=f"{ticket.number} was answered."))
    db().flush()
    return jsonify(show_message(message)), 201


@bp.post("/tickets/<int:ticket_id>/notes")
@requires(*STAFF)
def add_note(ticket_id: int) -> ResponseReturnValue:
    ticket = visible_ticket(ticket_id)
    message = TicketMessage(author_id=current_user().id, text=json_body(text=text(1, 4000))["text"], internal=True)
    ticket.messages.append(message)
    db().flush()
    return jsonify(show_message(message)), 201


@bp.post("/users/<int:user_id>/reset-link")
@requires(*STAFF)
def reset_link(user_id: int) -> ResponseReturnValue:
    """A one-time token that support reads out to a user on the telephone."""
    user = find_user(user_id)
    token = secrets.token_urlsafe(18)
    db().add(PasswordReset(user_id=user.id, digest=digest(token)))
    return jsonify(user_id=user.id, reset_token=token), 201
