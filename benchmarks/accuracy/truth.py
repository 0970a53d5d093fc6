"""The shop's own second release against `truth.json`. Run: python -m benchmarks.accuracy.truth --seed N --pairs 20

The whole release first, twice; then its changes two by two, pairs drawn with the seed, each pair alone in a candidate.
Told are regressions and intended changes reported, findings that match nothing, findings for each true cause, findings
that claim two causes of a pair, and whether the same release gets the same fingerprints twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from diffing.grouping import CONFIRMED, Finding
from replayer.confirmation import MAX_ROUNDS
from replayer.rehearsal import Rehearsal, Request

from .detector import Bench, Traffic
from .draw import SHOP
from .judges import named
from .pool import FromSupply, Lessons, Supply, rehearsed
from .table import share

RESULTS = Path(__file__).with_name("results")
BASELINES, REPEATED = 3, MAX_ROUNDS


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One candidate with some of release 2's changes; no names: all of them."""

    names: tuple[str, ...]
    findings: int  # confirmed
    flaky: tuple[str, ...]
    reported: tuple[str, ...]
    missed: tuple[str, ...]  # of `names`, and visible in responses
    false: tuple[str, ...]
    per_cause: float
    joined: tuple[str, ...]  # findings with places that are one change's alone, and places that are another's alone
    fingerprints: tuple[str, ...]
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the pairs")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--traffic-seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--requests", type=int, default=1600)
    parser.add_argument("--folder", type=Path, help="keep the recording there, or take it from there")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    sys.path.insert(0, str(SHOP))
    with tempfile.TemporaryDirectory(prefix="accuracy-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, Traffic(options.traffic_seed, options.users, options.requests), BASELINES)
        with bench.serving("provider") as provider:
            bench.record(provider)
            asyncio.run(_Run(options, bench).run())
    return 0


class _Run:
    def __init__(self, options: argparse.Namespace, bench: Bench) -> None:
        from shop import score  # type: ignore[import-not-found]  # found on the path that `main` sets

        self._score: Any = score
        self._truth: list[Any] = score.load()
        self._options = options
        self._began = time.monotonic()
        self._request: Request = bench.request(SHOP)
        self._prepared = FromSupply(self._request)
        self._lessons = Lessons()
        self._path: Path = options.results / f"truth-{options.seed}.json"
        self._rows: list[TruthRow] = []
        if self._path.exists():
            rows = json.loads(self._path.read_text())["rows"]
            self._rows = [_row_from(row) for row in rows]

    async def run(self) -> None:
        target = self._request.baselines[0]
        baselines = [await self._prepared.fresh(target) for _ in range(BASELINES + REPEATED)]
        self._supply = Supply(baselines)
        done = [row.names for row in self._rows]
        for _ in range(2 - done.count(())):
            await self._judge(())
        for pair in self._pairs():
            if pair not in done:
                await self._judge(pair)
        self._tell()

    def _pairs(self) -> list[tuple[str, ...]]:
        """Regressions and intended changes that responses show, each in one pair before any is in a second."""
        chance = random.Random(self._options.seed)
        names: list[str] = []
        pairs: list[tuple[str, ...]] = []
        while len(pairs) < self._options.pairs:
            if len(names) < 2:
                names = sorted(entry.name for entry in self._truth if entry.shows == "response")
                chance.shuffle(names)
            pairs.append((names.pop(), names.pop()))
        return pairs

    async def _judge(self, names: tuple[str, ...]) -> None:
        began = time.monotonic()
        candidate = self._request.candidate
        env = {**dict(candidate.env), "SHOP_FAULTS": ",".join(names)}
        release = "1" if names else "2"
        start = tuple(
            release if before == "--release" else word
            for before, word in zip(("", *candidate.start), candidate.start, strict=False)
        )
        changed = replace(self._request, candidate=replace(candidate, env=tuple(env.items()), start=start))
        rehearsal = await rehearsed(self._prepared, changed, self._supply, self._lessons)
        self._add(self._row(names, rehearsal, time.monotonic() - began))

    def _row(self, names: tuple[str, ...], rehearsal: Rehearsal, seconds: float) -> TruthRow:
        findings = [each for each in rehearsal.report.findings if each.state == CONFIRMED]
        truth = [entry for entry in self._truth if not names or entry.name in names]
        result = self._score.score([_as_json(finding) for finding in findings], truth)
        return TruthRow(
            names,
            len(findings),
            tuple(named(each) for each in rehearsal.report.findings if each.state != CONFIRMED),
            (*result.reported, *result.intended),
            (*result.missed, *result.quiet),
            result.false,
            round(result.per_cause, 3),
            tuple(named(finding) for finding in findings if len(self._owners(finding, truth)) > 1),
            tuple(sorted(finding.fingerprint for finding in findings)),
            round(seconds, 1),
        )

    def _owners(self, finding: Finding, truth: Collection[Any]) -> set[str]:
        """Changes that alone explain some place of the finding."""
        owners: set[str] = set()
        for seen in self._score.seen_by(_as_json(finding)):
            explaining = [entry.name for entry in truth if entry.explains(seen)]
            if len(explaining) == 1:
                owners.add(explaining[0])
        return owners

    def _add(self, row: TruthRow) -> None:
        self._rows.append(row)
        what = " + ".join(row.names) or "the whole release"
        self._say(f"{what}: {len(row.reported)} reported, {row.findings} findings, {row.per_cause} for each cause")
        for title in ("missed", "false", "joined", "flaky"):
            for each in getattr(row, title):
                self._say(f"   {title}: {each}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = {
            "seed": self._options.seed,
            "rows": [asdict(each) for each in self._rows],
            "figures": figures(self._rows),
        }
        self._path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def _tell(self) -> None:
        for name, value in figures(self._rows).items():
            self._say(f"{name}: {value}")

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)


def _row_from(data: dict[str, Any]) -> TruthRow:
    read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return TruthRow(**read)


def _as_json(finding: Finding) -> dict[str, Any]:
    """As the JSON report names the places of a finding."""
    members = [
        {
            "method": each.method,
            "route": each.route,
            "location": {"part": each.location.part.value, "path": each.location.path},
            "kind": each.kind,
        }
        for each in finding.members
    ]
    return {"members": members, "kind": finding.kind}


def figures(rows: Sequence[TruthRow]) -> dict[str, Any]:
    """What the rows come to."""
    whole = [row for row in rows if not row.names]
    pairs = [row for row in rows if row.names]
    found: dict[str, Any] = {}
    if whole:
        first = whole[0]
        found["changes of the whole release reported"] = share(
            len(first.reported), len(first.reported) + len(first.missed)
        )
        found["findings of the whole release that match a change"] = share(
            first.findings - len(first.false), first.findings
        )
        found["findings for each cause, whole release"] = first.per_cause
    if len(whole) > 1:
        sets = [set(row.fingerprints) for row in whole[:2]]
        found["fingerprints that both runs of the whole release have"] = share(
            len(sets[0] & sets[1]), len(sets[0] | sets[1])
        )
    if pairs:
        causes = sum(len(row.names) for row in pairs)
        found["changes in pairs reported"] = share(causes - sum(len(row.missed) for row in pairs), causes)
        found["findings in pairs that match"] = share(
            sum(row.findings - len(row.false) for row in pairs), sum(row.findings for row in pairs)
        )
        found["findings for each cause, in pairs"] = round(sum(row.findings for row in pairs) / causes, 2)
        found["pairs that a finding joins"] = share(sum(bool(row.joined) for row in pairs), len(pairs))
    return found


if __name__ == "__main__":
    sys.exit(main())
