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


FEW = 0.01
"""Share of the compared exchanges that may contradict a profile that is kept all the same."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Where a fresh pass of the baseline contradicts what was learned of it: `GET /a $.b`."""

    places: tuple[str, ...] = ()
    exchanges: int = 0  # that contradict
    compared: int = 0

    @property
    def is_slight(self) -> bool:
        """Whether it is what comes and goes (an error in one request of twenty): confirmation tells that from changes.

        The fresh pass is what the candidate is held against in any case, so that what the profile does not know makes
        findings which the baseline then shows as well, and hides none.
        """
        return self.exchanges <= FEW * self.compared


def drift(known: Known, one: Pass, maker: CaseMaker, redactor: Redactor) -> Drift:
    """What a fresh pass of the baseline says of an earlier run's profile.

    An answer that is missing on one side contradicts, too: another snapshot, or a deploy that is not what it says.
    """
    guard = replace(maker, stored=(known.answers,), redactor=redactor)
    found: set[str] = set()
    compared = contradicting = 0
    for each in Trial(known.profile).first(guard.cases((), (one,))):
        compared += each.status in (Status.MATCHED, Status.DIFFERED, Status.ERRORED)
        if each.status in (Status.DIFFERED, Status.ERRORED):
            contradicting += 1
            found.update(
                f"{each.method} {each.route} {difference.location.shape or difference.location.part.value}"
                for difference in each.differences
            )
    return Drift(tuple(sorted(found)), contradicting, compared)
