"""A target that lets nobody in: expired credentials, a mint hook that makes wrong ones, a login in front of a deploy.

A refusal is 401, 403 or 407, or a redirect, where the reference succeeded. A route that refuses is an answer, and so
is a user who is let in nowhere; most requests of several users on several routes are a storm. Pure: replies go in, a
sentence comes out.
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
"""Requests before which nothing is said of a part of them."""
SHARE = 0.8
"""Which part of them is refused in a storm."""
IN_A_ROW = 10
"""Requests that are a storm if all of them are refused."""
BREADTH = 3
"""Of how many routes, and of how many sessions, they are; in the window of fewer, where there are no more."""

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
    session: int
    started: float
    how: str  # "401", "302 to https://sso.internal"; "" when it was let in here as well


@dataclass(slots=True)
class Refusals:
    """The refusals of one pass. `minted`: a hook makes the credentials; `keyless`: one would, if it had the key."""

    minted: bool = False
    keyless: bool = False
    refused: set[int] = field(default_factory=set)  # every step that was refused
    onset: float = 0.0  # when the storm began; 0.0: there is none
    _sessions: set[int] = field(default_factory=set)
    _with: deque[_Seen] = field(default_factory=lambda: deque(maxlen=WINDOW))  # requests with credentials
    _all: deque[_Seen] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _admitted: int = 0  # requests with credentials that were let in
    _without: Counter[bool] = field(default_factory=Counter)  # requests without credentials: whether they were refused

    def note(self, step: Step, expected: int, how: str, started: float) -> str:
        """A sentence when this answer makes a storm of refusals, else "". `how` is what `how_refused` says of it."""
        if not 200 <= expected < 300:
            return ""
        route = f"{step.exchange.request.method} {step.route}"
        seen = _Seen(step.index, route, step.session, started, how)
        self._sessions.add(step.session)
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
        for latest, whose in ((self._with, "with credentials "), (self._all, "")):
            window = self._storm(list(latest))
            if window:
                self.onset = self.onset or min(each.started for each in window if each.how)
                return self._sentence(window, whose)
        return ""

    def _storm(self, latest: list[_Seen]) -> list[_Seen]:
        """The requests that are a storm, if any are."""
        row, refused = latest[-IN_A_ROW:], [each for each in latest if each.how]
        if len(row) == IN_A_ROW and all(each.how for each in row) and min(_breadth(row)) >= BREADTH:
            return row
        if len(latest) < LEAST or len(refused) < SHARE * len(latest):
            return []
        routes, sessions = _breadth(refused)
        # all routes of the window, if it has few: one that lets everybody in shows that it is the others
        enough = min(BREADTH, len({each.route for each in latest}))
        return latest if routes >= enough and sessions >= min(BREADTH, len(self._sessions)) else []

    def _sentence(self, window: list[_Seen], whose: str) -> str:
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
        if self.keyless:
            return (
                "the recording's key is not here, and without it the mint hook can tell no user from another: set"
                " UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE to it"
            )
        if self.minted:
            return "the mint hook makes credentials that it does not take: `understudy doctor` tries one"
        return "the recorded credentials do not hold there: a `mint` hook for this target makes some that do"


def how_refused(response: RecordedResponse) -> str:
    """How a response refuses who was let in elsewhere; "" when it does not."""
    if response.status in _REFUSED:
        return str(response.status)
    if response.status in _REDIRECTS:
        try:
            parts = urlsplit(header(response.headers, "Location"))
        except ValueError:
            return f"{response.status} to what is no address"
        where = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.path
        return f"{response.status} to {where or 'nowhere'}"
    return ""


def bears_credentials(step: Step) -> bool:
    """Whether the request says who sends it: in a header, in cookies, or by a secret in its body."""
    named = any(name.lower() in _CREDENTIALS for name, _ in step.exchange.request.headers)
    return named or any(holds_secret(slot) for slot in step.slots)


def _breadth(seen: list[_Seen]) -> tuple[int, int]:
    """Of how many routes, and of how many sessions, they are."""
    return len({each.route for each in seen}), len({each.session for each in seen})
