"""Questions and complaints, as their author sees them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, forbidden, not_found
from ..intake import choice, json_body, optional, text
from ..models import Ticket, TicketMessage
from ..paging import page_of
from ..security import current_user, is_staff, requires

bp = Blueprint("tickets", __name__, url_prefix="/api/tickets")


def show_row(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "number": ticket.number,
        "subject": ticket.subject,
        "priority": ticket.priority,
        "status": ticket.status,
        "assigned": ticket.assignee_id is not None,
        "updated_at": iso(ticket.updated_at),
    }


def show_message(message: TicketMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "author_id": message.author_id,
        "text": message.text,
        "created_at": iso(message.created_at),
    }


def show_ticket(ticket: Ticket, internal: bool) -> dict[str, Any]:
    seen = [message for message in ticket.messages if internal or not message.internal]
    return show_row(ticket) | {"messages": [show_message(message) for message in seen]}


def visible_ticket(ticket_id: int) -> Ticket:
    ticket = db().get(Ticket, ticket_id)
    if ticket is None:
        raise not_found("ticket")
    if ticket.user_id != current_user().id and not is_staff(current_user()):
        raise forbidden("This is not your ticket.")
    return ticket


@bp.post("")
@requires()
def open_ticket() -> ResponseReturnValue:
    data = json_body(
        subject=text(3, 120), text=text(3, 4000), priority=optional(choice("low", "normal", "urgent"), "normal")
    )
    ticket = Ticket(user_id=current_user().id, subject=data["subject"], priority=data["priority"])
    ticket.messages.append(TicketMessage(author_id=current_user().id, text=data["text"]))
    db().add(ticket)
    db().flush()
    ticket.number = f"T-{ticket.id:05d}"
    return jsonify(show_ticket(ticket, internal=False)), 201, {"Location": f"/api/tickets/{ticket.id}"}


@bp.get("")
@requires()
def tickets() -> ResponseReturnValue:
    return jsonify(page_of(select(Ticket).where(Ticket.user_id == current_user().id).order_by(Ticket.id), show_row))


@bp.get("/<int:ticket_id>")
@requires()
def ticket(ticket_id: int) -> ResponseReturnValue:
    if on("ticket_missing_500"):
        db().get_one(Ticket, ticket_id)
    found = visible_ticket(ticket_id)
    return jsonify(show_ticket(found, internal=is_staff(current_user()) or on("internal_notes_shown")))


@bp.post("/<int:ticket_id>/messages")
@requires()
def write(ticket_id: int) -> ResponseReturnValue:
    ticket = visible_ticket(ticket_id)
    data = json_body(text=text(1, 4000))
    if ticket.status == "closed":
        raise conflict("closed", "The ticket is closed.")
    message = TicketMessage(author_id=current_user().id, text=data["text"])
    ticket.messages.append(message)
    db().flush()
    return jsonify(show_message(message)), 201


@bp.post("/<int:ticket_id>/close")
@requires()
def close(ticket_id: int) -> ResponseReturnValue:
    ticket = visible_ticket(ticket_id)
    if ticket.status == "closed":
        raise conflict("closed", "The ticket is closed.")
    ticket.status = "closed"
    return jsonify(show_row(ticket))
