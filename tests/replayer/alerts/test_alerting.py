"""What is told, and when there is nothing to tell: against a server that is as strict as Slack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from diffing.approvals import Approval, Scope, Subject
from diffing.gate import Outcome, Policy
from diffing.grouping import FLAKY, Finding
from diffing.standing import Standing
from replayer.alerts.message import item_of
from replayer.alerts.ways import open_ways
from replayer.reports.model import RunReport
from replayer.settings import Settings
from replayer.store import Store
from replayer.store.tables import alerts as alerts_table

from ...services.slack import FakeSlack, Fault, fake_slack
from .release import FORTY, OTHERS, PAYMENTS, SLACK, alerting, lighter, report_of, sent_so_far, started, ways_to


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as server:
        yield server


def told(store: Store, slack: FakeSlack, *findings: Finding, branch: str = "b", **more: object) -> list[str]:
    """The titles that a run with these findings sends, threads left out."""
    before = len(slack.calls)
    run = started(store, branch)
    with alerting(store, run, ways_to(slack), branch) as alerts:
        alerts.finished(report_of(run, findings, **more))  # type: ignore[arg-type]
    return titles(slack, before)


def titles(slack: FakeSlack, since: int = 0) -> list[str]:
    return [f"{call.channel} {call.arguments['text']}" for call in slack.calls[since:] if not _in_thread(call)]


def end_pauses(store: Store) -> None:
    """What time does."""
    with store._engine.begin() as connection:
        connection.execute(update(alerts_table).values(not_before=0.0, limited=0))


def _in_thread(call: object) -> bool:
    return "thread_ts" in call.arguments  # type: ignore[attr-defined]


ONE = "#releases shop: 1 finding fails the release."


def test_what_was_told_is_not_told_again_on_the_same_branch(store: Store, slack: FakeSlack) -> None:
    assert told(store, slack, OTHERS[0]) == [ONE]
    assert told(store, slack, OTHERS[0]) == []
    assert told(store, slack, OTHERS[0], branch="other") == [ONE]
    assert told(store, slack, OTHERS[0], OTHERS[1]) == ["#releases shop: 2 findings fail the release."]
    assert "1 new, 1 known" in str(slack.calls[-2].arguments)


def test_what_became_graver_is_told_again(store: Store, slack: FakeSlack) -> None:
    assert told(store, slack, lighter(OTHERS[0])) == [ONE]
    assert told(store, slack, OTHERS[0]) == [ONE]
    assert "1 worse" in str(slack.calls[-2].arguments)
    assert told(store, slack, lighter(OTHERS[0])) == []


def test_what_is_over_is_told_once(store: Store, slack: FakeSlack) -> None:
    told(store, slack, OTHERS[0])
    assert told(store, slack) == ["#releases shop: the release passes."]
    assert "no longer there" in str(slack.calls[-1].arguments)
    assert told(store, slack) == []
    assert told(store, slack, OTHERS[0]) == [ONE]


def test_a_run_that_compared_nothing_of_a_route_says_nothing_of_it(store: Store, slack: FakeSlack) -> None:
    elsewhere = replace(OTHERS[0], route="/api/elsewhere")
    told(store, slack, elsewhere)
    assert told(store, slack) == []


def test_an_inconclusive_run_ends_nothing_and_is_told_once(store: Store, slack: FakeSlack) -> None:
    told(store, slack, OTHERS[0])
    assert told(store, slack, outcome=Outcome.INCONCLUSIVE) == ["#releases shop: the release can not be judged."]
    assert "no longer there" not in str(slack.calls[-1].arguments)
    assert told(store, slack, outcome=Outcome.INCONCLUSIVE) == []
    assert told(store, slack) == ["#releases shop: the release passes."]


def test_a_policy_that_fails_without_a_finding_is_told_once(store: Store, slack: FakeSlack) -> None:
    assert told(store, slack, outcome=Outcome.FAIL) == ["#releases shop: the release fails."]
    assert "without a finding (1 reason, in the report)" in str(slack.calls[-1].arguments)
    assert told(store, slack, outcome=Outcome.FAIL) == []
    assert told(store, slack) == ["#releases shop: the release passes."]


def test_a_run_that_passes_says_nothing(store: Store, slack: FakeSlack) -> None:
    assert told(store, slack) == []
    assert slack.tried == 0


def test_what_is_approved_is_over(store: Store, slack: FakeSlack) -> None:
    told(store, slack, OTHERS[0])
    one = OTHERS[0]
    subject = Subject(one.method, one.route, one.location, one.kind, one.transition, one.severity)
    approval = Approval("a1", one.fingerprint, Scope.ALWAYS, "ann", "wanted", datetime(2026, 1, 1, tzinfo=UTC), subject)
    run = started(store, "b")
    report = report_of(run)
    report = replace(report, findings=(one,), standings={one.fingerprint: Standing(True, (approval,))})
    with alerting(store, run, ways_to(slack), "b") as alerts:
        alerts.finished(report)
    assert "1 approved" in str(slack.calls[-1].arguments)


def test_a_verdict_that_turns_edits_the_message_and_puts_the_notes_right(store: Store, slack: FakeSlack) -> None:
    one = OTHERS[0]
    run = started(store, "b")
    report = report_of(run, [one])
    slack.faults.append(Fault(500))
    with alerting(store, run, ways_to(slack), "b") as alerts:
        report = alerts.finished(report)
    assert "2 alerts not delivered" in report.notes[0]
    end_pauses(store)
    with alerting(store, run, ways_to(slack), "b") as alerts:
        alerts.finished(report)
    approved = replace(report_of(run), findings=(one,), standings={one.fingerprint: Standing(True)}, notes=report.notes)
    with alerting(store, run, ways_to(slack), "b") as alerts:
        report = alerts.finished(replace(approved, alerts=report.alerts))
    assert (report.notes, titles(slack)) == ((), [ONE, "C1 shop: the release passes."])


def test_tagged_findings_call_their_channel_at_once_and_the_verdict_edits_that_message(
    store: Store, slack: FakeSlack
) -> None:
    run = started(store)
    with alerting(store, run, ways_to(slack)) as alerts:
        alerts.confirmed(PAYMENTS[:1])
        alerts.confirmed(PAYMENTS[:1])
        alerts.confirmed(FORTY)
        alerts.finished(report_of(run, FORTY))
    methods = [(call.method, call.channel) for call in slack.calls if not _in_thread(call)]
    assert methods[0] == ("chat.postMessage", "#payments-alerts")
    assert methods.count(("chat.postMessage", "#payments-alerts")) == 1
    assert methods.count(("chat.postMessage", "#releases")) == 1
    assert methods[1:-1] == [("chat.update", "C2")] * len(methods[1:-1])
    assert slack.messages["C2", "1700000000.000001"]["text"] == "shop: 3 findings fail the release. <!here>"


def test_untagged_and_light_findings_wait_for_the_verdict(store: Store, slack: FakeSlack) -> None:
    run = started(store)
    with alerting(store, run, ways_to(slack)) as alerts:
        alerts.confirmed(OTHERS)
        alerts.policy = Policy()
        light = [replace(each, severity=replace(lighter(each)).severity) for each in OTHERS]
        alerts.confirmed(light)
        alerts.finished(report_of(run))
    assert slack.calls == []


def test_what_was_told_too_early_is_taken_back(store: Store, slack: FakeSlack) -> None:
    run = started(store)
    report = replace(report_of(run), findings=(replace(PAYMENTS[0], state=FLAKY),))
    with alerting(store, run, ways_to(slack)) as alerts:
        alerts.confirmed(PAYMENTS[:1])
        alerts.finished(report)
    last = slack.messages["C2", "1700000000.000001"]
    assert last["text"] == "shop: the release passes."
    assert "not confirmed in the end" in str(last["blocks"])


def test_a_run_that_ends_early_says_so_where_it_said_something(store: Store, slack: FakeSlack) -> None:
    run = started(store)
    with alerting(store, run, ways_to(slack)) as alerts:
        alerts.confirmed(PAYMENTS)
    assert (
        slack.messages["C2", "1700000000.000001"]["text"]
        == "shop: the release was not judged: the run ended early. <!here>"
    )


def test_planning_again_after_a_lost_connection_sends_nothing_twice(store: Store, slack: FakeSlack) -> None:
    run = started(store)
    for _ in range(2):
        with alerting(store, run, ways_to(slack)) as alerts:
            alerts.finished(report_of(run, OTHERS[:2]))
    assert [call.method for call in slack.calls] == ["chat.postMessage"] * 2  # the message, and its thread


FAULTS = {
    "429": (Fault(429, "600"), "Slack asks for patience"),
    "500": (Fault(500), "Slack answered 500"),
    "revoked": (Fault(error="token_revoked"), "Slack refused: token_revoked (the token was revoked)"),
    "timeout": (Fault(), "no answer within 0.2 s"),
    "channel": (Fault(error="channel_not_found"), "Slack refused: channel_not_found"),
    "too long": (Fault(error="msg_too_long"), "Slack refused: msg_too_long"),
    "no json": (Fault(200), "the answer is none of Slack's"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_dead_slack_changes_no_verdict_and_the_report_says_so(
    store: Store, slack: FakeSlack, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replayer.alerts.http.TIMEOUT", 0.2)
    fault, said = FAULTS[name]
    slack.faults.append(fault)
    run = started(store)
    report = report_of(run, OTHERS[:2])
    with alerting(store, run, ways_to(slack)) as alerts:
        after = alerts.finished(report)
    assert (after.verdict, after.findings) == (report.verdict, report.findings)
    assert after.alerts[0].state == ("refused" if name == "too long" else "waiting")
    assert said in after.alerts[0].said
    assert said in after.notes[-1]
    assert "2 alerts not delivered" in after.notes[-1]
    assert slack.calls == []


@pytest.mark.parametrize("name", ["429", "500", "revoked", "timeout", "no json"])
def test_a_dead_slack_costs_one_attempt_and_not_one_for_each_message(
    store: Store, slack: FakeSlack, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replayer.alerts.http.TIMEOUT", 0.2)
    slack.faults.extend([FAULTS[name][0]] * 9)
    run = started(store)
    with alerting(store, run, ways_to(slack)) as alerts:
        alerts.confirmed(FORTY)
        sent_so_far(alerts)
        after = alerts.finished(report_of(run, OTHERS))
    assert slack.tried <= 2  # while the run was under way, and at its end, when the message says something else
    assert {alert.state for alert in after.alerts} == {"waiting"}


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "too long"])
def test_what_was_not_delivered_is_sent_by_a_later_run(
    store: Store, slack: FakeSlack, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replayer.alerts.http.TIMEOUT", 0.2)
    slack.faults.append(FAULTS[name][0])
    told(store, slack, OTHERS[0])
    end_pauses(store)
    run = started(store, "b")
    with alerting(store, run, ways_to(slack), "b") as alerts:
        after = alerts.finished(report_of(run, OTHERS[:1]))
    assert titles(slack) == [ONE]
    assert (after.alerts, after.notes) == ((), ())
    assert {alert.state for alert in store.alerts()} == {"delivered"}


def test_a_pause_that_slack_asks_for_is_kept_and_waited_for_only_at_the_end(store: Store, slack: FakeSlack) -> None:
    slack.faults.append(Fault(429, "7"))
    run = started(store)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        end_pauses(store)

    with alerting(store, run, ways_to(slack), patience=10.0) as alerts:
        alerts.wait = wait
        alerts.finished(report_of(run, OTHERS[:1]))
    assert len(waited) == 1
    assert 6.0 < waited[0] <= 7.0
    assert titles(slack) == [ONE]


def test_a_channel_that_is_not_there_holds_no_other_back(store: Store, slack: FakeSlack) -> None:
    del slack.channels["#payments-alerts"]
    run = started(store)
    with alerting(store, run, ways_to(slack)) as alerts:
        after = alerts.finished(report_of(run, FORTY))
    assert {alert.destination: alert.state for alert in after.alerts} == {
        "#payments-alerts": "waiting",
        "#releases": "delivered",
    }
    threads = [alert for alert in after.alerts if alert.destination == "#payments-alerts" and alert.slot != "run"]
    assert [alert.said for alert in threads] == ["waits for the message above it"]


def test_a_message_that_somebody_deleted_is_posted_anew(store: Store, slack: FakeSlack) -> None:
    run = started(store)
    with alerting(store, run, ways_to(slack)) as alerts:
        alerts.confirmed(PAYMENTS)
        sent_so_far(alerts)
        slack.messages.clear()
        after = alerts.finished(report_of(run, FORTY))
    assert [call.method for call in slack.calls if call.channel == "#payments-alerts"] == ["chat.postMessage"] * 2
    assert {alert.state for alert in after.alerts} == {"delivered"}


def test_what_waited_for_days_is_not_sent_any_more(
    store: Store, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.faults.append(Fault(500))
    told(store, slack, OTHERS[0])
    monkeypatch.setattr("replayer.store.alerts.USEFUL_SECONDS", -1.0)
    assert store.claim_alert(["slack"]) is None
    assert {alert.state for alert in store.alerts()} == {"overdue"}


def test_what_is_there_still_after_a_week_is_told_again(
    store: Store, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(store, slack, OTHERS[0])
    monkeypatch.setattr("replayer.store.told.REMIND_SECONDS", -1.0)
    assert told(store, slack, OTHERS[0]) == [ONE]
    assert "1 still" in str(slack.calls[-2].arguments)


def test_two_processes_do_not_send_the_same_message(store: Store, slack: FakeSlack) -> None:
    slack.faults.append(Fault(500))
    told(store, slack, OTHERS[0])
    store.hurry_alerts(["slack"])
    assert store.claim_alert(["slack"]) is not None
    assert store.claim_alert(["slack"]) is None


def test_a_store_that_fails_changes_nothing_but_a_note(
    store: Store, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(store, "plan_alerts", broken)
    run = started(store)
    report: RunReport = report_of(run, OTHERS[:1])
    with alerting(store, run, ways_to(slack)) as alerts:
        alerts.confirmed(PAYMENTS)
        after = alerts.finished(report)
    assert after.verdict == report.verdict
    assert "Alerts could not be prepared or sent: RuntimeError." in after.notes


def test_a_webhook_has_one_channel_and_no_threads(store: Store, slack: FakeSlack) -> None:
    run = started(store)
    ways = ways_to(slack, UNDERSTUDY_SLACK_TOKEN="", UNDERSTUDY_SLACK_WEBHOOK=slack.hook)
    with alerting(store, run, ways) as alerts:
        alerts.confirmed(FORTY)
        sent_so_far(alerts)
        after = alerts.finished(report_of(run, FORTY))
    assert [(call.method, call.arguments["text"]) for call in slack.calls] == [
        ("webhook", "shop: 3 findings confirmed while the release is judged. <!here>"),
        ("webhook", "shop: 40 findings fail the release. <!here>"),
    ]
    assert [alert.state for alert in after.alerts] == ["delivered"]


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "neither UNDERSTUDY_SLACK_TOKEN nor UNDERSTUDY_SLACK_WEBHOOK is set"),
        ({"UNDERSTUDY_SLACK_TOKEN": "xoxb-1\nxoxb-2"}, "UNDERSTUDY_SLACK_TOKEN holds characters that no token has"),
        ({"UNDERSTUDY_SLACK_WEBHOOK": "hooks"}, "UNDERSTUDY_SLACK_WEBHOOK is no http or https address"),
        ({"UNDERSTUDY_SLACK_TOKEN": "x", "UNDERSTUDY_SLACK_API": "slack"}, "UNDERSTUDY_SLACK_API is no http or https"),
    ],
)
def test_what_slack_lacks_is_noted_and_nothing_is_queued(store: Store, environ: dict[str, str], why: str) -> None:
    run = started(store)
    report = report_of(run, OTHERS[:1])
    with alerting(store, run, open_ways(Settings(slack=SLACK), environ)) as alerts:
        alerts.confirmed(PAYMENTS)
        after = alerts.finished(report)
    (note,) = after.notes
    assert why in note
    assert (after.verdict, after.alerts, store.alerts()) == (report.verdict, (), [])


def test_alerts_go_with_their_run_and_what_was_told_stays(store: Store, slack: FakeSlack) -> None:
    told(store, slack, OTHERS[0])
    (run,) = {alert.run for alert in store.alerts()}
    store.finish_run(run, "fail", 1, {})
    store.delete_runs([run])
    assert store.alerts() == []
    assert told(store, slack, OTHERS[0]) == []


def test_items_say_where_and_what_and_never_which_value() -> None:
    item = item_of(PAYMENTS[1])
    assert (item.route, item.change) == ("GET /api/payments/<int:id>", "$.amount int -> str")
