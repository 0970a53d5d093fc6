"""The words of a comparison: where something differs, how, and where every exchange ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from recorder.exchange import Exchange, Observed, RecordedResponse

_INDEX = re.compile(r"\[\d+\]")


class Part(Enum):
    """Which part of an exchange a location is in."""

    STATUS = "status"
    HEADER = "header"
    BODY = "body"
    SQL = "sql"
    LATENCY = "latency"
    OUTBOUND = "outbound"


class DifferenceKind(Enum):
    """How two values at one location differ: the closed set that severities, fingerprints and rules are written in."""

    STATUS = "status"  # another status code
    FAILURE = "failure"  # the candidate gave no response at all (time-out, reset, malformed)
    MEDIA = "media"  # another content type, or a body that no longer parses as what it says
    MISSING = "missing"  # a key, header, cookie or row is gone
    EXTRA = "extra"  # a key, header, cookie or row is new
    TYPE = "type"  # another JSON type
    NULL = "null"  # became null, or stopped being null
    VALUE = "value"  # another value where the baseline always gives the same one
    FORMAT = "format"  # a value that may vary lost its format
    IDENTITY = "identity"  # names another object than the one it should
    LENGTH = "length"  # rows were added to or removed from an array
    ORDER = "order"  # the same rows in another order


class Severity(Enum):
    """What a change means for the API's clients, worst first."""

    BREAKING = "breaking"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a response: `path` is concrete (`$.items[3].price`, `set-cookie[sid].httponly`, "" for the status)."""

    part: Part
    path: str = ""

    @property
    def shape(self) -> str:
        """The path with every array index generalised: `$.items[*].price`."""
        return _INDEX.sub("[*]", self.path)


@dataclass(frozen=True, slots=True)
class Difference:
    """One located change. Values are JSON-able and bounded in size; `transition` says the change without the values."""

    location: Location
    kind: DifferenceKind
    baseline: object
    candidate: object
    transition: str  # "int -> str", "200 -> 500", "present -> missing"
    detail: str = ""


class Status(Enum):
    """Where a recorded exchange ended in a run."""

    MATCHED = "matched"
    DIFFERED = "differed"
    ERRORED = "errored"
    NOT_COMPARED = "not_compared"
    SKIPPED = "skipped"


class Reason(Enum):
    """Why an exchange was not compared, or not even sent: a closed set, each with a sentence in the reports."""

    # not compared
    TRUNCATED = "truncated"  # a cap cut the recorded or the replayed body
    OPAQUE = "opaque"  # the recorded body could not be decoded to be redacted
    NO_RESPONSE = "no response recorded"  # the client left or the application raised in production
    BLOCKED = "blocked by a failed producer"  # a value it needs was never produced
    UNFAITHFUL = "unfaithful baseline"  # the baseline does not give the recorded status
    UNSTABLE = "unstable baseline"  # the baseline passes disagree on the status
    BASELINE_FAILED = "baseline gave no response"
    UNCERTAIN = "uncertain after a crash"
    RACY = "racy"  # overlapped in production with a conflicting write
    CREDENTIALS = "credentials could not be had"  # minting failed or is not set up, and the login is not recorded
    DOWNSTREAM = "downstream of a difference"  # works on what another finding already made different
    # skipped: not sent
    UNSAFE = "unsafe method"  # a write, at a target that is not declared disposable
    INCOMPLETE_REQUEST = "request body incomplete"  # truncated, opaque or unread in the recording
    UNSIGNABLE = "needs a signature that nobody can compute"
    OVER_BUDGET = "over budget"
    NOT_ITS = "not of the finding"  # of a retrial, which replays one finding alone
    BACKGROUND = "background"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one pass got for one exchange. Without a response, `failure` names why."""

    response: RecordedResponse | None
    failure: str = ""
    started: float = 0.0
    ended: float = 0.0
    reason: Reason | None = None  # set when this pass did not send it, or sent it without what it needs
    detail: str = ""
    observed: Observed | None = None  # what the deploy did meanwhile; None: it does not observe
    minting: float = 0.0  # when credentials began to be minted for it, right before `started`; 0.0: they were not


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded exchange with what every pass answered: the unit that is compared.

    `baseline` holds the baseline passes in order; the first is the reference, the others teach what varies. Without
    a baseline it is empty and the recorded response is the reference.
    """

    exchange: Exchange
    route: str  # the template, inferred where the recording has none
    baseline: tuple[Answer, ...]
    candidate: tuple[Answer, ...]  # the first is judged; others (confirmations, recording-only mode) are evidence

    @property
    def method(self) -> str:
        return self.exchange.request.method


@dataclass(frozen=True, slots=True)
class Ruled:
    """What one noise rule hid in one exchange, at one location shape."""

    rule: str  # its name
    location: Location
    kind: DifferenceKind
    count: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of one case."""

    exchange_id: str
    method: str
    route: str
    status: Status
    reason: Reason | None = None
    detail: str = ""
    differences: tuple[Difference, ...] = ()
    suppressed: Mapping[str, int] = field(default_factory=dict)  # what hid how many differences
    leaves: int = 0  # leaves looked at
    unchecked: tuple[str, ...] = ()  # location shapes at which nothing could be checked
    ruled: tuple[Ruled, ...] = ()  # which of `suppressed` are noise rules' doing, place by place
    doubtful: tuple[Difference, ...] = ()  # taken for consequences; over all exchanges they may turn out to be a cause
