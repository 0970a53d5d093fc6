"""What a cart costs: discount first, then tax per line, then shipping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP
from typing import Any

from .clock import now
from .errors import conflict
from .models import Cart, CartItem, Coupon
from .money import percent_of, show, tax_of

FREE_SHIPPING_CENTS = 10_000
ZONES = {"DE": ("domestic", 490), "AT": ("neighbour", 890), "CH": ("neighbour", 1290), "FR": ("union", 990)}
ELSEWHERE = ("world", 2490)
CENTS_PER_EXTRA_KILO = 120


@dataclass(frozen=True, slots=True)
class Totals:
    """All in cents."""

    subtotal: int
    discount: int
    tax: int
    shipping: int

    @property
    def total(self) -> int:
        return self.subtotal - self.discount + self.tax + self.shipping

    def as_json(self) -> dict[str, Any]:
        return {
            "subtotal": show(self.subtotal),
            "discount": show(self.discount),
            "tax": show(self.tax),
            "shipping": show(self.shipping),
            "total": show(self.total),
            "currency": "EUR",
        }


def discount_of(coupon: Coupon | None, subtotal: int) -> int:
    if coupon is None or subtotal < coupon.minimum_cents:
        return 0
    return min(subtotal, coupon.fixed_cents + percent_of(subtotal, coupon.percent))


def check_coupon(coupon: Coupon | None) -> Coupon:
    """Raises ApiError 409 for a coupon that cannot be used now."""
    if coupon is None or not coupon.active:
        raise conflict("coupon_unknown", "This coupon is not valid.")
    if coupon.expires_at is not None and coupon.expires_at < now():
        raise conflict("coupon_expired", "This coupon has expired.")
    return coupon


def shipping_cents(country: str, weight_grams: int) -> int:
    """A flat price by zone for the first kilogram, more for each further one begun."""
    _, base = ZONES.get(country, ELSEWHERE)
    extra = max(0, -(-weight_grams // 1000) - 1)
    return base + extra * CENTS_PER_EXTRA_KILO


def totals_of(cart: Cart, country: str = "DE", rounding: str = ROUND_HALF_UP) -> Totals:
    subtotal = sum(item.product.price_cents * item.quantity for item in cart.items)
    discount = discount_of(cart.coupon, subtotal)
    weight = sum(item.product.weight_grams * item.quantity for item in cart.items)
    shipping = 0 if not cart.items or subtotal >= FREE_SHIPPING_CENTS else shipping_cents(country, weight)
    return Totals(subtotal, discount, _tax(cart.items, subtotal, discount, rounding), shipping)


def _tax(items: Sequence[CartItem], subtotal: int, discount: int, rounding: str) -> int:
    """The discount lowers each line in proportion."""
    tax = 0
    for item in items:
        line = item.product.price_cents * item.quantity
        net = line - line * discount // subtotal if subtotal else 0
        tax += tax_of(net, item.product.tax_rate, rounding)
    return tax
