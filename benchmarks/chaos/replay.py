"""Faults at many moments of a shared replay. Run: python -m benchmarks.chaos.replay --exchanges 2000 --moments 10

Real PostgreSQL, Redis and worker processes; a target that counts. Each pass suffers one fault, after a number of
requests that is drawn. What must never be: a write that arrives twice, an answer that is lost, an answer unlike the
undisturbed one that no failure explains, and anything of that without a word. The tests run a sample.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.chaos.rig import FAULTS, Rig, Shown, disturbed, rig, undisturbed
from tests.replayer.sharing import recorded

RESULTS = Path(__file__).with_name("results")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=2000, help="about how many to replay")
    parser.add_argument("--moments", type=int, default=10, help="at which each fault strikes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="faults whose names contain this")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    path = options.results / f"replay-{options.seed}.json"
    shown: list[Shown] = [Shown(**row) for row in json.loads(path.read_text())["rows"]] if path.exists() else []
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        exchanges = recorded(users=max(4, options.exchanges // 50), rounds=50)[: options.exchanges]
        with rig(Path(folder), exchanges) as parts:
            parts.undisturbed = undisturbed(parts)
            parts.workers.start()
            length = _length(parts)
            print(f"{len(parts.stage.plan.steps)} exchanges, {length:.1f} s undisturbed", flush=True)
            for fault in FAULTS:
                if options.only in fault and fault != "nothing":
                    _strike(parts, fault, options, length, shown, path)
    _tell(shown)
    return any(each.wrong for each in shown)


def _length(parts: Rig) -> float:
    FAULTS["nothing"] = lambda _: None
    lengths = []
    for _ in range(2):
        calm = disturbed(parts, "nothing", 0)
        if calm.wrong or calm.problem or calm.uncertain:
            raise SystemExit(f"wrong without a fault: {calm}")
        lengths.append(calm.seconds)
    return min(lengths)


def _strike(parts: Rig, fault: str, options: argparse.Namespace, length: float, shown: list[Shown], path: Path) -> None:
    chance = random.Random(f"{options.seed} {fault}")
    moments = [chance.randrange(len(parts.stage.plan.steps)) for _ in range(options.moments)]
    for moment in moments[sum(each.fault == fault for each in shown) :]:
        one = disturbed(parts, fault, moment)
        shown.append(one)
        state = "; ".join(one.wrong[:3]) or one.problem[:90] or f"{one.uncertain} uncertain"
        print(
            f"{fault} at request {moment}: {one.seconds:.1f} s, {state}{'' if one.struck else ' (too late)'}",
            flush=True,
        )
        data = {
            "at": time.strftime("%Y-%m-%d %H:%M:%S"),
            "command": " ".join(sys.argv[1:]),
            "load": os.getloadavg()[0],
            "length": length,
            "exchanges": len(parts.stage.plan.steps),
            "rows": [asdict(each) for each in shown],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=1) + "\n")


def _tell(shown: list[Shown]) -> None:
    width = max(len(each.fault) for each in shown)
    print(f"{'fault'.ljust(width)}  moments  undisturbed in the end  uncertain  inconclusive  wrong")
    for fault in dict.fromkeys(each.fault for each in shown):
        rows = [each for each in shown if each.fault == fault]
        same = sum(not (row.wrong or row.problem or row.uncertain) for row in rows)
        uncertain = sum(bool(row.uncertain) and not row.problem for row in rows)
        problem = sum(bool(row.problem) for row in rows)
        wrong = sum(bool(row.wrong) for row in rows)
        print(f"{fault.ljust(width)}  {len(rows):7}  {same:22}  {uncertain:9}  {problem:12}  {wrong:5}")


if __name__ == "__main__":
    sys.exit(main())
