"""The truth is true: each change alone shows where `truth.json` says, and nowhere else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import cache

import pytest
from shop import changes, create_app
from shop.config import Settings
from shop.provider import Provider
from shop.score import TRUTH, Entry, Place, Seen, load
from shop.seed import password_for
from shop.traffic.tally import endpoints, shop_routes

from .calls import Called, Caller, differences
from .conftest import SECRET, SHOP, Seeded
from .probes import PROBES, STRANGER, Probe

KINDS = {
    "status",
    "missing",
    "extra",
    "type",
    "null",
    "value",
    "format",
    "identity",
    "length",
    "order",
    "media",
    "failure",
}
# what the comparison of these tests, which is coarse, may call by another name
FINER = {"value": {"value", "format", "identity", "order"}, "length": {"length", "extra", "missing"}}

Run = tuple[list[Called], list[str]]  # the calls, and the amounts that the payment provider was asked for
Shop = Callable[[frozenset[str], Probe], Run]


@pytest.fixture(scope="module")
def shop(seeded: Seeded, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Runs a probe on a fresh shop that has the changes."""
    database = tmp_path_factory.mktemp("probed") / "shop.db"
    emails = [*(entry["email"] for entry in seeded.wallet["users"]), STRANGER]
    passwords = {email: password_for(email) for email in emails}

    def run(active: frozenset[str], probe: Probe) -> Run:
        shutil.copyfile(seeded.database, database)
        provider.calls.clear()
        app = create_app(Settings(database, SECRET, provider.url, changes=active))
        caller = Caller(app, passwords)
        probe(caller)
        app.extensions["shop_engine"].dispose()
        return caller.log, [call["request"]["amount"] for call in provider.calls if call["path"] == "/charges"]

    return run


@pytest.fixture(scope="module")
def unchanged(shop: Shop) -> Callable[[Probe], tuple[Run, set[Seen]]]:
    """What release 1 answers to a probe, and where it differs from itself."""

    @cache
    def twice(probe: Probe) -> tuple[Run, set[Seen]]:
        run = shop(frozenset(), probe)
        return run, differences(run[0], shop(frozenset(), probe)[0])

    return twice


def covers(places: tuple[Place, ...], seen: Seen) -> bool:
    names = FINER.get(seen.kind, {seen.kind})
    return any(
        place.covers(Seen(seen.method, seen.route, seen.part, seen.path, name)) for place in places for name in names
    )


@pytest.mark.parametrize("entry", load(), ids=lambda entry: entry.name)
def test_a_change_alone_shows_at_its_places_and_nowhere_else(
    entry: Entry, shop: Shop, unchanged: Callable[[Probe], tuple[Run, set[Seen]]]
) -> None:
    (before, charges), noise = unchanged(PROBES[entry.name])
    after, charged = shop(frozenset({entry.name}), PROBES[entry.name])

    shown = {
        seen
        for seen in differences(before, after)
        if seen not in noise and (seen.part == "sql") == (entry.shows == "sql")
    }
    if entry.shows == "outbound":
        assert [float(amount) for amount in charged] == [float(amount) * 100 for amount in charges] != []
        assert shown == set()
    else:
        assert {seen for seen in shown if not covers((*entry.places, *entry.effects), seen)} == set()
        assert {(p.method, p.route, p.part) for p in entry.places if any(covers((p,), seen) for seen in shown)} == {
            (place.method, place.route, place.part) for place in entry.places
        }
        assert charged == charges


def test_the_truth_names_every_change_once() -> None:
    entries = load()
    assert sorted(entry.name for entry in entries) == sorted(changes.ALL) == sorted(PROBES)
    assert {entry.name for entry in entries if entry.regression} == changes.REGRESSIONS
    assert len(changes.REGRESSIONS) >= 26
    assert len(changes.INTENDED) == 6


def test_every_place_is_on_a_route_of_the_shop_and_of_a_known_kind() -> None:
    known = {(method, rule.rule) for method, rule in endpoints(shop_routes())}
    places = [place for entry in load() for place in (*entry.places, *entry.effects)]
    assert {(place.method, place.route) for place in places} - known == set()
    assert {kind for place in places for kind in place.kinds} - KINDS == set()
    assert {place.part for place in places} == {"status", "header", "body", "sql", "outbound"}


def test_each_change_is_made_at_one_place_of_the_code() -> None:
    source = "".join(path.read_text() for path in sorted((SHOP / "shop").rglob("*.py")))
    asked = sorted(re.findall(r'\bon\("(\w+)"\)', source))
    assert asked == sorted(changes.ALL)


def test_the_product_never_reads_the_truth() -> None:
    root = SHOP.parents[1]
    product = [path for name in ("recorder", "diffing", "replayer") for path in (root / name).rglob("*.py")]
    assert [path for path in product if "truth.json" in path.read_text()] == []
    assert isinstance(json.loads(TRUTH.read_text()), list)
