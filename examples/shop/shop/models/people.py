"""Accounts and what belongs to them directly."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UserKey


class User(Base):
    __tablename__ = "users"

    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default="customer")
    active: Mapped[bool] = mapped_column(default=True)
    phone: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="en")
    marketing: Mapped[bool] = mapped_column(default=False)
    balance_cents: Mapped[int] = mapped_column(default=0)


class RefreshToken(Base):
    __tablename__ = "refresh_tokens"

    user_id: Mapped[UserKey]
    digest: Mapped[str] = mapped_column(index=True)
    device: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class WebSession(Base):
    __tablename__ = "web_sessions"

    user_id: Mapped[UserKey]
    key: Mapped[str] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class PasswordReset(Base):
    __tablename__ = "password_resets"

    user_id: Mapped[UserKey]
    digest: Mapped[str] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class Address(Base):
    __tablename__ = "addresses"

    user_id: Mapped[UserKey]
    label: Mapped[str]
    recipient: Mapped[str]
    street: Mapped[str]
    city: Mapped[str]
    postcode: Mapped[str]
    country: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=False)


class Notification(Base):
    __tablename__ = "notifications"

    user_id: Mapped[UserKey]
    kind: Mapped[str]
    text: Mapped[str]
    read_at: Mapped[datetime | None]


class AuditEntry(Base):
    __tablename__ = "audit_entries"

    user_id: Mapped[UserKey]
    action: Mapped[str]
    detail: Mapped[str]
