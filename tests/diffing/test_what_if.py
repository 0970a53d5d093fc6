"""Suppositions in the middle of a run: the same verdict as if the whole run had been so, and no trace of them."""

from __future__ import annotations

import copy
from dataclasses import replace

from diffing.difference import Case, Status
from diffing.judge import judge
from diffing.profile import learn
from diffing.tentative import TentativeRenaming
from diffing.what_if import WhatIfCourt
from diffing.windows import PassClock

from .orders_app import SORTS, cases, traffic

MADE = cases(traffic(8))
PROFILE = learn(MADE, SORTS)


def swapped(case: Case, other: Case) -> Case:
    """The case with the answer of another one of its route."""
    return replace(case, candidate=(replace(case.candidate[0], response=other.candidate[0].response),))


def others(case: Case) -> list[Case]:
    return [other for other in MADE if (other.method, other.route) == (case.method, case.route) and other is not case]


def test_suppositions_change_nothing_of_what_is_heard_after_them() -> None:
    court = WhatIfCourt(PROFILE, PassClock(MADE))
    heard = []
    found = 0
    for case in MADE:
        for other in others(case):
            found += court.suppose(swapped(case, other)).comparison.status is not Status.MATCHED
        heard.append(court.hear(case).comparison)
    assert found > 100
    assert heard == list(judge(MADE, PROFILE))


def test_a_supposition_leaves_no_trace() -> None:
    court = WhatIfCourt(PROFILE, PassClock(MADE))
    for case in MADE:
        before = copy.deepcopy((court._renaming.forward, court._renaming.backward, court._renaming.everywhere))
        taint = copy.deepcopy(court._court.taint.mark())
        for other in others(case):
            failed = replace(case, candidate=(replace(case.candidate[0], response=None, failure="timeout"),))
            for supposed in (swapped(case, other), failed):
                court.suppose(supposed, [("order", "1", "2"), ("order", "104", "3"), ("new", "a", "b")])
        after = court._renaming.forward, court._renaming.backward, court._renaming.everywhere
        assert [_filled(record) for record in after] == [_filled(record) for record in before]
        assert court._court.taint.mark() == taint
        court.hear(case)


def _filled(record: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {name: values for name, values in record.items() if values}


def test_what_a_case_binds_and_names_is_told() -> None:
    court = WhatIfCourt(PROFILE, PassClock(MADE))
    for case in MADE[:2]:
        heard = court.hear(case)
    made = next(case for case in MADE if case.method == "POST" and case.route == "/orders")
    assert ("order", "100", "100") in heard.bound
    assert ("order", "100") in heard.named
    again = court.hear(made)
    assert again.bound == ()
    assert ("order", "100") in again.named


def test_what_differs_and_does_not_count_is_told_with_its_place() -> None:
    court = WhatIfCourt(PROFILE, PassClock(MADE))
    heard = [court.hear(case) for case in MADE]
    tags = next(one for one in heard if one.comparison.route == "/tags")
    assert ("$.tags", "$.tags", "noise profile") in {(h.path, h.shape, h.why) for h in tags.hidden}
    order = next(one for one in heard if one.comparison.route == "/orders" and one.comparison.method == "POST")
    assert ("$.created_at", "time") in {(hidden.path, hidden.why) for hidden in order.hidden}


def test_pairs_stand_instead_of_others_as_long_as_is_asked() -> None:
    renaming = TentativeRenaming()
    renaming.bind("s", "a", "x")
    renaming.bind("s", "b", "y")
    with renaming.instead([("s", "a", "y"), ("s", "c", "z")]):
        assert renaming.conflict("s", "a", "y") == ""
        assert renaming.conflict("s", "a", "x") == "is not the value that stood for it before"
        assert renaming.conflict("s", "b", "y") == "stands for another value already"
        assert renaming.image("s", "b") is None
        assert renaming.image("s", "c") == "z"
    assert renaming.forward == {"s": {"a": "x", "b": "y"}}
    assert renaming.backward == {"s": {"x": "a", "y": "b"}}


def test_what_was_bound_is_taken_back() -> None:
    renaming = TentativeRenaming()
    renaming.bind("s", "a", "x")
    renaming.journal.clear()
    renaming.bind("s", "a", "x")
    renaming.bind("t", "a", "x")
    renaming.bind("s", "b", "b")
    renaming.lose("s", "c")
    renaming.lose("s", "a")
    assert renaming.bind("s", "a", "z") != ""
    assert renaming.take_back() == (("t", "a", "x"), ("s", "b", "b"), ("s", "c", ""))
    assert (_filled(renaming.forward), _filled(renaming.backward)) == ({"s": {"a": "x"}}, {"s": {"x": "a"}})
    assert renaming.everywhere == {"a": {"x": {"s"}}}
