"""From what the passes answered to the same requests to what may vary, and what holds identifiers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from .atoms import atoms, without_signature
from .authority import authorities, same_host, without_authority
from .bindings import Renaming
from .bodies import Form, comparable
from .difference import Case, DifferenceKind
from .formats import join
from .headers import header_tree
from .kinds import json_type
from .knowledge import Scope, Scopes, by_prefix
from .line_shapes import MAX_SHAPES, is_line, line_shape
from .matches import Match, matches, repeated
from .naming import Observed, Pairs, name_sorts
from .outbound import outbound_pairs
from .profile import NoiseProfile, Place
from .repeats import Repeats
from .shared_headers import Carriers, Sample, share_places, shared_headers
from .times import moment, same_moment
from .turned_up import TurnedUp, may_be_new
from .walk import Pair, came, walk
from .windows import PassClock

MAX_TEXTS = 1000
"""Distinct texts kept of one location: enough for its format."""
MANY_KEYS = 30
"""Distinct keys at one location above which an object is a map, whatever the keys look like."""
MIN_SIGHTED = 6
"""Sightings of values from before the recording that show whether a snapshot keeps its identifiers."""
MAX_MOVED = 0.05
"""Share of them that may have moved nevertheless."""
_STEPS = re.compile(r"[|.:\[\]]+")


@dataclass(slots=True)
class Seen:
    """What was seen at one location key, over all pairs of answers that were learned from."""

    noise: int = 0  # differing pairs between passes of one release
    timed: int = 0  # differing pairs between passes of one release that were times and meant one moment
    untimely: bool = False
    unbalanced: bool = False  # of rows: more of them came than went, or the other way round
    unattributed: bool = False
    types: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    kinds: set[DifferenceKind] = field(default_factory=set)
    pairs: dict[int, Pairs] = field(default_factory=dict)  # pass number -> values that stood opposite each other
    lines: set[str] = field(default_factory=set)  # of a page or text: shapes of lines that differed


@dataclass(slots=True)
class Evidence:
    """Everything gathered in one reading of the cases."""

    seen: dict[str, Seen] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)  # object location -> names of its keys, while few
    authorities: set[str] = field(default_factory=set)
    sighted: dict[str, int] = field(default_factory=dict)  # sort -> values first seen by a request that only reads
    moved: dict[str, set[str]] = field(default_factory=dict)  # sort -> those of them that differed between passes
    turned_up: TurnedUp = field(default_factory=TurnedUp)
    carriers: Carriers = field(default_factory=Carriers)
    pairs: int = 0
    trusted: bool = False  # there are baseline passes: what moved was not moved by a release under judgement

    def at(self, key: str) -> Seen:
        """The record of a location key, made when there is none."""
        found = self.seen.get(key)
        if found is None:
            found = self.seen[key] = Seen()
        return found

    def candidates(self) -> frozenset[str]:
        """Location keys at which something differed that may be an identifier."""
        return frozenset(key for key, seen in self.seen.items() if seen.pairs)


def gather(cases: Sequence[Case], known: NoiseProfile, watched: Set[str], clock: PassClock) -> Evidence:
    """One reading of all cases, paired by what is known so far. `clock` is that of these cases."""
    evidence = Evidence()
    by_route = by_prefix(watched)
    scopes: dict[int, Scopes] = {}
    repeats = Repeats()
    for case in cases:
        for match in (*matches(case, clock), *repeated(case, repeats, clock)):
            made = scopes.get(match.number)
            if made is None:
                made = scopes[match.number] = Scopes(known, Renaming(), by_route)
            scope = made.of(case.method, case.route, match.baseline.status)
            _Reader(evidence, match, scope, known).read()
            if match.number == 1:
                asked = case.exchange
                reader = asked.principal or asked.client
                evidence.turned_up.close(asked.request.target, match.reads, match.baseline, reader)
    return evidence


class _Reader:
    """Reads one match into the evidence."""

    def __init__(self, evidence: Evidence, match: Match, scope: Scope, known: NoiseProfile) -> None:
        self._evidence = evidence
        self._match = match
        self._scope = scope
        self._known = known
        self._digested = False  # what is read stands for a whole body, and names no thing

    def read(self) -> None:
        self._evidence.pairs += 1
        self._evidence.trusted |= self._match.trusted and self._match.noise
        a, b = self._match.baseline, self._match.candidate
        if self._match.noise:
            self._evidence.carriers.note(self._scope.prefix, {name.lower() for name, _ in a.headers})
        if a.headers != b.headers or self._scope.watching:
            self._headers(header_tree(a.headers), header_tree(b.headers))
        if self._match.calls is not None:
            self._pairs(outbound_pairs(*self._match.calls, self._scope))
        same = a.body.data == b.body.data
        if same and not self._scope.watching:
            return
        left = comparable(a)
        right = left if same else comparable(b)
        if left.form is right.form and left.root == right.root:
            self._digested = left.form is Form.BINARY
            self._tree(left.value, right.value, left.root, left.root)

    def _headers(self, a: dict[str, object], b: dict[str, object]) -> None:
        for name in a.keys() | b.keys():
            shape = f"header:{name}"
            if name in a and name in b:
                self._tree(a[name], b[name], name, shape)
            elif self._match.noise:
                kind = DifferenceKind.MISSING if name in a else DifferenceKind.EXTRA
                self._evidence.at(self._scope.key(shape)).kinds.add(kind)

    def _tree(self, a: object, b: object, path: str, shape: str) -> None:
        self._pairs(walk(a, b, path, shape, self._scope))
        if self._match.noise:
            self._maps(b, path, shape)

    def _pairs(self, pairs: Iterable[Pair]) -> None:
        rows: Counter[tuple[str, str]] = Counter()
        for pair in pairs:
            if pair.kind is None:
                self._leaf(pair)
            elif self._match.noise:
                self._structure(pair)
                if pair.shape.endswith("[*]"):
                    rows[pair.array, pair.shape] += came(pair)
        for (_, shape), surplus in rows.items():
            self._evidence.at(self._scope.key(shape)).unbalanced |= surplus != 0

    def _structure(self, pair: Pair) -> None:
        assert pair.kind is not None
        seen = self._evidence.at(self._scope.key(pair.shape))
        seen.kinds.add(pair.kind)
        seen.types |= {json_type(pair.baseline), json_type(pair.candidate)}

    def _maps(self, value: object, path: str, shape: str) -> None:
        """Counts the different names that one place uses for the keys of its object."""
        stack = [(value, shape)]
        while stack:
            node, form = stack.pop()
            if isinstance(node, dict):
                names = self._evidence.keys.setdefault(self._scope.key(form), set())
                if len(names) <= MANY_KEYS:
                    names.update(list(node)[: MANY_KEYS + 1])
                stack.extend((child, f"{form}.{key}") for key, child in node.items() if isinstance(child, dict | list))
            elif isinstance(node, list):
                stack.extend((child, f"{form}[*]") for child in node[:100] if isinstance(child, dict | list))

    def _leaf(self, pair: Pair) -> None:
        key = self._scope.key(pair.shape)
        a, b = pair.baseline, pair.candidate
        if isinstance(a, str) and isinstance(b, str) and "://" in a:
            a, b = self._authorities(a, b)
        type_a, type_b = json_type(a), json_type(b)
        seen = self._evidence.at(key)
        if self._match.noise and (type_a != type_b or a != b):
            seen.noise += 1
            seen.types |= {type_a, type_b}
            if is_line(key) and len(seen.lines) <= MAX_SHAPES:
                seen.lines |= {line_shape(text) for text in (a, b) if isinstance(text, str)}
            if type_a != type_b:
                seen.kinds.add(DifferenceKind.NULL if "null" in (type_a, type_b) else DifferenceKind.TYPE)
        if type_a != type_b:
            return
        self._time(seen, a, b, pair.path)
        self._texts(seen, a, b)
        if self._match.names and not self._digested:
            self._atoms(key, a, b, pair.path)

    def _authorities(self, a: str, b: str) -> tuple[str, str]:
        left, right = authorities(a), authorities(b)
        if len(left) != len(right):
            return a, b
        self._evidence.authorities.update(x for x, y in zip(left, right, strict=True) if not same_host(x, y))
        return without_authority(a), without_authority(b)

    def _time(self, seen: Seen, a: object, b: object, path: str = "") -> None:
        if not self._match.noise or a == b:
            return
        left, right, match = moment(a), moment(b), self._match
        if left is None or right is None or not same_moment(left, right, match.when_a, match.when_b):
            seen.untimely = True
            return
        seen.timed += 1
        if match.number == 1 and match.when_a.opened - left.resolution <= left.at < match.when_a.started:
            self._evidence.turned_up.note_time(left.at, path)
        if match.attribution is None or not match.attribution.agree(left, right, match.when_a, match.when_b):
            seen.unattributed = True

    def _texts(self, seen: Seen, a: object, b: object) -> None:
        if self._match.trusted and isinstance(a, str) and isinstance(b, str) and len(seen.texts) < MAX_TEXTS:
            seen.texts.add(a)
            if self._match.noise:
                seen.texts.add(b)

    def _atoms(self, key: str, a: object, b: object, path: str) -> None:
        left, right = list(atoms(a)), list(atoms(b))
        if [suffix for suffix, _ in left] != [suffix for suffix, _ in right]:
            # what can name nothing (null, a flag, a fraction) has no atoms at all
            left, right = (left[:1], right[:1]) if left and right else ([], [])
            if self._match.noise:
                self._evidence.at(key).kinds.add(DifferenceKind.FORMAT)
        number = self._match.number
        for (suffix, one), (_, other) in zip(left, right, strict=True):
            place = self._evidence.at(key + suffix)
            named, others = without_signature(one), without_signature(other)
            place.pairs.setdefault(number, Pairs()).add(named, others)
            if suffix and one != other and self._match.noise:
                place.noise += 1
                place.types |= {"str"}
                self._time(place, one, other)
            if suffix:
                self._texts(place, one, other)
            sort = self._known.sort_of(key + suffix)
            if sort:
                if self._match.number == 1:
                    self._evidence.turned_up.note(sort, named, path)
                new = may_be_new(self._known.turned_up, sort, named)
                if self._match.reads and not new and self._scope.renaming.image(sort, named) is None:
                    self._sight(sort, named, others)
                self._scope.renaming.bind(sort, named, others)

    def _sight(self, sort: str, a: str, b: str) -> None:
        """Something that a reading request shows for the first time was there before the passes began."""
        self._evidence.sighted[sort] = self._evidence.sighted.get(sort, 0) + 1
        if a != b:
            moved = self._evidence.moved.setdefault(sort, set())
            if len(moved) < MAX_TEXTS:
                moved.add(b if self._match.number < 0 else a)


def conclude(evidence: Evidence, sorts: Mapping[str, str]) -> NoiseProfile:
    """The strongest check of every location that the evidence leaves standing."""
    observed = {key: Observed(seen.pairs, seen.noise > 0) for key, seen in evidence.seen.items() if seen.pairs}
    named, refuted = name_sorts(observed, sorts, evidence.trusted)
    places: dict[str, Place] = {}
    for key, seen in evidence.seen.items():
        place = _place(seen, named.get(key, ""), key in refuted)
        if place is not None:
            places[key] = place
    for key, sort in sorts.items():
        if key not in places and key not in refuted:
            places[key] = Place(sort=sort)
    _pool_times(places, evidence)
    shared = frozenset(_share_headers(places, evidence))
    anchored = frozenset(_anchored(evidence))
    loose = frozenset(f"{sort} {value}" for sort in anchored for value in evidence.moved.get(sort, ()))
    maps = frozenset(key for key, names in evidence.keys.items() if len(names) > MANY_KEYS)
    return NoiseProfile(
        places=places,
        maps=maps,
        moving_authorities=frozenset(evidence.authorities),
        anchored=anchored,
        loose=loose,
        turned_up=dict(evidence.turned_up.least),
        shared=shared,
        pairs=evidence.pairs,
    )


def _pool_times(places: dict[str, Place], evidence: Evidence) -> None:
    """Lets places of one name vouch for one another: `created_at` is seen once on one route and often on others.

    Only where all places of the name agree that what varies there is a time.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for key, seen in evidence.seen.items():
        if seen.timed or seen.untimely:
            names[_STEPS.split(key)[-1]].append(key)
    for name, keys in names.items():
        if not name or any(evidence.seen[key].untimely for key in keys):
            continue
        timed = sum(evidence.seen[key].timed for key in keys)
        agreed = not any(evidence.seen[key].unattributed for key in keys)
        for key in keys:
            if key in places:
                places[key] = replace(places[key], timed=timed, attributed=places[key].attributed and agreed)


def _share_headers(places: dict[str, Place], evidence: Evidence) -> Iterator[str]:
    """The location keys of headers that vary everywhere, which then do so in `places`."""
    if not evidence.trusted:
        return
    samples = {
        key: Sample(seen.noise, frozenset(seen.texts))
        for key, seen in evidence.seen.items()
        if key.partition("|header:")[1] and "~" not in key
    }
    for keys in shared_headers(evidence.carriers, samples):
        if share_places(places, keys, samples):
            yield from keys


def _anchored(evidence: Evidence) -> Iterator[str]:
    """Sorts whose values from before the recording are the same everywhere: a restored snapshot keeps its ids."""
    if not evidence.trusted:
        return
    for sort, count in evidence.sighted.items():
        if count >= MIN_SIGHTED and len(evidence.moved.get(sort, ())) <= MAX_MOVED * count:
            yield sort


def _place(seen: Seen, sort: str, refuted: bool) -> Place | None:
    if not (seen.noise or seen.kinds or sort or refuted):
        return None
    kinds = seen.kinds
    return Place(
        varies=seen.noise > 0,
        sort=sort,
        refuted=refuted,
        timely=seen.timed > 0 and not seen.untimely,
        attributed=seen.timed > 0 and not seen.untimely and not seen.unattributed,
        timed=seen.timed,
        types=frozenset(seen.types),
        format=join(seen.texts),
        seen=seen.noise,
        presence_varies=bool(kinds & {DifferenceKind.MISSING, DifferenceKind.EXTRA}),
        type_varies=DifferenceKind.TYPE in kinds,
        null_varies=DifferenceKind.NULL in kinds,
        length_varies=DifferenceKind.LENGTH in kinds,
        rows_balance=not seen.unbalanced,
        order_varies=DifferenceKind.ORDER in kinds,
        inside_varies=DifferenceKind.FORMAT in kinds,
        lines=frozenset(seen.lines),
    )
