"""Reads that wait for something to happen: a job is asked after until it is done.

Sent as fast as the target answers, they would all be over before the job is, and no answer would say `done`. So they
keep the gaps that the client left between them, whatever the pace. And where a target is slower than production was,
the last one is asked again, as the client would have: what a job had not done yet says nothing of the release.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from recorder.exchange import RecordedResponse

from .flow import Step
from .produced import Produced, produced

MAX_GAP = 2.0
"""Seconds that one poll waits at most after the one before."""
MAX_IN_ALL = 10.0
"""Seconds that the polls of one session wait at most, all together."""
MAX_MORE = 3.0
"""Seconds for which the last poll is asked again, while it says what the first one said."""
_LEAST_GAP = 0.1
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the last poll of a row was waiting for: until when, and how often it is to be asked."""

    gap: float  # seconds from one answer to the next question
    times: int
    status: int
    before: frozenset[tuple[str, object]]  # what the first poll said, and the last one did not say any more

    def goes_on(self, response: RecordedResponse) -> bool:
        """Whether an answer still says something of what the first poll said."""
        return response.status == self.status and not self.before.isdisjoint(_said(produced(response)))


def last_polls(steps: Iterable[Step]) -> dict[int, Waiting]:
    """The last step of each row of polls -> what it was waiting for."""
    by_session: dict[int, list[Step]] = {}
    for step in sorted(steps, key=lambda each: each.index):
        by_session.setdefault(step.session, []).append(step)
    found: dict[int, Waiting] = {}
    for session in by_session.values():
        left = MAX_IN_ALL
        for chain in _chains(session):
            first, last = _state(chain[0]), _state(chain[-1])
            if first[0] == last[0] and left > 0:
                gap = min(MAX_GAP, max(_LEAST_GAP, last_gap(chain)))
                found[chain[-1].index] = Waiting(gap, int(min(left, MAX_MORE) / gap) or 1, last[0], first[1] - last[1])
                left -= MAX_MORE
    return found


def last_gap(chain: Sequence[Step]) -> float:
    """Seconds between the last two polls."""
    return chain[-1].exchange.started - chain[-2].exchange.ended


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
    return step.status, frozenset(_said(step.produced))


def _said(answer: Produced) -> Iterator[tuple[str, object]]:
    for path, leaf in answer.leaves():
        if path.startswith("$") and (leaf is None or isinstance(leaf, bool) or _is_word(leaf)):
            yield path, leaf


def _is_word(leaf: object) -> bool:
    return isinstance(leaf, str) and _WORD.fullmatch(leaf) is not None
