"""What the reports say of a selection."""

from __future__ import annotations

import json

import pytest

from diffing.gate import Outcome, Verdict
from diffing.ledger import Ledger
from replayer.reports.html import to_html
from replayer.reports.json_report import to_json
from replayer.reports.model import RunReport
from replayer.reports.selection_wording import percent
from replayer.reports.terminal import to_text
from replayer.selection.account import Account, RouteAccount
from replayer.selection.strata import Stratum

FOUND = Account(
    budget=5000,
    seed=3,
    recorded=1_000_000,
    selected=4998,
    strata=700,
    covered=698,
    routes=(
        RouteAccount("GET", "/orders", 12_000, 60, 4, 3, 0.0512),
        RouteAccount("GET", "/<x>", 9, 9, 1, 1, 0.0),
        RouteAccount("GET", "/health", 9000, 2, 1, 1, 1.0),
    ),
    uncovered=(
        Stratum("GET", "/orders", 404, False, "3-9", 12, 0.0, 2),
        Stratum("PUT", "/a\x1b[2J", 0, True, "", 1, 0.0, 1),
    ),
    closure=6.25,
    cut=4,
)
REPORT = RunReport("r", "rec", "cand", Verdict(Outcome.PASS, ("fine",), 0), ledger=Ledger(), selection=FOUND)


def test_the_terminal_says_what_was_left_out_and_what_may_be_missed() -> None:
    text = " ".join(to_text(REPORT, width=100).split())
    assert (
        "Selection 4,998 of 1,000,000 recorded exchanges were selected (budget 5,000, seed 3), each with what it"
        " depends on (6.2 exchanges on average). Of 700 kinds of exchange (route, status, shape) 698 were compared."
        " - 4 of them depend on more than 150 exchanges and were taken without the earliest of these: they may be"
        " answered otherwise than recorded, by both sides"
        " - GET /health: 2 of 9,000 compared, 1 of 1 kind; a change that touches any part of it may be missed"
        " - GET /orders: 60 of 12,000 compared, 3 of 4 kinds; a change that touches less than 5.2 % of it may be"
        " missed (95 %)"
        " - not compared: GET /orders 404, rows 3-9, shape 2, without a principal (12 exchanges)"
        " - not compared: PUT /a\\x1b[2J no response (1 exchange)"
    ) in text


def test_without_a_selection_nothing_is_said_of_one() -> None:
    whole = RunReport("r", "rec", "cand", Verdict(Outcome.PASS, ("fine",), 0))
    assert "Selection" not in to_text(whole)
    assert "Selection" not in to_html(whole)
    assert to_json(whole)["selection"] is None


def test_the_page_holds_every_route_and_escapes_it() -> None:
    page = to_html(REPORT)
    assert "<h2>Selection</h2>" in page
    assert "GET /&lt;x&gt;" in page
    assert "/<x>" not in page
    assert "nothing of it was left out" in page
    assert "2 kinds of which nothing was compared" in page


def test_the_document_is_plain() -> None:
    document = json.loads(json.dumps(to_json(REPORT)["selection"]))
    assert document["routes"][0] == {
        "method": "GET",
        "route": "/orders",
        "recorded": 12_000,
        "compared": 60,
        "strata": 4,
        "strata_compared": 3,
        "may_miss": 0.0512,
    }
    assert {key: value for key, value in document.items() if key not in ("routes", "uncovered")} == {
        "budget": 5000,
        "seed": 3,
        "recorded": 1_000_000,
        "selected": 4998,
        "strata": 700,
        "strata_compared": 698,
        "mean_closure": 6.25,
        "closures_cut": 4,
    }
    assert document["uncovered"][0]["recorded"] == 12


@pytest.mark.parametrize(("share", "text"), [(0.05, "5 %"), (0.0501, "5.1 %"), (0.00001, "0.1 %"), (0.12, "12 %")])
def test_a_bound_is_rounded_up(share: float, text: str) -> None:
    assert percent(share) == text
