"""Value flow: which values of a request were handed out by an earlier response.

Small integers are the normal case, so a value that is equal by chance must not be taken for one that flowed. Evidence
is collected per pair of locations over the whole recording: how often the consumer's value had been seen at the
producer's location earlier in the same session, against how often other sessions' values would have matched as well
(the chance rate). `page=1` matches other sessions as often as its own; `/orders/1` does not. See Godefroid et al.
(ISSTA 2020) and Guo et al. (PLDI 2022) for location-based types; the bound is Chernoff's on a binomial tail.

Names are a second witness, as in RESTler's producer-consumer inference: `/orders/<id>` and `order_id` name the same
kind of thing as the `id` in the rows of `GET /orders`.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diffing.atoms import atoms, is_integer, is_opaque, location_key
from recorder.exchange import Exchange

from .nouns import is_choice_of, is_of_an_action, leads_to, leaf_name, may_identify, noun_of, singular
from .produced import Produced
from .sessions import Partition
from .spans import Slot

CHANCE_LOG10 = -6.0
"""A pair is accepted when chance would explain its hits with a probability below 10 to this power."""

MIN_SHARE = 0.6
"""The share of a consumer's occurrences that a producer must explain."""

MIN_DISTINCT = 3
SAMPLED_SESSIONS = 8
MAX_OCCURRENCES = 200
MAX_DISTINCT = 1000

_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange prepared for planning: its route, its session, the values that go in and those that come out."""

    index: int
    exchange: Exchange
    route: str
    session: int
    principal: str
    slots: tuple[Slot, ...]
    produced: Produced

    @property
    def status(self) -> int:
        return self.exchange.response.status if self.exchange.response else 0

    @property
    def reads(self) -> bool:
        """Whether the method is safe (RFC 9110, 9.2.1)."""
        return self.exchange.request.method in ("GET", "HEAD", "OPTIONS")


def consumer_key(method: str, route: str, location: str, suffix: str = "") -> str:
    """The name of one request location over a whole recording."""
    shape = _INDEX.sub("[*]", location) if location.startswith("$") else location
    return f"{method} {route}|>{shape}{suffix}"


def consumed(step: Step) -> list[tuple[Slot, str, str]]:
    """(slot, location key with lens suffix, atom) of everything in the request that could name something."""
    method = step.exchange.request.method
    return [
        (slot, consumer_key(method, step.route, slot.location, suffix), text)
        for slot in step.slots
        for suffix, text in atoms(slot.text)
    ]


def handed_out(step: Step) -> list[tuple[str, str]]:
    """(location key with lens suffix, atom) of everything in the recorded response that could name something."""
    if step.exchange.response is None:
        return []
    method, status = step.exchange.request.method, step.status
    return [
        (location_key(method, step.route, status, path, suffix), text)
        for path, leaf in step.produced.leaves()
        for suffix, text in atoms(leaf)
    ]


@dataclass(frozen=True, slots=True)
class Flow:
    """What was inferred from a recording.

    `sorts` names for each location key (consumers and producers alike) the kind of identifier that it carries.
    `direct` holds for each consumer the producers with evidence of their own, and the share of its values that
    each explains. `created` says which step first handed
    out a value of a sort by a write, and no request had named it before; `tokens` which step first handed out an
    opaque value.
    """

    sorts: Mapping[str, str]
    direct: Mapping[str, Mapping[str, float]]
    created: Mapping[tuple[str, str], int]
    first_seen: Mapping[tuple[str, str], int]
    tokens: Mapping[str, int]


def infer(steps: Sequence[Step], seed: int = 0) -> Flow:
    """Infers the flow of values from a recording's steps, in recorded order. Deterministic for a given seed."""
    evidence = _Evidence(seed)
    for step in steps:
        evidence.add(step)
    direct = evidence.accepted()
    partition = Partition()
    for consumer, producers in direct.items():
        for producer in producers:
            partition.union(consumer, producer)
    evidence.join_by_name(partition)
    sorts = {location: str(partition.find(location)) for location in evidence.locations if location in partition}
    created: dict[tuple[str, str], int] = {}
    first_seen: dict[tuple[str, str], int] = {}
    tokens: dict[str, int] = {}
    for step in steps:
        asked = {(sorts[location], value) for _, location, value in consumed(step) if location in sorts}
        for key in asked:
            first_seen.setdefault(key, step.index)
        makes = not step.reads and 200 <= step.status < 400
        for location, value in handed_out(step):
            sort = sorts.get(location)
            if sort is not None and (sort, value) not in first_seen:
                first_seen[sort, value] = step.index
                if makes:
                    created[sort, value] = step.index
            if is_opaque(value) and value not in tokens:
                tokens[value] = step.index
    return Flow(sorts, direct, created, first_seen, tokens)


class _Evidence:
    """Hits and chances of every (consumer, producer) pair, collected in one pass over the recording."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.locations: dict[str, None] = {}
        self._position = 0
        # session -> value -> producer locations at which it has been seen so far
        self._seen: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        # producer -> session -> position of its first sight, and its values
        self._first: dict[str, dict[int, int]] = defaultdict(dict)
        self._values: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        # consumer -> session -> positions of its occurrences
        self._occurrences: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._samples: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._hits: dict[tuple[str, str], int] = defaultdict(int)
        self._opaque_hits: dict[tuple[str, str], int] = defaultdict(int)
        self._distinct: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._consumed: dict[str, set[str]] = defaultdict(set)
        self._nouns: dict[str, str | None] = {}

    def add(self, step: Step) -> None:
        self._position += 1
        session, seen = step.session, self._seen[step.session]
        for _, consumer, value in consumed(step):
            self.locations[consumer] = None
            self._occurrences[consumer][session].append(self._position)
            if len(self._samples[consumer]) < MAX_OCCURRENCES:
                self._samples[consumer].append((session, value))
            if len(self._consumed[consumer]) < MAX_DISTINCT:
                self._consumed[consumer].add(value)
            opaque = is_opaque(value)
            for producer in seen.get(value, ()):
                pair = (consumer, producer)
                self._hits[pair] += 1
                self._opaque_hits[pair] += opaque
                if len(self._distinct[pair]) < MAX_DISTINCT:
                    self._distinct[pair].add(value)
        for producer, value in handed_out(step):
            self.locations[producer] = None
            seen[value].add(producer)
            self._first[producer].setdefault(session, self._position)
            values = self._values[producer][session]
            if len(values) < MAX_DISTINCT:
                values.add(value)

    def _chances(self, consumer: str, producer: str) -> int:
        """How often the consumer occurred in a session after the producer had been seen there."""
        total = 0
        first = self._first[producer]
        for session, positions in self._occurrences[consumer].items():
            if session in first:
                total += len(positions) - bisect_right(positions, first[session])
        return total

    def _chance_rate(self, consumer: str, producer: str) -> float:
        """How often a value of the consumer is found at the producer in sessions that are not its own."""
        sessions = list(self._values[producer])
        rate = count = 0.0
        for session, value in self._samples[consumer]:
            others = [s for s in self._random.sample(sessions, min(len(sessions), SAMPLED_SESSIONS)) if s != session]
            if others:
                rate += sum(value in self._values[producer][s] for s in others) / len(others)
                count += 1
        return min(0.98, max(0.02, rate / count if count else 0.02))

    def accepted(self) -> dict[str, dict[str, float]]:
        """Consumer -> the producers that its values flow from, with the share of its values that each explains."""
        direct: dict[str, dict[str, float]] = defaultdict(dict)
        for (consumer, producer), hits in self._hits.items():
            chances = self._chances(consumer, producer)
            share = hits / chances
            if self._opaque_hits[consumer, producer] * 2 >= hits:
                direct[consumer][producer] = share
                continue
            if not may_identify(consumer) or not may_identify(producer):
                continue
            named = self._noun(consumer) is not None and self._noun(consumer) == self._noun(producer)
            named = named or leads_to(producer, consumer) or is_choice_of(consumer, producer)
            named = named or self._refers_to(consumer, producer)
            if named and share >= MIN_SHARE / 2:
                direct[consumer][producer] = share
                continue
            if share < MIN_SHARE or len(self._distinct[consumer, producer]) < MIN_DISTINCT:
                continue
            if log10_tail(hits, chances, self._chance_rate(consumer, producer)) < CHANCE_LOG10:
                direct[consumer][producer] = share
        return direct

    def _noun(self, location: str) -> str | None:
        """What a location names, but for the `id` of an answer whose rows are what the route is called after.

        `POST /cart/items` may answer with the cart: `$.id` is the cart's, `$.items[*].id` are the items'.
        """
        if location not in self._nouns:
            noun = noun_of(location)
            head, _, where = location.rpartition("|")
            if (
                noun is not None
                and where.startswith("$.")
                and where.count(".") == 1
                and where.endswith((".id", ".uuid"))
            ):
                rows = f"{head}|$."
                if any(
                    singular(other[len(rows) :].partition("[")[0]) == noun
                    for other in self.locations
                    if other.startswith(rows) and "[*].id" in other
                ):
                    noun = None
            self._nouns[location] = noun
        return self._nouns[location]

    def _refers_to(self, consumer: str, producer: str) -> bool:
        """Whether a field of a JSON body is called after what the producer names: `{"ticket": 5}` means ticket 5."""
        noun = self._noun(producer) if "|>$" in consumer and "~" not in consumer else None
        return noun is not None and singular(leaf_name(consumer)) == noun

    def join_by_name(self, partition: Partition) -> None:
        """Joins locations that name the same kind of thing and share at least one value."""
        groups: dict[str, list[str]] = defaultdict(list)
        for location in self.locations:
            noun = self._noun(location) if may_identify(location) else None
            if noun is not None and not is_of_an_action(location):
                groups[noun].append(location)
        for locations in groups.values():
            known: list[tuple[str, set[str]]] = []
            for location in locations:
                values = self._consumed.get(location) or set().union(*self._values[location].values())
                values = {value for value in values if is_integer(value) or is_opaque(value)}
                if not values:
                    continue
                near = [(other, others) for other, others in known if values & others]
                for other, others in near:
                    partition.union(location, other)
                    others |= values
                if not near:
                    partition.find(location)
                    known.append((location, values))


def log10_tail(hits: int, chances: int, rate: float) -> float:
    """log10 of an upper bound of P(Bin(chances, rate) >= hits) by Chernoff; 0 when hits are no more than expected."""
    if chances == 0 or hits <= chances * rate:
        return 0.0
    share = hits / chances
    divergence = share * math.log(share / rate)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - rate))
    return -chances * divergence / math.log(10)
