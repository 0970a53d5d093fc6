"""What the store gives back, and what it takes beside exchanges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from diffing.approvals import Withdrawal
from diffing.noise import NoiseRule
from recorder.exchange import Observed, RecordedResponse

from ..errors import UsageError


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """A recording without its exchanges. Times are seconds since the epoch."""

    id: int
    name: str
    service: str
    release: str
    key_id: str  # of the key that made its pseudonyms
    source: str  # where it was imported from, for people
    created: float
    closed: float | None  # None: still being filled
    exchanges: int
    first: float | None  # start of its first exchange
    last: float | None  # start of its last exchange
    fingerprint: str = ""  # of the content that it was imported from; "" when it was not


class NotOpen(UsageError):
    """A recording that was to be added to is closed, or gone."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Exchanges of a recording that its producers' sequence numbers tell of, and that are not there."""

    missing: int  # numbers below a producer's highest one, those of dropped exchanges among them
    lost: int  # of those, what no producer reported as dropped


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the exchanges given to `add_exchanges`."""

    added: int
    duplicates: int  # had an id that the recording already holds


@dataclass(frozen=True, slots=True)
class DamageRecord:
    """A piece of a recording's source that could not be read."""

    path: str
    offset: int
    bytes_lost: int
    reason: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run without its results and its report."""

    id: str
    recording: str  # the recording's name, kept when the recording is deleted
    recording_id: int | None
    candidate: str
    baselines: tuple[str, ...]
    state: str
    started: float
    ended: float | None
    verdict: str  # "" until the run is judged
    exit_code: int | None
    branch: str
    commit: str
    executor: str = "local"
    progress: str = ""  # what it does at the moment, for people
    beat: float | None = None  # when its coordinator last gave a sign of life
    asked: str = ""  # what it was asked to do, as JSON; "" for runs of versions that did not keep it
    summary: Mapping[str, Any] = field(default_factory=dict, hash=False)  # a few figures of its report
    finding: str = ""  # fingerprint of the one that it replays alone; "": it judges a release

    @property
    def is_judged(self) -> bool:
        """Whether it is finished and has judged a release: one that replayed a finding alone says nothing of others."""
        return self.state == "finished" and not self.finding


@dataclass(frozen=True, slots=True)
class ResultRow:
    """Where one exchange ended in one run."""

    exchange_id: str
    status: str  # matched, differed, errored, not_compared or skipped
    reason: str = ""  # from the closed set of its status
    detail: str = ""  # for people


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """What the passes of one build of the baseline taught; `data` is the JSON form of a noise profile."""

    build: str
    run: str  # the id of the run that learned it
    created: float  # seconds since the epoch
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A noise rule that somebody kept from a finding. Nothing is ever deleted."""

    id: str
    rule: NoiseRule
    created: datetime  # UTC, to the second
    run: str  # in which the finding was that it was made from
    fingerprint: str  # of that finding
    withdrawn: Withdrawal | None = None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a target answered to one exchange in one pass: a response, or why there is none."""

    exchange_id: str
    response: RecordedResponse | None
    failure: str = ""  # "" when there is a response
    started: float = 0.0
    ended: float = 0.0
    observed: Observed | None = None  # None: the target did not observe


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something that was done."""

    number: int
    at: float  # seconds since the epoch
    actor: str
    action: str
    subject: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class CommentRecord:
    """Something that somebody said of a finding. Times are seconds since the epoch."""

    id: str
    fingerprint: str
    members: tuple[str, ...]  # fingerprints of the finding's other members
    subject: str  # the finding, in words
    run: str  # the id of the run at which it was said
    author: str
    text: str
    created: float
    resolved: float | None = None
    resolved_by: str = ""


@dataclass(frozen=True, slots=True)
class AssignmentRecord:
    """Who is to look after a finding, and who said so."""

    fingerprint: str
    members: tuple[str, ...]  # fingerprints of the finding's other members
    subject: str  # the finding, in words
    assignee: str  # "": nobody
    author: str
    created: float  # seconds since the epoch
    number: int = 0  # later ones have higher ones; 0: it is not kept yet


@dataclass(frozen=True, slots=True)
class UserRecord:
    """One user of the dashboard."""

    name: str
    role: str
    password: str  # its argon2 hash
    created: float  # seconds since the epoch
    disabled: float | None = None  # since when they may not log in any more


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who is logged in at the dashboard."""

    name: str
    role: str
    created: float
    expires: float


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What a program shows to the API."""

    name: str
    scopes: tuple[str, ...]
    owner: str  # the user for whom it acts; "": nobody
    created: float  # seconds since the epoch
    expires: float
    used: float | None = None  # last, to the minute
