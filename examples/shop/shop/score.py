"""How well a report fits the truth: `python -m shop.score --report report.json [--json]`.

The truth, `truth.json` beside this package, lists every change of release 2 with the places where it shows. A finding
is right when its place, or each of its members' places, is a place or a listed downstream effect of one change. The
exit status is 0 when nothing that a response or an observing deploy can show was missed, and nothing was reported that
is not there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRUTH = Path(__file__).resolve().parent.parent / "truth.json"
VISIBLE = frozenset({"response", "sql", "outbound"})  # what a gate shows whose targets observe
GLOB = re.compile(r"\*\*|\[\*\]|\*")


def pattern(path: str) -> re.Pattern[str]:
    """A path of the truth as a regular expression: `*` is a run without dots and brackets, `**` is anything at all.

    `[*]` stands for itself: it is how paths write "every element".
    """
    meaning = {"**": ".*", "[*]": r"\[\*\]", "*": r"[^.\[\]]*"}
    parts = []
    last = 0
    for found in GLOB.finditer(path):
        parts += [re.escape(path[last : found.start()]), meaning[found[0]]]
        last = found.end()
    parts.append(re.escape(path[last:]))
    return re.compile("".join(parts), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something shows: one part of one route's exchanges, and the kinds of difference seen there."""

    method: str
    route: str
    part: str
    path: str
    kinds: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Place:
        return cls(data["method"], data["route"], data["part"], data["path"], frozenset(data["kinds"]))

    def covers(self, seen: Seen) -> bool:
        same_route = (self.method, self.route, self.part) == (seen.method, seen.route, seen.part)
        path = seen.path.lower() if self.part == "header" else seen.path
        return same_route and seen.kind in self.kinds and pattern(self.path).fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class Seen:
    """One place that a finding names."""

    method: str
    route: str
    part: str
    path: str
    kind: str

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.part} {self.path} {self.kind}".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of release 2. `shows` is response, sql or outbound."""

    name: str
    regression: bool
    shows: str
    summary: str
    places: tuple[Place, ...]
    effects: tuple[Place, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Entry:
        return cls(
            name=data["name"],
            regression=data["class"] == "regression",
            shows=data["visible"],
            summary=data["summary"],
            places=tuple(Place.of(place) for place in data["places"]),
            effects=tuple(Place.of(place) for place in data["effects"]),
        )

    def reported_by(self, seen: Seen) -> bool:
        return any(place.covers(seen) for place in self.places)

    def explains(self, seen: Seen) -> bool:
        return any(place.covers(seen) for place in (*self.places, *self.effects))


@dataclass(frozen=True, slots=True)
class Score:
    reported: tuple[str, ...]
    missed: tuple[str, ...]
    unseen: tuple[str, ...]  # regressions that no gate can show, and that were not reported
    intended: tuple[str, ...]
    quiet: tuple[str, ...]  # intended changes that were not reported
    false: tuple[str, ...]
    findings: int
    per_cause: float

    @property
    def passed(self) -> bool:
        return not self.missed and not self.false


def load(path: Path = TRUTH) -> list[Entry]:
    return [Entry.of(entry) for entry in json.loads(path.read_text())]


def seen_by(finding: Mapping[str, Any]) -> list[Seen]:
    """The places of a finding: its members', or its own without any. A member without a kind has the finding's."""
    places = finding.get("members") or [finding]
    return [
        Seen(
            place["method"],
            place["route"],
            place["location"]["part"],
            place["location"].get("path") or "",
            place.get("kind") or finding["kind"],
        )
        for place in places
    ]


def score(findings: Sequence[Mapping[str, Any]], truth: Iterable[Entry]) -> Score:
    truth = list(truth)
    reported: set[str] = set()
    causes: Counter[str] = Counter()
    false = []
    for finding in findings:
        places = seen_by(finding)
        unexplained = [place for place in places if not any(entry.explains(place) for entry in truth)]
        if unexplained:
            false.append("; ".join(map(str, unexplained)))
            continue
        reported |= {entry.name for entry in truth for place in places if entry.reported_by(place)}
        causes[_cause(places, truth)] += 1
    regressions = [entry for entry in truth if entry.regression]
    return Score(
        reported=tuple(entry.name for entry in regressions if entry.name in reported),
        missed=_absent((entry for entry in regressions if entry.shows in VISIBLE), reported),
        unseen=_absent((entry for entry in regressions if entry.shows not in VISIBLE), reported),
        intended=tuple(entry.name for entry in truth if not entry.regression and entry.name in reported),
        quiet=_absent((entry for entry in truth if not entry.regression), reported),
        false=tuple(false),
        findings=len(findings),
        per_cause=sum(causes.values()) / len(causes) if causes else 0.0,
    )


def _cause(places: Sequence[Seen], truth: Sequence[Entry]) -> str:
    """The change that explains most of a finding; one that has its place there goes before one that has an effect."""
    return max(
        truth,
        key=lambda entry: (sum(map(entry.explains, places)), sum(map(entry.reported_by, places))),
    ).name


def _absent(entries: Iterable[Entry], reported: set[str]) -> tuple[str, ...]:
    return tuple(entry.name for entry in entries if entry.name not in reported)


def table(result: Score, truth: Iterable[Entry]) -> list[str]:
    summaries = {entry.name: entry.summary for entry in truth}
    lines = []
    for title, names in (
        ("regressions reported", result.reported),
        ("regressions missed", result.missed),
        ("regressions that no response shows", result.unseen),
        ("intended changes reported", result.intended),
        ("intended changes not reported", result.quiet),
    ):
        lines.append(f"{title}: {len(names)}")
        lines += [f"  {name:<26} {summaries[name]}" for name in names]
    lines.append(f"findings that match no change: {len(result.false)}")
    lines += [f"  {place}" for place in result.false]
    lines.append(f"findings: {result.findings}, {result.per_cause:.2f} for each cause")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop.score", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--report", type=Path, required=True, help="what `understudy gate --json FILE` wrote")
    parser.add_argument("--truth", type=Path, default=TRUTH)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    truth = load(options.truth)
    try:
        result = score(json.loads(options.report.read_text())["findings"], truth)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        parser.error(f"{options.report} is not a report: {type(problem).__name__}: {problem}")
    if options.json:
        fields = {name: getattr(result, name) for name in Score.__slots__}
        print(json.dumps(fields | {"passed": result.passed}, indent=1))
    else:
        print("\n".join(table(result, truth)))
    sys.exit(0 if result.passed else 1)


if __name__ == "__main__":
    main()
