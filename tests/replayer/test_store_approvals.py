from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from diffing.approvals import Approval, Decision, Scope, Subject, Withdrawal
from diffing.difference import Location, Part, Severity
from replayer.store import Store

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANN = Approval(
    id="a1b2c3d4e5f6",
    fingerprint="75cf471c6b25a327",
    scope=Scope.BRANCH,
    author="ann@example.com",
    reason='for the "new" client, größer',
    created=NOON,
    subject=Subject("GET", "/o/<int:id>", Location(Part.HEADER, "etag"), "type", "int -> str", Severity.MAJOR),
    of="prices",
    until=date(2027, 1, 31),
    members=("75cf471c6b25a327", "aaaaaaaaaaaaaaaa"),
)
NO = replace(ANN, id="b0b", scope=Scope.ALWAYS, of="", until=None, decision=Decision.REJECT, members=())


def test_what_was_decided_comes_back_as_it_was(store: Store) -> None:
    assert store.approvals() == ()
    store.add_approvals([ANN])
    store.add_approvals([NO])

    assert store.approvals() == (ANN, NO)
    assert all(each.stored for each in store.approvals())


def test_an_entry_is_never_changed(store: Store) -> None:
    store.add_approvals([ANN])
    store.add_approvals([replace(ANN, fingerprint="ffff", scope=Scope.ALWAYS)])

    assert store.approvals() == (ANN,)


def test_a_withdrawal_is_a_tombstone_and_the_first_one_stays(store: Store) -> None:
    stone = Withdrawal("bob", NOON.replace(hour=13), "a mistake")
    store.add_approvals([ANN])
    store.add_approvals([NO])
    store.withdraw_approvals([ANN.id], stone)
    store.withdraw_approvals([ANN.id], Withdrawal("eve", NOON.replace(hour=14)))
    store.withdraw_approvals(["unknown"], stone)

    assert store.approvals() == (replace(ANN, withdrawn=stone), NO)
