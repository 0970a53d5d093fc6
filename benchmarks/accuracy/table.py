"""The figures of a run as JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

Z = 1.959964  # 95 %


@dataclass(frozen=True, slots=True)
class Row:
    """One mutant or control."""

    number: int
    module: str
    line: int
    operator: str
    what: str
    diff: str
    exercised: bool
    differing: int  # responses of the oracle's tape
    played: int
    first: str = ""  # what the oracle saw first
    seen_at: tuple[str, ...] = ()
    calls_differ: bool = False
    judged: bool = False
    found: bool = False
    verdict: str = ""
    places: tuple[str, ...] = ()
    unconfirmed: int = 0
    problem: str = ""
    oracle_seconds: float = 0.0
    gate_seconds: float = 0.0
    policies: dict[str, int] = field(default_factory=dict)  # reference policy -> places that it reports

    @property
    def is_control(self) -> bool:
        return not self.operator


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    share, squared = hits / of, Z * Z
    middle = (share + squared / (2 * of)) / (1 + squared / of)
    half = Z / (1 + squared / of) * sqrt(share * (1 - share) / of + squared / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits} of {of} ({hits / of:.0%}, 95 % interval {low:.0%} to {high:.0%})" if of else "0 of 0"


def line(row: Row) -> str:
    """A row as it is printed while the benchmark runs."""
    if row.is_control:
        name = f"control {row.number}: unmutated"
    else:
        name = f"{row.number:2} {row.module}:{row.line} {row.operator}: {row.what}"
    seen = f"exercised ({row.differing} of {row.played} responses)" if row.exercised else "not exercised"
    if row.calls_differ and not row.exercised:
        seen += ", seen by the payment provider only"
    verdict = ("FOUND" if row.found else "missed" if row.exercised else "nothing") if row.judged else "not judged"
    took = f"oracle {row.oracle_seconds:.0f} s, gate {row.gate_seconds:.0f} s"
    lines = [name, f"   {seen}; {verdict} ({row.verdict or '-'}); {took}"]
    lines += [f"   - {place}" for place in row.places[:5]]
    lines += [f"   - and {len(row.places) - 5} more"] if len(row.places) > 5 else []
    lines += [f"   - not confirmed: {row.unconfirmed}"] if row.unconfirmed else []
    lines += [f"   - problem: {row.problem}"] if row.problem else []
    return "\n".join(lines)


def summary(rows: Sequence[Row], rejected: int) -> dict[str, Any]:
    """Every figure of the table."""
    controls = [row for row in rows if row.is_control]
    mutants = [row for row in rows if not row.is_control]
    exercised = [row for row in mutants if row.exercised]
    silent = [row for row in mutants if not row.exercised and row.judged]
    found = sum(row.found for row in exercised)
    subtle = [row for row in exercised if row.differing <= row.played / 100]
    findings = [len(row.places) for row in exercised if row.found]
    names = sorted({name for row in rows for name in row.policies})
    return {
        "mutants drawn": len(mutants),
        "drawn again because they did not start": rejected,
        "exercised": len(exercised),
        "found": share(found, len(exercised)),
        "found of those in at most 1 % of the responses": share(sum(row.found for row in subtle), len(subtle)),
        "gate held back": share(sum(row.verdict in ("fail", "inconclusive") for row in exercised), len(exercised)),
        "findings per mutant found": round(sum(findings) / len(findings), 2) if findings else 0.0,
        "mutants found with exactly one finding": sum(count == 1 for count in findings),
        "controls with a finding": share(sum(row.found for row in controls), len(controls)),
        "unexercised mutants judged, with a finding": share(sum(row.found for row in silent), len(silent)),
        "reference policies": {
            name: {
                "found": share(sum(row.policies.get(name, 0) > 0 for row in exercised), len(exercised)),
                "controls with a report": share(sum(row.policies.get(name, 0) > 0 for row in controls), len(controls)),
                "places reported on controls": sum(row.policies.get(name, 0) for row in controls),
            }
            for name in names
        },
    }


def markdown(rows: Sequence[Row], figures: dict[str, Any], command: str) -> str:
    """The table for the README, and the misses with what was done."""
    lines = [f"`{command}`", "", "| figure | value |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in figures.items() if name != "reference policies"]
    lines += ["", "| policy | found | controls with a report |", "| --- | --- | --- |"]
    lines.append(f"| this gate | {figures['found']} | {figures['controls with a finding']} |")
    for name, each in figures["reference policies"].items():
        lines.append(f"| {name} (reference) | {each['found']} | {each['controls with a report']} |")
    lines += [
        "",
        "| | place | operator | what | responses | found | findings |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        if not row.is_control:
            found = "yes" if row.found else "**no**" if row.exercised else "-"
            what = row.what.replace("|", "\\|")
            cells = (row.number, f"{row.module}:{row.line}", row.operator, f"`{what}`", row.differing, found)
            lines.append("| " + " | ".join(str(cell) for cell in (*cells, len(row.places))) + " |")
    missed = [row for row in rows if row.exercised and row.judged and not row.found]
    lines += ["", f"Misses: {len(missed)}"]
    for row in missed:
        lines += ["", f"{row.number}. {row.module}:{row.line}, {row.operator}; first seen: {row.first}", "", "```diff"]
        lines += [row.diff, "```"]
    return "\n".join(lines) + "\n"
