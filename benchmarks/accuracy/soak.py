"""The shop against itself, again and again. Run: python -m benchmarks.accuracy.soak --runs 200 [--noise 2]

Ten runs share a recording: traffic of a seed of its own, three passes of the baseline as the product makes them, and a
fresh candidate's pass for each run, in another legal order and with another number of requests at once (1 to 8).
What is found is confirmed on the candidates' passes of the following runs and on ten further ones of the baseline,
all of the same code: whatever is confirmed is false.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from diffing.grouping import CONFIRMED
from replayer.confirmation import MAX_ROUNDS
from replayer.errors import InconclusiveError
from replayer.passes import Pass
from replayer.rehearsal import Request

from .detector import Bench, Traffic
from .draw import SHOP
from .judges import named
from .pool import FromSupply, Lessons, Supply, rehearsed
from .table import share

RESULTS = Path(__file__).with_name("results")
BASELINES, REPEATED = 3, MAX_ROUNDS
EACH = 10
"""Runs that share a recording."""


@dataclass(frozen=True, slots=True)
class SoakRow:
    """One unmutated candidate."""

    number: int
    traffic_seed: int
    noise: int
    order_seed: int
    concurrency: int
    requests: int
    verdict: str
    confirmed: tuple[str, ...]  # every one is false
    flaky: tuple[str, ...]  # seen, and not confirmed
    unchecked_share: float
    seconds: float
    problem: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--noise", type=int, choices=(1, 2), default=1, help="2: the shop's noise is turned up")
    parser.add_argument("--seed", type=int, default=1, help="of traffic, orders and concurrency")
    parser.add_argument("--requests", type=int, default=800, help="about how many to record")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    _Soak(options).run()
    return 0


class _Soak:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._began = time.monotonic()
        self._path: Path = options.results / f"soak-{options.seed}-noise-{options.noise}.json"
        self._rows: list[SoakRow] = []
        if self._path.exists():
            self._rows = [SoakRow(**row) for row in json.loads(self._path.read_text())["rows"]]

    def run(self) -> None:
        """Takes up where an interrupted soak stopped."""
        while len(self._rows) < self._options.runs:
            first = len(self._rows)
            wanted = min(EACH - first % EACH, self._options.runs - first)
            self._group(self._options.seed * 1000 + first // EACH, range(first, first + wanted))
        false = sum(bool(row.confirmed) for row in self._rows)
        self._say(f"runs with a finding: {share(false, len(self._rows))}")

    def _group(self, traffic_seed: int, numbers: range) -> None:
        users = random.Random(traffic_seed).randrange(8, 13)
        traffic = Traffic(traffic_seed, users, self._options.requests)
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            bench = Bench(Path(folder), traffic, BASELINES, self._options.noise)
            with bench.serving("provider") as provider:
                bench.record(provider)
                asyncio.run(self._runs(bench.request(SHOP), traffic_seed, numbers))

    async def _runs(self, request: Request, traffic_seed: int, numbers: range) -> None:
        prepared = FromSupply(request)
        self._say(f"traffic {traffic_seed}: {len(prepared.steps)} requests")
        target = request.baselines[0]
        baselines = [await prepared.fresh(target) for _ in range(BASELINES)]
        repeated = [await prepared.fresh(target) for _ in range(REPEATED)]
        candidates: list[tuple[int, int, Pass]] = []
        while len(candidates) < max(len(numbers), REPEATED + 1):
            chance = random.Random(f"{traffic_seed} {numbers[0]} {len(candidates)}")
            seed, concurrency = chance.randrange(1 << 30), chance.randrange(1, 9)
            order = _shuffled(len(prepared.steps), seed)
            candidates.append((seed, concurrency, await prepared.fresh(request.candidate, order, concurrency)))
        lessons = Lessons()
        for position, number in enumerate(numbers):
            turned = [*candidates[position:], *candidates[:position]]
            supply = Supply([*baselines, *repeated], [one for _, _, one in turned])
            began = time.monotonic()
            try:
                report = (await rehearsed(prepared, request, supply, lessons)).report
            except InconclusiveError as error:
                self._add(SoakRow(number, traffic_seed, self._options.noise, *turned[0][:2], len(prepared.steps),
                                  "inconclusive", (), (), 0.0, 0.0, str(error)))  # fmt: skip
                continue
            confirmed = tuple(named(finding) for finding in report.findings if finding.state == CONFIRMED)
            flaky = tuple(named(finding) for finding in report.findings if finding.state != CONFIRMED)
            self._add(SoakRow(number, traffic_seed, self._options.noise, *turned[0][:2], len(prepared.steps),
                              report.verdict.outcome.value, confirmed, flaky, round(report.unchecked_share, 5),
                              round(time.monotonic() - began, 1), "; ".join(report.problems)))  # fmt: skip

    def _add(self, row: SoakRow) -> None:
        self._rows.append(row)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = {"seed": self._options.seed, "noise": self._options.noise, "rows": [asdict(row) for row in self._rows]}
        self._path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        how = f"order {row.order_seed}, {row.concurrency} at once"
        self._say(f"run {row.number} ({how}): {row.verdict}, {len(row.confirmed)} false, {len(row.flaky)} flaky")
        for place in row.confirmed:
            self._say(f"   FALSE {place}")
        for place in row.flaky:
            self._say(f"   flaky {place}")
        if row.problem:
            self._say(f"   problem: {row.problem}")

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)


def _shuffled(count: int, seed: int) -> Callable[[int], float]:
    """A priority for each step; dependencies hold whatever it says."""
    priorities = [float(number) for number in range(count)]
    random.Random(seed).shuffle(priorities)
    return priorities.__getitem__


if __name__ == "__main__":
    sys.exit(main())
