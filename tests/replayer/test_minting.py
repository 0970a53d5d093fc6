"""How a worker waits for credentials: with one look for all who wait, and for no longer than it must."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from replayer.executors.minting import Minting
from replayer.executors.parcels import pack_minted
from replayer.mint import Credentials, MintFailure
from replayer.sealing import Sealer
from replayer.store.bell import Bell

from .sharing import key

SEALER = Sealer(key())


class Ledger:
    """Stands in for the store: credentials are there after so many looks."""

    def __init__(self, after: int = 1, known: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        self.looks: list[list[str]] = []
        self.after = after
        self.known = known

    def ask_mint(self, pass_id: int, principal: str) -> bytes | None:
        assert pass_id == 7
        self.asked.append(principal)
        return self.made(principal) if principal in self.known else None

    def minted(self, pass_id: int, principals: Sequence[str]) -> dict[str, bytes]:
        assert pass_id == 7
        self.looks.append(list(principals))
        if len(self.looks) < self.after:
            return {}
        return {principal: self.made(principal) for principal in principals}

    def made(self, principal: str) -> bytes:
        if principal == "stranger":
            return pack_minted(MintFailure("who?"), SEALER)
        return pack_minted(Credentials(headers=(("Authorization", f"Bearer {principal}"),)), SEALER)


@pytest.fixture
def minted() -> dict[str, bytes]:
    return {}


class Silent:
    """Stands in for an engine whose database rings for nobody."""

    class dialect:
        name = "sqlite"


def wait(ledger: Any, minted: dict[str, bytes], *principals: str) -> list[object]:
    async def run() -> list[object]:
        minting = Minting(ledger, 7, Bell(Silent()), SEALER, minted)  # type: ignore[arg-type]
        return [*await asyncio.gather(*map(minting.of, principals))]

    return asyncio.run(run())


def bearer(principal: str) -> Credentials:
    return Credentials((("Authorization", f"Bearer {principal}"),))


def test_one_look_is_for_all_who_wait(minted: dict[str, bytes]) -> None:
    ledger, who = Ledger(), [f"user-{number}" for number in range(10)]
    assert wait(ledger, minted, *who) == [*map(bearer, who)]
    assert sorted(ledger.asked) == who
    assert sorted(each for look in ledger.looks for each in look) == who
    assert len(ledger.looks) < len(who)  # one, unless some ask long after others


def test_who_is_not_answered_looks_again(minted: dict[str, bytes]) -> None:
    ledger = Ledger(after=3)
    assert wait(ledger, minted, "ann") == [bearer("ann")]
    assert ledger.looks == [["ann"]] * 3


def test_what_is_there_already_is_waited_for_by_nobody(minted: dict[str, bytes]) -> None:
    ledger = Ledger(known=["ann"])
    assert wait(ledger, minted, "ann") == [bearer("ann")]
    assert (ledger.asked, ledger.looks) == (["ann"], [])
    assert wait(ledger, minted, "ann") == [bearer("ann")]  # in the next batch of the pass
    assert ledger.asked == ["ann"]


def test_that_there_are_none_is_an_answer_too(minted: dict[str, bytes]) -> None:
    assert wait(Ledger(), minted, "stranger", "ann") == [MintFailure("who?"), bearer("ann")]


def test_a_look_that_fails_fails_who_looked(minted: dict[str, bytes]) -> None:
    class Gone(Ledger):
        def minted(self, pass_id: int, principals: Sequence[str]) -> dict[str, bytes]:
            raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError):
        wait(Gone(), minted, "ann")


def test_who_has_credentials_does_not_wait_for_others(minted: dict[str, bytes]) -> None:
    """Whatever the order in which they asked."""

    class Slow(Ledger):
        def minted(self, pass_id: int, principals: Sequence[str]) -> dict[str, bytes]:
            return super().minted(pass_id, [each for each in principals if each == "bob" or len(self.looks) >= 4])

    ledger = Slow()

    async def run() -> int:
        minting = Minting(ledger, 7, Bell(Silent()), SEALER, minted)  # type: ignore[arg-type]
        waiting = [asyncio.ensure_future(minting.of(principal)) for principal in ("ann", "cid", "dan", "bob")]
        assert await waiting[-1] == bearer("bob")
        looks = len(ledger.looks)
        await asyncio.gather(*waiting)
        return looks

    assert asyncio.run(run()) == 1
    assert len(ledger.looks) == 5
