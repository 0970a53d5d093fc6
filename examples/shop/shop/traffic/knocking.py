"""Trying every door: each route without a login, and with a login that does not fit."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import Rule

from .person import Person
from .tally import endpoints

OPEN = ("/health", "/ready", "/version", "/web/")
STAFF_ONLY = ("/api/admin", "/api/support", "/api/reports", "/api/roles", "/api/stock")
NOBODYS = 777_777
# a product that nobody buys or reviews; ids that nobody has, where a stranger's could be one's own by chance
FIXED = {
    "product_id": 60,
    "coupon_id": 1,
    "item_id": NOBODYS,
    "session_id": NOBODYS,
    "name": "office",
    "slug": "office",
}
ALIASES = {"number": "order_number", "code": "gift_card", "sku": "order_number"}
# what a stranger may do to them, or what would change something that somebody else looks at
HARMFUL = ("/vote", "/products/<int:product_id>/reviews", "/redeem")


def doors(me: Person, of: int) -> list[tuple[str, Rule]]:
    """This person's share of all endpoints."""
    listed = [(method, rule) for method, rule in endpoints(me.tally.routes) if not rule.rule.startswith(OPEN)]
    return listed[me.facts["turn"] :: of]


def path_of(me: Person, rule: Rule) -> str:
    values: dict[str, Any] = {}
    for name in rule.arguments:
        values[name] = FIXED[name] if name in FIXED else me.stranger(ALIASES.get(name, name))
    built = rule.build(values)
    return str(built[1]) if built else rule.rule


def knock(me: Person, of: int) -> None:
    for method, rule in doors(me, of):
        path = path_of(me, rule)
        body: Any = {} if method in ("POST", "PUT", "PATCH") else None
        me.call(method, path, body, anonymous=True)
        foreign = bool(rule.arguments) or rule.rule.startswith(STAFF_ONLY)
        if foreign and not rule.rule.endswith(HARMFUL):
            me.call(method, path, body)
    me.get("/api/reports/sales")
    me.get("/api/reports/sales", anonymous=True)
