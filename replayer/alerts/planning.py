"""Which message goes where: one for each run and channel, with the findings in its thread. Pure.

A message is planned where there is news, or where the run has said something before; the store then tells apart what
is to be sent, edited, or left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..store.alerts import PlannedAlert
from .message import (
    APPROVED,
    DETAILS,
    FLAKY,
    KNOWN,
    NEW,
    NONE,
    RESOLVED,
    RUN,
    STILL,
    UNDER_WAY,
    WORSE,
    Item,
    Message,
    to_data,
)

TOP = 5
"""Findings that a message names; the others are in its thread."""
PER_DETAILS = 20
"""Findings in one message of the thread: they stay well below what Slack takes, however long their routes are."""
MAX_DETAILS = 5
"""Messages in one thread."""
MAX_ENDED = 5
SEVERITIES = ("breaking", "major", "minor", "info")
_NEWS = (NEW, WORSE, STILL, KNOWN)
_ENDS = (RESOLVED, APPROVED, FLAKY)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to people, as the settings say."""

    name: str  # "slack" or "webhook"
    channel: str = ""  # for everything; "": nowhere, but for ways that have only one place to go to
    tag_channels: Mapping[str, str] = field(default_factory=dict)
    mentions: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    many: bool = True  # has several channels, and threads
    top: int = TOP  # findings that one message names

    def channels(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Where findings with these tags are told, the channel for everything apart."""
        found = map(self.channel_of, tags)
        return tuple(dict.fromkeys(each for each in found if each and each != self.channel))

    def channel_of(self, tag: str) -> str:
        """Where findings with this tag are told at once."""
        return self.tag_channels.get(tag, self.channel) if self.many else ""

    @property
    def tells_all(self) -> bool:
        """Whether there is a place for everything."""
        return bool(self.channel) or not self.many


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell: `items` fail the gate, the gravest first, each with what is new of it."""

    head: Message  # the facts of the run, and its verdict
    items: Sequence[Item]
    ended: Sequence[Item] = ()
    told_before: Collection[str] = ()  # channels in which the run has its message already
    stands: bool = False  # a verdict of its own is news: the run is inconclusive, and the one before was not


def planned(way: Way, told: Told) -> list[PlannedAlert]:
    """The messages of one way, in the order in which they are to be sent."""
    found = []
    whole = ([way.channel] if way.many else [""]) if way.tells_all else []
    extra = sorted({each for item in (*told.items, *told.ended) for each in way.channels(item.tags)})
    for channel in (*extra, *whole):
        items, ended = told.items, told.ended
        if channel in extra or told.head.verdict in (UNDER_WAY, NONE):
            items, ended = _of(way, channel, items), _of(way, channel, ended)
        found += _in_channel(way, told, channel, items, ended, whole=channel in whole)
    return sorted(found, key=lambda each: each.below != "")


def _of(way: Way, channel: str, items: Sequence[Item]) -> list[Item]:
    """What is told in this channel because of its tags."""
    return [item for item in items if any(way.channel_of(tag) == channel for tag in item.tags)]


def _in_channel(
    way: Way, told: Told, channel: str, items: Sequence[Item], ended: Sequence[Item], *, whole: bool
) -> list[PlannedAlert]:
    fresh = [item for item in items if item.news != KNOWN]
    if not (fresh or ended or channel in told.told_before or (told.stands and whole)):
        return []
    tags = Counter(tag for item in items for tag in item.tags)
    # a tag that has a channel of its own calls nobody elsewhere
    here = [tag for tag in tags if way.channel_of(tag) == channel]
    called = [way.mentions.get(tag, "here") for tag in here if any(tag in item.tags for item in fresh)]
    severities = Counter(item.severity for item in items)
    news = Counter(item.news for item in (*items, *ended))
    head = replace(
        told.head,
        kind=RUN,
        severities=tuple((name, severities[name]) for name in SEVERITIES if severities[name]),
        tags=tuple(sorted(tags.items())),
        news=tuple((name, news[name]) for name in (*_NEWS, *_ENDS) if news[name]),
        items=tuple(items[: way.top]),
        more=max(0, len(items) - way.top),
        ended=tuple(ended[:MAX_ENDED]),
        mentions=tuple(dict.fromkeys(called)),
        link=way.link.replace("{run}", told.head.run),
    )
    first = PlannedAlert(way.name, channel, RUN, to_data(head))
    return [first, *_details(way, told, channel, items)] if way.many and told.head.verdict else [first]


def _details(way: Way, told: Told, channel: str, items: Sequence[Item]) -> list[PlannedAlert]:
    """The thread, once there is a verdict."""
    pages = [items[at : at + PER_DETAILS] for at in range(0, len(items), PER_DETAILS)][:MAX_DETAILS]
    beyond = len(items) - sum(map(len, pages))
    return [
        PlannedAlert(
            way.name,
            channel,
            f"{DETAILS} {number}",
            to_data(
                Message(
                    kind=DETAILS,
                    run=told.head.run,
                    project=told.head.project,
                    verdict=told.head.verdict,
                    items=tuple(page),
                    more=beyond if number == len(pages) else 0,
                    part=number,
                    parts=len(pages),
                )
            ),
            below=RUN,
        )
        for number, page in enumerate(pages, 1)
    ]
