"""What was looked at before a rehearsal, and what came of each look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from .errors import ExitCode, InconclusiveError, UnderstudyError


class State(Enum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"  # works, and is worth knowing
    LATER = "not now"  # is set up right, and can not be had at the moment
    FIX = "fix"  # will not work before somebody changes something


@dataclass(frozen=True, slots=True)
class Check:
    """One look: at what, what was found, and the next step where there is one."""

    subject: str  # "settings", "target staging"
    what: str
    state: State
    said: str
    hint: str = ""

    @classmethod
    def failed(cls, subject: str, what: str, failure: UnderstudyError) -> Check:
        """What an error says: what the user has to change, or what can not be had now."""
        state = State.LATER if isinstance(failure, InconclusiveError) else State.FIX
        return cls(subject, what, state, failure.message, failure.hint)


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """USAGE if anything has to be changed, else INCONCLUSIVE if anything can not be had now, else PASS."""
    states = {check.state for check in checks}
    if State.FIX in states:
        return ExitCode.USAGE
    return ExitCode.INCONCLUSIVE if State.LATER in states else ExitCode.PASS
