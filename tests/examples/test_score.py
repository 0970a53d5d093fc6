from __future__ import annotations

from typing import Any

import pytest
from shop.score import Entry, Place, Score, Seen, load, pattern, score, table


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("$.items[*].price", "$.items[*].price", True),
        ("$.items[*].price", "$.items[0].price", False),
        ("$.items**", "$.items[*].product.name", True),
        ("$.items**", "$.item", False),
        ("$.*.price", "$.first.price", True),
        ("$.*.price", "$.first.second.price", False),
        ("$.*", "$.items[*]", False),
        ("**", "", True),
        ("set-cookie[session].httponly", "set-cookie[session].httponly", True),
        ("set-cookie[session].httponly", "set-cookies.httponly", False),
    ],
)
def test_paths(glob: str, path: str, fits: bool) -> None:
    assert (pattern(glob).fullmatch(path) is not None) is fits


def place(route: str, path: str, *kinds: str, part: str = "body") -> Place:
    return Place("GET", route, part, path, frozenset(kinds))


TRUTH = [
    Entry(
        "price", True, "response", "price is text", (place("/a", "$.price", "type"),), (place("/b", "$.sum", "value"),)
    ),
    Entry("cause", True, "log", "too many", (place("/a", "**", "value", part="outbound"),), ()),
    Entry("field", False, "response", "a new field", (place("/a", "$.new", "extra"),), ()),
]


def finding(route: str, path: str, kind: str, part: str = "body", **more: Any) -> dict[str, Any]:
    return {
        "method": "GET",
        "route": route,
        "location": {"part": part, "path": path},
        "kind": kind,
        "members": [],
        **more,
    }


def test_a_report_that_finds_everything_once() -> None:
    findings = [finding("/a", "$.price", "type"), finding("/a", "$.new", "extra")]
    assert score(findings, TRUTH) == Score(
        reported=("price",),
        missed=(),
        unseen=("cause",),
        intended=("field",),
        quiet=(),
        false=(),
        findings=2,
        per_cause=1.0,
    )


@pytest.mark.parametrize("part", ["sql", "outbound"])
def test_what_only_observing_targets_show_is_missed_as_what_a_response_shows(part: str) -> None:
    hidden = Entry("hidden", True, part, "too many", (place("/a", "**", "value", part=part),), ())
    assert score([], [hidden]).missed == ("hidden",)
    found = score([finding("/a", "SELECT … FROM t WHERE t.id = #", "value", part=part)], [hidden])
    assert (found.reported, found.missed, found.passed) == (("hidden",), (), True)


def test_an_effect_is_no_false_finding_but_does_not_count_as_reported() -> None:
    result = score([finding("/b", "$.sum", "value")], TRUTH)
    assert (result.reported, result.missed, result.false, result.passed) == ((), ("price",), (), False)


def test_what_no_entry_lists_is_false() -> None:
    result = score([finding("/a", "$.price", "type"), finding("/a", "$.price", "null")], TRUTH)
    assert (result.reported, result.false, result.passed) == (("price",), ("GET /a body $.price null",), False)


def test_every_member_of_a_finding_must_be_listed() -> None:
    def member(route: str, path: str) -> dict[str, Any]:
        return {"method": "GET", "route": route, "location": {"part": "body", "path": path}}

    good = finding("/a", "$.price", "type", members=[member("/a", "$.price")])
    bad = finding("/a", "$.price", "type", members=[member("/a", "$.price"), member("/c", "$.price")])
    assert score([good], TRUTH).false == ()
    assert score([bad], TRUTH).false == ("GET /c body $.price type",)


def test_several_findings_of_one_cause_are_averaged() -> None:
    findings = [finding("/a", "$.price", "type"), finding("/b", "$.sum", "value"), finding("/a", "$.new", "extra")]
    assert score(findings, TRUTH).per_cause == 1.5


def test_header_names_are_compared_without_case() -> None:
    listed = Place("GET", "/a", "header", "etag", frozenset({"missing"}))
    assert listed.covers(Seen("GET", "/a", "header", "ETag", "missing"))


def test_the_table_says_all_of_it() -> None:
    assert table(score([finding("/x", "$.y", "value")], TRUTH), TRUTH) == [
        "regressions reported: 0",
        "regressions missed: 1",
        "  price                      price is text",
        "regressions that no response shows: 1",
        "  cause                      too many",
        "intended changes reported: 0",
        "intended changes not reported: 1",
        "  field                      a new field",
        "findings that match no change: 1",
        "  GET /x body $.y value",
        "findings: 1, 0.00 for each cause",
    ]


def test_the_real_truth_loads() -> None:
    assert all(entry.places for entry in load())
