"""From the cart to the invoice, and the money in between."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UserKey
from .catalogue import Product


class Coupon(Base):
    __tablename__ = "coupons"

    code: Mapped[str] = mapped_column(unique=True)
    percent: Mapped[int] = mapped_column(default=0)
    fixed_cents: Mapped[int] = mapped_column(default=0)
    minimum_cents: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    expires_at: Mapped[datetime | None]


class Cart(Base):
    __tablename__ = "carts"

    user_id: Mapped[UserKey]
    coupon_id: Mapped[int | None] = mapped_column(ForeignKey("coupons.id"))
    open: Mapped[bool] = mapped_column(default=True)

    coupon: Mapped[Coupon | None] = relationship()
    items: Mapped[list[CartItem]] = relationship(cascade="all, delete-orphan", order_by="CartItem.id")


class CartItem(Base):
    __tablename__ = "cart_items"

    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]

    product: Mapped[Product] = relationship()


class Order(Base):
    __tablename__ = "orders"

    number: Mapped[str] = mapped_column(index=True, default="")
    user_id: Mapped[UserKey]
    status: Mapped[str] = mapped_column(default="pending")
    subtotal_cents: Mapped[int]
    discount_cents: Mapped[int]
    tax_cents: Mapped[int]
    shipping_cents: Mapped[int]
    total_cents: Mapped[int]
    coupon_code: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")
    address_id: Mapped[int]
    address: Mapped[dict[str, Any]] = mapped_column(JSON)

    items: Mapped[list[OrderItem]] = relationship(cascade="all, delete-orphan", order_by="OrderItem.id")


class OrderItem(Base):
    __tablename__ = "order_items"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str]
    unit_cents: Mapped[int]
    quantity: Mapped[int]
    tax_rate: Mapped[str]


class OrderEvent(Base):
    __tablename__ = "order_events"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    event: Mapped[str]
    actor: Mapped[str]


class Payment(Base):
    __tablename__ = "payments"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    user_id: Mapped[UserKey]
    amount_cents: Mapped[int]
    status: Mapped[str]
    instrument: Mapped[str]
    provider_ref: Mapped[str] = mapped_column(default="")

    order: Mapped[Order] = relationship()
    refunds: Mapped[list[Refund]] = relationship(back_populates="payment", order_by="Refund.id")


class Refund(Base):
    __tablename__ = "refunds"

    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    amount_cents: Mapped[int]
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(default="requested")
    provider_ref: Mapped[str] = mapped_column(default="")

    payment: Mapped[Payment] = relationship(back_populates="refunds")


class Invoice(Base):
    __tablename__ = "invoices"

    number: Mapped[str] = mapped_column(default="")
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), unique=True)
    user_id: Mapped[UserKey]

    order: Mapped[Order] = relationship()


class GiftCard(Base):
    __tablename__ = "gift_cards"

    code: Mapped[str] = mapped_column(unique=True)
    buyer_id: Mapped[UserKey]
    amount_cents: Mapped[int]
    message: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="active")
    redeemed_by: Mapped[int | None]
