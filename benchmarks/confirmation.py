"""How often noise is confirmed, and how often a change that comes and goes: `python -m benchmarks.confirmation`.

Made-up findings go through the rounds of a confirmation, nothing is replayed. *Noise* shows on both sides at one rate,
and was by chance in none of the three passes that taught what varies; a *change* shows in the candidate alone. Both are
raised by one pass of the candidate that shows them somewhere. Each line is a route with so many exchanges.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diffing.grouping import CONFIRMED, UNCONFIRMED
from replayer.confirmation import MAX_AROUND, MAX_ASKED, MAX_ROUNDS, _Tally, spread

TAUGHT = 3
NOISE = [(1, 0.2), (1, 0.5), (4, 0.05), (4, 0.2), (4, 0.3), (8, 0.05), (8, 0.2), (40, 0.01), (40, 0.05)]
CHANGES = [(1, 0.5), (1, 1.0), (4, 0.33), (4, 0.5), (10, 0.2), (10, 0.33), (20, 0.1), (40, 0.05), (40, 0.1), (100, 0.1)]
RAISED_TRIES = 100
"""Draws for each finding that is wanted: most noise is learned, and raises none."""

Draw = Callable[[], set[int]]


@dataclass(slots=True)
class Route:
    """One pass of it: the exchanges whose answers show the thing."""

    dice: random.Random
    exchanges: int
    rate: float

    def drawn(self) -> set[int]:
        return {n for n in range(self.exchanges) if self.dice.random() < self.rate}


def raised(baseline: Draw, candidate: Draw) -> set[int]:
    """The exchanges that show a finding; none when it was learned, or not seen."""
    learned = any(baseline() for _ in range(TAUGHT))
    return set() if learned else candidate()


def rounds(showing: set[int], exchanges: int, baseline: Draw, candidate: Draw) -> tuple[str, int]:
    """(state, rounds) of one finding."""
    names = [str(n) for n in range(exchanges)]
    asked = frozenset(map(int, spread([str(n) for n in sorted(showing)], 3, MAX_ASKED)))
    around = asked | frozenset(map(int, spread(names, 0, MAX_AROUND)))
    tally = _Tally(frozenset(), tuple(map(str, asked)), around=tuple(map(str, around)))
    before: set[int] | None = None
    for number in range(1, MAX_ROUNDS + 1):
        again, repeated = baseline(), candidate()
        for one in around:
            shown = one in repeated - again
            tally.wide[0] += shown
            tally.wide[1] += 1
            tally.shown += shown and one in asked
            tally.trials += one in asked
            if before is not None:
                shown = one in again - before
                tally.wide[2] += shown
                tally.wide[3] += 1
                tally.baseline_shown += shown and one in asked
                tally.baseline_trials += one in asked
        before = again
        state = tally.state(number)
        if state != UNCONFIRMED:
            return state, number
    return UNCONFIRMED, MAX_ROUNDS


def measured(exchanges: int, rate: float, count: int, *, noise: bool) -> Iterator[tuple[str, int]]:
    """The ends of up to `count` findings."""
    dice = random.Random(f"{exchanges} {rate} {noise}")
    candidate = Route(dice, exchanges, rate).drawn
    baseline = candidate if noise else set
    for _ in range(count * RAISED_TRIES):
        if showing := raised(baseline, candidate):
            yield rounds(showing, exchanges, baseline, candidate)
            count -= 1
            if not count:
                return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000, help="findings of each line")
    count = parser.parse_args().count
    for what, noise, lines in (("noise", True, NOISE), ("a change", False, CHANGES)):
        for exchanges, rate in lines:
            ends = list(measured(exchanges, rate, count, noise=noise))
            share = sum(state == CONFIRMED for state, _ in ends) / max(1, len(ends))
            mean = sum(number for _, number in ends) / max(1, len(ends))
            told = f"{what:8} in {rate:4.0%} of {exchanges:3} answers: confirmed {share:6.2%} of {len(ends)}"
            print(f"{told}, {mean:.1f} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
