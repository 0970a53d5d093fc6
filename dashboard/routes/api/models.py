"""What the API answers and takes. Fields are added, never renamed or removed: programs read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from replayer.starting import PASSES

Item = TypeVar("Item")


def encodable(value: Any) -> Any:
    """The text without what UTF-8 can not hold: what was recorded may have parts of characters."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def moment(seconds: float | None) -> datetime | None:
    """Seconds since the epoch as a moment in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


Text = Annotated[str, BeforeValidator(encodable)]
RunId = Annotated[str, Path(pattern="^[0-9a-f]{1,12}$", description="Of a run, or the beginning of it.")]
Fingerprint = Annotated[str, Path(pattern="^[0-9a-f]{1,64}$", description="Of a finding.")]
Severity = Literal["breaking", "major", "minor", "info"]
DecisionName = Literal["approve", "reject", "noise", "environment"]
ScopeName = Literal["run", "branch", "always"]


class Model(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class Problem(Model):
    code: str = Field(description="For programs: it never changes.")
    message: str = Field(description="For people.")


class ProblemAnswer(Model):
    """Everything that is not as it was asked."""

    error: Problem


class Page(Model, Generic[Item]):
    """A part of a list. `next` is the cursor of the part that follows, null for the last one."""

    items: list[Item]
    next: str | None


class TokenInfo(Model):
    name: Text
    scopes: list[Literal["read", "decide", "runs"]]


class Me(Model):
    """Who asks. What a login changes is sent with its `csrf` as the field X-CSRF-Token; a token needs none."""

    name: Text
    role: Literal["viewer", "reviewer", "admin"]
    token: TokenInfo | None
    csrf: str | None


class Came(Model):
    """What a finding came to that was replayed alone."""

    came: Literal["seen again", "gone", "could not tell"]
    seen: int = Field(description="Of the replays.")
    replays: int


class Run(Model):
    """A run. One that replays a finding alone judges no release, and has no verdict."""

    id: str
    recording: Text
    candidate: Text
    baselines: list[Text]
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    verdict: Literal["pass", "fail", "inconclusive"] | None
    exit_code: int | None
    branch: Text
    commit: Text
    executor: str
    progress: Text
    findings: dict[Severity, int] | None = Field(description="How many, by severity; null: not counted.")
    finding: str | None = Field(None, description="Fingerprint of the one that it replays alone.")
    retrial: Came | None = Field(None, description="What that came to.")


class Location(Model):
    part: Literal["status", "header", "body", "sql", "latency", "outbound"]
    path: Text


class NewRun(BaseModel):
    model_config = ConfigDict(extra="forbid")

    recording: Annotated[str, Field(max_length=200, description="Its name.")]
    candidate: Annotated[str, Field(max_length=200, description="A target of the server's settings file.")]
    baselines: Annotated[list[str], Field(max_length=20, description="Targets of it, too.")] = []
    passes: Annotated[int, Field(ge=PASSES[0], le=PASSES[-1], description="Of each baseline.")] = 3


class Log(Model):
    text: Text = Field(description="Its end.")


class Report(BaseModel):
    """The JSON report, version 1: `understudy report schema` prints its schema. Approvals are those of today."""

    model_config = ConfigDict(extra="allow")

    version: Literal[1]
    verdict: Literal["pass", "fail", "inconclusive"]
    reasons: list[str]
    exit_code: int
    run: dict[str, Any]
    ledger: dict[str, Any]
    findings: list[dict[str, Any]]


class Tally(Model):
    seen: int
    sampled_out: int
    dropped: int
    recorded: int
    matched: int
    differed: int
    errored: int
    not_compared: dict[str, int] = Field(description="By reason.")
    skipped: dict[str, int] = Field(description="By reason.")


class RouteTally(Tally):
    method: str
    route: str


class Ledger(Tally):
    """Where every exchange ended: seen = recorded + sampled_out + dropped, and recorded is the sum of the others."""

    balanced: bool
    imbalance: list[str]
    routes: list[RouteTally]


class Member(Model):
    """One place at which a finding shows."""

    fingerprint: str
    method: str
    route: str
    location: Location
    count: int
    kind: str
    transition: str
    severity: Severity


class Word(Model):
    """Several people's word as one."""

    by: str
    reason: str
    until: date | None


class FirstSeen(Model):
    """The run of the service in which a finding was seen first; that run may be gone by now."""

    run: str
    at: datetime
    candidate: Text
    branch: Text
    commit: Text
    new: bool = Field(description="Whether it is this one.")


class Finding(Model):
    """A finding as the JSON report has it, with the words that the filter's `state:` knows it by."""

    fingerprint: str
    severity: Severity
    kind: str
    method: str
    route: str
    location: Location
    baseline: Any
    candidate: Any
    transition: str
    count: int
    out_of: int
    state: Literal["confirmed", "flaky", "unconfirmed"]
    states: list[str]
    blocking: bool
    members: list[Member]
    story: str | None
    tags: list[str]
    approved: Word | None
    rejected: Word | None
    set_aside: Word | None = Field(None, description="Put down to the environment: only another run can tell.")
    approval_note: str
    said: dict[str, Any] | None = Field(description="Everything that people said of it, one by one.")
    affected: float | None = Field(description="Of a run with a budget: about which share of the recording shows it.")
    exemplars: list[str] = Field(description="Ids of exchanges.")
    detail: str
    first_seen: FirstSeen | None = Field(None, description="Null: not known.")


class Was(Model):
    """A finding of both runs."""

    was: Finding
    now: Finding


class Compared(Model):
    """What became of the findings of the other run. Unknown are those of which the run compared no route."""

    new: list[Finding]
    graver: list[Was]
    still: list[Was]
    gone: list[Finding]
    unknown: list[Finding]


class Content(Model):
    """A body: as text, or in base64 where it is no text."""

    text: Text | None
    base64: str | None
    size: int = Field(description="In bytes, as it was sent.")
    cut: bool = Field(description="Whether this is only the beginning.")


class Request(Model):
    method: Text
    target: Text
    headers: list[tuple[Text, Text]]
    body: Content


class Response(Model):
    status: int
    reason: Text
    headers: list[tuple[Text, Text]]
    body: Content


class Statement(Model):
    statement: Text = Field(description="Its shape, without values.")
    count: int
    rows: int


class Call(Model):
    """An HTTP call that was made meanwhile, or answered from the recording."""

    method: Text
    target: Text
    body: Content
    outcome: str
    status: int | None


class TargetAnswer(Model):
    """What a side answered: a response, or why there is none."""

    response: Response | None
    failure: Text
    seconds: float | None
    sql: list[Statement] | None = Field(description="Null: it did not observe that.")
    outbound: list[Call] | None


class Exemplar(Model):
    """One exchange that shows a finding, redacted. Null is what is not kept any more."""

    exchange: str
    request: Request | None
    baseline: TargetAnswer | None
    candidate: TargetAnswer | None


class Comment(Model):
    id: str
    by: Text
    text: Text
    mentions: list[Text] = Field(description="The users that it mentions, by their names.")
    run: str = Field(description="At which it was said.")
    created_at: datetime | None
    resolved_by: Text | None
    resolved_at: datetime | None


class FindingInFull(Finding):
    exemplars: list[Exemplar]  # type: ignore[assignment]
    assignee: Text | None = Field(description="Who looks after it.")
    comments: list[Comment] = Field(description="The oldest first.")
    hidden_by: list[Text] = Field(description="Noise rules in force by now that would hide it, or a part of it.")


class Withdrawal(Model):
    by: Text
    at: datetime
    reason: Text


class Decision(Model):
    id: str
    decision: DecisionName
    state: Literal["holds", "overruled", "expired", "withdrawn"]
    fingerprint: str
    members: list[str]
    by: Text
    reason: Text
    scope: ScopeName
    of: Text = Field(description="The run or the branch that the scope means.")
    until: date | None
    created_at: datetime
    method: Text
    route: Text
    location: Location
    kind: Text
    transition: Text
    severity: Severity
    run: str = Field("", description="At which it was decided, where that is known.")
    filed: bool = Field(description="Whether the file in the repository holds it.")
    withdrawn: Withdrawal | None


class NewDecision(BaseModel):
    model_config = ConfigDict(extra="forbid")

    decision: DecisionName
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    scope: Annotated[
        ScopeName | None, Field(description="Default: always; `environment` is of its run and takes nothing else.")
    ] = None
    until: Annotated[date | None, Field(description="The last day on which it counts.")] = None


class NewWithdrawal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=2000)] = ""


class Recording(Model):
    id: int
    name: Text
    service: Text
    release: Text
    source: Text
    exchanges: int
    created_at: datetime | None
    closed_at: datetime | None = Field(description="Null while it is being filled.")
    begins_at: datetime | None
    ends_at: datetime | None


class RecordedRoute(Model):
    """What producers saw of a route; of an imported recording nothing is known of that."""

    method: Text
    route: Text
    seen: int
    sampled_out: int
    dropped: int


class Imported(Model):
    """What was read of an upload: exchanges = added + duplicates."""

    recording: Recording
    source: Literal["spool", "har"]
    exchanges: int
    added: int
    duplicates: int
    skipped: dict[str, int] = Field(description="Of a HAR: why, and how many entries.")
    damaged: int = Field(description="Pieces that could not be read.")
    lost: int = Field(description="Exchanges that no producer reported as dropped, and that are not there.")
    reused: bool = Field(description="Whether it was there already.")
    notes: list[Text]


class RecordingInFull(Recording):
    missing: int = Field(description="Exchanges that producers' numbers tell of, and that are not there.")
    lost: int = Field(description="Of those, what no producer reported as dropped.")
    damaged: int = Field(description="Pieces of its source that could not be read.")
    routes: list[RecordedRoute]
