"""The gate against faults drawn with a seed. Run: python -m benchmarks.accuracy.mutants --seed N --count 20

The shop is recorded once and its own passes are replayed once; then each mutant is asked of the oracle, and judged by
the gate. README.md beside this file says what is measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from .detector import Bench, Judgement, Traffic, free_port, wait_until_ready
from .draw import Mutant, draw, write
from .oracle import SECRET, DoesNotStart, Exercise, Oracle, TapeServer, open_oracle
from .policies import POLICIES
from .table import Row, line, markdown, summary

RESULTS = Path(__file__).with_name("results")
UNMUTATED = Mutant("", 0, "", "", "", "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the draw")
    parser.add_argument("--count", type=int, default=20, help="mutants that start")
    parser.add_argument("--controls", type=int, default=2, help="unmutated candidates")
    parser.add_argument("--passes", type=int, default=3, help="passes of the baseline")
    parser.add_argument("--traffic-seed", type=int, default=7)
    parser.add_argument("--requests", type=int, default=1600, help="about how many to record")
    parser.add_argument("--judge-all", action="store_true", help="judge also what the oracle says can not be seen")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no further mutant after so long; 0: no limit")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        _Run(options, Path(folder)).run()
    return 0


class _Run:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._began = time.monotonic()
        self._rows: list[Row] = []
        self._rejected: list[str] = []
        self._bench = Bench(folder, Traffic(options.traffic_seed, requests=options.requests), options.passes)

    def run(self) -> None:
        oracle = self._oracle()
        self._say(f"the oracle has {len(oracle.requests)} requests, and the unmutated shop answers itself alike")
        with self._bench.serving("provider") as provider:
            self._bench.record(provider)
            self._say("recorded")
            for number in range(1, self._options.controls + 1):
                with self._package(None) as package:
                    self._add(_row(number, UNMUTATED, None, self._bench.judge(package)))
            self._mutants(oracle)
        self._tell()

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
        return open_oracle(work / "tape.json", work / "production.db", package, work)

    def _mutants(self, oracle: Oracle) -> None:
        number = 0
        for mutant in draw(self._options.seed):
            if number == self._options.count or self._late():
                return
            with self._package(mutant) as package:
                began = time.monotonic()
                try:
                    exercise = oracle.ask(package, self._folder / "oracle")
                except DoesNotStart as problem:
                    self._rejected.append(f"{mutant.module}:{mutant.line} {mutant.operator}: {mutant.what}: {problem}")
                    continue
                number += 1
                wanted = exercise.exercised or self._options.judge_all
                seconds = time.monotonic() - began
                self._add(_row(number, mutant, exercise, self._bench.judge(package) if wanted else None, seconds))

    def _late(self) -> bool:
        limit = self._options.minutes * 60
        return bool(limit) and time.monotonic() - self._began > limit

    def _package(self, mutant: Mutant | None) -> _Package:
        return _Package(self._folder / "candidate", mutant)

    def _add(self, row: Row) -> None:
        self._rows.append(row)
        self._say(line(row))
        self._save()

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def _save(self) -> Path:
        """After each row: an interrupted run has its rows."""
        path: Path = self._options.results / f"seed-{self._options.seed}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
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
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def _tell(self) -> None:
        command = f"python -m benchmarks.accuracy.mutants --seed {self._options.seed} --count {self._options.count}"
        if self._options.minutes:
            command += f" --minutes {self._options.minutes:g}"
        text = markdown(self._rows, summary(self._rows, len(self._rejected)), command)
        path = self._save().with_suffix(".md")
        path.write_text(text, encoding="utf-8")
        print(f"\n{text}\nkept in {path.parent.name}/: {path.stem}.json and {path.name}")


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
