"""The gate against generated faults. Run: python -m benchmarks.accuracy.faults --seed N --count 200

The shop is recorded once, and fresh unmutated instances replay it: three as the baseline, two as its repetitions, the
others as candidates. A fault is applied to the answers of candidates that nobody has mutated, each time to another
pass's, so that a confirmation judges another pass with the same fault; nothing is replayed for it. With `--live N` the
first N faults are judged a second time in running candidates, where they have their effects on state, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from .detector import Bench, Traffic
from .injection import KINDS, Fault
from .judges import BASELINES, CANDIDATES, REPEATED, FaultRow, Judges, draw, named, routes_of, told

RESULTS = Path(__file__).with_name("results")


_JUDGES: list[Judges] = []  # for the forked processes


def _judged(fault: Fault) -> FaultRow:
    began = time.monotonic()
    judges = _JUDGES[0]
    rehearsal, changed, candidate = asyncio.run(judges.judge([fault]))
    row = told(fault, fault.number, "answers", changed[0], rehearsal)
    policies = judges.referees(fault, candidate)
    return replace(row, policies=policies, seconds=round(time.monotonic() - began, 2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the draw")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--live", type=int, default=0, help="so many of them are judged in running candidates, too")
    parser.add_argument("--pairs", type=int, default=0, help="pairs of found faults that are judged together")
    parser.add_argument("--repeated", type=int, default=0, help="so many of them are judged on another pass, too")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--traffic-seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--requests", type=int, default=800, help="about how many to record")
    parser.add_argument("--folder", type=Path, help="keep the recording and its passes there, or take them from there")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="accuracy-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, Traffic(options.traffic_seed, options.users, options.requests), BASELINES)
        with bench.serving("provider") as provider:
            bench.record(provider)
            _Run(options, bench, folder).run()
    return 0


class _Run:
    def __init__(self, options: argparse.Namespace, bench: Bench, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._began = time.monotonic()
        self._judges = Judges(bench)
        self._path: Path = options.results / f"faults-{options.seed}.json"
        self._faults: list[Fault] = []
        self._rows: list[FaultRow] = []
        self._more: dict[str, Any] = {"pairs": [], "repeated": []}

    def run(self) -> None:
        asyncio.run(self._judges.fill(self._options.folder))
        _JUDGES[:] = [self._judges]
        self._say(f"{len(self._judges.prepared.steps)} requests, {BASELINES + REPEATED + CANDIDATES} passes")
        if not self._resume():
            self._faults = draw(self._judges, self._judges.places(), self._options.seed, self._options.count)
        self._say(f"{len(self._faults)} faults of {len({fault.kind for fault in self._faults})} kinds")
        self._controls()
        for row in self._answers():
            self._add(row)
        asyncio.run(self._live())
        asyncio.run(self._pairs())
        asyncio.run(self._again())
        self._save()

    def _resume(self) -> bool:
        """Takes up the draw and the rows of an interrupted run; a fault is judged on this run's passes."""
        if not self._path.exists():
            return False
        data = json.loads(self._path.read_text())
        self._faults = [Fault.from_json(json.dumps(each)) for each in data["faults"]][: self._options.count]
        self._rows = [FaultRow(**row) for row in data["rows"]]
        self._more = data["more"]
        return bool(len(self._faults) == self._options.count)

    def _done(self, source: str) -> set[int]:
        return {row.number for row in self._rows if row.source == source}

    def _controls(self) -> None:
        """Each candidate's pass without a fault: what is found there is false."""
        for turn in range(CANDIDATES):
            if -turn - 1 not in self._done("control"):
                rehearsal, _, _ = asyncio.run(self._judges.judge([], turn))
                self._add(told(None, -turn - 1, "control", 0, rehearsal))

    def _answers(self) -> Iterator[FaultRow]:
        done = self._done("answers")
        wanted = [fault for fault in self._faults if fault.number not in done]
        if self._options.jobs < 2:
            yield from map(_judged, wanted)
            return
        with multiprocessing.get_context("fork").Pool(self._options.jobs) as processes:
            yield from processes.imap(_judged, wanted)

    async def _live(self) -> None:
        done = self._done("live")
        for fault in self._faults[: self._options.live]:
            if fault.number not in done:
                began = time.monotonic()
                rehearsal = await self._judges.live(fault, self._folder)
                row = told(fault, fault.number, "live", -1, rehearsal)
                self._add(replace(row, seconds=round(time.monotonic() - began, 1)))

    async def _pairs(self) -> None:
        """Two faults at once: does one finding claim places of both?"""
        alone = {row.number: row for row in self._rows if row.source == "answers" and row.found}
        faults = [fault for fault in self._faults if fault.number in alone]
        chance = random.Random(self._options.seed)
        while len(self._more["pairs"]) < self._options.pairs:
            first, second = chance.sample(faults, 2)
            if first.route == second.route:
                continue
            rehearsal, _, _ = await self._judges.judge([first, second])
            joined = [
                named(finding)
                for finding in rehearsal.report.findings
                if {first.route, second.route} <= routes_of(finding)
            ]
            self._more["pairs"].append({"faults": [str(first), str(second)], "joined": joined})
            if joined:
                self._say(f"joined: {first} | {second}: {joined[0]}")
            self._save()

    async def _again(self) -> None:
        """The same faults on other candidates' passes: are the fingerprints the same?"""
        alone = {row.number: row for row in self._rows if row.source == "answers" and row.found}
        for fault in self._faults:
            if len(self._more["repeated"]) >= self._options.repeated:
                break
            if fault.number in alone and KINDS[fault.kind].share == 1:
                rehearsal, _, _ = await self._judges.judge([fault], 1)
                row = told(fault, fault.number, "answers", 0, rehearsal)
                before = set(alone[fault.number].fingerprints)
                now = set(row.fingerprints)
                self._more["repeated"].append(
                    {"fault": str(fault), "same": len(before & now), "different": len(before ^ now)}
                )
                if before ^ now:
                    self._say(f"other fingerprints: {fault}: {row.places}")
                self._save()

    def _add(self, row: FaultRow) -> None:
        self._rows.append(row)
        word = "control" if not row.kind else "found" if row.found else "NOT CONFIRMED" if row.flaky else "MISSED"
        self._say(f"{row.number:4} {row.source} {word} {row.fault}; {row.changed} answers, {row.right} findings")
        for place in (*row.elsewhere, *(row.places if not row.found else ())):
            self._say(f"      - {place}")
        self._save()

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def _save(self) -> None:
        """After each row: an interrupted run has its rows."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = {
            "seed": self._options.seed,
            "requests": len(self._judges.prepared.steps),
            "traffic_seed": self._options.traffic_seed,
            "seconds": round(time.monotonic() - self._began, 1),
            "faults": [asdict(fault) for fault in self._faults],
            "rows": [asdict(row) for row in self._rows],
            "more": self._more,
        }
        self._path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
