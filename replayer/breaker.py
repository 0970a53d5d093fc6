"""When a pass is to end: its target is gone, hangs, sheds load, or lets nobody in.

What one route does, or what all do who answer at all, is a finding and never ends a pass; what befalls a target as a
whole says nothing of the release. Every measure here is one of breadth, for that reason. Pure: replies go in one
after the other, what to do about each comes out; nothing here sends or waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from diffing.difference import Answer

from .client import FailureKind, Reply
from .flow import Step
from .refusals import STORM, Refusals, how_refused
from .ruling import GO_ON, Ruling
from .shedding import SHEDS, STATUSES, Shedding

MAX_FAILURES = 20
"""Requests in a row without any answer after which a target counts as gone, unless it still says that it is ready."""

MAX_HANGING = 4
"""The same for requests that time out, where the target can be asked: each takes the whole time that is allowed."""

MAX_SPARED = 5
"""How often a target that answers none of those rows of requests may say that it is ready."""

ROUTE_TIMEOUTS = 10
"""Timed-out requests of a route that answers none, after which the rest of it is not sent."""

MAX_TIMEOUTS = 40
"""Timed-out requests after which a pass ends: at 30 seconds each and four at once that takes five minutes."""

GATEWAY_STATUSES = frozenset([502, 504])
"""What a proxy answers whose application is gone, or hangs."""

MIXED_ROUTES = 3
"""Routes of which some requests time out and others do not: then it is the target that is slow."""


DOWN = "the target is down"
HANGS = "the target hangs"


@dataclass(frozen=True, slots=True)
class Reference:
    """What the replies of a pass are held against.

    `statuses` holds by step what the baseline's pass got that went first with the same credentials, 0 for no response;
    for other steps the recording counts. A candidate that refuses what that pass was granted may be a regression, so
    that refusals end its pass only if `heed_refusals` says so.
    """

    statuses: Mapping[int, int] = field(default_factory=dict)
    heed_refusals: bool = True
    minted: bool = False  # credentials are made by a hook
    keyless: bool = False  # or would be, if the key of the recording were here

    def status(self, step: Step) -> int:
        """The status that the reference gave; 0: none."""
        return self.statuses.get(step.index, step.status)

    def part(self, indices: Iterable[int]) -> Reference:
        """What is needed of it for these steps."""
        return replace(self, statuses={index: self.statuses[index] for index in indices if index in self.statuses})


@dataclass(slots=True)
class Breaker:
    """Watches the replies of one pass. `problem` is a sentence once the pass is to end, else ""."""

    concurrency: int = 4
    reference: Reference = Reference()
    problem: str = ""
    _silent: list[int] = field(default_factory=list)  # steps in a row without an answer of the application
    _silence: Counter[str] = field(default_factory=Counter)  # what they ended with
    _silent_routes: set[str] = field(default_factory=set)
    _spared: int = 0
    _timeouts: dict[str, list[int]] = field(default_factory=dict)  # route -> steps
    _answered: Counter[str] = field(default_factory=Counter)  # route -> requests with a response
    _started: dict[int, float] = field(default_factory=dict)
    _refusals: Refusals = field(init=False)
    _shedding: Shedding = field(init=False)
    _onset: float = 0.0  # what was sent from then on says nothing; 0.0: all of it does
    _void: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._refusals = Refusals()
        self._shedding = Shedding()

    def note(self, step: Step, reply: Reply) -> Ruling:
        """Takes in what came of one request, which may end the pass."""
        self._started[step.index] = reply.started
        if self.problem:
            if reply.response is None:
                self._void.add(step.index)
            return GO_ON
        if reply.response is None:
            return self._unanswered(step, reply.failure.value if reply.failure else "failure")
        response, route = reply.response, _route(step)
        expected = self.reference.status(step)
        if response.status in GATEWAY_STATUSES and expected not in (0, response.status):
            return self._silence_of(step, str(response.status))
        self._answered[route] += 1
        self._silent.clear()
        self._silence.clear()
        self._silent_routes.clear()
        if self.reference.heed_refusals:
            self._refusals.minted, self._refusals.keyless = self.reference.minted, self.reference.keyless
            storm = self._refusals.note(step, expected, how_refused(response), reply.started)
            if storm:
                self._void |= self._refusals.refused
                self._end(storm, self._refusals.onset)
                return GO_ON
        self._shedding.concurrency = self.concurrency
        ruling = self._shedding.note(step, expected, response, reply.started, reply.ended)
        if self._shedding.problem:
            self._end(self._shedding.problem, self._shedding.onset)
        return ruling

    def alive(self, ready: bool | None) -> None:
        """The answer to a ruling that asks: whether the target says that it is ready; None: it can not be asked."""
        if not self._silent:
            return  # an answer came meanwhile
        hanging = self._silence[FailureKind.TIMEOUT.value] == len(self._silent)  # has a bound of its own
        if ready and (hanging or self._spared < MAX_SPARED):
            self._spared += not hanging
            self._silent.clear()
            self._silence.clear()
            self._silent_routes.clear()
        elif ready or ready is False or len(self._silent) >= MAX_FAILURES:
            self._void.update(self._silent)
            self._end(self._gone(ready))

    def withheld(self, step: Step) -> str:
        """Why the step is not to be sent, a sentence; "" when it is."""
        route = _route(step)
        if len(self._timeouts.get(route, ())) < ROUTE_TIMEOUTS or self._answered[route]:
            return ""
        return f"{route} let {ROUTE_TIMEOUTS} requests time out and answered none: the rest of it is not sent"

    def discounted(self) -> Collection[int]:
        """The steps whose answers say nothing of the release, once there is a problem."""
        if not self.problem:
            return ()
        late = {index for index, started in self._started.items() if started >= self._onset} if self._onset else set()
        return self._void | late

    @property
    def notes(self) -> tuple[str, ...]:
        """What the report is to say of a pass that went on: sentences without a full stop."""
        return self._shedding.notes

    # -- no answers -------------------------------------------------------------------------------------------------

    def _unanswered(self, step: Step, failure: str) -> Ruling:
        if failure == FailureKind.TIMEOUT.value:
            self._timeouts.setdefault(_route(step), []).append(step.index)
            if sum(map(len, self._timeouts.values())) >= MAX_TIMEOUTS:
                self._too_slow()
                return GO_ON
        return self._silence_of(step, failure)

    def _silence_of(self, step: Step, how: str) -> Ruling:
        self._silent.append(step.index)
        self._silence[how] += 1
        self._silent_routes.add(_route(step))
        if how.isdigit() and len(self._silent_routes) < min(MIXED_ROUTES, len(self._answered) or 1):
            return GO_ON  # an application may well answer 502 itself, on a route that asks others
        hanging = self._silence[FailureKind.TIMEOUT.value] == len(self._silent)
        enough = max(MAX_HANGING, self.concurrency) if hanging else MAX_FAILURES
        return Ruling(ask=True) if len(self._silent) >= enough else GO_ON

    def _gone(self, ready: bool | None) -> str:
        count, how = len(self._silent), self._silence.most_common(1)[0][0]
        row = f"{count} requests in a row "
        if ready:
            return f"the target says that it is ready and left {row}without an answer ({how}), {MAX_SPARED + 1} times"
        asked = "" if ready is None else ", and nor does its ready path"
        if how == FailureKind.TIMEOUT.value:
            return f"{HANGS}: {row}timed out{asked}. Look at its log, and start it again"
        if how.isdigit():
            return f"{DOWN} behind a proxy: {row}were answered {how}. Look at its log, and start it again"
        return f"{DOWN}: {row}got no answer ({how}){asked}. Look at its log, and start it again"

    def _too_slow(self) -> None:
        """Many time-outs: of routes that answer otherwise, it is the target; else what they let time out is theirs."""
        mixed = [route for route in self._timeouts if self._answered[route]]
        if len(mixed) >= MIXED_ROUTES:
            self._void.update(index for steps in self._timeouts.values() for index in steps)
        self._end(
            f"the target let {MAX_TIMEOUTS} requests time out, on {len(self._timeouts)} routes. Raise `timeout`, or ask"
            " it for less with --concurrency or --rate"
        )

    # -- the end ----------------------------------------------------------------------------------------------------

    def _end(self, why: str, onset: float = 0.0) -> None:
        self.problem, self._onset = why, onset


def overtaken(problem: str, step: Step, answer: Answer, reference: Reference) -> bool:
    """Whether an answer is one of those that ended a pass, had by a process that had not seen enough of them yet."""
    response, expected = answer.response, reference.status(step)
    if response is None:
        return bool(answer.failure) and problem.startswith((DOWN, HANGS))
    if problem.startswith(STORM):
        return 200 <= expected < 300 and bool(how_refused(response))
    faults = GATEWAY_STATUSES if problem.startswith(DOWN) else STATUSES if problem.startswith(SHEDS) else ()
    return response.status in faults and response.status != expected


def _route(step: Step) -> str:
    return f"{step.exchange.request.method} {step.route}"
