"""What an earlier run learned of the same recording and the same build of the baseline, and whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from diffing.difference import Answer, Status
from diffing.profile import NoiseProfile
from diffing.trial import Trial
from recorder.redaction import Redactor

from .cases import CaseMaker
from .passes import Pass


@dataclass(frozen=True, slots=True)
class Known:
    """A profile that an earlier run learned, with the answers of that run's first baseline pass, redacted."""

    run: str  # its id
    profile: NoiseProfile
    answers: Mapping[str, Answer]  # by exchange id
    passes: int = 2  # that it was learned from


def drift(known: Known, one: Pass, maker: CaseMaker, redactor: Redactor) -> list[str]:
    """Where a fresh pass of the baseline contradicts what was learned of it: `GET /a $.b`; empty when it does not.

    An answer that is missing on one side contradicts, too: another snapshot, or a deploy that is not what it says.
    """
    guard = replace(maker, stored=(known.answers,), redactor=redactor)
    found: set[str] = set()
    for each in Trial(known.profile).first(guard.cases((), (one,))):
        if each.status in (Status.DIFFERED, Status.ERRORED):
            found.update(
                f"{each.method} {each.route} {difference.location.shape or difference.location.part.value}"
                for difference in each.differences
            )
    return sorted(found)
