"""The coordinator's side of a shared pass: cuts the plan into waves of batches, hands them out, and waits for them.

Everything that matters is in the store: workers are told a batch's number and nothing more. A number that is lost on
its way, or whose worker has died, is handed out again; the store lets only one worker at a time hold a batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256

from diffing.difference import Answer, Reason
from recorder.keys import Key

from ..answers import PackedAnswers
from ..breaker import overtaken
from ..client import Client
from ..correlate import Correlator
from ..engine import PassResult, Progress
from ..errors import InconclusiveError, UsageError
from ..guide import Guide
from ..pacing import Pace
from ..sealing import Sealer
from ..signature import Signature
from ..store import Store, codec
from ..store.work import COORDINATOR, DONE, RUNNING, WAITING, BatchState
from ..waves import waves
from .contract import Job
from .lookout import Lookout
from .parcels import Entry, Outcome, Terms, pack_entries, pack_minted, unpack_answers, unpack_facts
from .patience import PATIENCE_SECONDS, RETRY_SECONDS, patiently
from .shift import LEASE_SECONDS

BATCH_STEPS = 400
FIRST_POLL_SECONDS = 0.02
LAST_POLL_SECONDS = 0.5
AGAIN_SECONDS = 10.0
"""A batch that nobody has taken for so long is handed out once more: the broker may have lost it."""
HandOut = Callable[[int], None]
"""Tells some worker the number of a batch. May tell several, or none: both are made good for. None, and it knows so:
InconclusiveError."""


@dataclass(slots=True)
class _Progress:
    """How far a pass is."""

    told: Progress | None
    total: int
    done: int = 0

    def add(self, count: int) -> None:
        self.done += count
        if self.told is not None:
            self.told(self.done, self.total)


@dataclass(slots=True)
class _Gathered:
    """What the batches of a pass came to."""

    problem: str = ""
    replaced: int = 0
    minted: set[str] = field(default_factory=set)
    mint_failures: dict[str, int] = field(default_factory=dict)
    uncertain: set[int] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    begun: bool = False  # a wave was sent: what rises at the beginning of a pass has risen
    batches: int = 0  # made so far

    def add(self, outcome: Outcome) -> None:
        self.problem = self.problem or outcome.problem
        self.replaced += outcome.replaced
        self.minted.update(outcome.minted)
        for reason, count in outcome.mint_failures:
            self.mint_failures[reason] = self.mint_failures.get(reason, 0) + count
        self.uncertain.update(outcome.uncertain)
        for note in outcome.notes[: MAX_NOTES - len(self.notes)]:
            self.notes[note] = None


MAX_NOTES = 5
"""Of all batches of a pass: each tells its own story, and the first few tell enough."""


class SharedExecutor:
    """Shares each pass among workers. `hand_out` reaches them; `parallel` is how many there are thought to be."""

    def __init__(
        self, store: Store, key: Key, hand_out: HandOut, *, name: str, parallel: int = 2, size: int = BATCH_STEPS
    ) -> None:
        self.name = name
        self._store = store
        self._bell = store.bell()
        self._sealer = Sealer(key)
        self._hand_out = hand_out
        self._parallel = parallel
        self._size = size
        self._guide: tuple[Guide, str, bytes] | None = None  # the latest, its digest, and its bytes
        self._waves: dict[frozenset[int] | None, list[list[tuple[int, ...]]]] = {}

    async def replay(self, job: Job, client: Client, signature: Signature, progress: Progress | None) -> PassResult:
        """Raises InconclusiveError when no worker takes anything for a minute."""
        if self._guide is None or self._guide[0] is not job.guide:
            data = codec.dumps(job.guide.to_json())
            self._guide = job.guide, sha256(data).hexdigest(), codec.compressed(data)
        _, digest, guide = self._guide
        pass_id = await patiently(self._store.open_work, job.run_id, job.name, _terms(job, digest).pack(), guide)
        try:
            await asyncio.to_thread(self._bell.listen, COORDINATOR % pass_id)
            return await self._replay(job, pass_id, progress)
        finally:  # whoever still works on it has lost it then
            with suppress(InconclusiveError):
                await asyncio.shield(asyncio.to_thread(self._store.drop_work, pass_id))

    async def _replay(self, job: Job, pass_id: int, progress: Progress | None) -> PassResult:
        chosen = sorted(job.only) if job.only is not None else range(len(job.plan.steps))
        found = self._waves.get(job.only)
        if found is None:
            found = self._waves[job.only] = waves(job.plan.depends, chosen, self._size, self._parallel)
        gathered, told = _Gathered(), _Progress(progress, len(chosen))
        for wave in found:
            if gathered.problem:
                break
            await self._wave(job, pass_id, wave, gathered, told)
        return await patiently(self._result, job, pass_id, chosen, gathered)

    async def _wave(
        self,
        job: Job,
        pass_id: int,
        wave: Sequence[tuple[int, ...]],
        gathered: _Gathered,
        told: _Progress,
    ) -> None:
        gathered.uncertain |= _lost(job, wave, gathered.uncertain)
        lost, pace = gathered.uncertain, job.pace.share(len(wave))
        if gathered.begun:
            pace = replace(pace, ramp_up=0.0)
        gathered.begun = True
        parcels = [_parcel(job, batch, lost, pace) for batch in wave]
        numbers = await patiently(self._store.add_batches, pass_id, gathered.batches, parcels)
        gathered.batches += len(numbers)
        sizes = dict(zip(numbers, map(len, wave), strict=True))
        waiting = _Waiting(self._tell, numbers)
        lookout = Lookout(self._bell, FIRST_POLL_SECONDS, LAST_POLL_SECONDS)
        while True:
            states, wanted = await patiently(self._store.batch_states, list(sizes), pass_id if job.mint else None)
            done = {each.id: each.outcome for each in states if each.state == DONE and each.outcome is not None}
            for number, outcome in done.items():
                gathered.add(Outcome.unpack(outcome))
                told.add(sizes.pop(number))
            if done or wanted:
                lookout.found()
            if not sizes:
                return
            await self._mint(job, pass_id, wanted)
            await waiting.look(states)
            await lookout.wait()

    async def _tell(self, batch_id: int) -> None:
        await asyncio.to_thread(self._hand_out, batch_id)

    async def _mint(self, job: Job, pass_id: int, wanted: Sequence[str]) -> None:
        if job.mint is None:
            return
        for principal in wanted:
            minted = pack_minted(await job.mint(principal), self._sealer)
            await patiently(self._store.answer_mint, pass_id, principal, minted)

    def _result(self, job: Job, pass_id: int, chosen: Sequence[int], gathered: _Gathered) -> PassResult:
        answers = PackedAnswers(len(job.plan.steps))
        missing = set(chosen) if gathered.problem else set()
        correlator = Correlator(job.guide, enabled=job.correlate)
        for row in self._store.work_answers(pass_id):
            for index, answer in unpack_answers(row.answers, self._sealer).items():
                answers[index] = answer
                missing.discard(index)
            correlator.learned.absorb(unpack_facts(row.facts, self._sealer))
        for index in sorted(missing):
            answers[index] = Answer(None, reason=Reason.CANCELLED, detail=gathered.problem)
        if gathered.problem:
            for step in job.plan.steps:
                if overtaken(gathered.problem, step, answers[step.index], job.reference):
                    answers[step.index] = Answer(None, reason=Reason.CANCELLED, detail=gathered.problem)
        return PassResult(
            answers,
            gathered.problem,
            gathered.replaced,
            len(gathered.minted),
            gathered.mint_failures,
            correlator.proven_sorts(),
            tuple(gathered.notes),
            uncertain=len(gathered.uncertain | {i for i, a in enumerate(answers) if a.reason is Reason.UNCERTAIN}),
        )


class _Waiting:
    """Sees that somebody works on the batches of a wave."""

    def __init__(self, tell: Callable[[int], Awaitable[None]], numbers: Sequence[int]) -> None:
        self._tell = tell
        self._due = dict.fromkeys(numbers, 0.0)  # when to hand out, if nobody works on it then
        self._taken = time.monotonic()
        self._unheard: InconclusiveError | None = None

    async def look(self, states: Sequence[BatchState]) -> None:
        """Hand out what nobody works on. Raises InconclusiveError when nobody has come for too long."""
        clock = time.time()
        for state in states:
            idle = state.state == WAITING or (state.state == RUNNING and state.beat < clock - LEASE_SECONDS)
            if not idle:
                self._taken = time.monotonic()
            elif time.monotonic() >= self._due[state.id]:
                await self._hand_out(state.id)
        if time.monotonic() - self._taken > PATIENCE_SECONDS:
            raise self._unheard or InconclusiveError(
                f"No worker has taken a batch for {PATIENCE_SECONDS:g} s.",
                "Is `understudy worker` running, with the same broker and database?",
            )

    async def _hand_out(self, batch_id: int) -> None:
        try:
            await self._tell(batch_id)
        except InconclusiveError as error:  # a broker that is away for a moment
            self._unheard = error
            self._due[batch_id] = time.monotonic() + RETRY_SECONDS
        else:
            self._unheard = None
            self._due[batch_id] = time.monotonic() + AGAIN_SECONDS


def _terms(job: Job, guide: str) -> Terms:
    if job.key is None:
        raise UsageError(
            "Workers can share a recording only with its key, which is not to be had here.",
            "Set UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE.",
        )
    return Terms(
        base_url=job.base_url,
        ready=job.target.ready,
        run_id=job.run_id,
        timeout=job.target.timeout,
        disposable=job.target.disposable,
        correlate=job.correlate,
        mints=job.mint is not None,
        repeatable=job.repeatable,
        guide=guide,
        spare=job.spare,
    )


def _parcel(job: Job, batch: tuple[int, ...], lost: Set[int], pace: Pace) -> bytes:
    members, skipped = frozenset(batch), job.plan.skipped
    entries = [Entry.of(job.plan, i, members, Reason.UNCERTAIN if i in lost else skipped[i]) for i in batch]
    return pack_entries(pace, job.reference, entries)


def _lost(job: Job, wave: Sequence[Sequence[int]], uncertain: Set[int]) -> set[int]:
    """Steps of a wave that work on what an uncertain one may have changed."""
    found: set[int] = set()
    for index in sorted(step for batch in wave for step in batch) if uncertain else ():
        if any(other in uncertain or other in found for other in job.plan.depends[index]):
            found.add(index)
    return found
