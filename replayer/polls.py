"""Reads that wait for something to happen: a job is asked after until it is done.

Sent as fast as the target answers, they would all be over before the job is, and no answer would say `done`. So they
keep the gaps that the client left between them, whatever the pace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from .flow import Step

MAX_GAP = 2.0
"""Seconds that one poll waits at most after the one before."""
MAX_IN_ALL = 10.0
"""Seconds that the polls of one session wait at most, all together."""
_WORD = re.compile(r"[A-Za-z][A-Za-z_ -]{1,31}", re.ASCII)


def poll_gaps(steps: Iterable[Step]) -> dict[int, float]:
    """Step -> seconds that it is to start after the end of the one before it, in its session; polls alone."""
    by_session: dict[int, list[Step]] = {}
    for step in sorted(steps, key=lambda each: each.index):
        by_session.setdefault(step.session, []).append(step)
    gaps: dict[int, float] = {}
    for session in by_session.values():
        left = MAX_IN_ALL
        for chain in _chains(session):
            for one, other in pairwise(chain):
                gap = min(MAX_GAP, left, other.exchange.started - one.exchange.ended)
                if gap > 0:
                    gaps[other.index] = gap
                    left -= gap
    return gaps


def _chains(session: Sequence[Step]) -> Iterable[list[Step]]:
    """Reads of one address in a row, the last of which found something else than the first."""
    chain: list[Step] = []
    for step in (*session, None):
        if step is not None and chain and _same_read(chain[-1], step):
            chain.append(step)
            continue
        if len(chain) > 1 and _state(chain[0]) != _state(chain[-1]):
            yield chain
        chain = [step] if step is not None else []


def _same_read(one: Step, other: Step) -> bool:
    before, after = one.exchange.request, other.exchange.request
    return one.reads and before.method == after.method and before.target == after.target


def _state(step: Step) -> tuple[int, frozenset[tuple[str, object]]]:
    """What an answer says in words, flags and nulls: figures and times move without anything having happened."""
    said = (
        (path, leaf)
        for path, leaf in step.produced.leaves()
        if path.startswith("$") and (leaf is None or isinstance(leaf, bool) or _is_word(leaf))
    )
    return step.status, frozenset(said)


def _is_word(leaf: object) -> bool:
    return isinstance(leaf, str) and _WORD.fullmatch(leaf) is not None
