"""The whole loop on the example shop: what the command line says of it, and what a recording of it holds.

One recording serves all tests, and replays are shared where they can be: each takes seconds.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from diffing.difference import Answer, Reason, Status
from recorder.exchange import header
from replayer.store import Store

from ..replayer.openapi.test_inferring import problems as description_problems
from .credentials import secrets_of
from .servers import understudy
from .shop import USERS, Gate, Shop, recorded_shop
from .shop_passes import Passes, note_rewritten
from .store_bytes import everything_stored

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

REASONS = {reason.value for reason in Reason}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with recorded_shop(tmp_path_factory.mktemp("shop")) as recorded:
        yield recorded


@pytest.fixture(scope="module")
def same(shop: Shop) -> Gate:
    return shop.gate("shop", "--baseline", "baseline", "--candidate", "baseline", "--passes", "2")


@pytest.fixture(scope="module")
def same_without_baseline(shop: Shop) -> Gate:
    return shop.gate("prefix", "--candidate", "baseline")


def assert_balanced(gate: Gate) -> None:
    """In total and for each route: what was seen was recorded or is accounted for, and every exchange has an end."""
    ledger = gate.ledger
    assert ledger["balanced"] is True
    assert ledger["imbalance"] == []
    for row in (ledger, *ledger["routes"]):
        assert row["seen"] == row["recorded"] + row["sampled_out"] + row["dropped"]
        ended = row["matched"] + row["differed"] + row["errored"]
        assert row["recorded"] == ended + sum(row["not_compared"].values()) + sum(row["skipped"].values())
    for name in ("seen", "recorded", "matched", "differed", "errored"):
        assert ledger[name] == sum(row[name] for row in ledger["routes"])
    named = {*ledger["not_compared"], *ledger["skipped"]}
    assert named <= REASONS


def left_out(gate: Gate) -> list[str]:
    """The routes of which something was not compared, for messages of tests that fail."""
    return [
        f"{row['method']} {row['route']}: {row['not_compared']}"
        for row in gate.ledger["routes"]
        if row["not_compared"] or row["errored"]
    ]


def test_a_release_against_itself_passes(shop: Shop, same: Gate) -> None:
    assert same.findings == []
    assert (same.status, same.report["verdict"]) == (0, "pass"), same.output
    assert_balanced(same)
    assert same.ledger["recorded"] == len(shop.exchanges("shop"))
    assert same.ledger["dropped"] == 0
    assert same.ledger["matched"] >= 0.98 * same.ledger["recorded"], left_out(same)
    assert same.report["fidelity"] >= 0.98


def test_nearly_all_that_the_shop_has_is_replayed(shop: Shop, same: Gate) -> None:
    asked = ("coverage", same.report["run"]["id"], "--app", "baseline", "--policy", str(shop.settings), "--json", "-")
    told = json.loads(understudy(*asked, cwd=shop.folder, environ=shop.environ).stdout)

    missing = [route["route"] for route in told["routes"] if route["state"] != "replayed"]
    assert missing == ["/static/<path:filename>"]
    assert told["figures"]["covered"]["of"] > 120
    assert told["figures"]["statuses"]["share"] >= 0.94


def test_a_part_of_the_recording_passes_against_itself_and_the_rest_is_accounted_for(shop: Shop, same: Gate) -> None:
    # a route with three answers shows by chance one order in two passes: four leave no room for it
    part = shop.gate("shop", "--baseline", "baseline", "--candidate", "baseline", "--passes", "4", "--budget", "500")
    assert part.findings == []
    assert (part.status, part.report["verdict"]) == (0, "pass"), part.output
    assert_balanced(part)
    ledger, selection = part.ledger, part.report["selection"]
    assert ledger["recorded"] == same.ledger["recorded"]
    assert {(row["method"], row["route"], row["recorded"]) for row in ledger["routes"]} == {
        (row["method"], row["route"], row["recorded"]) for row in same.ledger["routes"]
    }
    assert ledger["skipped"][Reason.OVER_BUDGET.value] == ledger["recorded"] - selection["selected"]
    assert 480 <= selection["selected"] <= 500
    assert ledger["matched"] >= 0.95 * selection["selected"]
    assert part.report["fidelity"] >= 0.97
    assert part.report["coverage"]["routes_replayed"] >= 0.95 * same.report["coverage"]["routes_replayed"]
    assert same.report["selection"] is None


def test_every_request_of_the_traffic_is_recorded(shop: Shop) -> None:
    recorded = Counter((e.request.method, e.response.status if e.response else 0) for e in shop.exchanges("shop"))
    sent = Counter((e.method, e.status) for e in shop.traffic)
    assert sent.total() >= 1500
    assert sent - recorded == Counter()
    assert (recorded - sent).keys() <= {("GET", 200)}  # the fixture waited for the server beside the tap
    assert (recorded - sent).total() <= 5


def test_without_a_baseline_a_release_does_not_fail_against_its_own_recording(same_without_baseline: Gate) -> None:
    gate = same_without_baseline
    assert gate.status in (0, 3), gate.findings
    assert_balanced(gate)
    assert gate.report["run"]["mode"] == "recording"
    assert gate.report["limits"]


def test_what_is_precious_is_only_read(shop: Shop) -> None:
    gate = shop.gate("prefix", "--baseline", "precious", "--candidate", "precious", "--passes", "2")
    assert "Traceback" not in gate.errors
    assert gate.status in (0, 3), gate.output
    assert_balanced(gate)
    writes = sum(e.request.method not in ("GET", "HEAD", "OPTIONS") for e in shop.exchanges("prefix"))
    assert gate.ledger["skipped"]["unsafe method"] == writes
    assert writes > 100
    for row in gate.ledger["routes"]:
        if row["method"] not in ("GET", "HEAD", "OPTIONS"):
            assert row["skipped"] == {"unsafe method": row["recorded"]}


def test_the_shop_is_described_by_its_recording_and_travels_as_har(shop: Shop) -> None:
    def run(*arguments: str) -> str:
        done = understudy(*arguments, cwd=shop.folder, environ=shop.environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("export", "openapi", "shop", "-o", "api.json")
    document = json.loads((shop.folder / "api.json").read_text("utf-8"))
    assert description_problems(document) == []
    assert len(document["paths"]) >= 60
    assert "nothing that is not described" in run("openapi", "check", "api.json", "shop")
    run("export", "har", "shop", "-o", "shop.har")
    assert "torn" not in run("recordings", "import", "shop.har", "--name", "as-har")
    hosts = Counter(header(each.request.headers, "host") for each in shop.exchanges("shop"))
    assert len(shop.exchanges("as-har")) == max(hosts.values())  # a HAR is imported for one host


def test_those_who_were_logged_in_before_replay_through_mint(shop: Shop, same: Gate) -> None:
    minted = {name: n for name, n in same.report["correlation"].items() if name.endswith("principals minted")}
    logged_in = [user for user in shop.wallet["users"][: USERS // 2] if user["logged_in"]]
    assert logged_in
    assert all(count >= len(logged_in) for count in minted.values())
    assert len(minted) == 3
    assert Reason.CREDENTIALS.value not in same.ledger["not_compared"]


def test_without_mint_they_are_named_and_nothing_else_breaks(shop: Shop) -> None:
    gate = shop.gate("prefix", "--baseline", "strangers", "--candidate", "strangers", "--passes", "4")
    assert "Traceback" not in gate.errors
    assert gate.findings == []
    assert_balanced(gate)
    assert gate.ledger["not_compared"][Reason.CREDENTIALS.value] > 0
    named = {"credentials could not be had", "blocked by a failed producer"}
    assert set(gate.ledger["not_compared"]) <= named | {Reason.UNFAITHFUL.value}
    lost = sum(gate.ledger["not_compared"].values())
    assert gate.ledger["matched"] == gate.ledger["recorded"] - lost - sum(gate.ledger["skipped"].values())


def test_no_password_or_token_is_in_the_spool_or_the_database(shop: Shop, same: Gate) -> None:
    clear = secrets_of(shop.wallet, shop.traffic)
    assert len(clear) > 60
    spool = b"".join(path.read_bytes() for path in sorted((shop.folder / "spool").rglob("*")) if path.is_file())
    with Store.open(shop.database) as store:
        stored = b"\0".join(everything_stored(store))
    files = b"".join(path.read_bytes() for path in sorted(shop.folder.glob("understudy.db*")))
    assert min(len(spool), len(stored), len(files)) > 100_000
    report = json.dumps(same.report).encode()
    found = {
        (place, why, value)
        for value, why in clear.items()
        for place, data in {"spool": spool, "store": stored, "files": files, "report": report}.items()
        for spelling in {value, quote(value, safe="")}
        if spelling.encode() in data
    }
    assert sorted(found) == []


# -- correlation and order -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def passes(shop: Shop) -> Passes:
    return Passes.over(shop, shop.exchanges("prefix"))


@pytest.fixture(scope="module")
def straight(passes: Passes) -> tuple[list[Answer], set[int]]:
    """In recorded order, one request at a time; and the steps in whose requests a value was replaced."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        rewritten = note_rewritten(monkeypatch)
        return passes.replay(), rewritten


@pytest.fixture(scope="module")
def straight_again(passes: Passes) -> list[Answer]:
    return passes.replay(concurrency=4)


def test_correlation_keeps_the_statuses_of_what_depends_on_state(
    passes: Passes, straight: tuple[list[Answer], set[int]]
) -> None:
    answers, rewritten = straight
    assert len(rewritten) >= len(passes.plan.steps) / 4
    assert passes.kept(answers, rewritten) >= 0.98
    assert passes.kept(answers) >= 0.98


def test_without_correlation_nobody_is_let_in_and_the_pass_ends(
    passes: Passes, straight: tuple[list[Answer], set[int]]
) -> None:
    answers = passes.replay(correlate=False, concurrency=4, problem="refuses what is let in elsewhere")
    assert passes.kept(answers, straight[1]) <= 0.5


@pytest.mark.parametrize(("seed", "concurrency"), [(1, 1), (2, 4), (3, 4)])
def test_any_legal_order_gives_the_same_answers(
    passes: Passes,
    straight: tuple[list[Answer], set[int]],
    straight_again: list[Answer],
    seed: int,
    concurrency: int,
) -> None:
    chance = random.Random(seed)
    priority = [chance.random() for _ in passes.plan.steps]
    shuffled = passes.replay(concurrency=concurrency, order=priority.__getitem__)
    compared = passes.compare([straight[0], straight_again], shuffled)
    differing = [
        (c.method, c.route, [(d.location.path, d.kind.value, d.transition) for d in c.differences])
        for c in compared
        if c.status in (Status.DIFFERED, Status.ERRORED)
    ]
    assert differing == []
    assert sum(c.status is Status.MATCHED for c in compared) >= 0.98 * len(compared)


def test_the_next_release_fails_and_nothing_is_missed(shop: Shop) -> None:
    gate = shop.gate("shop", "--baseline", "baseline", "--candidate", "candidate", "--passes", "2")
    assert (gate.status, gate.report["verdict"]) == (1, "fail"), gate.output
    assert_balanced(gate)
    score = shop.score(gate)
    assert score["missed"] == []
    assert score["false"] == []
    assert len(score["reported"]) >= 24
    assert score["per_cause"] <= 1.5


def test_a_release_that_asks_its_database_more_overruns_its_budget(shop: Shop) -> None:
    budgets = shop.folder / "budgets.toml"
    budgets.write_text(f'{shop.settings.read_text()}\n[[policy.budgets]]\nroute = "* /**"\nmax_more_statements = 0\n')

    gate = replace(shop, settings=budgets).gate(
        "prefix", "--baseline", "baseline", "--candidate", "candidate", "--passes", "2"
    )

    told = {each["key"]: each for each in gate.report["policy"]}["policy.budgets[1].max_more_statements"]
    assert (gate.status, told["holds"]) == (1, "fails")
    assert "GET /api/shared/<code>" in told["evidence"]
    assert told["reasons"][0] in gate.report["reasons"]


def test_without_a_baseline_most_regressions_are_still_found(shop: Shop) -> None:
    gate = shop.gate("shop", "--candidate", "candidate")
    assert gate.status == 1, gate.output
    assert_balanced(gate)
    score = shop.score(gate)
    unseen = set(score["unseen"])
    visible = [name for name in (*score["reported"], *score["missed"]) if name not in unseen]
    found = set(score["reported"]) & set(visible)
    assert len(found) >= 0.9 * len(visible), score["missed"]


def test_an_earlier_run_is_a_baseline(shop: Shop, same_without_baseline: Gate) -> None:
    earlier = same_without_baseline.report["run"]["id"]
    gate = shop.gate("prefix", "--baseline", f"run:{earlier}", "--candidate", "baseline")
    assert [line for line in gate.findings if line.startswith(("breaking", "major"))] == []
    assert gate.status in (0, 3), gate.output
    assert gate.report["run"]["baselines"] == [f"run:{earlier}"]
    assert_balanced(gate)


def test_the_factory_itself_is_a_target(shop: Shop, tmp_path: Path) -> None:
    """In a child process, with the target's own folder and environment; each pass has a database of its own."""
    restore = tmp_path / "restore.py"
    restore.write_text(
        "import os, pathlib, shutil\n"
        "database = pathlib.Path(os.environ['SHOP_DATABASE'])\n"
        "for old in database.parent.glob(database.name + '*'):\n"
        "    old.unlink()\n"
        "shutil.copyfile(os.environ['SHOP_SNAPSHOT'], database)\n"
    )
    environ = f'{{ SHOP_DATABASE = "{tmp_path / "wsgi.db"}", SHOP_SECRET = "staging" }}'
    settings = tmp_path / "understudy.toml"
    settings.write_text(
        "[targets.local]\n"
        'wsgi = "shop:create_app"\n'
        f'cwd = "{tmp_path}"\n'
        f'reset = ["python", "{restore}"]\n'
        'mint = "shop.testing:credentials"\n'
        'ready = "/health"\n'
        "disposable = true\n"
        f"env = {environ}\n"
    )
    gate = shop.gate(
        "prefix", "--baseline", "local", "--candidate", "wsgi:shop:create_app", "--passes", "2",
        "--policy", str(settings),
    )  # fmt: skip
    assert gate.findings == []
    assert gate.status == 0, gate.output + gate.errors
    assert_balanced(gate)
    assert gate.ledger["matched"] >= 0.98 * gate.ledger["recorded"]
