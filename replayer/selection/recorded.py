"""What of a recording goes into a run: all of it, or what was selected, and an account of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diffing.ledger import LeftOut
from diffing.routes import RouteTable
from recorder.exchange import Exchange

from .select import DEFAULT_BUDGET, Selection, Source, route_table, select
from .strata import Stratum


@dataclass(frozen=True, slots=True)
class Budget:
    """How many exchanges are replayed at most. `asked` is None where nobody said; `everything` overrides it."""

    asked: int | None = None
    everything: bool = False
    seed: int = 1

    def fits(self, count: int) -> bool:
        """Whether a recording of so many exchanges is replayed whole."""
        return self.everything or count <= self.exchanges

    @property
    def exchanges(self) -> int:
        return DEFAULT_BUDGET if self.asked is None else self.asked

    @property
    def name(self) -> str:
        """What tells one selection from another: what was learned of one is not known of the other."""
        return f"{self.exchanges}:{self.seed}"


@dataclass(frozen=True, slots=True)
class Selected:
    """A part of a recording: its exchanges, and what is known of the rest."""

    exchanges: tuple[Exchange, ...]
    budget: Budget
    table: RouteTable  # of the whole recording
    strata: tuple[Stratum, ...]
    stratum_of: Mapping[str, int]  # by exchange id
    left_out: tuple[LeftOut, ...]
    hosts: frozenset[tuple[str, int]]
    closures: tuple[int, ...] = ()  # sizes
    cut: int = 0  # closures of which a part was left out


def selected(source: Source, recording_id: int, budget: Budget, tags: Sequence[str]) -> Selected:
    """Chooses a part of a recording and reads it. `tags` are route patterns."""
    table = route_table(source, recording_id)
    selection = select(source, recording_id, table, budget.exchanges, tags, budget.seed)
    exchanges: list[Exchange] = []
    stratum_of: dict[str, int] = {}
    for row, exchange in source.exchanges_numbered(list(selection.stratum_of)):
        exchanges.append(exchange)
        stratum_of[exchange.id] = selection.stratum_of[row]
    return Selected(
        tuple(exchanges),
        budget,
        table,
        selection.strata,
        stratum_of,
        tuple(_left_out(selection, exchanges, table)),
        selection.hosts,
        selection.closures,
        selection.cut,
    )


def _left_out(selection: Selection, exchanges: Sequence[Exchange], table: RouteTable) -> list[LeftOut]:
    """By route and recorded template how many exchanges are not in the part."""
    rest: Counter[tuple[str, str, str]] = Counter()
    for stratum in selection.strata:
        rest[stratum.method, stratum.route, stratum.route] += stratum.count
    for method, route, count in selection.untemplated:
        rest[method, route, ""] += count
        rest[method, route, route] -= count
    for exchange in exchanges:
        request = exchange.request
        rest[request.method, table.route(request.method, request.target, exchange.route), exchange.route] -= 1
    return [LeftOut(*key, count) for key, count in sorted(rest.items()) if count]
