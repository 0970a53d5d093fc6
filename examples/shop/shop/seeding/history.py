"""Orders of last year, in every state, with their payments, refunds and invoices."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from ..models import Address, Base, Invoice, Order, OrderEvent, OrderItem, Payment, Product, Refund, Ticket, User
from ..money import tax_of
from ..pricing import shipping_cents

T = TypeVar("T", bound=Base)

# the states that an order has gone through
PATHS = (
    ("placed", "paid", "shipped", "delivered"),
    ("placed", "paid"),
    ("placed", "cancelled"),
    ("placed", "paid", "shipped"),
    ("placed",),
)


def name_after_id(row: Order | Invoice | Ticket, form: str) -> None:
    """Gives a row its number, and leaves the time of its last change as it is."""
    row.number = form.format(row.id)
    flag_modified(row, "updated_at")


class OrderHistory:
    """Writes what one user has bought."""

    def __init__(self, session: Session, chance: random.Random, tick: Callable[[], datetime]) -> None:
        self.session = session
        self.random = chance
        self.tick = tick

    def add(self, row: T) -> T:
        row.created_at = row.updated_at = self.tick()
        self.session.add(row)
        self.session.flush()
        return row

    def write(self, user: User, address: Address, products: list[Product]) -> Iterator[tuple[str, Any]]:
        """Yields each id that was made, under the name that routes give it."""
        for path in (*PATHS, *self.random.choices(PATHS, k=self.random.randint(2, 4))):
            order = self._order(user, address, self.random.sample(products, self.random.randint(1, 3)))
            order.status = "pending" if path == ("placed",) else path[-1]
            for event in path:
                self.add(OrderEvent(order_id=order.id, event=event, actor="customer"))
            yield "order_id", order.id
            yield "order_number", order.number
            if "paid" in path:
                yield from self._money(order)

    def _order(self, user: User, address: Address, products: list[Product]) -> Order:
        items = []
        moment = self.tick()
        for product in products:
            item = OrderItem(
                product_id=product.id,
                name=product.name,
                unit_cents=product.price_cents,
                quantity=self.random.randint(1, 3),
                tax_rate=product.tax_rate,
            )
            item.created_at = item.updated_at = moment
            items.append(item)
        subtotal = sum(item.unit_cents * item.quantity for item in items)
        tax = sum(tax_of(item.unit_cents * item.quantity, item.tax_rate) for item in items)
        shipping = shipping_cents(address.country, 900)
        place = {
            "id": address.id,
            "label": address.label,
            "recipient": address.recipient,
            "street": address.street,
            "city": address.city,
            "postcode": address.postcode,
            "country": address.country,
            "default": True,
            "created_at": None,
        }
        order = self.add(
            Order(
                user_id=user.id,
                subtotal_cents=subtotal,
                discount_cents=0,
                tax_cents=tax,
                shipping_cents=shipping,
                total_cents=subtotal + tax + shipping,
                address_id=address.id,
                address=place,
                items=items,
            )
        )
        name_after_id(order, "ORD-{:06d}")
        return order

    def _money(self, order: Order) -> Iterator[tuple[str, int]]:
        payment = self.add(
            Payment(
                order_id=order.id,
                user_id=order.user_id,
                amount_cents=order.total_cents,
                status="captured",
                instrument="visa",
                provider_ref=f"ch_{order.id:020x}",
            )
        )
        yield "payment_id", payment.id
        if order.status == "delivered":
            refund = self.add(Refund(payment_id=payment.id, amount_cents=100, reason="scratched", status="approved"))
            yield "refund_id", refund.id
        if order.status != "paid":
            invoice = self.add(Invoice(order_id=order.id, user_id=order.user_id))
            name_after_id(invoice, "INV-{:06d}")
            yield "invoice_id", invoice.id
