"""Headers that vary on most routes: what a few answers of one route show of them is too little to be strict about.

A node's name or a cache's word is set in one place for all routes. A route that is asked twice shows it the same each
time by mere chance; what the other routes showed says that it varies there as well, and between which values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from .formats import join
from .knowledge import split_key
from .profile import NOTHING, Place
from .spreads import MAX_VALUES, VALUES, Spread

MIN_ROUTES = 5
"""Routes (with a status class) on which a header has to vary before it says anything of others."""
MIN_SHARE = 0.5
"""Share of the routes that carry the header on which it has to vary."""
MAX_CHANCE = 0.01
"""Where the routes that vary would show a route's constancy more seldom than this, the route has a rule of its own."""
_OF_THE_RESOURCE = frozenset(
    "etag last-modified location link allow vary expires cache-control accept-ranges www-authenticate retry-after"
    " refresh pragma deprecation sunset".split()
)
"""What a header of these says, it says of the one resource or answer."""
_PREFIXES = ("content-", "set-cookie[", "access-control-", "strict-", "cross-origin-")


@dataclass(slots=True)
class Carriers:
    """How often each header was compared with itself between passes of one release, by location prefix."""

    pairs: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def note(self, prefix: str, names: Iterable[str]) -> None:
        """One pair of answers of a route and status class carried these headers, written in lower case."""
        for name in names:
            if name not in _OF_THE_RESOURCE and not name.startswith(_PREFIXES):
                self.pairs[name][prefix] += 1


@dataclass(frozen=True, slots=True)
class Sample:
    """What the passes of one release showed at one header of one route."""

    differing: int
    texts: frozenset[str]


def shared_headers(carriers: Carriers, samples: Mapping[str, Sample]) -> Iterator[frozenset[str]]:
    """The location keys of every header that varies on most of the routes carrying it, without those that differ."""
    for name, pairs in sorted(carriers.pairs.items()):
        shape = f"header:{name}"
        differing = {prefix: _differing(samples, prefix + shape) for prefix in pairs}
        varying = [prefix for prefix, count in differing.items() if count]
        if len(varying) < max(MIN_ROUTES, MIN_SHARE * len(pairs)):
            continue
        rate = min(1.0, sum(differing[prefix] for prefix in varying) / sum(pairs[prefix] for prefix in varying))
        yield frozenset(
            prefix + shape for prefix, count in pairs.items() if differing[prefix] or (1 - rate) ** count >= MAX_CHANCE
        )


def _differing(samples: Mapping[str, Sample], key: str) -> int:
    sample = samples.get(key)
    return sample.differing if sample is not None else 0


def share_places(places: dict[str, Place], keys: Iterable[str], samples: Mapping[str, Sample]) -> bool:
    """Lets a header vary at all of `keys` as it does at some; False where it holds identifiers or times.

    What is a time and means another moment somewhere (the end of a window of a minute) says when on no route.
    """
    group = sorted(keys)
    known = [place for key in group if (place := places.get(key)) is not None]
    if any(place.sort or place.refuted for place in known):
        return False
    if any(place.timed for place in known) and all(place.timely for place in known if place.varies):
        return False
    types = frozenset(kind for place in known for kind in place.types)
    form = join({text for key in group if key in samples for text in samples[key].texts})
    for key in group:
        place = places.get(key, NOTHING)
        places[key] = replace(place, varies=True, types=types, format=form, timely=False, attributed=False, timed=0)
    return True


def share_spreads(spreads: Mapping[str, Spread], shared: Iterable[str]) -> dict[str, Spread]:
    """Widens what may stand in a shared header on one route to what stood there on any; how often stays the route's.

    Headers are texts: they have words, and no bands.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for key in shared:
        if key in spreads:
            groups[split_key(key)[2]].append(key)
    found = dict(spreads)
    for group in groups.values():
        values: Counter[str] = Counter()
        for key in group:
            values.update(spreads[key].values)
        few = len(values) <= MAX_VALUES and all(spreads[key].values for key in group)
        for key in group:
            found[key] = replace(
                spreads[key],
                values=dict(values) if few else {},
                singles=sum(count == 1 for count in values.values()) if few else 0,
                tests=spreads[key].tests - (set() if few else {VALUES}),
            )
    return {key: spread for key, spread in found.items() if spread.tests}
