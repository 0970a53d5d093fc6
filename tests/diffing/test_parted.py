"""A pass that a write parted from the others teaches nothing more, as long as another one goes on as the first does."""

from __future__ import annotations

from diffing.difference import Answer, Case
from diffing.parted import without_parted
from diffing.profile import learn
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse


def answer(text: str) -> Answer:
    status, _, total = text.partition(" ")
    headers = (("Content-Type", "application/json"),)
    return Answer(RecordedResponse(int(status), "", headers, Body.of(f'{{"total": {total or 0}}}'.encode())))


def case(number: int, method: str, *passes: str) -> Case:
    route = "/login" if method == "POST" else "/total"
    exchange = Exchange(
        f"{number:032x}", RecordedRequest(method, route, ()), answer(passes[0]).response, 0.0, 0.0, route
    )
    return Case(exchange, route, tuple(map(answer, passes)), ())


def test_what_differs_after_a_login_failed_is_no_noise() -> None:
    before = [case(0, "GET", "200 7", "200 7", "200 7"), case(1, "POST", "200", "200", "503")]
    after = [case(2, "GET", "200 9", "200 9", "200 8"), case(3, "GET", "200 9", "200 9", "200 8")]
    assert not learn([*before, *after], {}).at("GET /total|2xx|$.total").varies
    moving = [case(2, "GET", "200 9", "200 10", "200 8")]
    assert learn([*before, *moving], {}).at("GET /total|2xx|$.total").varies


def test_where_all_have_parted_all_teach() -> None:
    cases = [
        case(0, "POST", "503", "200", "200"),
        case(1, "GET", "200 7", "200 8", "200 8"),
        case(2, "POST", "200", "200", "200"),
    ]
    assert list(without_parted(cases)) == cases
    reads = [case(0, "GET", "200", "200", "503"), case(1, "GET", "200 7", "200 7", "200 8")]
    assert list(without_parted(reads)) == reads
