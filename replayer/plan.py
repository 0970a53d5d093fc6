"""From a recording to a plan: what is sent, in which order, and what has to wait for what.

The order is partial (comparison.md 3.2 in the design's terms: the conflict graph). An exchange waits for

- the one before it in its session,
- the one that handed out a value that it uses,
- earlier exchanges that touched the same thing, unless both only read: a thing is an identifier of a sort, a principal,
  or the collection that a listing shows,
- earlier exchanges that took a number from the same series, so that every pass numbers the same things alike,
- every earlier write, when it reads something whose dependencies the recording does not explain (totals, statistics).

Any order that respects these edges leaves the same state behind, so exchanges may run side by side.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from diffing.atoms import is_integer, is_opaque
from diffing.difference import Reason
from recorder.exchange import BodyState, Exchange, header

from .flow import Flow, Step, consumed, handed_out, infer
from .produced import IDENTITY_KEYS, Produced, produced
from .sessions import principals, sessions
from .spans import slots
from .unexplained import Key, Touch, unexplained_reads

_SIGNED_SCHEMES = ("digest ", "hawk ", "aws4-", "signature ", "oauth ", "hoba ", "ntlm ", "negotiate ")
_ROW_IDENTITY = re.compile(r"\[\*\](\.(" + "|".join(IDENTITY_KEYS) + r"))?$")
_PAGE_ROW = re.compile(r"\|\$html\.(link|input)\b.*\[")
MIN_PAGE_ROWS = 3
"""Different things that one page links to, at one place of the address, before it counts as a listing of them."""

MAX_INHERITED = 64
"""Identifiers that a write inherits from its session's earlier writes (a checkout buys what was put in the cart)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in recorded order; `depends[i]` are the steps that step i waits for, all with smaller indices."""

    steps: tuple[Step, ...]
    flow: Flow
    depends: tuple[frozenset[int], ...]
    skipped: tuple[Reason | None, ...]

    @property
    def critical_path(self) -> int:
        """Length in steps of the longest chain of dependencies: no parallel replay takes fewer rounds."""
        depth: list[int] = []
        for waits in self.depends:
            depth.append(1 + max((depth[i] for i in waits), default=0))
        return max(depth, default=0)


def make_plan(exchanges: Iterable[Exchange], route_of: Callable[[Exchange], str]) -> Plan:
    """Plans the replay of a recording. `route_of` gives each exchange's template, inferred where none was recorded."""
    steps, flow = steps_and_flow(exchanges, route_of)
    skipped = tuple(_unsendable(step.exchange) for step in steps)
    return Plan(steps, flow, _Edges(steps, flow).build(), skipped)


def steps_and_flow(exchanges: Iterable[Exchange], route_of: Callable[[Exchange], str]) -> tuple[tuple[Step, ...], Flow]:
    """The part of a plan that says what is done in which order and how values flow, but not what waits for what."""
    # The end is the better witness of the order in which overlapping exchanges reached the database.
    ordered = sorted(exchanges, key=lambda e: (min(e.ended, e.started + 1.0), e.started, e.sequence, e.id))
    ordered = _keep_causes_first(ordered)
    numbers, owners = sessions(ordered), principals(ordered)
    steps = tuple(
        prepared(index, exchange, route_of(exchange), numbers[index], owners[index])
        for index, exchange in enumerate(ordered)
    )
    return steps, infer(steps)


def prepared(index: int, exchange: Exchange, route: str, session: int, principal: str) -> Step:
    """One step, with what goes into its request and what came out of its recorded response taken apart."""
    return Step(
        index=index,
        exchange=exchange,
        route=route,
        session=session,
        principal=principal,
        slots=slots(exchange.request, route),
        produced=produced(exchange.response, as_json=True) if exchange.response else Produced(),
    )


def _keep_causes_first(ordered: list[Exchange]) -> list[Exchange]:
    """One producer's sequence of non-overlapping exchanges stays as it started."""
    result: list[Exchange] = []
    for exchange in ordered:
        position = len(result)
        # an exchange that had ended before another one of the list began goes before it
        while position > 0 and result[position - 1].started > exchange.ended:
            position -= 1
        result.insert(position, exchange)
    return result


def _unsendable(exchange: Exchange) -> Reason | None:
    body = exchange.request.body
    if body.state is not BodyState.COMPLETE and len(body.data) < body.size:
        return Reason.INCOMPLETE_REQUEST
    status = exchange.response.status if exchange.response else 0
    if 200 <= status < 400:
        scheme = header(exchange.request.headers, "authorization").lower()
        signed = scheme.startswith(_SIGNED_SCHEMES)
        if signed or any("signature" in name.lower() for name, _ in exchange.request.headers):
            return Reason.UNSIGNABLE
    return None


@dataclass(slots=True)
class _Access:
    """Who last wrote a key, and who has read it since."""

    writer: int | None = None
    readers: set[int] = field(default_factory=set)


class _Edges:
    def __init__(self, steps: Sequence[Step], flow: Flow) -> None:
        self._steps = steps
        self._flow = flow
        self._depends: list[set[int]] = [set() for _ in steps]
        self._access: dict[Key, _Access] = defaultdict(_Access)
        self._parents: dict[Key, frozenset[Key]] = {}
        self._listings = _listings(steps, flow)
        self._public = {sort for shown in self._listings.values() for sort, private in shown if not private}
        self._private = {sort for shown in self._listings.values() for sort, private in shown if private}
        self._identifying = identifying(flow)

    def build(self) -> tuple[frozenset[int], ...]:
        last: dict[int, int] = {}
        barrier_reads: list[int] = []
        writes: list[int] = []
        touches = list(self._touches())
        unexplained = unexplained_reads(self._steps, self._flow, self._identifying, touches)
        for step, touch in zip(self._steps, touches, strict=True):
            waits = self._depends[step.index]
            if step.session in last:
                waits.add(last[step.session])
            last[step.session] = step.index
            waits.update(self._producers(step))
            for key in touch.keys:
                (self._read if touch.reads else self._write)(key, step.index)
            if not touch.reads:
                waits.update(barrier_reads)
                writes.append(step.index)
            elif step.route in unexplained:
                waits.update(writes)
                writes = [step.index]  # a later barrier waits for this one, and through it for those writes
                barrier_reads = [step.index]
            waits.discard(step.index)
        return tuple(frozenset(waits) for waits in self._depends)

    def _touches(self) -> Iterator[Touch]:
        """What each step touches, in order."""
        inherited: dict[int, dict[Key, None]] = defaultdict(dict)
        for step in self._steps:
            keys = self._keys(step)
            if step.reads and not _acts(step, self._flow):
                yield Touch(True, frozenset(keys | self._collections(step)))
                continue
            mine = inherited[step.session]
            changed = self._changed_collections(step, keys)
            keys |= set(mine)
            for key in sorted(keys):
                if key[0] != "principal" and len(mine) < MAX_INHERITED:
                    mine[key] = None
            yield Touch(False, frozenset(keys | changed | self._numbered(step)))

    def _read(self, key: Key, index: int) -> None:
        access = self._access[key]
        if access.writer is not None:
            self._depends[index].add(access.writer)
        access.readers.add(index)

    def _write(self, key: Key, index: int) -> None:
        access = self._access[key]
        if access.writer is not None:
            self._depends[index].add(access.writer)
        self._depends[index] |= access.readers
        access.writer, access.readers = index, set()

    def _producers(self, step: Step) -> set[int]:
        found: set[int] = set()
        for _, location, value in consumed(step):
            sort = self._flow.sorts.get(location)
            for producer in (
                self._flow.first_seen.get((sort, value)) if sort else None,
                self._flow.tokens.get(value) if is_opaque(value) else None,
            ):
                if producer is not None and producer < step.index:
                    found.add(producer)
        return found

    def _keys(self, step: Step) -> set[Key]:
        """The things that an exchange touches: what it names, what it shows, and their parents."""
        keys: set[Key] = set()
        named: set[Key] = set()
        for slot, location, value in consumed(step):
            sort = self._flow.sorts.get(location)
            if sort is not None and sort in self._identifying:
                key: Key = (sort, value)
                keys.add(key)
                if slot.location.startswith("path["):
                    named.add(key)
            elif "@" in value and "." in value.rpartition("@")[2] and not step.reads:
                keys.add(("text", value.lower()))
        for location, value in handed_out(step):
            sort = self._flow.sorts.get(location)
            if sort is not None and sort in self._identifying:
                keys.add((sort, value))
            elif is_opaque(value):
                keys.add(("opaque", value))
        for thing in list(keys):
            if named and thing not in self._parents and thing not in named and self._made_here(thing, step):
                self._parents[thing] = frozenset(named)
        for thing in list(keys):
            keys |= self._parents.get(thing, frozenset())
        keys = {thing for thing in keys if thing[0] != "opaque"}
        if step.principal:
            keys.add(("principal", step.principal))
        return keys

    def _made_here(self, key: Key, step: Step) -> bool:
        if len(key) != 2:
            return False
        if key[0] == "opaque":
            return self._flow.tokens.get(key[1]) == step.index
        return self._flow.created.get((key[0], key[1])) == step.index

    def _collections(self, step: Step) -> set[Key]:
        """The collections that a listing shows: of everybody, or of its principal alone where that is all it shows."""
        found: set[Key] = set()
        for sort, private in self._listings.get((step.exchange.request.method, step.route), ()):
            found.add(("listing", sort, step.principal if private else "*"))
        return found

    def _changed_collections(self, step: Step, keys: Iterable[Key]) -> set[Key]:
        """The collections that a write may change: of what its path names and of what it makes.

        What its body only refers to changes no collection, though the thing itself may change (an order takes from
        the stock of its product), and stays a key of its own.
        """
        named = {
            (self._flow.sorts.get(location), value)
            for slot, location, value in consumed(step)
            if slot.location.startswith("path[")
        }
        found: set[Key] = set()
        for key in keys:
            if key not in named and not self._made_here(key, step):
                continue
            if key[0] in self._public:
                found.add(("listing", key[0], "*"))
            if key[0] in self._private:
                found.add(("listing", key[0], step.principal))
        return found

    def _numbered(self, step: Step) -> set[Key]:
        """The series that a write takes a number from: kept in order, every pass numbers the same things alike."""
        return {
            ("series", sort)
            for location, value in handed_out(step)
            if (sort := self._flow.sorts.get(location)) is not None
            and is_integer(value)
            and self._flow.created.get((sort, value)) == step.index
        }


def _acts(step: Step, flow: Flow) -> bool:
    """Whether a read may have changed what it names: it answers with a redirect, as a link that does something does.

    `/tickets/5/?take` and `/logout` should be forms, and often are not. Who is only sent to another page waits in vain.
    """
    return 300 <= step.status < 400 and any(
        slot.location.startswith(("path[", "query.")) and location in flow.sorts for slot, location, _ in consumed(step)
    )


def identifying(flow: Flow) -> set[str]:
    """The sorts that name things; what goes into headers and cookies is a credential, ordered by its session."""
    credentials = {sort for location, sort in flow.sorts.items() if "|>header." in location or "|>cookie." in location}
    return set(flow.sorts.values()) - credentials


def _listings(steps: Sequence[Step], flow: Flow) -> dict[tuple[str, str], set[tuple[str, bool]]]:
    """For each reading route the sorts whose rows it lists, and whether a reader ever saw a row that others made."""
    makers = {key: steps[index].principal for key, index in flow.created.items()}
    foreign: dict[tuple[str, str, str], bool] = {}
    for step in steps:
        if not step.reads:
            continue
        shown = handed_out(step)
        linked = Counter(location for location, _ in set(shown) if _PAGE_ROW.search(location))
        for location, value in shown:
            sort = flow.sorts.get(location)
            if sort is None or not (_ROW_IDENTITY.search(location) or linked[location] >= MIN_PAGE_ROWS):
                continue
            maker = makers.get((sort, value))
            key = (step.exchange.request.method, step.route, sort)
            stranger = not step.principal or (maker is not None and maker != step.principal)
            foreign[key] = foreign.get(key, False) or stranger
    found: dict[tuple[str, str], set[tuple[str, bool]]] = defaultdict(set)
    for (method, route, sort), stranger in foreign.items():
        found[method, route].add((sort, not stranger))
    return found
