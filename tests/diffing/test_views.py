"""A run's cases are read and not kept: neither what is found depends on that, nor the memory that it takes."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from weakref import WeakSet

import pytest

from diffing.difference import Answer, Case, Part
from diffing.profile import learn
from diffing.self_test import Judging, right_answers, self_test
from diffing.trial import Trial
from diffing.views import View, changed
from recorder.exchange import Observed, RecordedResponse, SqlStatement

from .orders_app import SORTS, cases, traffic

MADE = cases(traffic(40))
PROFILE = learn(MADE, SORTS)
AT_A_TIME = 16
"""Answers: those of a case and of the one before it, and what short memories (of pages, of times) hold."""


@dataclass(frozen=True)
class Watched(RecordedResponse):
    """A response of which it is known whether anybody still holds it."""

    __hash__ = object.__hash__


class Reading:
    """Makes cases with answers of their own at each reading, and counts how many of these are held at a time."""

    def __init__(self, made: Sequence[Case]) -> None:
        self._made = made
        self._held: WeakSet[Watched] = WeakSet()
        self.most = 0

    def view(self) -> View:
        return View(len(self._made), self._case)

    def _case(self, index: int) -> Case:
        self.most = max(self.most, len(self._held))
        case = self._made[index]
        return replace(
            case,
            baseline=tuple(map(self._answer, case.baseline)),
            candidate=tuple(map(self._answer, case.candidate)),
        )

    def _answer(self, answer: Answer) -> Answer:
        if answer.response is None:
            return answer
        made = Watched(**{each.name: getattr(answer.response, each.name) for each in fields(RecordedResponse)})
        self._held.add(made)
        return replace(answer, response=made)


@pytest.fixture
def reading() -> Reading:
    gc.collect()
    return Reading(MADE)


def test_learning_keeps_no_case(reading: Reading) -> None:
    assert learn(reading.view(), SORTS) == PROFILE
    assert 0 < reading.most < AT_A_TIME


def test_comparing_keeps_no_case(reading: Reading) -> None:
    assert Trial(PROFILE).first(reading.view()) == Trial(PROFILE).first(MADE)
    assert 0 < reading.most < AT_A_TIME


def test_statements_that_became_more_keep_no_case() -> None:
    def observing(answer: Answer, count: int) -> Answer:
        return replace(answer, observed=Observed((SqlStatement("f", "SELECT * FROM users", count, 1),)))

    watched = [
        replace(
            case,
            baseline=tuple(observing(each, 1) for each in case.baseline),
            candidate=tuple(observing(each, 2) for each in case.candidate),
        )
        for case in MADE
    ]
    gc.collect()
    reading = Reading(watched)
    found = Trial(PROFILE).first(reading.view())
    assert any(difference.location.part is Part.SQL for one in found for difference in one.differences)
    assert 0 < reading.most < AT_A_TIME


def test_the_self_test_keeps_no_case(reading: Reading) -> None:
    passes = ["baseline 1", "baseline 2", "baseline 3"]
    right, source = right_answers(reading.view(), passes)
    kept, _ = right_answers(MADE, passes)
    found = self_test(right, Judging(PROFILE), source, budget=120)
    assert found == self_test(kept, Judging(PROFILE), source, budget=120)
    assert 0 < reading.most < AT_A_TIME


def test_a_view_is_a_sequence() -> None:
    view = View(len(MADE), MADE.__getitem__)
    assert list(view) == MADE
    assert view[3] is MADE[3]
    assert view[-1] is MADE[-1]
    assert list(view[2:9:3]) == MADE[2:9:3]
    assert list(reversed(view)) == MADE[::-1]
    with pytest.raises(IndexError):
        view[len(MADE)]


def test_a_change_is_made_at_each_reading() -> None:
    view = changed(MADE, lambda case: replace(case, candidate=()))
    assert [case.candidate for case in view] == [()] * len(MADE)
    assert view[0] is not view[0]
