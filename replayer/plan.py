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
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from diffing.atoms import canonical, is_integer, is_opaque, location_key
from diffing.difference import Reason
from diffing.times import moment
from recorder.exchange import BodyState, Exchange, header

from .flow import Flow, Step, consumed, handed_out, infer
from .produced import IDENTITY_KEYS, Produced, produced
from .sessions import principals, sessions
from .spans import slots

Key = tuple[str, ...]

_SIGNED_SCHEMES = ("digest ", "hawk ", "aws4-", "signature ", "oauth ", "hoba ", "ntlm ", "negotiate ")
_ROW_IDENTITY = re.compile(r"\[\*\](\.(" + "|".join(IDENTITY_KEYS) + r"))?$")
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
    # The end is the better witness of the order in which overlapping exchanges reached the database.
    ordered = sorted(exchanges, key=lambda e: (min(e.ended, e.started + 1.0), e.started, e.sequence, e.id))
    ordered = _keep_causes_first(ordered)
    numbers, owners = sessions(ordered), principals(ordered)
    steps = tuple(
        Step(
            index=index,
            exchange=exchange,
            route=(route := route_of(exchange)),
            session=numbers[index],
            principal=owners[index],
            slots=slots(exchange.request, route),
            produced=produced(exchange.response) if exchange.response else Produced(),
        )
        for index, exchange in enumerate(ordered)
    )
    flow = infer(steps)
    skipped = tuple(_unsendable(step.exchange) for step in steps)
    return Plan(steps, flow, _Edges(steps, flow).build(), skipped)


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
        self._identifying = _identifying(flow)

    def build(self) -> tuple[frozenset[int], ...]:
        last: dict[int, int] = {}
        inherited: dict[int, dict[Key, None]] = defaultdict(dict)
        barrier_reads: list[int] = []
        writes: list[int] = []
        unexplained = self._unexplained()
        for step in self._steps:
            waits = self._depends[step.index]
            if step.session in last:
                waits.add(last[step.session])
            last[step.session] = step.index
            waits.update(self._producers(step))
            keys = self._keys(step)
            if step.reads:
                for key in keys | self._collections(step):
                    self._read(key, step.index)
                if step.route in unexplained:
                    waits.update(writes)
                    writes = [step.index]  # a later barrier waits for this one, and through it for those writes
                    barrier_reads = [step.index]
            else:
                mine = inherited[step.session]
                changed = self._changed_collections(step, keys)
                keys |= set(mine)
                for key in sorted(keys):
                    if key[0] != "principal" and len(mine) < MAX_INHERITED:
                        mine[key] = None
                for key in keys | changed | self._numbered(step):
                    self._write(key, step.index)
                waits.update(barrier_reads)
                writes.append(step.index)
            waits.discard(step.index)
        return tuple(frozenset(waits) for waits in self._depends)

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

    def _unexplained(self) -> set[str]:
        """Routes of reads whose answers change for reasons that no identifier shows.

        Totals and counts name nothing. A row that turned up, or says that it was made, during the recording, though no
        write handed out its identifier, was made by some write as a side effect: a notice, an entry of a log.
        """
        silent: dict[str, bool] = {}
        bodies: dict[tuple[str, str], set[str]] = defaultdict(set)
        routes: set[str] = set()
        began = min((step.exchange.started for step in self._steps), default=0.0)
        shown: dict[tuple[str, str], set[Key]] = {}
        for step in self._steps:
            if not step.reads or not 200 <= step.status < 300 or step.produced.body is None:
                continue
            silent[step.route] = silent.get(step.route, True) and not self._names_something(step)
            bodies[step.route, step.exchange.request.target].add(_stable_text(step))
            rows = self._rows_of_nobody(step)
            seen = shown.setdefault((step.exchange.request.target, step.principal), set(rows))
            if rows.keys() - seen or any(began <= made for made in rows.values()):
                routes.add(step.route)
            seen |= rows.keys()
        changing = {route for (route, _), texts in bodies.items() if len(texts) > 1}
        return routes | {route for route, nothing in silent.items() if nothing and route in changing}

    def _names_something(self, step: Step) -> bool:
        if any(self._flow.sorts.get(location) in self._identifying for location, _ in handed_out(step)):
            return True
        return any(
            self._flow.sorts.get(location) in self._identifying
            for slot, location, _ in consumed(step)
            if not slot.location.startswith(("header.", "cookie."))
        )

    def _rows_of_nobody(self, step: Step) -> dict[Key, float]:
        """The rows of a listing that no write handed out, and when they say that they were made (0.0: not said)."""
        found: dict[Key, float] = {}
        stack: list[tuple[str, object]] = [("$", step.produced.body)]
        while stack:
            path, node = stack.pop()
            if isinstance(node, dict):
                stack.extend((f"{path}.{key}", child) for key, child in node.items())
            elif isinstance(node, list):
                stack.extend((f"{path}[*]", child) for child in node)
            if not isinstance(node, dict) or not path.endswith("[*]"):
                continue
            name = next((name for name in IDENTITY_KEYS if canonical(node.get(name)) is not None), None)
            if name is None:
                continue
            value = canonical(node[name]) or ""
            key = location_key(step.exchange.request.method, step.route, step.status, f"{path}.{name}")
            sort = self._flow.sorts.get(key, key)
            if (sort, value) not in self._flow.created:
                times = (moment(leaf) for leaf in node.values())
                found[sort, value] = max((t.at for t in times if t is not None), default=0.0)
        return found


def _stable_text(step: Step) -> str:
    """A response's values without those that are new each time whatever happens."""
    parts: list[str] = []
    for path, leaf in step.produced.leaves():
        text = canonical(leaf)
        if path.startswith("header:") or (text is not None and (is_opaque(text) or _looks_like_time(text))):
            continue
        if isinstance(leaf, float) or path.endswith(("_ms", "uptime", "elapsed", "duration")):
            continue
        parts.append(f"{path}={leaf!r}")
    return "\n".join(parts)


def _looks_like_time(text: str) -> bool:
    return (len(text) >= 16 and text[4:5] == "-" and text[13:14] == ":") or (
        text.isdigit() and len(text) in (10, 13) and text[0] in "12"
    )


def _identifying(flow: Flow) -> set[str]:
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
        for location, value in handed_out(step):
            sort = flow.sorts.get(location)
            if sort is None or not _ROW_IDENTITY.search(location):
                continue
            maker = makers.get((sort, value))
            key = (step.exchange.request.method, step.route, sort)
            stranger = not step.principal or (maker is not None and maker != step.principal)
            foreign[key] = foreign.get(key, False) or stranger
    found: dict[tuple[str, str], set[tuple[str, bool]]] = defaultdict(set)
    for (method, route, sort), stranger in foreign.items():
        found[method, route].add((sort, not stranger))
    return found
