"""Reads that a recording repeats, with nothing written by the same client in between: what differs moves by itself.

Without a baseline there is no second pass of the release that is trusted. But production polled a job until it was
done, and read lists that others added to: a replay that reads them sooner or later sees what lies between.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from recorder.exchange import Exchange

READS = frozenset(["GET", "HEAD", "OPTIONS"])
MAX_READS = 50_000
"""Reads that are remembered at a time."""


@dataclass(slots=True)
class Repeats:
    """Goes through the exchanges of a recording in order."""

    _last: dict[tuple[str, str], Exchange] = field(default_factory=dict)  # client and target -> the read before
    _targets: dict[str, set[str]] = field(default_factory=dict)  # by client

    def before(self, exchange: Exchange) -> Exchange | None:
        """The same client's last read of the same thing, if it has written nothing since."""
        who = exchange.principal or exchange.client
        if exchange.request.method not in READS:
            for target in self._targets.pop(who, ()):
                self._last.pop((who, target), None)
            return None
        if not who or exchange.response is None:
            return None
        target = exchange.request.target
        before = self._last.get((who, target))
        if before is not None or len(self._last) < MAX_READS:
            self._last[who, target] = exchange
            self._targets.setdefault(who, set()).add(target)
        return before
