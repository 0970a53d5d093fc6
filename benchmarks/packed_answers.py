"""What it costs to learn and compare where no answer is kept as it is. Run: python -m benchmarks.packed_answers

The example shop is recorded once and replayed against itself: three passes of the baseline, one of the candidate. What
varies is learned and the passes are compared, by turns with all answers as they are and with all of them packed. The
comparisons have to be the same. CPU seconds, the least of some runs each; and bytes of memory for an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from diffing.difference import Answer, Comparison
from diffing.profile import learn
from diffing.trial import Trial
from replayer import answers as packing
from replayer.answers import PackedAnswers
from replayer.cases import CaseMaker, teaching
from replayer.cli.main import COLLECTED_AFTER
from replayer.engine import Answers
from replayer.passes import Pass

from .accuracy.detector import Bench, Traffic
from .accuracy.draw import SHOP
from .accuracy.pool import FromSupply

PASSES = 3
TIMES = 50
WAITING = 256 * 1024
"""Bytes of answers that wait for others of their block, instead of more than all of this recording's."""
Kind = Callable[[Sequence[Answer]], Answers]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.packed_answers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3, help="of each kind")
    options = parser.parse_args()
    packing.WAITING = WAITING
    gc.set_threshold(*COLLECTED_AFTER)  # as in a gate
    with tempfile.TemporaryDirectory(prefix="packed-") as folder:
        bench = Bench(Path(folder), Traffic(1, options.users, options.requests), PASSES)
        with bench.serving("provider") as provider:
            bench.record(provider)
            request = bench.request(SHOP)
            prepared = FromSupply(request)
            targets = [request.baselines[0]] * PASSES + [request.candidate]
            passes = [asyncio.run(prepared.fresh(target)) for target in targets]
    maker = prepared._maker
    kinds: dict[str, Kind] = {"as they are": list, "packed": lambda answers: PackedAnswers.of(answers, room=0)}
    times: dict[str, list[float]] = {name: [] for name in kinds}
    found: dict[str, list[Comparison]] = {}
    for _ in range(options.runs):
        for name, kind in kinds.items():
            gc.collect()
            held = [replace(one, result=replace(one.result, answers=kind(list(one.result.answers)))) for one in passes]
            began = time.process_time()
            found[name] = compared(maker, held)
            times[name].append(time.process_time() - began)
    same = "the same" if found["packed"] == found["as they are"] else "NOT the same"
    count = len(passes[0].result.answers)
    print(
        f"{count:,} exchanges, {PASSES} passes of the baseline and one of the candidate, load {os.getloadavg()[0]:.1f}"
    )
    for name, each in times.items():
        print(f"{name:11} {min(each):6.2f} s of CPU, {min(each) / count * 1e6:6.0f} µs an exchange")
    print(f"packed / as they are: {min(times['packed']) / min(times['as they are']):.3f}; comparisons: {same}")
    for name, kind in kinds.items():
        print(f"{name:11} {memory(kind, passes[0].result.answers):6.0f} bytes an answer")
    return int(found["packed"] != found["as they are"])


def compared(maker: CaseMaker, passes: Sequence[Pass]) -> list[Comparison]:
    """Everything that a run does with its answers until there are comparisons."""
    cases = maker.cases(passes[:PASSES], passes[PASSES:])
    return Trial(learn(teaching(cases), passes[0].result.sorts)).first(cases)


def memory(kind: Kind, answers: Answers) -> float:
    """Bytes that each answer takes, of as many as a large recording has."""
    blocks = PackedAnswers.of(answers, room=0)
    tracemalloc.start()
    held = kind([each for _ in range(TIMES) for each in blocks])  # unpacked anew each time
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / len(held)


if __name__ == "__main__":
    sys.exit(main())
