"""A line that varies hides nothing in the lines around it."""

from __future__ import annotations

import pytest

from diffing.difference import Answer, Case
from diffing.judge import judge
from diffing.line_shapes import line_shape
from diffing.profile import NoiseProfile, learn
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "rendered in 8.1 ms · request e3f0bbac-4842-4346-b622-1d2f33a4b5c6",
            "rendered in 12 ms · request 0c1d2e3f-4842-4346-b622-1d2f33a4b5c7",
        ),
        ("go to /bills/01M8FWVZTQ2GNEPZ75FDSF3JVB.", "go to /bills/01M8FX38X0J05AWBSBQPCN1EV9."),
        ("Ann paid, just now", "Ann paid, 7 seconds ago"),
    ],
)
def test_lines_of_one_shape(one: str, other: str) -> None:
    assert line_shape(one) == line_shape(other)


def page(total: str, took: str, title: str = "Bills") -> Answer:
    body = f"<h1>{title}</h1><p>Total {total}</p><footer>rendered in {took} ms</footer>".encode()
    return Answer(RecordedResponse(200, "", (("Content-Type", "text/html"),), Body.of(body)), "", 1.0, 1.1)


def found(candidate: Answer, known: NoiseProfile | None = None) -> list[tuple[object, object]]:
    exchange = Exchange("e", RecordedRequest("GET", "/bills", ()), page("5.00", "1.5").response, 0.0, 0.1, "/bills")
    passes = (page("5.00", "1.5"), page("5.00", "2.25"), page("5.00", "9"))
    made = Case(exchange, "/bills", passes, (candidate,))
    return [
        (difference.baseline, difference.candidate)
        for comparison in judge([made], known or learn([made], {}))
        for difference in comparison.differences
    ]


def test_a_footer_that_varies_hides_no_wrong_total() -> None:
    assert found(page("5.00", "70.125")) == []
    assert found(page("6.00", "70.125")) == [("Total 5.00", "Total 6.00")]
    assert found(page("5.00", "70.125", "<b>Bills")) == []
    assert found(page("5.00", "soon")) == [("rendered in 1.5 ms", "rendered in soon ms")]


def test_a_kept_profile_knows_the_lines_too() -> None:
    exchange = Exchange("e", RecordedRequest("GET", "/bills", ()), page("5.00", "1.5").response, 0.0, 0.1, "/bills")
    known = learn([Case(exchange, "/bills", (page("5.00", "1.5"), page("5.00", "2.25")), ())], {})
    kept = NoiseProfile.from_json(known.to_json())
    assert kept == known
    assert found(page("6.00", "3.75"), kept) == [("Total 5.00", "Total 6.00")]
