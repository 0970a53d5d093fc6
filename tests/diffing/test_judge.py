"""Learning and judging whole recordings of a small application: silent on the same release, right on faulty ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from diffing.difference import Case, Comparison, Status
from diffing.judge import judge
from diffing.noise import NoiseRule
from diffing.profile import learn

from .orders_app import SORTS, Fault, cases, traffic

Edit = Callable[[int, dict[str, str], Any], tuple[int, dict[str, str], Any] | None]


def run(made: list[Case], rules: tuple[NoiseRule, ...] = ()) -> list[Comparison]:
    return list(judge(made, learn(made, SORTS), rules))


def places(found: list[Comparison]) -> set[tuple[str, str, str]]:
    """(route, place, kind) of everything that was reported."""
    return {(f"{c.method} {c.route}", d.location.shape, d.kind.value) for c in found for d in c.differences}


def fault(at: str, edit: Edit) -> Fault:
    """Edits the answers of one route; an edit that gives None leaves the answer as it is."""

    def apply(route: str, status: int, headers: dict[str, str], value: Any) -> tuple[int, dict[str, str], Any]:
        if route != at:
            return status, headers, value
        return edit(status, headers, value) or (status, headers, value)

    return apply


def body(change: Callable[[Any], object]) -> Edit:
    """Changes the body of successful answers in place."""

    def edit(status: int, headers: dict[str, str], value: Any) -> None:
        if status < 300:
            change(value)

    return edit


def head(change: Callable[[dict[str, str]], object]) -> Edit:
    def edit(status: int, headers: dict[str, str], value: Any) -> None:
        if status < 300:
            change(headers)

    return edit


def an_hour_later(text: str) -> str:
    return (datetime.fromisoformat(text) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


ORDER, LIST, NEW, LOGIN = "GET /orders/<int:id>", "GET /orders", "POST /orders", "POST /login"

SAME_RELEASE = {
    "the same ids in every pass": {},
    "ids moved by scheduling in the candidate": {"first_ids": (500, 100, 100, 100, 130)},
    "other ids in every pass": {"first_ids": (500, 100, 200, 300, 400)},
    "two baseline passes": {"baselines": 2},
    "recording only, two candidate passes": {"baselines": 0, "candidates": 2, "first_ids": (500, 100, 100)},
    "recording only, ids moved between the candidate passes": {
        "baselines": 0,
        "candidates": 2,
        "first_ids": (500, 100, 250),
    },
}


@pytest.mark.parametrize("how", SAME_RELEASE.values(), ids=SAME_RELEASE.keys())
def test_the_same_release_shows_no_difference(how: dict[str, Any]) -> None:
    found = run(cases(traffic(), **how))
    assert places(found) == set()
    assert {c.status for c in found} == {Status.MATCHED}


def is_among(expected: tuple[str, str, str], found: set[tuple[str, str, str]]) -> bool:
    return any((*expected[:2], kind) in found for kind in expected[2].split(" or "))


REGRESSIONS: dict[str, tuple[Fault, tuple[str, str, str]]] = {
    "number becomes text": (fault(ORDER, body(lambda v: v.update(total=str(v["total"])))), (ORDER, "$.total", "type")),
    "money is rounded": (fault(ORDER, body(lambda v: v.update(total=round(v["total"])))), (ORDER, "$.total", "type")),
    "money is a little off": (
        fault(ORDER, body(lambda v: v.update(total=v["total"] + 0.01))),
        (ORDER, "$.total", "value"),
    ),
    "field dropped": (fault(ORDER, body(lambda v: v.pop("status"))), (ORDER, "$.status", "missing")),
    "field added": (fault(ORDER, body(lambda v: v.update(secret="x"))), (ORDER, "$.secret", "extra")),
    "field renamed in rows": (
        fault(LIST, body(lambda v: [row.update(name=row.pop("title")) for row in v["items"]])),
        (LIST, "$.items[*].title", "missing"),
    ),
    "null instead of text": (fault(ORDER, body(lambda v: v.update(title=None))), (ORDER, "$.title", "null")),
    "empty object instead of null": (fault(ORDER, body(lambda v: v.update(coupon={}))), (ORDER, "$.coupon", "null")),
    "time zone lost": (
        fault(ORDER, body(lambda v: v.update(created_at=v["created_at"][:-1]))),
        (ORDER, "$.created_at", "format"),
    ),
    "time an hour off": (
        fault(NEW, body(lambda v: v.update(created_at=an_hour_later(v["created_at"])))),
        (NEW, "$.created_at", "value"),
    ),
    "somebody else's order": (
        fault(ORDER, body(lambda v: v.update(id=2))),
        (ORDER, "$.id", "identity"),
    ),
    "the next one's order, among those from before": (
        fault(ORDER, body(lambda v: v.update(id=v["id"] + (v["id"] < 10)))),
        (ORDER, "$.id", "identity"),
    ),
    "link to another order": (
        fault(ORDER, body(lambda v: v.update(self=v["self"].rpartition("/")[0] + "/1"))),
        (ORDER, "$.self", "identity or value"),
    ),
    "link to another host": (
        fault(ORDER, body(lambda v: v.update(self=v["self"].replace("127.0.0.1", "internal.example")))),
        (ORDER, "$.self", "value"),
    ),
    "padding of the order number lost": (
        fault(ORDER, body(lambda v: v.update(number=f"ORD-{int(v['number'][4:])}"))),
        (ORDER, "$.number", "format"),
    ),
    "prefix of the order number changed": (
        fault(ORDER, body(lambda v: v.update(number=v["number"].replace("ORD", "NR")))),
        (ORDER, "$.number", "value or format"),
    ),
    "token shortened": (
        fault(LOGIN, body(lambda v: v.update(token=v["token"][:10]))),
        (LOGIN, "$.token", "format"),
    ),
    "one token for everybody": (
        fault(LOGIN, body(lambda v: v.update(token="a1b2c3d4" * 3))),
        (LOGIN, "$.token", "identity"),
    ),
    "cookie flag lost": (
        fault(LOGIN, head(lambda h: h.update({"Set-Cookie": h["Set-Cookie"].replace("; HttpOnly", "")}))),
        (LOGIN, "set-cookie[sid].httponly", "missing"),
    ),
    "cookie for another path": (
        fault(LOGIN, head(lambda h: h.update({"Set-Cookie": h["Set-Cookie"].replace("Path=/", "Path=/x")}))),
        (LOGIN, "set-cookie[sid].path", "value"),
    ),
    "Location gone": (fault(NEW, head(lambda h: h.pop("Location"))), (NEW, "location", "missing")),
    "Location relative": (
        fault(NEW, head(lambda h: h.update(Location="/orders/" + h["Location"].rpartition("/")[2]))),
        (NEW, "location", "value or format"),
    ),
    "last row lost": (fault(LIST, body(lambda v: v["items"].pop())), (LIST, "$.items[*]", "missing")),
    "total off by one": (fault(LIST, body(lambda v: v.update(total=v["total"] - 1))), (LIST, "$.total", "value")),
    "rows in another order": (fault(LIST, body(lambda v: v["items"].reverse())), (LIST, "$.items", "order")),
    "element of a shuffled list lost": (
        fault("GET /tags", body(lambda v: v["tags"].remove("red"))),
        ("GET /tags", "$.tags[*]", "missing"),
    ),
    "order of a list that has one": (
        fault("GET /tags", body(lambda v: v["sizes"].reverse())),
        ("GET /tags", "$.sizes", "order"),
    ),
    "noisy number becomes text": (
        fault(LIST, body(lambda v: v.update(took_ms=str(v["took_ms"])))),
        (LIST, "$.took_ms", "type"),
    ),
    "value in a map": (
        fault("GET /report", body(lambda v: v["by_day"].update({"2024-01-02": 5}))),
        ("GET /report", "$.by_day.*", "value"),
    ),
    "key of a map lost": (
        fault("GET /report", body(lambda v: v["by_day"].pop("2024-01-02"))),
        ("GET /report", "$.by_day.*", "missing"),
    ),
    "error answered as a page": (
        fault(ORDER, lambda s, h, v: (s, h, "<h1>Not Found</h1>") if s == 404 else None),
        (ORDER, "$", "media"),
    ),
    "error code changed": (
        fault(ORDER, lambda s, h, v: (s, h, {**v, "error": {**v["error"], "code": "gone"}}) if s == 404 else None),
        (ORDER, "$.error.code", "value"),
    ),
    "missing object found": (fault(ORDER, lambda s, h, v: (200, h, {}) if s == 404 else None), (ORDER, "", "status")),
    "crash": (fault("GET /report", lambda s, h, v: (500, h, "<h1>Error</h1>")), ("GET /report", "", "status")),
}


@pytest.mark.parametrize(("change", "expected"), REGRESSIONS.values(), ids=REGRESSIONS.keys())
@pytest.mark.parametrize(
    "first_ids", [(500, 100, 100, 100, 100), (500, 100, 200, 300, 400)], ids=["same ids", "other ids"]
)
def test_a_regression_is_found_where_it_is(
    change: Fault, expected: tuple[str, str, str], first_ids: tuple[int, ...]
) -> None:
    found = places(run(cases(traffic(), change, first_ids=first_ids)))
    assert is_among(expected, found)
    assert len(found) <= 2, found


def test_a_number_that_is_a_time_no_more_is_found() -> None:
    for wrong in (0.0, -1.5, 12.25):
        change = fault("GET /report", body(lambda v, wrong=wrong: v.update(generated_at=wrong)))
        assert places(run(cases(traffic(), change))) == {("GET /report", "$.generated_at", "format")}


ALONE = {name: known for name, known in REGRESSIONS.items() if "from before" not in name}


@pytest.mark.parametrize(("change", "expected"), ALONE.values(), ids=ALONE.keys())
def test_a_regression_is_found_against_the_recording_alone(change: Fault, expected: tuple[str, str, str]) -> None:
    found = places(run(cases(traffic(), change, baselines=0, candidates=2, first_ids=(500, 100, 100))))
    assert is_among(expected, found)
