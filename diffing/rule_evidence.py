"""What noise rules are held against: the places that a release's answers have, those that varied, and past runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from recorder.exchange import RecordedResponse

from .bindings import Renaming
from .bodies import comparable
from .difference import Location, Part
from .grouping import Finding
from .headers import header_tree
from .kinds import is_of_kind
from .knowledge import Scope, Scopes, split_key
from .noise import NoiseRule, RuleUse
from .outbound import PREFIX
from .paths import generalised
from .profile import NoiseProfile, Place
from .walk import leaves

MAX_SPOTS = 50_000
"""Places that are looked at; a recording of more is judged by these."""
MAX_VALUES = 8
"""Values kept of one place: enough to tell of what kind they are."""
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Spot:
    """A location shape of one route: what a rule is to name, and no more."""

    method: str
    route: str
    location: Location

    @property
    def rank(self) -> tuple[str, str, str, str]:
        """For sorting."""
        return self.route, self.method, self.location.part.value, self.location.path


Values = Mapping[Spot, Sequence[object]]
"""Some values of every place that was seen."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """What an earlier run says of rules: what each hid, and what was found."""

    run: str
    recording: str
    uses: tuple[RuleUse, ...] = ()  # of the rules that were in force
    findings: tuple[Finding, ...] = ()
    routes: frozenset[tuple[str, str]] = frozenset()  # (method, route) of what was replayed


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """Everything that rules are judged by. Without runs, nothing can be said of what a rule hides."""

    runs: tuple[PastRun, ...] = ()  # the newest first
    values: Values = field(default_factory=dict)  # of the answers that the runs kept of the baseline
    varied: frozenset[Spot] = frozenset()  # between baseline passes
    measured: bool = False  # whether `varied` is known at all

    @property
    def routes(self) -> frozenset[tuple[str, str]]:
        """Every route that a run replayed."""
        return frozenset(route for run in self.runs for route in run.routes)


def observe(answers: Iterable[tuple[str, str, RecordedResponse]], profile: NoiseProfile) -> dict[Spot, list[object]]:
    """The places of (method, route, response), bounded, each with some of its values, containers left out."""
    scopes = Scopes(profile, Renaming())
    found: dict[Spot, list[object]] = {}
    for method, route, response in answers:
        for part, shape, value in _leaves(response, scopes.of(method, route, response.status)):
            spot = Spot(method, route, Location(part, shape))
            if spot in found or len(found) < MAX_SPOTS:
                _add(found.setdefault(spot, []), value)
    return found


def _leaves(response: RecordedResponse, scope: Scope) -> Iterator[tuple[Part, str, object]]:
    body = comparable(response)
    for _, shape, value in leaves(body.value, body.root, body.root, scope):
        yield Part.BODY, shape, value
    for name, tree in header_tree(response.headers).items():
        for _, shape, value in leaves(tree, name, f"header:{name}", scope):
            yield Part.HEADER, shape.removeprefix("header:"), value


def _add(values: list[object], value: object) -> None:
    kept = value[:_MAX_TEXT] if isinstance(value, str) else value
    if len(values) < MAX_VALUES and not any(type(kept) is type(other) and kept == other for other in values):
        values.append(kept)


def varied_spots(profile: NoiseProfile) -> frozenset[Spot]:
    """Every place at which the passes that a profile was learned from did not agree."""
    found = set()
    for key, place in profile.places.items():
        if not _varies(place):
            continue
        name, _, shape = split_key(key)
        method, _, route = name.partition(" ")
        part = Part.HEADER if shape.startswith("header:") else Part.OUTBOUND if shape.startswith(PREFIX) else Part.BODY
        path = shape.removeprefix("header:").removeprefix(PREFIX)
        # "~" begins what is inside a text, which a rule names by the text; but a map's key has a name with one, too
        for form in {path, path.partition("~")[0]}:
            found.add(Spot(method, route, Location(part, form)))
    return frozenset(found)


def _varies(place: Place) -> bool:
    return (
        place.varies
        or place.presence_varies
        or place.type_varies
        or place.null_varies
        or place.length_varies
        or place.order_varies
        or place.inside_varies
    )


def covered(rule: NoiseRule, values: Values) -> list[Spot]:
    """The places at which a rule would hide a change: it names them, and what stands there is of its kind."""
    shape = NoiseRule(rule.route, generalised(rule.path), rule.part, rule.kind)
    return sorted(
        (
            spot
            for spot, samples in values.items()
            if shape.is_at(spot.method, spot.route, spot.location)
            and (not rule.kind or any(is_of_kind(value, rule.kind) for value in samples))
        ),
        key=lambda spot: spot.rank,
    )
