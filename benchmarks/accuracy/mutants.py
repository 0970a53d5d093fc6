"""The gate against faults drawn with a seed. Run: python -m benchmarks.accuracy.mutants --seed N --count 20

The oracle is asked of each mutant first, until enough are drawn that the traffic shows; the shop is recorded once and
its own passes are replayed and learned from once; then the gate judges those, two at a time. An interrupted run is
taken up where it stopped. README.md beside this file says what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from .detector import Bench, Judgement, Traffic, free_port, wait_until_ready
from .draw import Mutant, draw, write
from .oracle import SECRET, DoesNotStart, Exercise, Oracle, TapeServer, open_oracle
from .policies import POLICIES
from .table import Row, line, markdown, summary

RESULTS = Path(__file__).with_name("results")
UNMUTATED = Mutant("", 0, "", "", "", "")
OF_THE_GATE = ("judged", "found", "verdict", "places", "unconfirmed", "problem", "gate_seconds", "policies")
"""Fields of a row that the gate fills; the others are the oracle's."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the draw")
    parser.add_argument("--count", type=int, default=20, help="mutants that the traffic shows")
    parser.add_argument("--controls", type=int, default=2, help="unmutated candidates")
    parser.add_argument("--passes", type=int, default=3, help="passes of the baseline")
    parser.add_argument("--traffic-seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--requests", type=int, default=800, help="about how many to record")
    parser.add_argument("--jobs", type=int, default=2, help="mutants that are judged side by side")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no further mutant after so long; 0: no limit")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        _Run(options, Path(folder)).run()
    return 0


_RUNS: list[_Run] = []  # for the forked processes


class _Run:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._began = time.monotonic()
        self._path: Path = options.results / f"seed-{options.seed}.json"
        self._earlier: dict[str, Row] = {}
        self._rows: list[Row] = []
        self._rejected: list[str] = []
        self._mutants: dict[int, Mutant] = {}
        traffic = Traffic(options.traffic_seed, options.users, options.requests)
        self._bench = Bench(folder, traffic, options.passes)

    def run(self) -> None:
        """The oracle for all, then the gate for those that the traffic shows; takes up what was interrupted."""
        self._resume()
        self._ask()
        with self._bench.serving("provider") as provider:
            self._bench.record(provider)
            asyncio.run(self._bench.prepare())
            self._say("recorded, and the baseline's passes replayed")
            _RUNS[:] = [self]
            waiting = [row.number for row in self._rows if row.exercised and not row.judged]
            controls = [-number for number in range(1, self._options.controls + 1)]
            done = {row.number for row in self._rows}
            with multiprocessing.get_context("fork").Pool(self._options.jobs) as processes:
                for row in processes.imap(_judged, [*(c for c in controls if c not in done), *waiting]):
                    if row is not None:
                        self._put(row)
        self._tell()

    def _resume(self) -> None:
        if self._path.exists():
            data = json.loads(self._path.read_text())
            rows = [Row(**{**row, "places": tuple(row["places"]), "seen_at": tuple(row["seen_at"])})
                    for row in data["rows"]]  # fmt: skip
            self._earlier = {f"{row.module} {row.diff}": row for row in rows if not row.is_control}
            self._rows = [row for row in rows if row.is_control]

    def _ask(self) -> None:
        """Draws until enough mutants are seen by the oracle."""
        oracle: Oracle | None = None
        exercised = number = 0
        for mutant in draw(self._options.seed):
            if exercised == self._options.count or self.late:
                return
            row = self._earlier.get(f"{mutant.module} {mutant.diff}")
            if row is None:
                oracle = oracle or self._oracle()
                began = time.monotonic()
                with _Package(self._folder / "candidate", mutant) as package:
                    try:
                        exercise = oracle.ask(package, self._folder / "oracle")
                    except DoesNotStart as problem:
                        place = f"{mutant.module}:{mutant.line}"
                        self._rejected.append(f"{place} {mutant.operator}: {mutant.what}: {problem}")
                        continue
                row = _row(number + 1, mutant, exercise, None, time.monotonic() - began)
            number += 1
            exercised += row.exercised
            self._mutants[row.number] = mutant
            self._rows.append(row)
            self._say(line(row))
            self._save()

    def _oracle(self) -> Oracle:
        work = self._folder / "oracle"
        package = self._folder / "unmutated"
        work.mkdir()
        write(None, package)
        self._bench.seed(work, SECRET)
        port = free_port()
        server = TapeServer(work / "tape.json", work / "production.db", package, work, port)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{url}/health", server.process)
            self._bench.drive(url, work)
        finally:
            server.stop()
        oracle = open_oracle(work / "tape.json", work / "production.db", package, work)
        self._say(f"the oracle has {len(oracle.requests)} requests, and the unmutated shop answers itself alike")
        return oracle

    @property
    def late(self) -> bool:
        limit = self._options.minutes * 60
        return bool(limit) and time.monotonic() - self._began > limit

    def judged(self, number: int) -> Row:
        """In a process of its own: only what the gate says of the row."""
        with _Package(self._folder / f"candidate{number}", self._mutants.get(number)) as package:
            return _row(number, UNMUTATED, None, self._bench.judge(package))

    def _put(self, told: Row) -> None:
        """The oracle's row with what the gate said, or a control's."""
        before = next((row for row in self._rows if row.number == told.number), None)
        if before is None:
            row = told
            self._rows.append(row)
        else:
            row = replace(before, **{name: getattr(told, name) for name in OF_THE_GATE})
            self._rows[self._rows.index(before)] = row
        self._say(line(row))
        self._save()

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def _save(self) -> Path:
        """After each row: an interrupted run has its rows."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = {
            "seed": self._options.seed,
            "count": self._options.count,
            "passes": self._options.passes,
            "traffic_seed": self._options.traffic_seed,
            "seconds": round(time.monotonic() - self._began, 1),
            "figures": summary(self._rows, len(self._rejected)),
            "rejected": self._rejected,
            "rows": [asdict(row) for row in self._rows],
        }
        self._path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return self._path

    def _tell(self) -> None:
        command = f"python -m benchmarks.accuracy.mutants --seed {self._options.seed} --count {self._options.count}"
        if self._options.minutes:
            command += f" --minutes {self._options.minutes:g}"
        text = markdown(self._rows, summary(self._rows, len(self._rejected)), command)
        path = self._save().with_suffix(".md")
        path.write_text(text, encoding="utf-8")
        print(f"\n{text}\nkept in {path.parent.name}/: {path.stem}.json and {path.name}")


def _judged(number: int) -> Row | None:
    run = _RUNS[0]
    return None if run.late else run.judged(number)


class _Package:
    """A copy of the shop that is gone afterwards."""

    def __init__(self, folder: Path, mutant: Mutant | None) -> None:
        self._folder = folder
        self._mutant = mutant

    def __enter__(self) -> Path:
        write(self._mutant, self._folder)
        return self._folder

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)


def _row(
    number: int,
    mutant: Mutant,
    exercise: Exercise | None,
    judged: Judgement | None,
    oracle_seconds: float = 0.0,
) -> Row:
    return Row(
        number=number,
        module=mutant.module,
        line=mutant.line,
        operator=mutant.operator,
        what=mutant.what,
        diff=mutant.diff,
        exercised=exercise is not None and exercise.exercised,
        differing=exercise.differing if exercise else 0,
        played=exercise.played if exercise else 0,
        first=exercise.first if exercise else "",
        seen_at=exercise.places if exercise else (),
        calls_differ=exercise is not None and exercise.calls_differ,
        judged=judged is not None,
        found=judged is not None and judged.found,
        verdict=judged.verdict if judged else "",
        places=judged.places if judged else (),
        unconfirmed=judged.unconfirmed if judged else 0,
        problem=judged.problem if judged else "",
        oracle_seconds=round(oracle_seconds, 1),
        gate_seconds=round(judged.seconds, 1) if judged else 0.0,
        policies=dict(_policies(judged)) if judged and judged.asked else {},
    )


def _policies(judged: Judgement) -> Iterator[tuple[str, int]]:
    for name, policy in POLICIES.items():
        yield name, len(policy(judged.asked))


if __name__ == "__main__":
    sys.exit(main())
