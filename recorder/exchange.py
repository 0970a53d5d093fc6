"""The value types that every layer speaks: one recorded request and the response it got.

Strings that came over the wire (targets, header names and values) are kept as WSGI keeps them: native strings that
hold one character per byte (Latin-1), so `value.encode("latin-1")` always gives the bytes back. Bodies are bytes.
Times are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order they were seen, duplicates kept."""


class BodyState(Enum):
    """How much of a body was kept."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"  # the first len(data) of `size` bytes: a cap cut it
    UNREAD = "unread"  # a request body that the application did not read to its end
    OPAQUE = "opaque"  # could not be decoded to be redacted: `digest` and `size` only, `data` is empty


@dataclass(frozen=True, slots=True)
class Body:
    """A message's payload after transfer coding (no chunk framing), before content decoding (still gzipped)."""

    data: bytes = b""
    size: int = 0
    state: BodyState = BodyState.COMPLETE
    digest: str = ""  # hexadecimal keyed digest of the whole body; set only when it is OPAQUE

    @classmethod
    def of(cls, data: bytes) -> Body:
        """A complete body."""
        return cls(data, len(data))

    @property
    def complete(self) -> bool:
        return self.state is BodyState.COMPLETE


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as the application's server received it."""

    method: str
    target: str  # the request target as sent, e.g. "/a%2fb?x=1"; rebuilt from the environ when `target_exact` is False
    headers: Headers
    body: Body = field(default_factory=Body)
    scheme: str = "http"
    protocol: str = "HTTP/1.1"
    target_exact: bool = True

    @property
    def path(self) -> str:
        """The target without its query, still escaped."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first question mark, still escaped."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response as the application gave it to its server, or as a replay's target sent it."""

    status: int
    reason: str
    headers: Headers
    body: Body = field(default_factory=Body)


class Outcome(Enum):
    """How the exchange ended in production."""

    COMPLETE = "complete"
    DISCONNECTED = "disconnected"  # the client went away before the body was sent
    RAISED = "raised"  # the application raised; `response` is what had been started, if anything


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """One statement's shape within an exchange: how often it ran and how many rows it returned."""

    fingerprint: str
    statement: str
    count: int
    rows: int


class CallOutcome(Enum):
    """What came of an outbound call."""

    ANSWERED = "answered"
    FAILED = "failed"  # no response: refused, timed out, broken off
    PLAYED = "played"  # in a replay: answered, or failed, as in the recording, and never sent
    REFUSED = "refused"  # in a replay: the recording has no such call; it was not sent, and answered with 599
    BLOCKED = "blocked"  # in a replay: a connection that nothing which can be answered was about to use
    SPARE = "spare"  # in a replay: answered as another exchange was in the recording, as when a cache is filled
    UNKEPT = "unkept"  # stands for `attempts` calls past the bound, of which nothing else is known


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """One HTTP call that the application made while it answered. The request's target is an absolute URL."""

    request: RecordedRequest
    response: RecordedResponse | None
    started: float
    ended: float
    outcome: CallOutcome = CallOutcome.ANSWERED
    attempts: int = 1  # how often the client's library tried: its own retries are one call


@dataclass(frozen=True, slots=True)
class Observed:
    """What a deploy did, beside answering, while it answered one request; None: not observed."""

    sql: tuple[SqlStatement, ...] | None = None
    outbound: tuple[OutboundCall, ...] | None = None
    partial: bool = False  # some is missing: it did not fit, or happened after the response had begun


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the response it got, if any, and what is known about who sent it.

    `client`, `links` and `principal` are keyed hashes, comparable only among recordings made with the same key.
    `links` are the hashes of every cookie and token that the exchange carried in either direction: two exchanges
    that share one belong to the same session.
    """

    id: str  # 32 hexadecimal digits, unique
    request: RecordedRequest
    response: RecordedResponse | None
    started: float
    ended: float
    route: str = ""  # the framework's own template without the method, e.g. "/api/users/<int:id>"; "" when unknown
    endpoint: str = ""
    client: str = ""
    links: tuple[str, ...] = ()
    principal: str = ""
    producer: str = ""  # the recording process
    sequence: int = 0  # counts up within one producer; a gap means that something was lost
    outcome: Outcome = Outcome.COMPLETE
    sql: tuple[SqlStatement, ...] | None = None  # None: not observed
    outbound: tuple[OutboundCall, ...] | None = None  # None: not observed


@dataclass(frozen=True, slots=True)
class RouteCount:
    """What one producer saw of one route since it started. `seen = recorded + sampled_out + dropped`."""

    method: str
    route: str
    seen: int
    sampled_out: int
    dropped: int


@dataclass(frozen=True, slots=True)
class ProducerReport:
    """The counters of one recording process, cumulative: a later report replaces an earlier one of the same producer.

    `losses` says why exchanges were dropped, in total: reason -> count.
    """

    producer: str
    at: float
    counts: tuple[RouteCount, ...]
    losses: tuple[tuple[str, int], ...] = ()


def header(headers: Headers, name: str, default: str = "") -> str:
    """The first value of a header field, its name compared without case."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return default


def header_values(headers: Headers, name: str) -> tuple[str, ...]:
    """Every value of a header field, in order, its name compared without case."""
    wanted = name.lower()
    return tuple(value for key, value in headers if key.lower() == wanted)
