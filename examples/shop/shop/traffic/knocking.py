"""Trying every door: each route without a login, and with a login that does not fit."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import Rule

from .person import Person
from .tally import endpoints

OPEN = ("/health", "/ready", "/version", "/web/", "/api/auth/", "/api/webhooks/provider")
STAFF_ONLY = ("/api/admin", "/api/support", "/api/reports", "/api/roles", "/api/stock")
PARAMETERS = {
    "number": "order_number",
    "code": "gift_card",
    "session_id": "order_id",
    "product_id": "order_id",
    "coupon_id": "address_id",
    "item_id": "order_id",
}
# what a stranger may do to them, or what would change something that somebody else looks at
HARMFUL = ("/vote", "/products/<int:product_id>/reviews", "/redeem")


def doors(me: Person, of: int) -> list[tuple[str, Rule]]:
    """This person's share of all endpoints."""
    listed = [(method, rule) for method, rule in endpoints(me.tally.routes) if not rule.rule.startswith(OPEN)]
    return listed[me.facts["turn"] :: of]


def path_of(me: Person, rule: Rule) -> str:
    values: dict[str, Any] = {}
    for name in rule.arguments:
        known = PARAMETERS.get(name, name)
        values[name] = me.stranger(known) if known in me.foreign else "office"
    built = rule.build(values)
    return str(built[1]) if built else rule.rule


def knock(me: Person, of: int) -> None:
    for method, rule in doors(me, of):
        path = path_of(me, rule)
        body = {} if method in ("POST", "PUT", "PATCH") else None
        me.call(method, path, body, anonymous=True)
        foreign = bool(rule.arguments) or rule.rule.startswith(STAFF_ONLY)
        if foreign and not rule.rule.endswith(HARMFUL):
            me.call(method, path, body)
    me.get("/api/reports/sales")
    me.get("/api/reports/sales", anonymous=True)
