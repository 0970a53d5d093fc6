"""One finding replayed alone: what it takes, what it came to, and when nobody can tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from diffing.difference import Answer, Reason
from diffing.grouping import FLAKY, Finding, group
from diffing.profile import NoiseProfile, learn
from diffing.trial import Trial
from recorder.exchange import RecordedRequest
from recorder.keys import Key
from recorder.redaction import Redactor
from replayer.approving import find_change
from replayer.cases import CaseMaker, teaching
from replayer.cli.main import main
from replayer.client import Client
from replayer.engine import PassOptions, closure, run_pass
from replayer.errors import UsageError
from replayer.gate_options import GateOptions
from replayer.kept_answers import answers_of
from replayer.passes import CanaryRead, Pass
from replayer.plan import Plan, make_plan
from replayer.reports.json_report import to_json
from replayer.reports.model import Came, Retrial
from replayer.reports.reading import report_of
from replayer.reports.retrial_wording import NOT_OF_THE_RELEASE, reasons
from replayer.retention import prune_runs
from replayer.retrial import Again, Retrier, Sought, Tried, sought
from replayer.rule_book import chosen_run, last_runs
from replayer.selection.needed import needed
from replayer.store import Store
from replayer.summary import summary_of
from replayer.target_settings import TargetSettings
from replayer.trends import trend

from .report_schemas import report_problems
from .test_report import REPORT
from .tiny import AppTransport, TinyApp, record, route_of

TARGET = TargetSettings("x", start=("serve", "{port}"), disposable=True)


class Wrong(TinyApp):
    """Gives the quantity as text."""

    def answer(self, request: RecordedRequest):  # type: ignore[no-untyped-def]
        status, body, headers = super().answer(request)
        if isinstance(body, dict) and "quantity" in body:
            body = {**body, "quantity": str(body["quantity"])}
        return status, body, headers


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(record(users=5, rounds=8).exchanges, route_of)


def replayed(plan: Plan, app: TinyApp, only: frozenset[int] | None = None) -> Pass:
    async def run() -> Pass:
        async with Client("http://127.0.0.1:9", transport=AppTransport(app.handle)) as client:
            result = await run_pass(plan, client, PassOptions(disposable=True, only=only))
        return Pass("x", TARGET, result, CanaryRead({}, {}, frozenset()))

    return asyncio.run(run())


class Whole:
    """A run of the whole that found what `Wrong` does, and what it kept."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.maker = plan, CaseMaker(plan)
        baselines = [replayed(plan, TinyApp(offset=offset)) for offset in (7, 9)]
        candidate = replayed(plan, Wrong(offset=20))
        self.passes = {"baseline 1": baselines[0], "candidate": candidate}
        cases = self.maker.cases(baselines, [candidate])
        self.profile: NoiseProfile = learn(teaching(cases), baselines[0].result.sorts)
        comparisons = Trial(self.profile).first(cases)
        self.finding: Finding = group(comparisons, self.maker.contexts(cases))[0]
        self.ended = {each.exchange_id: each.status.value for each in comparisons}

    def kept(self, name: str, exchanges: Iterable[str]) -> Mapping[str, Answer]:
        wanted = set(exchanges)
        steps = self.plan.steps if name in self.passes else ()
        return {
            step.exchange.id: self.passes[name].result.answers[step.index]
            for step in steps
            if step.exchange.id in wanted
        }

    def sought(self, **other: object) -> Sought:
        return replace(Sought("abc", self.finding, 5, self.ended, self.kept), **other)  # type: ignore[arg-type]

    def retrier(self, **other: object) -> Retrier:
        return Retrier.of(self.plan, self.maker, self.sought(**other), True, (), ())

    def tried(self, *apps: TinyApp, baselines: tuple[TinyApp, ...] = (), **other: object) -> Tried:
        retrier = self.retrier(**other)

        def alone(app: TinyApp) -> Pass:
            return retrier.only_its(replayed(self.plan, app, retrier.part))

        before = [alone(app) for app in baselines or (TinyApp(offset=40), TinyApp(offset=50))]
        redactor = Redactor(Key(b"k" * 32))
        return retrier.tried(self.profile, before, [alone(app) for app in apps], redactor)


@pytest.fixture(scope="module")
def whole(plan: Plan) -> Whole:
    return Whole(plan)


def test_what_shows_again_is_counted_and_what_was_not_sent_says_why(whole: Whole) -> None:
    tried = whole.tried(TinyApp(offset=60), Wrong(offset=70))
    found = tried.retrial
    assert (found.came, found.seen, found.replays, found.doubts) == (Came.SEEN, 1, 2, ())
    assert (found.baseline_seen, found.baseline_replays) == (0, 1)
    assert tried.shown == 1  # the replay that shows it is the one that is kept
    assert [each.state for each in tried.findings] == [FLAKY]  # it did not show each time
    assert whole.finding.fingerprint in {each.fingerprint for each in tried.findings}
    left = [each for each in tried.comparisons if each.reason is Reason.NOT_ITS]
    assert len(left) == len(whole.plan.steps) - found.sent > 0


def test_it_is_gone_where_it_would_have_shown(whole: Whole) -> None:
    found = whole.tried(TinyApp(offset=60), TinyApp(offset=70)).retrial
    assert (found.came, found.seen, found.replays, found.doubts) == (Came.GONE, 0, 2, ())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"kept": lambda *_: {}}, "Nothing that the run abc kept is left of its answers"),
        ({"finding": "flaky"}, "It was flaky in that run"),
        ({"baselines": (Wrong(offset=3), TinyApp(offset=4))}, "otherwise than in the run abc"),
    ],
)
def test_nobody_can_tell_where_it_might_not_have_shown(whole: Whole, other: dict[str, object], said: str) -> None:
    if "finding" in other:
        other = {"finding": replace(whole.finding, state=FLAKY)}
    apps = (Wrong(offset=60), Wrong(offset=61)) if "baselines" in other else (TinyApp(offset=60), TinyApp(offset=61))
    found = whole.tried(*apps, **other).retrial  # type: ignore[arg-type]
    assert (found.came, found.seen) == (Came.UNTOLD, 0)
    assert said in found.doubts[0]


def test_nobody_can_tell_what_the_baseline_shows_too_what_broke_off_and_what_was_replayed_once(whole: Whole) -> None:
    found = whole.tried(Wrong(offset=60), baselines=(TinyApp(offset=40), Wrong(offset=50))).retrial
    assert (found.came, found.seen, found.baseline_seen) == (Came.UNTOLD, 1, 1)
    assert "The baseline shows it as well, in 1 of 1 repetition" in found.doubts[0]
    once = whole.tried(TinyApp(offset=60)).retrial
    assert once.doubts == ("It was replayed once only: the candidate can not begin anew.",)
    retrier = whole.retrier()
    broken = retrier.only_its(replayed(whole.plan, TinyApp(), frozenset()))
    broken.result.problem = "it went away"
    told = retrier.tried(whole.profile, [broken], [broken], Redactor(Key(b"k" * 32))).retrial
    assert (told.came, told.replays, told.doubts) == (Came.UNTOLD, 0, ("x: it went away.",))


def test_a_finding_takes_its_exemplars_one_of_each_route_and_what_they_depend_on(whole: Whole) -> None:
    retrier = whole.retrier()
    ids = [whole.plan.steps[index].exchange.id for index in retrier.asked]
    assert set(whole.finding.exemplars) <= set(ids)
    routes = {(step.exchange.request.method, step.route) for step in map(whole.plan.steps.__getitem__, retrier.asked)}
    assert routes == {(each.method, each.route) for each in whole.finding.places}
    assert retrier.part == closure(whole.plan, retrier.asked)
    with pytest.raises(UsageError, match="does not hold any exchange"):
        whole.retrier(finding=replace(whole.finding, exemplars=()), ended={})


def test_of_a_large_plan_only_what_is_needed_is_sent_unless_the_whole_is_the_measure(plan: Plan) -> None:
    pays = next(step.index for step in plan.steps if step.route.endswith("/pay") and step.status == 200)
    waited = closure(plan, [pays])
    few = needed(plan, [pays], whole=False, most=3)
    assert {plan.steps[index].route for index in few} == {"/login", "/orders", "/orders/<int:order_id>/pay"}
    assert len({plan.steps[index].session for index in few}) == 1
    assert len(few) < len(waited) == len(needed(plan, [pays], whole=True, most=3))


FOUND = Retrial("abc", "f" * 16, "GET /a $.b int -> str", Came.GONE, 0, 5, 0, 2, 3, 9, ("Why.",))


def test_a_report_says_what_it_looked_at_and_is_read_back(whole: Whole) -> None:
    report = replace(REPORT, retrial=FOUND)
    data = to_json(report)
    assert report_problems(data) == []
    assert report_of(data).retrial == FOUND
    said = reasons(FOUND, 1200)
    assert said[0] == f"Not seen in any of 5 replays: GET /a $.b int -> str ({'f' * 16}, of the run abc)."
    assert said[1:] == (
        "Why.",
        "Sent were 9 of 1,200 exchanges: 3 of its places, and what these depend on.",
        NOT_OF_THE_RELEASE,
    )
    assert [came.exit_code for came in Came] == [1, 0, 3]


def test_what_was_asked_is_kept_with_the_run() -> None:
    asked = GateOptions("r", "next", again=Again("abc", "f" * 16, 7))
    assert GateOptions.from_json(asked.to_json()) == asked


def test_whatever_looks_at_the_latest_runs_looks_at_whole_ones(store: Store) -> None:
    recording = store.create_recording("r", service="shop", release="1", key_id="k", source="").id
    whole, other, alone = (store.create_run(recording, candidate="new", finding=each) for each in ("", "", "f" * 16))
    data = to_json(REPORT)
    for run in (whole, other, alone):
        store.finish_run(run, "fail", 1, data, summary_of(data))
    assert [point.run.id for point in trend(store, "r")] == [whole, other]
    assert [run.id for run in last_runs(store)] == [other, whole]
    assert chosen_run(store, "").id == other
    assert find_change(store, REPORT.findings[0].fingerprint).run.id == other
    assert [gone.name for gone in prune_runs(store, None, 1, time.time() + 9, dry_run=True).gone] == [whole]
    with pytest.raises(UsageError, match="is no baseline"):
        answers_of(store, alone)
    with pytest.raises(UsageError, match="replayed one finding alone"):
        sought(store, Again(alone, "ffff"))
    for text, said in (("fff", "No finding"), (REPORT.findings[0].fingerprint[:3], "No finding")):
        with pytest.raises(UsageError, match=said):
            sought(store, Again(whole, text))
    with pytest.raises(UsageError, match="2 to 20 times"):
        sought(store, Again(whole, "ffff", 1))
    assert sought(store, Again(whole, REPORT.findings[0].fingerprint[:6])).finding.fingerprint == (
        REPORT.findings[0].fingerprint
    )


def test_the_command_line_calls_it_by_what_it_came_to(
    store: Store, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = store.create_recording("r", service="shop", release="1", key_id="k", source="").id
    run = store.create_run(recording, candidate="new", finding="f" * 16)
    data = {**to_json(replace(REPORT, retrial=FOUND)), "policy": [], "reasons": ["It looked at one finding alone."]}
    store.finish_run(run, "", None, data, summary_of(data))
    assert main(["runs", "explain", run, "--db", database_url]) == 0
    assert capsys.readouterr().out == "GONE\n  It looked at one finding alone.\n"
    assert main(["runs", "list", "--db", database_url]) == 0
    assert f"{'f' * 16}: gone, 0 of 5" in capsys.readouterr().out
    assert main(["runs", "again", run, "--times", "3", "--db", database_url]) == 2
    assert "Give --finding, too." in capsys.readouterr().err
