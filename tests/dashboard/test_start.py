"""Runs that are started from a page, each in a process of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from replayer.accounts import Role
from replayer.gate_options import GateOptions
from replayer.reports.json_report import to_json
from replayer.reports.model import Came, Retrial
from replayer.retrial import Again
from replayer.rule_book import last_runs
from replayer.selection.recorded import Budget
from replayer.starting import KEPT_LOGS, LOG_END, LOGS
from replayer.store import Store
from replayer.summary import summary_of
from replayer.target_settings import TargetSettings
from replayer.tokens import TokenScope
from tests.e2e.tiny_home import database, home, settings
from tests.replayer.sharing import SECRET
from tests.replayer.test_report import COLOUR, PRICES, REPORT

from .conftest import Serve
from .desk import Desk, begin, csrf, finish, log, run_of
from .test_browser import logged_in

__all__ = ["home"]
TARGETS = (TargetSettings("new", wsgi="tests.absent:app"), TargetSettings("gone", cwd="/absent", wsgi="shop:app"))
WISH = {"recording": "r0", "candidate": "new", "baseline gone": "on", "passes": "2"}


@pytest.fixture
def desk(empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(empty_database, targets=TARGETS)


def test_the_form_offers_what_there_is_to_those_who_may(desk: Desk) -> None:
    run_of(desk.url)
    text = desk.client(Role.ADMIN).get("/start").text
    assert '<option value="r0">r0</option>' in text
    assert 'name="baseline new"' in text
    assert 'href="/start"' in desk.client(Role.ADMIN).get("/").text
    assert 'href="/start"' not in desk.client(Role.REVIEWER).get("/").text


def test_without_targets_or_recordings_the_page_says_what_to_do(desk: Desk) -> None:
    assert "No recording yet" in desk.client(Role.ADMIN).get("/start").text
    assert "names no targets" in Desk(desk.url).client(Role.ADMIN).get("/start").text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "has the folder /absent"),
        ({"candidate": "http://elsewhere.example"}, "names no target &#39;http://elsewhere.example&#39;"),
        ({"baseline run:1": "on"}, "names no target &#39;run:1&#39;"),
        ({"recording": "/etc/passwd"}, "no recording"),
        ({"passes": "1"}, "2 to 20 times, not 1"),
        ({"passes": "three"}, "2 to 20 times"),
        ({"passes": "9" * 5000}, "2 to 20 times"),
    ],
)
def test_what_is_wrong_is_told_on_the_form_and_nothing_begins(desk: Desk, wrong: dict[str, str], said: str) -> None:
    finished = run_of(desk.url)
    client = desk.client(Role.ADMIN)
    wish = {**WISH, **wrong, **csrf(client)}
    if "recording" in wrong:
        del wish["baseline gone"]
    answer = client.post("/start", data=wish)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="2"' in answer.text or "passes" in wrong  # what was typed stays
    with Store.open(desk.url) as store:
        assert [run.id for run in store.runs()] == [finished]


def test_one_gate_at_a_time(desk: Desk) -> None:
    run = begin(desk.url)
    client = desk.client(Role.ADMIN)
    assert "is under way" not in client.get("/start").text  # a run that others started holds nobody up
    log(run, "reading\n")
    assert f'href="/runs/{run}"' in client.get("/start").text
    answer = client.post("/start", data={"recording": "r0", "candidate": "new", "passes": "2", **csrf(client)})
    assert answer.status_code == 409
    assert f"one gate at a time, and {run} is under way" in answer.text


def test_a_run_is_started_again_as_it_was_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.starting._PROGRAM", "pass")  # what a gate does is tried elsewhere
    run_of(desk.url)
    options = GateOptions(
        "r0", "new", passes=5, branch="prices", commit="abc", budget=Budget(70, seed=3), disposable=True,
        executor="celery", settings_path=Path("/elsewhere.toml"),
    )  # fmt: skip
    with Store.open(desk.url) as store:
        recording = store.recordings()[0].id
        first, unnamed = (
            store.create_run(recording, candidate="new", asked=each.to_json(), state="failed")
            for each in (options, replace(options, candidate="http://old.example"))
        )
    client = desk.client(Role.ADMIN)
    page = client.post(f"/runs/{first}/again", data=csrf(client)).headers["location"]
    until_failed(client, page)
    client.headers["Authorization"] = f"Bearer {desk.token(TokenScope.RUNS)}"
    made = client.post(f"/api/v1/runs/{first}/again").json()
    with Store.open(desk.url) as store:
        for run in (store.run(page.rpartition("/")[2]), store.run(made["id"])):
            assert (run.branch, run.commit, run.candidate) == ("prices", "abc", "new")
            assert GateOptions.from_json(run.asked) == replace(
                options, disposable=False, executor="local", settings_path=None
            )
        reasons = [each.reason for each in store.journal() if each.action == "run.started"]
    assert reasons == [f"again, as {first}"] * 2
    until_failed(client, f"/runs/{made['id']}")
    for run, said in ((unnamed, "names no target"), (run_of(desk.url), "not known any more how")):
        answer = client.post(f"/api/v1/runs/{run}/again")
        assert (answer.status_code, said in answer.text) == (409, True)


def test_a_finding_is_replayed_alone_and_that_is_no_verdict_of_a_release(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replayer.starting._PROGRAM", "pass")
    run_of(desk.url)
    options = GateOptions("r0", "new", passes=5, branch="prices", self_test=True)
    with Store.open(desk.url) as store:
        first = store.create_run(store.recordings()[0].id, candidate="new", asked=options.to_json())
    finish(desk.url, first)
    client = desk.client(Role.ADMIN)
    here = f"/runs/{first}/findings/{PRICES.fingerprint}"
    assert f'action="{here}/again"' in client.get(here).text
    assert "/again" not in desk.client(Role.REVIEWER).get(here).text
    alone = client.post(f"{here}/again", data=csrf(client)).headers["location"].rpartition("/")[2]
    assert f"replays the finding <code>{PRICES.fingerprint}</code> alone" in client.get(f"/runs/{alone}").text
    until_failed(client, f"/runs/{alone}")
    wanted = replace(options, again=Again(first, PRICES.fingerprint), alerts=False, self_test=False)
    found = Retrial(first, PRICES.fingerprint, "GET /a", Came.GONE, 0, 5, 0, 2, 3, 9)
    with Store.open(desk.url) as store:
        info = store.run(alone)
        assert (info.finding, GateOptions.from_json(info.asked)) == (PRICES.fingerprint, wanted)
        said = [each.reason for each in store.journal() if each.action == "run.started"]
        assert said == [f"again, as {first}, the finding {PRICES.fingerprint} alone"]
        data = to_json(replace(REPORT, run_id=alone, findings=(), retrial=found))
        store.finish_run(alone, "", None, data, summary_of(data))
    for path, words in (
        ("/", '<span class="word gone">GONE</span> <span class="dim">0/5</span>'),
        (f"/runs/{alone}", "This is no verdict of a release."),
        (here, f'Replayed alone: run <a href="/runs/{alone}"><code>{alone}</code></a> gone, 0 of 5.'),
        (f"{here}/history", "alone: gone, 0 of 5"),
        ("/trends?recording=r0", "The latest 2 finished runs"),
    ):
        assert words in client.get(path).text, path
    assert "alone: gone" not in client.get(f"/runs/{first}/findings/{COLOUR.fingerprint}/history").text
    assert alone not in client.get(f"/runs/{first}/compare").text
    assert client.get(f"/runs/{first}/compare/{alone}").status_code == 404
    client.headers["Authorization"] = f"Bearer {desk.token(TokenScope.RUNS, TokenScope.READ)}"
    told = client.get(f"/api/v1/runs/{alone}").json()
    assert (told["verdict"], told["exit_code"], told["finding"]) == (None, None, PRICES.fingerprint)
    assert told["retrial"] == {"came": "gone", "seen": 0, "replays": 5}
    seen = client.get(f"/api/v1{here}/history").json()["items"]
    assert [(each["run"], each["alone"]) for each in seen][:2] == [(alone, "gone, 0 of 5"), (first, None)]
    made = client.post(f"/api/v1{here}/again").json()
    until_failed(client, f"/runs/{made['id']}")
    again = client.post(f"/api/v1/runs/{alone}/again").json()["id"]  # asks the same of the run that found it
    until_failed(client, f"/runs/{again}")
    with Store.open(desk.url) as store:
        assert [GateOptions.from_json(store.run(each).asked) for each in (made["id"], again)] == [wanted] * 2
        assert alone not in [each.id for each in last_runs(store)]


def until_failed(client: httpx.Client, page: str) -> None:
    deadline = time.monotonic() + 60
    while "It is failed" not in client.get(page, headers={"Authorization": ""}).text:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_log_is_for_those_who_may_start_runs_and_its_end_is_shown(desk: Desk) -> None:
    run, other = run_of(desk.url), run_of(desk.url)
    log(run, "first line\n" + "x" * LOG_END + "\n<script>last</script>\x1b[31m\n")
    client = desk.client(Role.ADMIN)
    text = client.get(f"/runs/{run}/log").text
    assert "first line" not in text
    assert "&lt;script&gt;last&lt;/script&gt;\\x1b[31m" in text
    assert f'href="/runs/{run}/log"' in client.get(f"/runs/{run}").text
    assert f'href="/runs/{run}/log"' not in desk.client(Role.REVIEWER).get(f"/runs/{run}").text
    assert client.get(f"/runs/{other}/log").status_code == 404


def test_a_process_that_fails_is_told_and_old_logs_make_room(desk: Desk) -> None:
    run_of(desk.url)
    for number in range(KEPT_LOGS + 5):
        log(f"{number}", "")
    client = desk.client(Role.ADMIN)
    answer = client.post("/start", data={"recording": "r0", "candidate": "new", "passes": "2", **csrf(client)})
    assert answer.status_code == 303
    assert len(list(LOGS.glob("*.log"))) == KEPT_LOGS
    page = answer.headers["location"]
    until_failed(client, page)
    assert "a name from [targets]" in client.get(f"{page}/log").text


@pytest.mark.e2e
def test_a_run_is_started_from_a_page_cancelled_and_another_one_leads_to_its_verdict(
    browser: Browser, home: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_KEY", SECRET)
    desk = Desk(database(home))
    with serve(desk.url, settings=settings()) as address, logged_in(browser, desk, address, Role.ADMIN) as page:

        def begins(candidate: str) -> None:
            page.goto(f"{address}/start")
            page.get_by_label("Candidate, what is judged").select_option(candidate)
            page.get_by_label("old", exact=True).check()
            page.get_by_label("Passes of a baseline").fill("2")
            page.get_by_role("button", name="Start").click()

        begins("hanging")
        expect(page.get_by_role("status")).to_contain_text("candidate", timeout=60_000)
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.get_by_role("status")).to_have_text("It is cancelled.", timeout=30_000)
        page.get_by_role("link", name="What its process says").click()
        expect(page.locator("pre")).to_contain_text("The run was stopped: by ann.")
        expect(page.locator("pre")).to_contain_text("Started from a page by ann.")

        begins("new")
        expect(page.get_by_role("heading", level=1)).to_contain_text("FAIL", timeout=90_000)
        page.keyboard.press("1")
        page.wait_for_url("**/findings/*")
        page.keyboard.press("r")
        expect(page.get_by_role("heading", level=1)).to_contain_text("SEEN AGAIN", timeout=90_000)
        expect(page.get_by_role("main")).to_contain_text("no verdict of a release")
        page.goto("about:blank")
