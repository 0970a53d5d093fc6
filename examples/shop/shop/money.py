"""Money: whole cents in the database, `Decimal` while it is computed, a string with two places towards clients."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
TAX_RATES = {"standard": Decimal("0.19"), "reduced": Decimal("0.07"), "none": Decimal("0")}


def show(cents: int) -> str:
    """1250 -> "12.50"."""
    return str((Decimal(cents) / 100).quantize(CENT))


def cents(amount: Decimal, rounding: str = ROUND_HALF_UP) -> int:
    """Decimal("12.505") -> 1251."""
    return int((amount * 100).quantize(Decimal(1), rounding))


def tax_of(net_cents: int, rate: str, rounding: str = ROUND_HALF_UP) -> int:
    """The tax on top of a net amount, rounded once per line as the law has it."""
    return int((Decimal(net_cents) * TAX_RATES[rate]).quantize(Decimal(1), rounding))


def percent_of(amount_cents: int, percent: int) -> int:
    return int((Decimal(amount_cents) * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))
