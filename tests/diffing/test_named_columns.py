"""A figure that stands for a thing under the thing's own name: it moves with the thing, and with nothing else."""

from __future__ import annotations

import json

from diffing.difference import Answer, Case
from diffing.judge import judge
from diffing.profile import learn
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse

SORTS = {"POST /visits|2xx|$.id": "POST /visits|2xx|$.id#0"}


def response(kind: str, text: str) -> RecordedResponse:
    return RecordedResponse(200, "", (("Content-Type", kind),), Body(text.encode()))


def case(number: int, request: str, baseline: RecordedResponse, candidate: RecordedResponse) -> Case:
    method, _, path = request.partition(" ")
    exchange = Exchange(
        f"{number:032x}", RecordedRequest(method, path, (), Body(b"")), baseline, float(number), number + 0.1
    )
    return Case(exchange, path, (Answer(baseline), Answer(baseline)), (Answer(candidate),))


def differing(made: int, shown: int, kind: str = "text/csv") -> list[str]:
    """The places that differ where visit 99 of the baseline was made as `made`, and a list shows `shown` for it."""

    def visit(number: int) -> RecordedResponse:
        return response("application/json", json.dumps({"id": number}))

    def listing(number: int) -> RecordedResponse:
        table = f"cents,visit\r\n500,{number}\r\n"
        rows = json.dumps([{"cents": 500, "visit": number}])
        return response(kind, table if kind == "text/csv" else rows)

    cases = [
        case(1, "POST /visits", visit(99), visit(made)),
        case(2, "GET /invoices", listing(99), listing(shown)),
    ]
    found = judge(cases, learn(cases, SORTS), ())
    return [each.location.shape for one in found for each in one.differences]


def test_a_column_shows_the_visit_under_the_number_that_it_has_here() -> None:
    assert differing(made=100, shown=100) == []
    assert differing(made=100, shown=100, kind="application/json") == []


def test_a_column_that_shows_another_visit_is_found() -> None:
    assert differing(made=100, shown=98) == ["$[*].visit"]
    assert differing(made=99, shown=98, kind="application/json") == ["$[*].visit"]
