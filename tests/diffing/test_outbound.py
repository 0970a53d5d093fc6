"""What an application tells other systems: silent on the same release, and every fault that costs money is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from diffing.difference import Case, Comparison, Part, Severity
from diffing.grouping import group
from diffing.judge import judge
from diffing.noise import NoiseRule
from diffing.profile import learn
from diffing.severity import severity
from recorder.exchange import Body, CallOutcome, Observed, OutboundCall, RecordedRequest, RecordedResponse

from .payment_calls import PAY, Asked, Fault, Pass, cases

CHARGE = "$calls['POST api.pay.example/v1/charges']"
CAPTURE = "$calls['POST api.pay.example/v1/charges/{}/capture']"
SEND = "$calls['POST mail.example/v2/send']"
RATES = "$calls['GET api.pay.example/v1/rates']"


def run(made: list[Case], rules: tuple[NoiseRule, ...] = ()) -> list[Comparison]:
    return list(judge(made, learn(made, {}), rules))


def found(made: list[Case], rules: tuple[NoiseRule, ...] = ()) -> dict[tuple[str, str, str], Severity]:
    """(place, kind, transition) -> severity of everything that was reported, all of it about calls."""
    told = {}
    for comparison in run(made, rules):
        for one in comparison.differences:
            assert one.location.part is Part.OUTBOUND
            place = (one.location.shape, one.kind.value, one.transition)
            told[place] = severity(one, "POST", "/pay", baseline_status=201, candidate_status=201)
    return told


def test_the_same_release_shows_no_difference() -> None:
    assert found(cases()) == {}


def test_nor_does_it_where_each_pass_has_a_double_of_its_own() -> None:
    hosts = (PAY, *(f"http://127.0.0.1:{port}" for port in (4001, 4002, 4003, 4004)))
    assert found(cases(hosts=hosts)) == {}


def change(number: int, edit: Callable[[Asked], object]) -> Fault:
    return lambda asked, _: (edit(asked[number]), None)[1]


def headers(number: int, edit: Callable[[dict[str, str]], object]) -> Fault:
    return change(number, lambda one: edit(one["headers"]))


def value(number: int, name: str, edit: Callable[[Any], Any], where: str = "body") -> Fault:
    return change(number, lambda one: one[where].update({name: edit(one[where][name])}))


def another_call(asked: list[Asked], pass_: Pass) -> None:
    asked.append({"method": "POST", "url": f"{pass_.host}/v1/refunds", "headers": {}, "body": {"amount": 1}})


def swapped(asked: list[Asked], _: Pass) -> None:
    asked[1], asked[2] = asked[2], asked[1]


def same_key_for_both(asked: list[Asked], _: Pass) -> None:
    asked[2]["headers"]["Idempotency-Key"] = asked[1]["headers"]["Idempotency-Key"]


ONE_KEY = "3f0c9b52-7a41-4a0e-9c55-0d6f8a1b2c3d"

FAULTS: dict[str, tuple[Fault, tuple[str, str, str], Severity]] = {
    "a hundred times the amount": (
        value(1, "amount", lambda cents: cents * 100),
        (f"{CHARGE}[*].body.amount", "value", "int -> other int"),
        Severity.BREAKING,
    ),
    "the amount as a text": (
        value(1, "amount", str),
        (f"{CHARGE}[*].body.amount", "type", "int -> str"),
        Severity.BREAKING,
    ),
    "another currency": (
        value(1, "currency", lambda _: "usd"),
        (f"{CHARGE}[*].body.currency", "value", "str -> other str"),
        Severity.BREAKING,
    ),
    "somebody else's instrument": (
        value(1, "instrument", lambda _: "pm_1000"),
        (f"{CHARGE}[*].body.instrument", "value", "str -> other str"),
        Severity.BREAKING,
    ),
    "charged twice": (
        lambda asked, pass_: asked.insert(2, asked[1]),
        (CHARGE, "length", "called -> called more often"),
        Severity.BREAKING,
    ),
    "not captured": (
        lambda asked, pass_: asked.pop(2) and None,
        (CAPTURE, "missing", "called -> not called"),
        Severity.BREAKING,
    ),
    "refunded as well": (
        another_call,
        ("$calls['POST api.pay.example/v1/refunds']", "extra", "not called -> called"),
        Severity.BREAKING,
    ),
    "captured before it is charged": (swapped, ("$calls", "order", "order -> other order"), Severity.BREAKING),
    "voided instead of captured": (
        change(2, lambda one: one.update(url=one["url"].replace("capture", "void"))),
        (f"{CAPTURE}.operation", "value", "str -> other str"),
        Severity.BREAKING,
    ),
    "the idempotency key lost": (
        headers(1, lambda fields: fields.pop("Idempotency-Key")),
        (f"{CHARGE}[*].headers.idempotency-key", "missing", "present -> missing"),
        Severity.BREAKING,
    ),
    "one idempotency key for all": (
        headers(1, lambda fields: fields.update({"Idempotency-Key": ONE_KEY})),
        (f"{CHARGE}[*].headers.idempotency-key", "identity", "id -> other id"),
        Severity.BREAKING,
    ),
    "one idempotency key for two operations": (
        same_key_for_both,
        (f"{CAPTURE}[*].headers.idempotency-key", "identity", "id -> other id"),
        Severity.BREAKING,
    ),
    "no authorization": (
        headers(1, lambda fields: fields.pop("Authorization")),
        (f"{CHARGE}[*].headers.authorization", "missing", "present -> missing"),
        Severity.BREAKING,
    ),
    "the wrong host": (
        change(1, lambda one: one.update(url=one["url"].replace("api.pay", "test.pay"))),
        (f"{CHARGE}[*].url", "value", "url -> other host"),
        Severity.BREAKING,
    ),
    "the wrong recipient": (
        value(3, "to", lambda _: "c1000@shop.example", "form"),
        (f"{SEND}[*].body.to", "value", "str -> other str"),
        Severity.BREAKING,
    ),
    "the rates the other way round": (
        change(0, lambda one: one.update(url=one["url"].replace("from=eur&to=usd", "from=usd&to=eur"))),
        (f"{RATES}[*].query.from", "value", "str -> other str"),
        Severity.BREAKING,
    ),
    "asked for the rates twice": (
        lambda asked, pass_: asked.insert(0, asked[0]),
        (RATES, "length", "called -> called more often"),
        Severity.MAJOR,
    ),
    "other words in the mail": (
        value(3, "text", lambda text: text.replace("You paid", "Thank you for"), "form"),
        (f"{SEND}[*].body.text", "format", "str -> other str"),
        Severity.MINOR,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_found_where_it_is(name: str) -> None:
    fault, place, grave = FAULTS[name]
    told = found(cases(fault))
    assert told.get(place) is grave, told
    assert len(told) <= 2


def test_a_new_version_of_the_client_is_no_change() -> None:
    assert found(cases(headers(3, lambda fields: fields.update({"User-Agent": "lib/2.0", "Accept": "*/*"})))) == {}


def test_a_rule_hides_what_a_user_knows_of() -> None:
    fault = value(1, "currency", lambda _: "usd")
    path = "$calls.*[*].body.currency"
    assert found(cases(fault), (NoiseRule("POST /pay", path, reason="moved to dollars"),)) == {}


def test_without_a_baseline_only_what_a_tape_answered_is_compared() -> None:
    fault = value(1, "amount", lambda cents: cents * 100)

    def played(case: Case, outcome: CallOutcome) -> Case:
        (candidate,) = case.candidate
        assert candidate.observed is not None
        assert candidate.observed.outbound is not None
        calls = tuple(replace(call, outcome=outcome) for call in candidate.observed.outbound)
        again = replace(candidate, observed=Observed(outbound=calls))
        return replace(case, candidate=(again, again), baseline=())

    made = cases(fault, baselines=0)
    bodies = [
        d.location.shape
        for c in run([played(case, CallOutcome.PLAYED) for case in made])
        for d in c.differences
        if d.location.part is Part.OUTBOUND
    ]
    assert set(bodies) == {f"{CHARGE}[*].body.amount"}
    really = run([played(case, CallOutcome.ANSWERED) for case in made])
    assert not [d for c in really for d in c.differences if d.location.part is Part.OUTBOUND]


def test_what_a_failure_kept_from_being_called_is_not_told_and_what_led_to_it_is() -> None:
    def refused(case: Case, calls: tuple[OutboundCall, ...]) -> Case:
        (candidate,) = case.candidate
        response = RecordedResponse(502, "Bad Gateway", ())
        return replace(case, candidate=(replace(candidate, response=response, observed=Observed(outbound=calls)),))

    def parts(made: list[Case]) -> set[tuple[str, str]]:
        return {(d.location.part.value, d.location.shape) for c in run(made) for d in c.differences}

    wrong = cases(value(1, "currency", lambda _: "zzz"))
    observed = [case.candidate[0].observed for case in wrong]
    first_two = [one.outbound[:2] for one in observed if one is not None and one.outbound is not None]
    failed = [refused(case, calls) for case, calls in zip(wrong, first_two, strict=True)]
    assert parts(failed) == {("status", ""), ("outbound", f"{CHARGE}[*].body.currency")}
    assert {f.location.path for f in group(run(failed), {})} == {"", f"{CHARGE}[*].body.currency"}
    assert parts([refused(case, ()) for case in wrong]) == {("status", "")}


def test_calls_side_by_side_are_paired_by_what_they_say() -> None:
    def lines(order: tuple[int, ...], more: int = 0) -> tuple[OutboundCall, ...]:
        return tuple(
            OutboundCall(
                RecordedRequest(
                    "POST", f"{PAY}/v1/lines", (), Body.of(b'{"sku": "s%d", "amount": %d}' % (n, n + more))
                ),
                None,
                0.0,
                0.0,
            )
            for n in order
        )

    made = cases()
    orders = [(1, 2, 3), (3, 1, 2), (2, 3, 1)]  # three threads

    def with_lines(case: Case, more: int) -> Case:
        baseline = tuple(
            replace(answer, observed=Observed(outbound=lines(order)))
            for answer, order in zip(case.baseline, orders, strict=True)
        )
        candidate = tuple(replace(one, observed=Observed(outbound=lines((2, 1, 3), more))) for one in case.candidate)
        return replace(case, baseline=baseline, candidate=candidate)

    assert found([with_lines(case, 0) for case in made]) == {}
    assert set(found([with_lines(case, 100) for case in made])) == {
        ("$calls['POST api.pay.example/v1/lines'][*].body.amount", "value", "int -> other int")
    }


def test_a_finding_names_an_operation_as_it_is_called() -> None:
    made = cases(value(1, "amount", lambda cents: cents + 1), hosts=("http://127.0.0.1:4001",) * 5)
    findings = group(run(made), {})
    assert [finding.location.path for finding in findings] == [
        "$calls['POST 127.0.0.1/v1/charges'][*].body.amount",
    ]


def test_which_exchange_fills_a_cache_is_no_difference() -> None:
    made = cases()
    keys = RecordedRequest("GET", f"{PAY}/keys", ())
    spare = OutboundCall(keys, RecordedResponse(200, "OK", ()), 1.0, 1.0, CallOutcome.SPARE)
    (candidate,) = made[0].candidate
    assert candidate.observed is not None
    assert candidate.observed.outbound is not None
    more = replace(candidate, observed=Observed(outbound=(spare, *candidate.observed.outbound)))
    made[0] = replace(made[0], candidate=(more,))
    assert found(made) == {}


def test_one_change_is_one_finding_whatever_is_answered() -> None:
    """A provider that declines some charges: the amounts are wrong in both."""
    made = cases(value(1, "amount", lambda cents: cents * 100))
    declined = RecordedResponse(402, "Payment Required", ())
    for n in range(0, len(made), 3):
        case = made[n]
        made[n] = replace(
            case,
            exchange=replace(case.exchange, response=declined),
            baseline=tuple(replace(one, response=declined) for one in case.baseline),
            candidate=tuple(replace(one, response=declined) for one in case.candidate),
        )
    (finding,) = group(run(made), {})
    assert (finding.location.path, finding.count) == (f"{CHARGE}[*].body.amount", len(made))


def test_calls_that_were_made_after_the_answer_had_begun_are_not_missing() -> None:
    made = cases()
    (answer,) = made[3].candidate
    assert answer.observed is not None
    assert answer.observed.outbound
    begun = replace(answer.observed, outbound=answer.observed.outbound[:1], partial=True)
    made[3] = replace(made[3], candidate=(replace(answer, observed=begun),))
    assert found(made) == {}
