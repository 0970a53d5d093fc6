from __future__ import annotations

from dataclasses import replace

from diffing.policy import Clause, Holding
from replayer.reports.policy_wording import MAX_EVIDENCE, broken, clause_row, policy_document, summary

HELD = Clause("policy.min_replayed", "at least 1 exchange compared", "9", Holding.HELD)
THIN = Clause(
    "policy.min_per_route",
    "at least 3 exchanges compared on each route",
    "1 on the thinnest of 5 routes, 4 routes too thin",
    Holding.UNTOLD,
    ("Fewer than 3.",),
    ("GET /1", "GET /2", "GET /3", "GET /4"),
)
OFF = Clause("policy.max_age", "a recording of any age", "3 days old", Holding.OFF)
OVER = Clause("policy.budgets[1].max_statements", "at most 3 statements", "9", Holding.FAILS, ("Nine.",))


def test_what_did_not_hold_is_told_in_one_line_each() -> None:
    assert [*broken((HELD, THIN, OFF, OVER))] == [
        "policy.min_per_route inconclusive: asked at least 3 exchanges compared on each route;"
        " measured 1 on the thinnest of 5 routes, 4 routes too thin",
        "policy.budgets[1].max_statements fails: asked at most 3 statements; measured 9",
    ]


def test_all_conditions_are_counted() -> None:
    assert summary((HELD, HELD, THIN, OFF, OVER), "r1") == (
        "Of 5 conditions: 2 held, 1 failed, 1 could not be told, 1 not asked for."
        " Each with its arithmetic: understudy runs explain r1"
    )
    assert summary((HELD,), "r1").startswith("Of 1 conditions: 1 held. ")


def test_a_row_names_three_pieces_of_evidence_and_counts_the_rest() -> None:
    (told,) = policy_document([THIN])

    assert clause_row(told) == (
        "inconclusive",
        "policy.min_per_route",
        "at least 3 exchanges compared on each route",
        "1 on the thinnest of 5 routes, 4 routes too thin",
        "GET /1, GET /2, GET /3 and 1 more",
    )


def test_what_a_route_is_called_does_nothing_to_a_terminal() -> None:
    (told,) = policy_document([replace(THIN, evidence=("GET /\x1b[31m",))])

    assert clause_row(told)[-1] == "GET /\\x1b[31m"


def test_the_document_holds_a_bounded_number_of_names() -> None:
    (told,) = policy_document([replace(THIN, evidence=("GET /",) * 1000)])

    assert len(told["evidence"]) == MAX_EVIDENCE
