"""What is said, whatever carries it: counts, routes, places and kinds. JSON in the store until it is delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from diffing.grouping import Finding

from .public import public_change, public_route

RUN = "run"  # the message of a run
DETAILS = "details"  # in its thread
TEST = "test"

UNDER_WAY = ""  # the verdict of a run that has none yet
NONE = "none"  # the verdict of a run that ended without one

NEW = "new"
WORSE = "worse"  # told before, and graver now
STILL = "still"  # told a while ago, and there still
KNOWN = "known"  # told before: no reason to tell it again
RESOLVED = "resolved"  # its route was compared, and it did not show any more
APPROVED = "approved"
FLAKY = "flaky"  # told while the run was under way, and not confirmed in the end


@dataclass(frozen=True, slots=True)
class Item:
    """One finding."""

    fingerprint: str
    severity: str
    route: str  # "GET /api/orders/<int:id>"
    change: str  # "$.items[*].price int -> str"
    count: int = 0  # exchanges that show it
    out_of: int = 0
    places: int = 1  # at which it shows
    tags: tuple[str, ...] = ()
    news: str = NEW


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `items` are the gravest, or what was resolved; the counts are of all."""

    kind: str = RUN
    run: str = ""
    project: str = ""
    recording: str = ""
    candidate: str = ""
    branch: str = ""
    commit: str = ""
    verdict: str = UNDER_WAY  # pass, fail, inconclusive or NONE
    severities: tuple[tuple[str, int], ...] = ()  # of the findings that fail the gate, the gravest first
    tags: tuple[tuple[str, int], ...] = ()  # of these, how many on the routes of each tag
    news: tuple[tuple[str, int], ...] = ()  # of these, how many are new, worse, ...; and how many ended, and how
    doubts: int = 0  # reasons for a verdict that no finding gives: too little evidence, a budget that is overrun
    items: tuple[Item, ...] = ()
    more: int = 0  # findings beyond `items`
    ended: tuple[Item, ...] = ()  # of what was told before and is over
    mentions: tuple[str, ...] = ()  # who is called
    link: str = ""
    part: int = 1  # of details that take several messages
    parts: int = 1

    @property
    def failing(self) -> int:
        """Findings that fail the gate."""
        return sum(count for _, count in self.severities)


def item_of(finding: Finding, news: str = NEW) -> Item:
    """What may be told of a finding."""
    return Item(
        fingerprint=finding.fingerprint,
        severity=finding.severity.value,
        route=public_route(finding),
        change=public_change(finding),
        count=finding.count,
        out_of=finding.out_of,
        places=len(finding.places),
        tags=finding.tags,
        news=news,
    )


def to_data(message: Message) -> dict[str, Any]:
    """The message as JSON-able data."""
    return {name: _listed(value) for name, value in asdict(message).items()}


def from_data(data: Mapping[str, Any]) -> Message:
    """What `to_data` made, maybe of another version: what is not known is left out."""
    known = {field.name for field in fields(Message)}
    values = {name: value for name, value in data.items() if name in known}
    for name in ("items", "ended"):
        values[name] = tuple(item_from(each) for each in values.get(name, ()))
    for name in ("severities", "tags", "news"):
        values[name] = tuple((str(word), int(count)) for word, count in values.get(name, ()))
    values["mentions"] = tuple(values.get("mentions", ()))
    return Message(**values)


def item_from(data: Mapping[str, Any]) -> Item:
    """An item that was kept as JSON."""
    known = {field.name for field in fields(Item)}
    values = {name: value for name, value in data.items() if name in known}
    return Item(**{**values, "tags": tuple(values.get("tags", ()))})


def _listed(value: Any) -> Any:
    """JSON knows no tuples, and what is kept is to be equal to what is planned."""
    if isinstance(value, dict):
        return {name: _listed(inner) for name, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, (list, tuple)) else value
