from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from diffing.approvals import Approval, Approvals, Decision, Scope, Subject, Withdrawal, joined
from diffing.difference import Location, Part, Severity

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PRICE = Subject("GET", "/orders/<int:id>", Location(Part.BODY, "$.price"), "type", "int -> str", Severity.BREAKING)
ANN = Approval("a1", "f1", Scope.ALWAYS, "ann@example.com", "for the new client", NOON, PRICE)
STONE = Withdrawal("bob@example.com", NOON, "a mistake")


def held(approval: Approval, run: str = "", branch: str = "") -> bool:
    return Approvals((approval,), run=run, branch=branch).held == (approval,)


def test_an_approval_holds_where_its_scope_says() -> None:
    this_run = replace(ANN, scope=Scope.RUN, of="r1")
    this_branch = replace(ANN, scope=Scope.BRANCH, of="prices")

    assert held(ANN)
    assert (held(this_run, run="r1"), held(this_run, run="r2"), held(this_run)) == (True, False, False)
    assert (held(this_branch, branch="prices"), held(this_branch, branch="main")) == (True, False)


@pytest.mark.parametrize("nowhere", ["", "HEAD"])
def test_where_no_branch_is_checked_out_no_approval_of_a_branch_holds(nowhere: str) -> None:
    assert not held(replace(ANN, scope=Scope.BRANCH, of=nowhere), branch=nowhere)
    assert not held(replace(ANN, scope=Scope.RUN, of=""), run="")


def test_the_last_day_is_included() -> None:
    january = replace(ANN, until=date(2027, 1, 31))

    over = [Approvals(today=day).is_over(january) for day in (date(2027, 1, 31), date(2027, 2, 1))]

    assert over == [False, True]
    assert not Approvals(today=date.max).is_over(ANN)


def test_what_is_withdrawn_does_not_hold() -> None:
    assert not held(replace(ANN, withdrawn=STONE))


def test_an_author_is_one_person_however_the_name_is_spelled() -> None:
    assert replace(ANN, author=" Ann@Example.com ").person == ANN.person


def test_two_homes_are_one_set_by_id() -> None:
    other, third = (replace(ANN, id=f"a{hour}", created=NOON.replace(hour=hour)) for hour in (13, 14))

    entries, notes = joined([ANN, third], [ANN, other])

    assert (entries, notes) == ((ANN, other, third), ())
    assert [(each.stored, each.filed) for each in entries] == [(True, True), (False, True), (True, False)]


def test_a_tombstone_in_either_home_withdraws() -> None:
    gone = replace(ANN, withdrawn=STONE)

    assert joined([ANN], [ANN], [("a1", STONE)]) == ((gone,), ())
    assert joined([gone], [ANN], [("a1", replace(STONE, author="somebody later"))]) == ((gone,), ())
    assert joined([], [ANN], [("a1", STONE), ("unknown", STONE)]) == ((gone,), ())


def test_the_file_changes_nothing_that_the_store_holds() -> None:
    wider = replace(ANN, fingerprint="f2")

    entries, notes = joined([ANN], [wider])

    assert entries == (ANN,)
    assert notes == ("The approval a1 says something else in the file than in the store; the store counts.",)


def test_the_file_lifts_nothing_that_holds_back_in_the_store_but_what_is_its_own() -> None:
    for decision, noun in ((Decision.REJECT, "rejection"), (Decision.ENVIRONMENT, "environment decision")):
        no = replace(ANN, decision=decision)
        entries, notes = joined([no], [no], [("a1", STONE)])

        assert entries == (no,)
        assert notes == (f"The {noun} a1 is in the store and can not be withdrawn by the file.",)
    assert joined([], [no], [("a1", STONE)]) == ((replace(no, withdrawn=STONE),), ())
