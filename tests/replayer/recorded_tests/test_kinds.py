"""What an exchange shows that others of its route do not, and which values of an answer are variables."""

from __future__ import annotations

import json

import pytest

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.flow import Step
from replayer.guide import make_guide
from replayer.plan import Plan, make_plan
from replayer.recorded_tests.kinds import amounts_of, kinds_of
from replayer.recorded_tests.transcript import Cast, Transcriber

JSON = (("Content-Type", "application/json"),)


def _exchange(number: int, method: str, target: str, body: object, status: int, answer: object) -> Exchange:
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest(method, target, JSON, Body(json.dumps(body).encode() if body else b"")),
        response=RecordedResponse(status, "", JSON, Body(json.dumps(answer).encode())),
        started=float(number),
        ended=number + 0.1,
        client="one",
    )


def _plan(*exchanges: Exchange) -> Plan:
    return make_plan(
        list(exchanges), lambda one: "/".join("<id>" if p.isdigit() else p for p in one.request.target.split("/"))
    )


def _answered(status: int, answer: object) -> Step:
    return _plan(_exchange(1, "POST", "/quotes", None, status, answer)).steps[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"spent": "12.50"}, {"spent": "0.00"}),
        ({"spent": 3}, {"spent": -3}),
        ({"notes": ["a", "b"]}, {"notes": []}),
        ({"open": True}, {"open": False}),
    ],
)
def test_an_answer_at_an_edge_shows_what_others_do_not(one: object, other: object) -> None:
    assert kinds_of(_answered(200, one)) != kinds_of(_answered(200, other))


def test_answers_with_other_numbers_and_names_show_the_same() -> None:
    assert kinds_of(_answered(200, {"id": 7, "name": "Emma"})) == kinds_of(_answered(200, {"id": 8, "name": "Ida"}))


def test_errors_are_told_apart_by_what_they_say_deep_inside() -> None:
    def refusal(field: str, problem: str, request_id: str) -> object:
        details = [{"field": field, "problem": problem}]
        return {"error": {"code": "invalid", "request_id": request_id, "details": details}}

    city = kinds_of(_answered(422, refusal("city", "must have 1 to 80 characters", "5f3a")))
    assert city != kinds_of(_answered(422, refusal("postcode", "must have 4 to 5 characters", "77aa01")))
    assert city == kinds_of(_answered(422, refusal("city", "must have 2 to 90 characters", "90bb2c")))


def test_amounts_are_known_by_their_place() -> None:
    answer = {"lines": [{"net": "1.50"}, {"net": "2.25"}], "tax": 0.71, "id": 5, "at": "2026-01-01"}
    assert amounts_of(_answered(200, answer)) == {
        ("POST", "/quotes", "$.lines[*].net"): {"1.50", "2.25"},
        ("POST", "/quotes", "$.tax"): {"0.71"},
    }


def test_what_an_answer_handed_out_is_a_variable_after_a_request_said_it_as_well() -> None:
    flow = []
    for number in range(4):
        order, at = 160 + number, number * 10
        flow += [
            _exchange(at, "POST", "/orders", {"note": "x"}, 201, {"id": order, "note": "x"}),
            _exchange(at + 1, "POST", "/payments", {"order_id": order}, 201, {"id": 900 + number, "order_id": order}),
            _exchange(at + 2, "POST", f"/orders/{order}/invoice", None, 201, {"number": f"I-{number}"}),
        ]
    plan = _plan(*flow)
    script = Transcriber(plan, make_guide(plan), Cast()).script([0, 1, 2], frozenset([0, 1, 2]), "one")
    assert [one.name for one in script.calls[0].captures] == ["order_id"]
    assert "160" not in repr(script.calls[2].target)
