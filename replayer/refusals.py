"""A target that lets nobody in: expired credentials, a mint hook that makes wrong ones, a login in front of a deploy.

A refusal is 401, 403 or 407, or a redirect, where the reference succeeded. One route that refuses is an answer; most
requests, on several routes, are a storm. Pure: replies go in, a sentence comes out.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from recorder.exchange import RecordedResponse, header

from .admissions import holds_secret
from .flow import Step

WINDOW = 30
"""The latest requests that are looked at."""
LEAST = 20
"""Requests before which nothing is said."""
SHARE = 0.8
"""Which part of them is refused in a storm."""
ROUTES = 3
"""On how many routes a storm refuses, unless there are fewer: one route that refuses is a change of that route."""

STORM = "the target refuses what is let in elsewhere"
"""How the sentence on every storm begins: by it one is known among the problems of passes."""

_REFUSED = frozenset([401, 403, 407])
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_CREDENTIALS = frozenset(["authorization", "cookie", "x-api-key", "x-auth-token"])


@dataclass(frozen=True, slots=True)
class _Seen:
    """One request that the reference let in."""

    index: int
    route: str
    started: float
    how: str  # "401", "302 to https://sso.internal"; "" when it was let in here as well


@dataclass(slots=True)
class Refusals:
    """The refusals of one pass. `minted` says that the credentials are made by a hook of the user's."""

    minted: bool = False
    refused: set[int] = field(default_factory=set)  # every step that was refused
    onset: float = 0.0  # when the storm began; 0.0: there is none
    _with: deque[_Seen] = field(default_factory=lambda: deque(maxlen=WINDOW))  # requests with credentials
    _all: deque[_Seen] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _admitted: int = 0  # requests with credentials that were let in
    _without: Counter[bool] = field(default_factory=Counter)  # requests without credentials: whether they were refused

    def note(self, step: Step, expected: int, response: RecordedResponse, started: float) -> str:
        """A sentence when this refusal makes a storm of them, else ""."""
        if not 200 <= expected < 300:
            return ""
        seen = _Seen(step.index, f"{step.exchange.request.method} {step.route}", started, how_refused(response))
        bears = bears_credentials(step)
        self._all.append(seen)
        if bears:
            self._with.append(seen)
            self._admitted += not seen.how
        else:
            self._without[bool(seen.how)] += 1
        if not seen.how:
            return ""
        self.refused.add(step.index)
        for window, whose in ((self._with, "with credentials "), (self._all, "")):
            if _storms(window):
                self.onset = self.onset or min(each.started for each in window if each.how)
                return self._sentence(window, whose)
        return ""

    def _sentence(self, window: deque[_Seen], whose: str) -> str:
        ways = Counter(each.how for each in window if each.how)
        told = ", ".join(f"{count} times {how}" for how, count in ways.most_common(3))
        return f"{STORM}: {sum(ways.values())} of the last {len(window)} requests {whose}({told}); {self._advice(ways)}"

    def _advice(self, ways: Counter[str]) -> str:
        redirected = ways.most_common(1)[0][0].partition(" to ")[2]
        if redirected.startswith("https:") and self._without[True]:
            return f"it sends everybody to {redirected}: give the target that address as its URL, or let the replay in"
        if self._without[True] > self._without[False]:
            return (
                "requests without credentials are refused as well: something in front of it asks for a login, which"
                " the replay has to be let through"
            )
        if self._admitted >= LEAST:
            return f"it let {self._admitted} in before: the credentials have expired, or were revoked meanwhile"
        if self.minted:
            return "the mint hook makes credentials that it does not take: `understudy doctor` tries one"
        return "the recorded credentials do not hold there: a `mint` hook for this target makes some that do"


def how_refused(response: RecordedResponse) -> str:
    """How a response refuses who was let in elsewhere; "" when it does not."""
    if response.status in _REFUSED:
        return str(response.status)
    if response.status in _REDIRECTS:
        parts = urlsplit(header(response.headers, "Location"))
        where = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.path
        return f"{response.status} to {where or 'nowhere'}"
    return ""


def bears_credentials(step: Step) -> bool:
    """Whether the request says who sends it: in a header, in cookies, or by a secret in its body."""
    named = any(name.lower() in _CREDENTIALS for name, _ in step.exchange.request.headers)
    return named or any(holds_secret(slot) for slot in step.slots)


def _storms(window: deque[_Seen]) -> bool:
    refused = {each.route for each in window if each.how}
    routes = {each.route for each in window}
    count = sum(bool(each.how) for each in window)
    return len(window) >= LEAST and count >= SHARE * len(window) and len(refused) >= min(ROUTES, len(routes))
