"""Everything around a sale: files, links, hooks and conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UserKey


class Upload(Base):
    __tablename__ = "uploads"

    user_id: Mapped[UserKey]
    filename: Mapped[str]
    content_type: Mapped[str]
    digest: Mapped[str]
    data: Mapped[bytes]


class Export(Base):
    __tablename__ = "exports"

    user_id: Mapped[UserKey]
    kind: Mapped[str]
    row_count: Mapped[int]
    content: Mapped[str]


class Webhook(Base):
    __tablename__ = "webhooks"

    user_id: Mapped[UserKey]
    url: Mapped[str]
    event: Mapped[str]
    secret: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)

    deliveries: Mapped[list[WebhookDelivery]] = relationship(
        cascade="all, delete-orphan", order_by="WebhookDelivery.id"
    )


class WebhookDelivery(Base):
    __tablename__ = "webhook_deliveries"

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"), index=True)
    event: Mapped[str]
    status: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)


class ShareLink(Base):
    __tablename__ = "share_links"

    code: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[UserKey]
    wishlist_id: Mapped[int]
    expires_at: Mapped[datetime]


class Ticket(Base):
    __tablename__ = "tickets"

    number: Mapped[str] = mapped_column(default="")
    user_id: Mapped[UserKey]
    assignee_id: Mapped[int | None]
    subject: Mapped[str]
    priority: Mapped[str] = mapped_column(default="normal")
    status: Mapped[str] = mapped_column(default="open")

    messages: Mapped[list[TicketMessage]] = relationship(cascade="all, delete-orphan", order_by="TicketMessage.id")


class TicketMessage(Base):
    __tablename__ = "ticket_messages"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]
    internal: Mapped[bool] = mapped_column(default=False)
