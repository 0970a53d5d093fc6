"""When a pass is to end: its target is gone, hangs, sheds load, or lets nobody in.

Pure: replies go in one after the other, what to do about each comes out; nothing here sends or waits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from .client import FailureKind, Reply
from .flow import Step

MAX_FAILURES = 20
"""Requests in a row without any answer after which a target counts as gone and the pass ends."""

MAX_TIMEOUTS = 40
"""Timed-out requests after which a pass ends: at 30 seconds each and four at once that took five minutes."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be done about a reply."""

    again: bool = False  # send it once more


GO_ON = Ruling()


@dataclass(slots=True)
class Breaker:
    """Watches the replies of one pass. `problem` is a sentence once the pass is to end, else ""."""

    problem: str = ""
    _unanswered: list[int] = field(default_factory=list)
    _timeouts: int = 0

    def note(self, step: Step, reply: Reply) -> Ruling:
        """Takes in what came of one request."""
        if reply.response is not None:
            self._unanswered.clear()
            return GO_ON
        failure = reply.failure.value if reply.failure else "failure"
        self._unanswered.append(step.index)
        self._timeouts += failure == FailureKind.TIMEOUT.value
        if self.problem:
            return GO_ON
        if len(self._unanswered) >= MAX_FAILURES:
            self.problem = f"the target left {MAX_FAILURES} requests in a row without an answer ({failure})"
        elif self._timeouts >= MAX_TIMEOUTS:
            self.problem = f"the target let {MAX_TIMEOUTS} requests time out"
        return GO_ON

    def discounted(self) -> Collection[int]:
        """The steps whose answers say nothing of the release: what a target left unanswered last."""
        return self._unanswered if self.problem else ()
