"""What a coverage report says of routes that were replayed, seen, described and never asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from diffing.app_routes import AppRoutes
from replayer.coverage.gather import cells, replayed_in, run_routes
from replayer.coverage.html import heat, to_html
from replayer.coverage.lines import Figure, FileLines, NewLines
from replayer.coverage.model import CoverageReport, RouteCell, StatusCell
from replayer.coverage.report import rows, summary, to_json, words

ORDERS = RouteCell("GET", "/orders/<int:id>", (StatusCell("200", 120, 118), StatusCell("404", 4, 4)))
LOGIN = RouteCell("POST", "/login", (StatusCell("200", 9, 0), StatusCell("401", 3, 0)))
REFUND = RouteCell("POST", "/refund", (StatusCell("201", 0, 0),), new=True)
SHARE = RouteCell("POST", "/share", (StatusCell("201", 2, 2),), new=True)
HEALTH = RouteCell("GET", "/health", (StatusCell("200", 50, 50),), known=False)
LINES = NewLines((FileLines("shop/a.py", 10, (7, 8)), FileLines("shop/b.py", 4, (1, 2, 3, 4), False)), ("x.css",))
REPORT = CoverageReport(
    "checkout", "app next", (ORDERS, LOGIN, REFUND, SHARE, HEALTH), run="r42", new_known=True, lines=LINES, min_new=0.8
)


def test_figures_count_what_is_asked_for() -> None:
    figures = to_json(REPORT)["figures"]

    assert {name: (each["count"], each["of"]) for name, each in figures.items()} == {
        "covered": (2, 4),
        "seen": (3, 4),
        "replayed": (2, 4),
        "statuses": (3, 6),
        "error_paths": (1, 4),
        "new_routes": (1, 2),
        "new_lines": (8, 14),
    }
    assert [route["state"] for route in to_json(REPORT)["routes"]] == [
        "replayed", "seen", "unseen", "replayed", "replayed",
    ]  # fmt: skip


def test_as_long_as_nothing_was_replayed_the_figure_is_what_was_seen() -> None:
    fresh = replace(REPORT, run="")

    assert (fresh.figure, fresh.error_paths, fresh.statuses) == (Figure(3, 4), Figure(2, 4), Figure(5, 6))


@pytest.mark.parametrize(
    ("least", "short"),
    [
        (0.0, []),
        (0.5, []),
        (0.5714, ["1 of 2 new routes were replayed"]),
        (8 / 14, ["1 of 2 new routes were replayed"]),
        (0.5715, ["1 of 2 new routes were replayed", "8 of 14 new lines ran"]),
    ],
)
def test_what_is_new_is_held_to_the_policy_at_its_edge(least: float, short: list[str]) -> None:
    assert replace(REPORT, min_new=least).short == short


def test_of_nothing_there_is_no_share() -> None:
    assert words(Figure(0, 0)) == "none"


def test_nothing_new_falls_short_of_nothing() -> None:
    nothing = CoverageReport("r", "app", (ORDERS,), run="r42", new_known=True, lines=NewLines(()), min_new=1.0)

    assert nothing.short == []
    assert replace(nothing, new_known=False).new_routes is None


def test_the_table_begins_with_what_is_missing() -> None:
    assert rows(REPORT) == [
        ("POST", "/refund", "unseen, new", 0, 0, "unseen", "201 0/0"),
        ("POST", "/login", "seen", 12, 0, "seen", "200 0/9, 401 0/3"),
        ("GET", "/orders/<int:id>", "replayed", 124, 122, "replayed", "200 118/120, 404 4/4"),
        ("POST", "/share", "replayed, new", 2, 2, "unseen", "201 2/2"),
        ("GET", "/health", "replayed, not asked for", 50, 50, "unseen", "200 50/50"),
    ]


def test_the_figures_are_told_in_sentences() -> None:
    assert [*summary(REPORT)] == [
        "checkout, run r42: 50 % (2 of 4) of the routes of the app next replayed",
        "  seen 75 % (3 of 4), replayed 50 % (2 of 4)",
        "  statuses replayed 50 % (3 of 6), routes with an error answer 25 % (1 of 4)",
        "  new routes replayed 50 % (1 of 2)",
        "  new lines that ran 57.1 % (8 of 14)",
        "    shop/a.py: 7, 8 did not run",
        "    shop/b.py (never loaded): 1, 2, 3, 4 did not run",
        "    1 file of the diff that the report is not about",
    ]


def test_the_page_shows_every_cell_and_loads_nothing() -> None:
    page = to_html(replace(REPORT, routes=(*REPORT.routes, RouteCell("GET", "/<script>\x1b[31m"))))

    assert '<p class="figure">40 %</p>' in page
    assert '<td class="n cell replayed heat3">118/120</td>' in page
    assert '<td class="n cell seen heat1">0/9</td>' in page
    assert '<td class="n cell unseen heat0">0/0</td>' in page
    assert "/&lt;script&gt;\\x1b[31m" in page
    assert "<script" not in page
    assert not re.search(r"""(src|href|url)\s*[=(]|https?:|@import""", page)
    assert "default-src &#39;none&#39;" in page


@pytest.mark.parametrize(("count", "shade"), [(0, 0), (1, 1), (9, 1), (10, 2), (99, 2), (100, 3), (999, 3), (1000, 4)])
def test_more_exchanges_are_darker(count: int, shade: int) -> None:
    assert heat(StatusCell("200", count, 0)) == shade


RUN: dict[str, Any] = {
    "coverage": {
        "routes_from": "app",
        "routes": [
            {"method": "GET", "route": "/orders/{int}", "replayed": 3, "statuses": {"200": 3}, "known": False},
            {"method": "GET", "route": "/new", "replayed": 0, "statuses": {}, "known": True},
        ],
    }
}


def test_a_run_of_other_names_is_brought_under_the_routes_that_there_are() -> None:
    routes = AppRoutes([("GET", "/orders/<int:id>"), ("GET", "/")])
    replayed = replayed_in(RUN, routes)

    assert replayed == {("GET", "/orders/<int:id>"): {"200": 3}, ("GET", "/new"): {}}
    found = cells({("GET", "/"): {"200": 1}}, replayed, routes)
    assert [(each.name, each.known, each.state) for each in found] == [
        ("GET /", True, "seen"),
        ("GET /new", False, "unseen"),
        ("GET /orders/<int:id>", True, "replayed"),
    ]


def test_the_routes_that_a_run_knew_of_stand_in_where_they_were_not_its_recording_s() -> None:
    assert run_routes(RUN) == (("GET", "/new"),)
    assert run_routes({"coverage": {"routes": RUN["coverage"]["routes"]}}) == ()
