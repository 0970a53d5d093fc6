"""All results in one table. Run: python -m benchmarks.accuracy.report [--results FOLDER]

Reads what faults, mutants, truth and soak have left in the folder, and writes accuracy.md and accuracy.json there:
every share with its n and its 95 % Wilson interval, the reference policies beside ours, and the misses by name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .table import wilson

RESULTS = Path(__file__).with_name("results")
Row = Mapping[str, Any]


def counted(hits: int, of: int) -> dict[str, Any]:
    """A share as data."""
    low, high = wilson(hits, of)
    return {"hits": hits, "n": of, "low": round(low, 4), "high": round(high, 4)}


def cell(figure: Mapping[str, Any]) -> str:
    """A share as it stands in a table."""
    if not figure["n"]:
        return "-"
    rate = figure["hits"] / figure["n"]
    return f"{figure['hits']}/{figure['n']} = {rate:.0%} ({figure['low']:.0%} to {figure['high']:.0%})"


def fault_group(rows: Sequence[Row]) -> dict[str, Any]:
    """Recall and precision over some faults, and the recall of the reference policies."""
    right = sum(row["right"] for row in rows)
    elsewhere = sum(len(row["elsewhere"]) for row in rows)
    names = sorted({name for row in rows for name in row["policies"]})
    return {
        "recall": counted(sum(row["found"] for row in rows), len(rows)),
        "precision": counted(right, right + elsewhere),
        "flaky": sum(row["flaky"] for row in rows),
        "policies": {name: counted(sum(row["policies"].get(name, False) for row in rows), len(rows)) for name in names},
    }


def by(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return dict(sorted(groups.items()))


def fault_figures(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of one file of generated faults."""
    answers = [row for row in data["rows"] if row["source"] == "answers"]
    live = [row for row in data["rows"] if row["source"] == "live"]
    controls = [row for row in data["rows"] if row["source"] == "control"]
    pairs, repeated = data["more"]["pairs"], data["more"]["repeated"]
    found = [row for row in answers if row["found"]]
    same = sum(each["same"] for each in repeated)
    return {
        "answers": fault_group(answers),
        "live": fault_group(live),
        "by kind": {name: fault_group(rows) for name, rows in by(answers, lambda row: row["kind"]).items()},
        "by place": {
            name: fault_group(rows)
            for name, rows in by(answers, lambda r: f"{r['stratum']}{', varies' if r['varies'] else ''}").items()
        },
        "controls with a finding": counted(sum(bool(row["elsewhere"]) for row in controls), len(controls)),
        "findings for each fault found": round(sum(row["right"] for row in found) / len(found), 2) if found else 0,
        "pairs of faults that a finding joins": counted(sum(bool(each["joined"]) for each in pairs), len(pairs)),
        "fingerprints equal on another pass": counted(same, same + sum(each["different"] for each in repeated)),
        "misses": [
            {"fault": row["fault"], "source": row["source"], "changed": row["changed"], "flaky": row["flaky"]}
            for row in (*answers, *live)
            if not row["found"]
        ],
        "elsewhere": [{"fault": row["fault"], "findings": row["elsewhere"]} for row in answers if row["elsewhere"]],
    }


def soak_figures(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of one file of a soak."""
    rows = data["rows"]
    return {
        "runs with a confirmed finding": counted(sum(bool(row["confirmed"]) for row in rows), len(rows)),
        "runs with a flaky one": counted(sum(bool(row["flaky"]) for row in rows), len(rows)),
        "runs that did not pass": counted(sum(row["verdict"] != "pass" for row in rows), len(rows)),
        "highest share of leaves that are not checked": max((row["unchecked_share"] for row in rows), default=0),
        "false": sorted({place for row in rows for place in row["confirmed"]}),
    }


def mutant_figures(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of one file of source mutants."""
    exercised = [row for row in data["rows"] if row["operator"] and row["exercised"] and row["judged"]]
    controls = [row for row in data["rows"] if not row["operator"]]
    names = sorted({name for row in exercised for name in row["policies"]})
    return {
        "recall": counted(sum(row["found"] for row in exercised), len(exercised)),
        "policies": {
            name: counted(sum(row["policies"].get(name, 0) > 0 for row in exercised), len(exercised)) for name in names
        },
        "controls with a finding": counted(sum(row["found"] for row in controls), len(controls)),
        "policies on controls": {
            name: counted(sum(row["policies"].get(name, 0) > 0 for row in controls), len(controls)) for name in names
        },
        "misses": [f"{row['module']}:{row['line']} {row['what']}" for row in exercised if not row["found"]],
    }


def collect(folder: Path) -> dict[str, Any]:
    """The figures of every file of results in the folder, by its name."""
    readers = (("faults-", fault_figures), ("soak-", soak_figures), ("seed-", mutant_figures), ("truth-", _told))
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        for prefix, read in readers:
            if path.name.startswith(prefix):
                found[path.stem] = read(json.loads(path.read_text(encoding="utf-8")))
    return found


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = dict(data["figures"])
    return figures


# -- markdown -------------------------------------------------------------------------------------------------------


def markdown(found: Mapping[str, Any]) -> str:
    """The table."""
    lines = [
        "Shares are hits/n with the 95 % Wilson interval. Reference policies are our own short renderings; they get",
        "the same answers and confirm nothing.",
        "",
    ]
    for name, figures in found.items():
        lines += [f"## {name}", ""]
        if name.startswith("faults-"):
            lines += _faults(figures)
        elif name.startswith("seed-"):
            lines += _group_table({"source mutants": {**figures, "precision": counted(0, 0)}})
            lines += ["", f"Controls with a finding: {cell(figures['controls with a finding'])}.", "", "Misses:", ""]
            lines += [f"- {miss}" for miss in figures["misses"]] or ["none"]
        else:
            lines += ["| figure | value |", "| --- | --- |"]
            lines += [f"| {key} | {_value(value)} |" for key, value in figures.items()]
        lines.append("")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and "hits" in value:
        return cell(value)
    if isinstance(value, list):
        return "<br>".join(value) or "none"
    return str(value)


def _faults(figures: Mapping[str, Any]) -> list[str]:
    lines = [
        "Faults are applied to the answers of fresh unmutated candidates (`answers`: nothing is replayed for a fault;",
        "a confirmation judges further fresh passes with the same fault), some also in running candidates (`live`).",
        "",
        *_group_table({"all, on answers": figures["answers"], "live": figures["live"]}),
        "",
        "| figure | value |",
        "| --- | --- |",
    ]
    names = ("controls with a finding", "findings for each fault found", "pairs of faults that a finding joins",
             "fingerprints equal on another pass")  # fmt: skip
    lines += [f"| {name} | {_value(figures[name])} |" for name in names]
    lines += ["", "By kind:", "", *_group_table(figures["by kind"])]
    lines += ["", "By kind of place:", "", *_group_table(figures["by place"])]
    lines += ["", f"Misses: {len(figures['misses'])}", ""]
    for miss in figures["misses"]:
        seen = "seen, not confirmed" if miss["flaky"] else "not seen"
        lines.append(f"- {miss['fault']}; {miss['source']}, {miss['changed']} answers changed; {seen}")
    lines += ["", f"Findings at other routes than the fault's: {len(figures['elsewhere'])} faults", ""]
    lines += [f"- {each['fault']}: {'; '.join(each['findings'][:3])}" for each in figures["elsewhere"]]
    return lines


def _group_table(groups: Mapping[str, Any]) -> list[str]:
    policies = sorted({name for group in groups.values() for name in group["policies"]})
    head = ["", "found", "precision of findings", *(f"{name} (reference)" for name in policies)]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name, group in groups.items():
        told = [name, cell(group["recall"]), cell(group["precision"])]
        told += [cell(group["policies"][each]) if each in group["policies"] else "-" for each in policies]
        lines.append("| " + " | ".join(told) + " |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    found = collect(options.results)
    (options.results / "accuracy.json").write_text(
        json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    text = markdown(found)
    (options.results / "accuracy.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
