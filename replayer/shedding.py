"""A target that sheds load: it answers 429 or 503 where the reference answered something else.

One route that does so is an answer. Requests of several routes that are answered now and refused then are load that is
shed: the pass pauses as it is told, twice; then it sends less at once; then it ends. A read is sent again afterwards,
since its refusal says that it was not processed and a second one changes nothing in any case. A write never is, so a
pass that sheds load and refused one is over: the state is another one from there on. Pure: replies go in, rulings come
out.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from recorder.exchange import RecordedResponse, header

from .flow import Step
from .ruling import GO_ON, Ruling
from .safety import SAFE_METHODS, effective_method

STATUSES = frozenset([429, 503])
SHEDS = "the target sheds load"

MAX_PAUSE = 15.0
"""Seconds: who asks for more gets no replay today."""
FIRST_PAUSE = 1.0
"""Seconds, where the target does not say how long; doubled each time."""
PAUSES = 2
SLOWER = 2
"""How often the number of requests under way is halved after that."""

WINDOW = 40
ROUTES = 3
"""On how many routes load is shed, unless there are fewer."""
SHARE = 0.2
"""Which part of the latest requests is shed, where their routes answer others."""
IN_A_ROW = 10
"""Requests in a row that are shed, where their routes answer none."""

REPEATS = 3
"""How often one read is sent again."""
GIVEN_UP = 5
"""Requests of a route that were shed, and none answered, after which its reads are not sent again."""


@dataclass(frozen=True, slots=True)
class _Seen:
    route: str
    shed: bool


@dataclass(slots=True)
class Shedding:
    """The shed requests of one pass, and how far it has given way. Times are seconds since the epoch."""

    concurrency: int = 4
    onset: float = 0.0  # when the first of them was sent; 0.0: none was
    problem: str = ""
    pauses: int = 0
    slower: int = 0
    shed: Counter[str] = field(default_factory=Counter)  # route -> requests
    _answered: Counter[str] = field(default_factory=Counter)
    _recent: deque[_Seen] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _times: Counter[int] = field(default_factory=Counter)  # step -> how often it was shed
    _lost: str = ""  # the first write that was shed
    _calm: float = 0.0  # when the latest pause is over: what was sent before says nothing about it

    def note(self, step: Step, expected: int, response: RecordedResponse, started: float, ended: float) -> Ruling:
        """Takes in one response. `expected` is the reference's status, 0 where there is none."""
        method, status = effective_method(step.exchange.request), response.status
        route = f"{method} {step.route}"
        shed = status in STATUSES and expected not in (0, status)
        self._recent.append(_Seen(route, shed))
        if not shed:
            self._answered[route] += 1
            return GO_ON
        self.onset = self.onset or started
        self.shed[route] += 1
        self._times[step.index] += 1
        reads = method in SAFE_METHODS
        if not reads:
            self._lost = self._lost or f"{route} was answered {status}, and a write is never sent twice"
        told = retry_after(response, ended)
        if self._general():
            ruling = self._give_way(started, ended, told, status)
        elif told and told <= MAX_PAUSE and started >= self._calm and self.pauses < PAUSES:
            ruling = self._pause(ended, told)
        else:
            ruling = GO_ON
        if self.problem or not reads or not self._worth_repeating(step.index, route):
            return ruling
        return Ruling(True, 0.0 if ruling.pause else FIRST_PAUSE / 2, ruling.pause, ruling.most)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the report is to say: a sentence without a full stop, or nothing."""
        if not self.shed or self.problem:
            return ()
        routes = ", ".join(f"{route} ({count})" for route, count in self.shed.most_common(3))
        more = f" and {len(self.shed) - 3} more routes" if len(self.shed) > 3 else ""
        eased = f"; pauses that were made: {self.pauses}" if self.pauses else ""
        slower = ", and fewer requests were sent at once" if self.slower else ""
        return (f"it answered requests with 429 or 503: {routes}{more}{eased}{slower}",)

    def _general(self) -> bool:
        """Whether it is load that is shed, and not a route that answers so."""
        latest = list(self._recent)
        mixed = [route for route in self.shed if self._answered[route]]
        share = sum(each.shed for each in latest) / len(latest)
        enough = min(ROUTES, len(self.shed.keys() | self._answered.keys()))
        if len(mixed) >= enough and share >= SHARE:
            return True
        row = latest[-IN_A_ROW:]
        if len(row) < IN_A_ROW or not all(each.shed for each in row):
            return False
        return len({each.route for each in row}) >= enough

    def _give_way(self, started: float, ended: float, told: float, status: int) -> Ruling:
        if self._lost:
            self._end(self._lost)
        elif told > MAX_PAUSE:
            self._end(f"it asks to be left alone for {told:.0f} s")
        elif started < self._calm:
            return GO_ON  # it was under way before
        elif self.pauses < PAUSES:
            return self._pause(ended, told)
        elif self.slower < SLOWER:
            self.slower += 1
            return self._pause(ended, told, max(1, self.concurrency >> self.slower))
        else:
            self._end(f"it still answers {status} after {self.pauses} pauses, with fewer requests sent at once")
        return GO_ON

    def _pause(self, ended: float, told: float, most: int = 0) -> Ruling:
        seconds = min(MAX_PAUSE, told or FIRST_PAUSE * 2**self.pauses)
        self.pauses += 1 if not most else 0
        self._calm = ended + seconds
        return Ruling(pause=seconds, most=most)

    def _worth_repeating(self, index: int, route: str) -> bool:
        return self._times[index] <= REPEATS and (self._answered[route] > 0 or self.shed[route] < GIVEN_UP)

    def _end(self, why: str) -> None:
        latest = self._recent
        self.problem = (
            f"{SHEDS}: {sum(each.shed for each in latest)} of the last {len(latest)} requests, on"
            f" {len({each.route for each in latest if each.shed})} routes, were answered 429 or 503; {why}. Ask it for"
            " less with --rate or --concurrency, or lift its limit for the replay"
        )


def retry_after(response: RecordedResponse, now: float) -> float:
    """Seconds that `Retry-After` (RFC 9110, 10.2.3) asks for; 0.0 when it says nothing that can be read."""
    text = header(response.headers, "Retry-After").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = http_date(text)
    return max(0.0, moment - (http_date(header(response.headers, "Date")) or now)) if moment else 0.0


def http_date(text: str) -> float:
    """A date of HTTP in seconds since the epoch; 0.0 for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
