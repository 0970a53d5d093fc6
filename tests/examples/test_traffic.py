"""The traffic against a real server, and what a rehearsal needs of it. The server is stopped last."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from shop import testing
from shop.provider import decide
from shop.traffic.cast import play

from .conftest import Seeded, Served

pytestmark = pytest.mark.e2e


def digest_of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Hashed:
    """A principal of which only the hash is known."""

    digest: str

    def matches(self, value: str) -> bool:
        return digest_of(value) == self.digest

    def find(self, values: Iterable[str]) -> str | None:
        return next((value for value in values if self.matches(value)), None)


def test_credentials_let_a_user_of_the_snapshot_in(
    seeded: Seeded, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SNAPSHOT", str(seeded.database))
    minted = testing.credentials(Hashed(digest_of("6")), served.url)
    assert minted is not None
    request = urllib.request.Request(f"{served.url}/api/users/me", headers=minted["headers"])
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["email"] == "ana+shop@mail.example"
    cookies = "; ".join(f"{name}={value}" for name, value in minted["cookies"].items())
    request = urllib.request.Request(f"{served.url}/web/session", headers={"Cookie": cookies})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["user"]["id"] == 6
    assert minted["body"]["password"] == minted["body"]["current_password"]


def test_there_are_no_credentials_for_a_stranger(
    seeded: Seeded, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SNAPSHOT", str(seeded.database))
    assert testing.credentials(Hashed(digest_of("4711")), served.url) is None


def test_every_endpoint_is_called_and_nothing_breaks(seeded: Seeded, served: Served) -> None:
    outcome = play(served.url, seeded.wallet, seed=7, users=16, requests=1600)
    assert outcome.complete, "\n".join(outcome.lines())
    assert outcome.tally.total >= 1500
    assert outcome.tally.never(200, 400) == []


def test_it_stops_when_told_and_takes_its_copy_with_it(served: Served) -> None:
    assert [path.name[:5] for path in served.home.iterdir()] == ["shop-"]
    workers = children(served.process.pid)
    assert len(workers) == 2
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=20) == 0
    assert list(served.home.iterdir()) == []
    assert [pid for pid in workers if os.path.exists(f"/proc/{pid}")] == []


def children(pid: int) -> list[int]:
    if not sys.platform.startswith("linux"):
        raise NotImplementedError("children are read from /proc")
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        return [int(child) for child in listed.read().split()]


def test_the_provider_refuses_some_amounts_and_instruments() -> None:
    charge = {"amount": "20.00", "instrument": "visa"}
    asked = (charge, charge | {"amount": "20.13"}, charge | {"instrument": "declined"})
    assert [decide("/charges", data)[0] for data in asked] == [201, 402, 402]
    assert decide("/charges/ch_ab/capture", {})[0] == 201
    assert decide("/elsewhere", {})[0] == 404
