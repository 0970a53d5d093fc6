"""Outbound calls that fill a cache: made by one exchange for all that follow, so that each replay may be the one.

A token that is fetched once an hour, a rate, a set of keys: in the recording some exchange fetched it, in a fresh
instance another one does. Such calls go onto every tape as spare ones, and answer what the exchange itself never made.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from recorder.exchange import CallOutcome, Exchange, OutboundCall
from recorder.operations import Operation, operation_of

MAX_SPARE = 12
"""Calls: a process has few caches, and every request carries them."""
MAX_BODY = 8 * 1024
"""Bytes of a response; in all about as much again as a request has of header fields."""
_READS = frozenset(["GET", "HEAD", "OPTIONS"])
_CREDENTIALS = re.compile(r"(?:^|/)(?:oauth2?|tokens?|auth|authorize|sessions?|login)(?:/|$)", re.IGNORECASE)


def spare_calls(exchanges: Iterable[tuple[str, Exchange]]) -> tuple[OutboundCall, ...]:
    """The first call of each operation that only some exchanges of a route made; `exchanges` come with their routes.

    Reads of a fixed place (one that holds an id is about the exchange), and writes to where credentials are handed out.
    One for each URL and body.
    """
    groups: dict[tuple[str, str, int], list[frozenset[Operation]]] = defaultdict(list)
    first: dict[tuple[Operation, str, bytes], OutboundCall] = {}
    for route, exchange in exchanges:
        if exchange.outbound is None or exchange.response is None:
            continue
        made = set()
        for call in exchange.outbound:
            operation = operation_of(call.request)
            made.add(operation)
            if _may_be_cached(operation, call):
                first.setdefault((operation, call.request.target, call.request.body.data), call)
        status = exchange.response.status // 100
        groups[exchange.request.method, route, status].append(frozenset(made))
    seldom = frozenset(
        operation
        for group in groups.values()
        for operation in frozenset[Operation]().union(*group)
        if not all(operation in made for made in group)
    )
    spare = [call for (operation, _, _), call in first.items() if operation in seldom]
    return tuple(replace(call, outcome=CallOutcome.SPARE) for call in spare[:MAX_SPARE])


def _may_be_cached(operation: Operation, call: OutboundCall) -> bool:
    response = call.response
    if response is None or not 200 <= response.status < 300 or not response.body.complete:
        return False
    if len(response.body.data) > MAX_BODY:
        return False
    if "{}" in operation.template:
        return False
    return operation.method in _READS or _CREDENTIALS.search(operation.template) is not None
