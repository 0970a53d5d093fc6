"""What the baseline passes teach: which locations vary, how, and which hold identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .difference import Case
from .formats import Format
from .line_shapes import MAX_SHAPES, line_shape
from .spreads import Spread
from .windows import PassClock

VERSION = 5
"""Of the JSON form; a profile that was made by another version is learned anew."""


@dataclass(frozen=True, slots=True)
class Place:
    """What was learned of one location key: the strongest check that held, and what else may change there."""

    varies: bool = False
    sort: str = ""  # identifiers of one kind are renamed one-to-one; "" when the location holds none
    refuted: bool = False  # was given a sort, and broke its renaming between two baseline passes
    timely: bool = False  # whenever it varied, it meant the same moment of both passes
    attributed: bool = False  # and more narrowly the time of one and the same request
    timed: int = 0  # pairs that say so, here and at the places of the same name, which all say the same
    types: frozenset[str] = frozenset()  # JSON types seen; kept where the location varies
    format: Format | None = None  # of its texts; kept where the location varies
    seen: int = 0  # pairs that differed
    presence_varies: bool = False
    type_varies: bool = False
    null_varies: bool = False
    length_varies: bool = False
    rows_balance: bool = False  # of rows that come and go: always as many came as went
    order_varies: bool = False
    inside_varies: bool = False  # what its texts hold when decoded (claims, parts of a URL) is not always the same
    lines: frozenset[str] = frozenset()  # of a page or text: the shapes of those lines that vary

    @property
    def checkable(self) -> bool:
        """Whether anything is left to check at a location that varies."""
        return bool(self.sort) or self.format is not None or len(self.types) == 1

    def may_vary(self, a: object, b: object) -> bool:
        """Whether what varies here is what these two are: of lines, whether such lines do."""
        if not self.varies or not self.lines or len(self.lines) > MAX_SHAPES:
            return self.varies
        return all(isinstance(text, str) and line_shape(text) in self.lines for text in (a, b))


NOTHING = Place()


AT = "at "
"""Before the location key of a place that lost its sort in the first reading: the second sighted none of its values."""


@dataclass(frozen=True, slots=True)
class NoiseProfile:
    """Everything learned from one recording's passes, by location key. Strict where it knows nothing."""

    places: Mapping[str, Place] = field(default_factory=dict)
    maps: frozenset[str] = frozenset()  # objects whose keys are data
    moving_authorities: frozenset[str] = frozenset()  # `host:port` that differed between passes
    anchored: frozenset[str] = frozenset()  # sorts whose values from before the recording are the same in every pass
    loose: frozenset[str] = frozenset()  # exceptions of anchored sorts: "sort value", and AT with a location key
    turned_up: Mapping[str, int] = field(default_factory=dict)  # sort -> from which number on its things may be new
    shared: frozenset[str] = frozenset()  # location keys of headers that vary everywhere, and between the same values
    drifting: frozenset[str] = frozenset()  # recording only: routes whose refusals may be the state's doing
    spreads: Mapping[str, Spread] = field(default_factory=dict)  # of places that vary, by location key
    pairs: int = 0  # pairs of answers that were learned from
    sql: Mapping[str, int] = field(default_factory=dict)  # "METHOD route|statement" -> by how much its count varies
    _namesakes: Mapping[str, str] = field(init=False, compare=False, repr=False)  # `number~num` -> sort

    def __post_init__(self) -> None:
        object.__setattr__(self, "_namesakes", _namesakes(self.places))

    def sort_called(self, key: str) -> str:
        """The sort at all places with the name that a location key ends in, those without any aside; "" for several."""
        return self._namesakes.get(_name(key), "")

    def at(self, key: str) -> Place:
        """What is known of a location key."""
        return self.places.get(key, NOTHING)

    def sort_of(self, key: str) -> str:
        place = self.places.get(key)
        return place.sort if place is not None else ""

    def has_order(self, key: str) -> bool:
        return not self.at(key).order_varies

    def has_data_keys(self, key: str) -> bool:
        return key in self.maps

    def to_json(self) -> dict[str, Any]:
        """Plain values only; `from_json` gives an equal profile back."""
        return {
            "version": VERSION,
            "places": {key: _place_to_json(place) for key, place in sorted(self.places.items())},
            "maps": sorted(self.maps),
            "moving_authorities": sorted(self.moving_authorities),
            "anchored": sorted(self.anchored),
            "loose": sorted(self.loose),
            "turned_up": dict(sorted(self.turned_up.items())),
            "shared": sorted(self.shared),
            "drifting": sorted(self.drifting),
            "spreads": {key: spread.to_json() for key, spread in sorted(self.spreads.items())},
            "pairs": self.pairs,
            "sql": dict(sorted(self.sql.items())),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NoiseProfile:
        """Raises ValueError for another version."""
        if data.get("version") != VERSION:
            raise ValueError(f"noise profile of version {data.get('version')!r}; this release reads {VERSION}")
        return cls(
            places={key: _place_from_json(place) for key, place in data["places"].items()},
            maps=frozenset(data["maps"]),
            moving_authorities=frozenset(data["moving_authorities"]),
            anchored=frozenset(data["anchored"]),
            loose=frozenset(data["loose"]),
            turned_up=dict(data["turned_up"]),
            shared=frozenset(data.get("shared", ())),
            drifting=frozenset(data["drifting"]),
            spreads={key: Spread.from_json(spread) for key, spread in data["spreads"].items()},
            pairs=data["pairs"],
            sql=data.get("sql", {}),  # profiles of earlier releases have none
        )


def _name(key: str) -> str:
    return key.rpartition(".")[2]


def _namesakes(places: Mapping[str, Place]) -> dict[str, str]:
    """Names of numbers inside texts (`number~num` of `ORD-17`), and the one sort that they stand for everywhere."""
    found: dict[str, str] = {}
    for key, place in places.items():
        if place.sort and key.endswith("~num"):
            name = _name(key)
            found[name] = place.sort if found.get(name, place.sort) == place.sort else ""
    return found


_FLAGS = (
    "varies refuted timely attributed presence_varies type_varies null_varies length_varies rows_balance order_varies"
    " inside_varies".split()
)  # written only when they are set


def _place_to_json(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {name: True for name in _FLAGS if getattr(place, name)}
    if place.sort:
        found["sort"] = place.sort
    if place.types:
        found["types"] = sorted(place.types)
    if place.lines:
        found["lines"] = sorted(place.lines)
    for name in ("seen", "timed"):
        if getattr(place, name):
            found[name] = getattr(place, name)
    if place.format is not None:
        form = place.format
        found["format"] = [form.template, form.characters, form.shortest, form.longest, form.samples]
    return found


def _place_from_json(data: Mapping[str, Any]) -> Place:
    place = Place(
        sort=data.get("sort", ""),
        types=frozenset(data.get("types", ())),
        seen=data.get("seen", 0),
        timed=data.get("timed", 0),
        lines=frozenset(data.get("lines", ())),
        format=Format(*data["format"]) if "format" in data else None,
    )
    flags: dict[str, Any] = {name: True for name in _FLAGS if data.get(name)}
    return replace(place, **flags)


def learn(cases: Sequence[Case], sorts: Mapping[str, str]) -> NoiseProfile:
    """Learns from what the passes of one release answered to the same requests.

    `sorts` names the response locations that carry identifiers, as inferred from the recording: location key with
    lens suffix -> sort id. Cases are read several times, and none is kept.
    """
    from .distributions import learn_spreads  # these import this module
    from .learning import conclude, gather
    from .parted import without_parted
    from .prejudgement import drifting_routes
    from .sql_samples import varying

    clock = PassClock(cases)
    alike = without_parted(cases)
    given = NoiseProfile(places={key: Place(sort=sort) for key, sort in sorts.items()})
    first = gather(alike, given, frozenset(sorts), clock)
    rough = conclude(first, sorts)
    second = gather(alike, rough, frozenset(sorts) | first.candidates(), clock)
    profile = replace(conclude(second, sorts), drifting=drifting_routes(cases), sql=varying(alike))
    unsighted = {f"{AT}{key}" for key, place in profile.places.items() if place.sort and rough.at(key).refuted}
    profile = replace(profile, loose=profile.loose | unsighted)
    return replace(profile, spreads=learn_spreads(alike, profile))
