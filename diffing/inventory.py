"""Where faults can be planted: every place of the answers, what is known of it, and what can be wrong there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from recorder.exchange import RecordedResponse

from .atoms import atoms, canonical
from .bindings import Renaming
from .bodies import Form, comparable
from .difference import Case, Part
from .faulty_answers import LINES, TREES, Names
from .faulty_headers import header_places
from .knowledge import Scope, Scopes
from .mutations import NOTHING, ON_VALUES, Mutation, changed, unseen
from .profile import NoiseProfile, Place
from .times import moment
from .walk import nodes

MAX_READ = 100
"""Answers of one route and status class that are looked through for places."""
MAX_EXAMPLES = 8
"""Distinct values of one place that tell which faults apply to it."""
MAX_WORDS = 8
"""Distinct words above which a place holds no closed set."""
MIN_SEEN = 3
"""Times that a place must have shown each word of a closed set, on average."""
MAX_IDENTIFIERS = 200
"""Identifiers of one sort that others can be replaced by."""


class Knowledge(Enum):
    """What the passes taught about a place, the strongest check that is left there first."""

    FIXED = "fixed"  # the same in every pass
    IDENTIFIER = "identifier"  # the same up to a consistent renaming
    TIME = "time"  # the same moment of every pass
    UNSTEADY = "unsteady"  # presence, order, number of rows, type or null vary, here or of the rows above
    VARIES = "varies"  # only type and format are the same


@dataclass(frozen=True, slots=True)
class Site:
    """One place of one route and status class, and one fault that can be planted there. `cases` show the place."""

    method: str
    route: str
    status: int
    part: Part
    shape: str
    mutation: Mutation
    knowledge: Knowledge
    cases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every site, and what their faults are made of."""

    sites: tuple[Site, ...]
    names: Names


@dataclass(slots=True)
class _Seen:
    """What was seen at one place."""

    cases: list[int] = field(default_factory=list)
    examples: list[object] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    count: int = 0
    is_key: bool = False
    mutations: set[Mutation] = field(default_factory=set)  # of headers and whole bodies: they need no example


def take_inventory(cases: Sequence[Case], eligible: Iterable[int], profile: NoiseProfile) -> Inventory:
    """The places of the candidate's answers in the eligible cases: those that faults can be planted into."""
    return _Inventory(profile).of(cases, eligible)


class _Inventory:
    def __init__(self, profile: NoiseProfile) -> None:
        self._profile = profile
        self._scopes = Scopes(profile, Renaming())
        self._seen: dict[tuple[str, str, int, Part, str], _Seen] = {}
        self._read: dict[tuple[str, str, int], int] = {}
        self._identifiers: dict[str, dict[object, None]] = {}

    def of(self, cases: Sequence[Case], eligible: Iterable[int]) -> Inventory:
        for index in eligible:
            case = cases[index]
            response = case.candidate[0].response
            if response is not None:
                self._answer(index, case, response)
        words: dict[str, str] = {}
        sites: list[Site] = []
        for (method, route, status, part, shape), seen in sorted(self._seen.items(), key=_place_order):
            scope = self._scopes.of(method, route, status)
            key = scope.key(shape)
            knowledge = self._knowledge(scope, shape, seen.examples)
            if _is_closed_set(seen) and not self._profile.at(key).sort:
                words[key] = unseen(seen.words)
                seen.mutations.add(Mutation.UNSEEN)
            on_values = self._applicable(key, seen) if part is Part.BODY else ()
            for mutation in sorted(seen.mutations.union(on_values), key=lambda each: each.value):
                sites.append(Site(method, route, status, part, shape, mutation, knowledge, tuple(seen.cases)))
        identifiers = {sort: tuple(values) for sort, values in self._identifiers.items()}
        return Inventory(tuple(sites), Names(identifiers, words))

    def _answer(self, index: int, case: Case, response: RecordedResponse) -> None:
        group = (case.method, case.route, response.status)
        self._read[group] = self._read.get(group, 0) + 1
        if self._read[group] > MAX_READ:
            return
        self._at(group, Part.STATUS, "", index).mutations.add(Mutation.STATUS)
        for shape, mutation, value in header_places(response.headers):
            seen = self._at(group, Part.HEADER, shape, index)
            seen.mutations.add(mutation)
            _note(seen, value)
        parsed = comparable(response)
        if parsed.form is Form.EMPTY or case.method == "HEAD":
            return
        whole = self._at(group, Part.BODY, parsed.root, index)
        whole.mutations.add(Mutation.EMPTY_BODY)
        if parsed.form is Form.JSON:
            whole.mutations.add(Mutation.HTML)
        if parsed.form in LINES:
            whole.mutations |= {Mutation.TEXT, Mutation.TRUNCATE, Mutation.DROP_ELEMENT, Mutation.DUPLICATE}
        elif parsed.form in TREES and not parsed.problem and not parsed.oddities:
            self._tree(group, index, parsed.value, parsed.root, self._scopes.of(*group))

    def _tree(self, group: tuple[str, str, int], index: int, value: object, root: str, scope: Scope) -> None:
        for steps, shape, node in nodes(value, root, scope):
            seen = self._at(group, Part.BODY, shape, index)
            seen.is_key = bool(steps) and isinstance(steps[-1], str)
            _note(seen, node)
            sort = self._profile.sort_of(scope.key(shape))
            if sort and canonical(node) is not None:
                known = self._identifiers.setdefault(sort, {})
                if len(known) < MAX_IDENTIFIERS:
                    known[node] = None

    def _at(self, group: tuple[str, str, int], part: Part, shape: str, index: int) -> _Seen:
        seen = self._seen.setdefault((*group, part, shape), _Seen())
        if not seen.cases or seen.cases[-1] != index:
            seen.cases.append(index)
        return seen

    def _applicable(self, key: str, seen: _Seen) -> Iterator[Mutation]:
        for mutation in ON_VALUES:
            if mutation is Mutation.DROP and not seen.is_key:
                continue
            if any(changed(mutation, example, 0) is not NOTHING for example in seen.examples):
                yield mutation
        suffixes = {suffix for example in seen.examples for suffix, _ in atoms(example)}
        if any(self._profile.sort_of(key + suffix) for suffix in suffixes):
            yield Mutation.OTHER_ID
            if self._profile.sort_of(key):
                yield Mutation.SWAP

    def _knowledge(self, scope: Scope, shape: str, examples: Sequence[object]) -> Knowledge:
        suffixes = {suffix for example in examples for suffix, _ in atoms(example)} | {"", "[*]"}
        known = knowledge_of([scope.learned_at(shape + suffix) for suffix in sorted(suffixes)])
        if known is Knowledge.TIME and all(moment(example) is None for example in examples):
            return Knowledge.VARIES  # null at times: nothing that was compared was no time
        rows = [shape[: found.end()] for found in re.finditer(r"\[\*\]", shape)]
        if known is Knowledge.FIXED and any(scope.learned_at(row).presence_varies for row in rows):
            return Knowledge.UNSTEADY
        return known


def knowledge_of(places: Sequence[Place]) -> Knowledge:
    """What is known where a value and the atoms inside it have been learned of as these places."""
    if any(place.sort for place in places):
        return Knowledge.IDENTIFIER
    varying = [place for place in places if place.varies]
    if varying:
        return Knowledge.TIME if all(place.timely for place in varying) else Knowledge.VARIES
    unsteady = any(
        place.presence_varies or place.length_varies or place.order_varies or place.type_varies or place.null_varies
        for place in places
    )
    return Knowledge.UNSTEADY if unsteady else Knowledge.FIXED


def _place_order(item: tuple[tuple[str, str, int, Part, str], _Seen]) -> tuple[object, ...]:
    (method, route, status, part, shape), _ = item
    return route, method, status, part.value, shape


def _note(seen: _Seen, value: object) -> None:
    seen.count += 1
    if isinstance(value, str) and len(seen.words) <= MAX_WORDS:
        seen.words.add(value)
    if len(seen.examples) < MAX_EXAMPLES and value not in seen.examples:
        seen.examples.append(value)


def _is_closed_set(seen: _Seen) -> bool:
    """Whether a place holds one of a few words, as a status or a type does."""
    few = 1 < len(seen.words) <= MAX_WORDS and seen.count >= MIN_SEEN * len(seen.words)
    return few and all(word.replace("_", "").replace("-", "").isalpha() and len(word) <= 30 for word in seen.words)
