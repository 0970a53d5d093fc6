"""What the reports say of the policy: what was asked, what was measured, and whether it held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from diffing.policy import Clause, Holding

from .wording import visible

TITLE = "Policy"
MAX_EVIDENCE = 200
"""Findings or routes that the JSON report names for one clause."""
_SHOWN = 3

_WORDS = {
    Holding.HELD: "held",
    Holding.FAILS: "failed",
    Holding.UNTOLD: "could not be told",
    Holding.OFF: "not asked for",
}


def policy_document(clauses: Sequence[Clause]) -> list[dict[str, Any]]:
    """The clauses as JSON-able data."""
    return [
        {
            "key": clause.key,
            "asked": clause.asked,
            "measured": clause.measured,
            "holds": clause.holding.value,
            "reasons": list(clause.sentences),
            "evidence": list(clause.evidence[:MAX_EVIDENCE]),
            "tag": clause.tag or None,
        }
        for clause in clauses
    ]


def clauses_of(told: Iterable[Mapping[str, Any]]) -> tuple[Clause, ...]:
    """The clauses in a stored report."""
    return tuple(
        Clause(
            each["key"],
            each["asked"],
            each["measured"],
            Holding(each["holds"]),
            tuple(each["reasons"]),
            tuple(each["evidence"]),
            each["tag"] or "",
        )
        for each in told
    )


def clause_row(told: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """One clause, as the JSON report has it, as a row of a table, in which routes can not write what they want."""
    evidence = told["evidence"]
    more = f" and {len(evidence) - _SHOWN} more" if len(evidence) > _SHOWN else ""
    holds, key, asked, measured = (visible(told[name]) for name in ("holds", "key", "asked", "measured"))
    return holds, key, asked, measured, visible(", ".join(evidence[:_SHOWN])) + more


def summary(clauses: Sequence[Clause], run: str) -> str:
    """How many held, in a sentence that says where the rest is to be read."""
    counts = {holding: sum(clause.holding is holding for clause in clauses) for holding in Holding}
    told = ", ".join(f"{counts[holding]} {words}" for holding, words in _WORDS.items() if counts[holding])
    return f"Of {len(clauses)} conditions: {told}. Each with its arithmetic: understudy runs explain {run}"


def broken(clauses: Sequence[Clause]) -> Iterator[str]:
    """One line for each clause that did not hold."""
    for clause in clauses:
        if clause.holding in (Holding.FAILS, Holding.UNTOLD):
            yield f"{clause.key} {clause.holding.value}: asked {clause.asked}; measured {clause.measured}"
