"""The rows of an application as they are printed while it runs, and as the table that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .outcome import Control, FaultRow


def line(row: Control | FaultRow) -> str:
    """What is printed as soon as a row is there."""
    if isinstance(row, Control):
        state = "clean" if row.clean else "NOT CLEAN"
        head = f"same version, seed {row.seed}, concurrency {row.concurrency}: {state}, exit {row.exit_code}"
        lines = [f"{head}, {row.share:.1%} of {row.recorded} compared, {row.seconds:.0f} s"]
        lines += [f"   - false: {alarm}" for alarm in row.false_alarms]
    else:
        state = "found" if row.found else "MISSED"
        lines = [f"{row.name}: {state}, exit {row.exit_code}, {row.share:.1%} compared, {row.seconds:.0f} s"]
        lines += [f"   - {each}" for each in row.found]
        lines += [f"   - consequence: {each}" for each in row.consequences]
        lines += [f"   - elsewhere: {each}" for each in row.elsewhere]
    lines += [f"   - not compared, {reason}: {count}" for reason, count in row.not_compared.items()]
    lines += [f"   - problem: {row.problem}"] if row.problem else []
    return "\n".join(lines)


def markdown(told: Mapping[str, Any]) -> str:
    """The kept JSON as two tables."""
    lines = [f"`{told['command']}`", ""]
    lines += ["| same version | exit | exchanges | compared | false alarms |", "| --- | --- | --- | --- | --- |"]
    for row in told["controls"]:
        name = f"seed {row['seed']}, concurrency {row['concurrency']}"
        cells = (name, row["exit_code"], row["recorded"], f"{row['share']:.1%}", len(row["false_alarms"]))
        lines.append(_row(*cells))
    lines += ["", "| fault | exit | found | at | consequences | elsewhere |", "| --- | --- | --- | --- | --- | --- |"]
    for row in told["faults"]:
        first = f"`{_place(row['found'][0])}`" if row["found"] else ""
        cells = (row["what"], row["exit_code"], "yes" if row["found"] else "**no**", first)
        lines.append(_row(*cells, len(row["consequences"]), len(row["elsewhere"])))
    found = sum(bool(row["found"]) for row in told["faults"])
    lines += ["", f"{found} of {len(told['faults'])} faults found."]
    alarms = [alarm for row in told["controls"] for alarm in row["false_alarms"]]
    alarms += [alarm for row in told["faults"] for alarm in row["elsewhere"]]
    lines += ["", "Reported where nothing was changed:", "", *(f"- {alarm}" for alarm in alarms)] if alarms else []
    return "\n".join(lines) + "\n"


def _place(told: str) -> str:
    return told.split(": ", 1)[0]


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
