"""`understudy rules`: what is said of rules beside runs that a store holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from diffing.difference import Location, Part, Severity
from diffing.gate import Outcome, Verdict
from diffing.grouping import CONFIRMED, FLAKY, Finding, Member
from diffing.noise import HiddenPlace, RuleUse
from diffing.profile import NoiseProfile, Place
from replayer.cli.main import main
from replayer.judging import noise_rules
from replayer.reports.json_report import to_json
from replayer.reports.model import Coverage, CoverageRoute, RunReport
from replayer.settings import load_settings
from replayer.store import Store
from replayer.store.records import StoredAnswer

from .tiny import record

DATABASE = "sqlite:///.understudy/understudy.db"
SETTINGS = """
[[tags]]
name = "money"
routes = ["* /stats"]

[[noise]]
route = "GET /products"
path = "$.items[*].name"
kind = "str"
reason = "the catalogue is edited all day"
author = "kim"

[[noise]]
route = "GET /orders"
path = "$.items[*].state"
reason = "moves on by itself"
author = "kim"

[[noise]]
route = "* /stats"
path = "$.sum"
reason = "it is a sum"
until = 2026-01-31
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings and a database that holds the recording `tiny`, and no run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNDERSTUDY_DATABASE_URL", raising=False)
    (tmp_path / "understudy.toml").write_text(SETTINGS)
    (tmp_path / ".understudy").mkdir()
    with Store.open(DATABASE) as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id="k", source="a test")
        store.add_exchanges(info.id, record(users=3, rounds=4).exchanges)
        store.close_recording(info.id)
    return tmp_path


def finish_run(hidden: dict[str, int], findings: Sequence[Finding] = ()) -> str:
    """A finished run of `tiny` in which the rules of the settings were in force, and hid so much by their paths."""
    rules = noise_rules(load_settings())
    uses = []
    for rule in rules[:2]:
        method, _, route = rule.route.partition(" ")
        count = hidden.get(rule.path, 0)
        hit = Location(Part.BODY, rule.path.replace(".*", ".count"))
        places = (HiddenPlace(method, route, hit, "value", count),) if count else ()
        uses.append(RuleUse(rule, count, places))
    with Store.open(DATABASE) as store:
        run_id = store.create_run(store.recording("tiny").id, candidate="new", baselines=("old",))
        routes = tuple(CoverageRoute("GET", route, 3) for route in ("/products", "/orders", "/stats"))
        report = RunReport(
            run_id,
            "tiny",
            "new",
            Verdict(Outcome.PASS, (), 0),
            baselines=("old",),
            coverage=Coverage(3, 3, routes),
            findings=tuple(findings),
            rules=tuple(uses),
        )
        store.finish_run(run_id, "pass", 0, to_json(report))
    return run_id


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main(["rules", *arguments]) == code
    output = capsys.readouterr()
    return output.out, output.err


def test_rules_are_listed_with_what_they_hid_in_the_last_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = finish_run({"$.items[*].name": 4})
    second = finish_run({"$.items[*].name": 3})
    out, _ = said(capsys, "list")
    assert [line.split()[:8] for line in out.splitlines()] == [
        ["route", "part", "path", "kind", "state", "until", "hid", "in"],
        ["GET", "/products", "body", "$.items[*].name", "str", "active", "-", "7"],
        ["GET", "/orders", "body", "$.items[*].state", "-", "dead", "-", "0"],
        ["*", "/stats", "body", "$.sum", "-", "expired", "2026-01-31", "0"],
    ]
    told = json.loads(said(capsys, "list", "--json", "--recording", "tiny")[0])
    assert told[0] == {
        "id": None,
        "kept_in": "file",
        "name": "GET /products $.items[*].name (str)",
        "route": "GET /products",
        "path": "$.items[*].name",
        "part": "body",
        "kind": "str",
        "reason": "the catalogue is edited all day",
        "author": "kim",
        "until": None,
        "state": "active",
        "hid": 7,
        "runs": [{"run": second, "hid": 3}, {"run": first, "hid": 4}],
        "places": [
            {
                "method": "GET",
                "route": "/products",
                "location": {"part": "body", "path": "$.items[*].name"},
                "kind": "value",
                "count": 7,
            }
        ],
    }
    assert json.loads(said(capsys, "list", "--json", "--runs", "1")[0])[0]["hid"] == 3


def test_lint_names_each_fault_with_the_next_step_and_ends_with_1(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finish_run({"$.items[*].name": 4})
    out, err = said(capsys, "lint", code=1)
    assert out.splitlines() == [
        "GET /orders $.items[*].state",
        "  dead: It hid nothing in the last run that it was in force in.",
        "  Remove it: what varies between the baseline's passes is known without rules.",
        "* /stats $.sum",
        "  expired: It expired on 2026-01-31 and hides nothing any more.",
        "  Remove it, or give it a later 'until' if the reason still holds.",
        "3 noise rules, 2 things to put right.",
    ]
    assert "What varies between passes of the baseline is not known" in err
    told = json.loads(said(capsys, "lint", "--json", code=1)[0])
    assert (told["rules"], told["wrong"], len(told["runs"]), len(told["not_judged"])) == (3, 2, 1, 1)
    assert [(p["rule"], p["fault"], p["wrong"]) for p in told["problems"]] == [
        ("GET /orders $.items[*].state", "dead", True),
        ("* /stats $.sum", "expired", True),
    ]


def test_lint_names_the_places_that_a_rule_covers_without_need(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "understudy.toml").write_text(
        "[[noise]]\nroute = 'GET /stats'\npath = '$.*'\nreason = 'counted on the fly'\nauthor = 'kim'\n"
    )
    run_id = finish_run({"$.*": 4})
    with Store.open(DATABASE) as store:
        recording = store.recording("tiny").id
        answers = [StoredAnswer(e.id, e.response) for e in store.exchanges(recording)]
        store.add_answers(run_id, "baseline 1", answers)
        profile = NoiseProfile({"GET /stats|2xx|$.count": Place(varies=True)}, pairs=9)
        store.keep_profile(recording, "", run_id, profile.to_json())
    out, err = said(capsys, "lint", code=1)
    assert out.splitlines()[1] == (
        "  over-broad: 1 of the 2 places that it covers (50%) did not vary between passes of the baseline:"
        " GET /stats $.sum."
    )
    assert err == ""
    (problem,) = json.loads(said(capsys, "lint", "--json", code=1)[0])["problems"]
    assert (problem["fault"], problem["covered"]) == ("over-broad", 2)
    assert problem["without_need"] == [
        {"method": "GET", "route": "/stats", "location": {"part": "body", "path": "$.sum"}}
    ]


def test_a_profile_of_another_version_tells_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = finish_run({"$.items[*].name": 4, "$.items[*].state": 1})
    with Store.open(DATABASE) as store:
        store.keep_profile(store.recording("tiny").id, "", run_id, {"version": 0})
    assert "is not known" in said(capsys, "lint", code=1)[1]


def test_lint_ends_with_0_when_nothing_is_wrong(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "understudy.toml").write_text(SETTINGS.partition('[[noise]]\nroute = "GET /orders"')[0])
    out, err = said(capsys, "lint")
    assert out == "1 noise rule, nothing wrong.\n"
    assert "There is no finished run" in err
    (home / "understudy.toml").write_text("")
    assert said(capsys, "lint") == ("0 noise rules, nothing wrong.\n", "")
    assert "There are no noise rules." in said(capsys, "list")[1]
    assert said(capsys, "list", "--json")[0] == "[]\n"


def test_a_rule_on_a_tagged_route_is_held_back_unless_it_is_exact_and_ends(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[[tags]]\nname = "money"\nroutes = ["* /stats"]\n[[noise]]\nroute = "GET /stats"\npath = "$.sum"\n'
    text += 'reason = "rounded"\nauthor = "kim"\n'
    (home / "understudy.toml").write_text(text)
    out, _ = said(capsys, "lint", code=1)
    assert "  tagged route: It may hide changes at routes with the tag 'money'." in out
    (home / "understudy.toml").write_text(text + 'kind = "int"\nuntil = 2999-12-31\n')
    out, _ = said(capsys, "lint")
    assert "tagged route, exact (no fault): It hides changes at a route with the tag 'money'" in out


def test_a_run_of_a_version_that_named_no_rules_still_counts_for_routes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = finish_run({})
    with Store.open(DATABASE) as store:
        report = store.run_report(run_id)
        del report["rules"]
        store.finish_run(run_id, "pass", 0, report)
    told = json.loads(said(capsys, "list", "--json")[0])
    assert [each["state"] for each in told] == ["new", "new", "expired"]


SUM = Location(Part.BODY, "$.sum")


def finding(route: str = "/stats", location: Location = SUM, state: str = FLAKY, mark: str = "f" * 16) -> Finding:
    return Finding(
        fingerprint=mark,
        severity=Severity.MINOR,
        kind="value",
        method="GET",
        route=route,
        location=location,
        transition="int -> other int",
        baseline=5,
        candidate=7,
        count=1,
        out_of=3,
        state=state,
        members=(Member(mark, "GET", route, location, 1, "value", "int -> other int"),),
        story=None,
        tags=(),
        exemplars=(),
        exchanges=(),
    )


def test_a_proposal_can_be_pasted_and_then_nothing_is_wrong_with_it(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "kim@example.com")
    (home / "understudy.toml").write_text("")
    odd = Location(Part.BODY, "$['a \\'quoted\\' \\u00fc key'].n")
    header = Location(Part.HEADER, "x-count")
    found = [finding(), finding(location=odd, mark="e" * 16), finding("/orders", header, mark="d" * 16)]
    run_id = finish_run({}, found)
    out, err = said(capsys, "propose")
    assert err == f"Run {run_id[:8]}: 3 rules, to be read and put into the settings file.\n"
    (block,) = [text for text in out.split("\n\n") if '"$.sum"' in text]
    assert block.splitlines()[1:-1] == [
        f"# It would have hidden 1 change in 1 past run: {'f' * 16} (flaky, all) in {run_id[:8]}.",
        "[[noise]]",
        'route = "GET /stats"',
        'path = "$.sum"',
        'kind = "int"',
        f'reason = "differed once, and not again when it was repeated (run {run_id[:8]})"',
        'author = "kim@example.com"',
    ]
    (home / "understudy.toml").write_text(out, "utf-8")
    rules = noise_rules(load_settings())
    assert {(rule.route, rule.part, rule.path, rule.kind) for rule in rules} == {
        ("GET /stats", Part.BODY, "$.sum", "int"),
        ("GET /stats", Part.BODY, odd.path, "int"),
        ("GET /orders", Part.HEADER, "x-count", "int"),
    }
    assert all(rule.author == "kim@example.com" and rule.until is not None for rule in rules)
    assert said(capsys, "lint")[0] == "3 noise rules, nothing wrong.\n"
    again = said(capsys, "propose")
    assert again[0] == ""
    assert "3 places are hidden by rules that are there already" in again[1]


def test_a_proposal_for_a_tagged_route_is_loud(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "understudy.toml").write_text('[[tags]]\nname = "money"\nroutes = ["* /stats"]\n')
    finish_run({}, [finding()])
    out, err = said(capsys, "propose", "--author", "ann")
    assert "!!! TAGGED ROUTE 'money': the rule for GET /stats $.sum (int) hides changes where they matter most." in err
    assert out.startswith("# TAGGED 'money': this rule hides changes where they matter most.")
    (told,) = json.loads(said(capsys, "propose", "--author", "ann", "--json")[0])["proposals"]
    assert (told["tags"], told["author"]) == (["money"], "ann")


def test_a_confirmed_finding_is_proposed_only_where_the_baseline_varies(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "understudy.toml").write_text("")
    run_id = finish_run({}, [finding(state=CONFIRMED)])
    out, err = said(capsys, "propose")
    assert (out, "nothing to propose" in err) == ("", True)
    out, err = said(capsys, "propose", "--finding", "ffff")
    assert out == ""
    assert "Refused: a rule for ffffffffffffffff at GET /stats $.sum." in err
    assert "it is a change. Fix it, or approve the finding if it is intended." in err
    with Store.open(DATABASE) as store:
        profile = NoiseProfile({"GET /stats|2xx|$.sum": Place(varies=True)}, pairs=9)
        store.keep_profile(store.recording("tiny").id, "", run_id, profile.to_json())
    out, _ = said(capsys, "propose", "--finding", "ffff", "--run", run_id[:6])
    assert "# CAREFUL: not all of that was flaky: ffffffffffffffff." in out
    assert 'reason = "differs between passes of the baseline' in out


def test_a_proposal_that_would_hide_more_than_varied_is_refused_with_the_places(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "understudy.toml").write_text("")
    found = [finding(location=Location(Part.BODY, f"$.{key}"), mark=key * 16) for key in ("sum", "min", "max")]
    run_id = finish_run({}, found)
    with Store.open(DATABASE) as store:
        recording = store.recording("tiny").id
        answers = [StoredAnswer(e.id, e.response) for e in store.exchanges(recording)]
        store.add_answers(run_id, "baseline 1", answers)
        store.keep_profile(recording, "", run_id, NoiseProfile(pairs=9).to_json())
    out, err = said(capsys, "propose")
    assert out.count("[[noise]]") == 3
    assert (
        "Refused: GET /stats $.* (int). It would hide changes at places that did not vary, 1 of 2: GET /stats $.count."
        in err
    )
    told = json.loads(said(capsys, "propose", "--json")[0])
    (refused,) = told["refused"]
    assert (refused["refusal"], refused["rule"], refused["covered"]) == ("too wide", "GET /stats $.* (int)", 2)
    assert [each["location"]["path"] for each in refused["without_need"]] == ["$.count"]


def test_there_is_nothing_to_learn_without_a_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no finished run to learn from." in said(capsys, "propose", code=2)[1]
    run_id = finish_run({}, [finding()])
    assert "No finding of the run" in said(capsys, "propose", "--finding", "abc", code=2)[1]
    assert "There is no run 'zz'." in said(capsys, "propose", "--run", "zz", code=2)[1]
    with Store.open(DATABASE) as store:
        other = store.create_run(store.recording("tiny").id, candidate="new")
    assert "it did not finish" in said(capsys, "propose", "--run", other, code=2)[1]
    assert run_id in said(capsys, "propose", "--json")[0]
