"""Passes that parted: a write succeeded in one of them and not in another, and nothing is the same since.

An application that now and then fails by itself refuses a login in one pass of three. All that this user would have
done is missing from there on, in totals and lists of others as well. That a total differs then is no noise: whoever
learned it would let any total pass. So such a pass teaches nothing more while another goes on as the first does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .difference import Answer, Case, Reason
from .repeats import READS
from .views import View

_UNTOLD = Answer(None, reason=Reason.BLOCKED, detail="its pass had parted from the others")


def without_parted(cases: Sequence[Case]) -> Sequence[Case]:
    """The cases, in the order of the passes, without the answers of passes that had parted from the first by then."""
    parted: frozenset[int] = frozenset()
    untold: list[frozenset[int]] = []  # by case: the passes whose answers teach nothing
    for case in cases:
        others = range(1, len(case.baseline))
        untold.append(frozenset() if parted.issuperset(others) else parted)
        if case.method not in READS:
            new = {n for n in others if _succeeded(case.baseline[n]) is not _succeeded(case.baseline[0])}
            parted = parted if parted >= new else parted | new
    return View(len(cases), lambda index: _without(cases[index], untold[index])) if parted else cases


def _without(case: Case, untold: frozenset[int]) -> Case:
    if not untold:
        return case
    kept = tuple(_UNTOLD if number in untold else answer for number, answer in enumerate(case.baseline))
    return replace(case, baseline=kept)


def _succeeded(answer: Answer) -> bool:
    return answer.response is not None and answer.reason is None and answer.response.status < 400
