"""What can go wrong that is not a bug, and the exit code that each ends in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends. Scripts depend on these numbers: they are never reused for something else."""

    PASS = 0
    REGRESSION = 1
    USAGE = 2
    INCONCLUSIVE = 3

    @property
    def sentence(self) -> str:
        """What the code means, for a person."""
        return _SENTENCES[self]


_SENTENCES = {
    ExitCode.PASS: "The candidate behaves as the baseline does, or every change is approved.",
    ExitCode.REGRESSION: "The candidate's behaviour changed, and the change is not approved.",
    ExitCode.USAGE: "What was asked is wrong or refused: usage, settings, recording or target.",
    ExitCode.INCONCLUSIVE: "What was asked is right, but the evidence for a verdict could not be had.",
}


class UnderstudyError(Exception):
    """An error to be shown to the user as it is, without a traceback.

    `message` says what was found and what was expected; `hint`, when there is one, says what to do next.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(UnderstudyError):
    """What the user wrote is wrong or refused."""

    exit_code = ExitCode.USAGE


class ConflictError(UsageError):
    """What the user asks is right, and can not be done in the state that things are in by now."""


class InconclusiveError(UnderstudyError):
    """What the user asked is right, but the evidence could not be had."""

    exit_code = ExitCode.INCONCLUSIVE


def nearest(wrong: str, valid: Iterable[str], label: str = "valid ones") -> str:
    """A hint for a wrong word: the valid one that is most like it, or all of them when none is."""
    names = sorted(valid)
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"The {label} are: {', '.join(names)}." if names else ""
