"""A worker's side of a shared pass: takes one batch, sends it, and keeps what comes of it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid
from bisect import bisect_right
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace

from diffing.difference import Answer, Reason
from recorder.keys import Key

from ..breaker import Breaker, Reference
from ..correlate import Correlator
from ..engine import Batch, BatchResult, Journal, PassOptions, run_batch
from ..errors import UsageError
from ..flow import Step
from ..guide import Guide
from ..learned import Fact
from ..logs import about
from ..pacing import Pace
from ..protection import protection
from ..sealing import Sealer
from ..signature import Signature
from ..store import Store, codec
from ..store.work import WORKERS, HeldBatch, LostBatch
from ..tally import Tally
from .contract import client_for
from .kept_steps import KeptSteps
from .minting import Minting
from .parcels import (
    Entry,
    Outcome,
    Terms,
    batch_of,
    pack_answers,
    pack_facts,
    unpack_answers,
    unpack_entries,
    unpack_facts,
)
from .patience import patiently

logger = logging.getLogger("understudy.worker")

LEASE_SECONDS = 6.0
"""Without a sign of life for so long, a worker counts as dead and its batch is free."""
BEAT_SECONDS = 1.0
AHEAD = 32
"""Writes that are put down at once before the first of them is sent: a commit each would double their cost."""
FLUSH = 512
"""Answers that are kept in memory until they are written."""
UNCERTAIN = "a worker ended while it may have sent this"
BEFORE_UNCERTAIN = "its answer was lost with a worker, and what may have been sent since might change it"
AFTER_UNCERTAIN = "works on what an exchange may have changed of which nobody knows whether it was sent"


@dataclass(slots=True)
class _PassKnowledge:
    """What a worker knows of the pass that it works on."""

    pass_id: int
    guide: Guide
    correlator: Correlator
    breaker: Breaker = field(default_factory=Breaker)  # what befalls a target does not end with a batch
    batches: set[int] = field(default_factory=set)  # whose facts are in
    minted: dict[str, bytes] = field(default_factory=dict)  # credentials, by principal


class Worker:
    """Sends batches, one after the other; made once per process, which it belongs to."""

    def __init__(self, store: Store, key: Key, tally: Tally | None = None) -> None:
        self._store = store
        self._tally = tally
        self._key = key
        self._bell = store.bell()
        self._sealer = Sealer(key)
        self._knowledge: _PassKnowledge | None = None
        self._guides: dict[str, Guide] = {}  # by digest: that of the run at work, which all of its passes share
        self._steps = KeptSteps()

    def send(self, batch_id: int) -> bool:
        """Take a batch and send it; False when it was not to be had, or another worker took it over meanwhile."""
        holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        began = time.monotonic()
        held = self._store.take_batch(batch_id, holder, LEASE_SECONDS)
        if held is None:
            return False
        try:
            with about(run=held.run_id, pass_=held.pass_id, batch=batch_id, worker=holder):
                asyncio.run(self._send(held, holder, began))
                logger.info("sent in %.1f s", time.monotonic() - began)
        except LostBatch:
            self._knowledge = None
            self._count("lost")
            return False
        except BaseException:
            self._knowledge = None  # half a batch is in it
            self._count("failed")
            raise
        self._count("sent")
        return True

    def _count(self, outcome: str) -> None:
        if self._tally is not None:
            self._tally.batch(outcome)

    async def _send(self, held: HeldBatch, holder: str, taken: float) -> None:
        terms = Terms.unpack(held.terms)
        pace, reference, entries = unpack_entries(held.steps)
        done = self._done_before(held) if held.begun else {}
        left = [entry for entry in entries if entry.index not in done]
        steps = self._prepared(held, left)
        put_down = held.intents
        if terms.repeatable:  # one uncertain write is as bad as many: that the batch is taken puts down all of them
            put_down = frozenset(e.index for e in left if not e.skipped and not steps[e.index].reads)
        uncertain = put_down - done.keys() if held.begun else frozenset[int]()
        if uncertain and terms.repeatable:
            outcome = Outcome("a worker ended while it may have sent what changes something", uncertain=(*uncertain,))
            self._store.keep(held, holder, outcome=outcome.pack())
            return
        knowledge = self._known(held, terms)
        lost = given_up(entries, done, uncertain)
        batch = batch_of([_without(entry, done) for entry in left if entry.index not in lost], steps)
        journal = _StoreJournal(self._store, held, holder, self._sealer, batch, put_down, taken)
        for index, detail in lost.items():
            journal.put(index, Answer(None, reason=Reason.UNCERTAIN, detail=detail), [])
        result = await self._run(held, terms, pace, reference, batch, knowledge, journal)
        await journal.finish(Outcome.of(result, lost), result)
        if self._tally is not None:
            self._tally.answered([*result.answers.values()])
        knowledge.batches.add(held.id)

    async def _run(
        self,
        held: HeldBatch,
        terms: Terms,
        pace: Pace,
        reference: Reference,
        batch: Batch,
        knowledge: _PassKnowledge,
        journal: _StoreJournal,
    ) -> BatchResult:
        signature = Signature(self._key, terms.run_id, terms.spare)
        options = PassOptions(
            terms.disposable,
            terms.correlate,
            masked=signature.masked,
            tape=signature.tape,
            protection=protection(terms.base_url, terms.ready, pace, reference, knowledge.breaker),
        )

        mint = None
        if terms.mints:
            await asyncio.to_thread(self._bell.listen, WORKERS % held.pass_id)
            mint = Minting(self._store, held.pass_id, self._bell, self._sealer, knowledge.minted).of
        async with client_for(terms.base_url, terms.timeout, pace, signature) as client:
            sending = asyncio.ensure_future(
                run_batch(batch, knowledge.correlator, client, options, mint, journal=journal)
            )
            beating = asyncio.ensure_future(journal.beat())
            try:
                await asyncio.wait([sending, beating], return_when=asyncio.FIRST_COMPLETED)
                if not sending.done():
                    await beating  # raises what ended it
                return await sending
            finally:
                journal.over.set()
                sending.cancel()
                await asyncio.gather(sending, beating, return_exceptions=True)  # it may be keeping something

    def _done_before(self, held: HeldBatch) -> dict[int, Answer]:
        """What an earlier holder of the batch has kept."""
        found: dict[int, Answer] = {}
        for row in self._store.answers_of(held.id):
            found |= unpack_answers(row.answers, self._sealer)
        return found

    def _known(self, held: HeldBatch, terms: Terms) -> _PassKnowledge:
        """What all batches have taught that were over before this one began, and an earlier holder of this one."""
        known = self._knowledge
        if known is None or known.pass_id != held.pass_id or held.id in known.batches:
            guide = self._guides.get(terms.guide)
            if guide is None:
                guide = Guide.from_json(codec.loads(codec.expanded(self._store.guide_of(held.pass_id))))
                self._guides = {terms.guide: guide}
            known = _PassKnowledge(held.pass_id, guide, Correlator(guide, enabled=terms.correlate))
            self._knowledge = known
        for row in self._store.facts_of(held.pass_id, held.id, known.batches):
            known.correlator.learned.absorb(unpack_facts(row.facts, self._sealer))
            if row.batch != held.id:
                known.batches.add(row.batch)
        return known

    def _prepared(self, held: HeldBatch, entries: Sequence[Entry]) -> dict[int, Step]:
        found: dict[int, Step] = {}
        missing: list[Entry] = []
        for entry in entries:
            step = self._steps.get(held.run_id, entry.index)
            if step is None or step.exchange.id != entry.exchange_id:
                missing.append(entry)
            else:
                found[entry.index] = step
        if missing and held.recording_id is not None:
            exchanges = self._store.exchanges_named(held.recording_id, [entry.exchange_id for entry in missing])
            for entry in missing:
                if entry.exchange_id in exchanges:
                    step = found[entry.index] = entry.step(exchanges[entry.exchange_id])
                    self._steps.keep(held.run_id, step)
        if len(found) < len(entries):
            raise UsageError("The recording was deleted while it was replayed.")
        return found


class _StoreJournal(Journal):
    """Keeps what is about to be sent before it is, and what came of it soon after."""

    def __init__(
        self,
        store: Store,
        held: HeldBatch,
        holder: str,
        sealer: Sealer,
        batch: Batch,
        put_down: Set[int],
        taken: float,
    ) -> None:
        self._store = store
        self._held = held
        self._holder = holder
        self._sealer = sealer
        self._writes = sorted(i for i, step in batch.steps.items() if not step.reads and i not in batch.skipped)
        self._intents = set(put_down)
        self._answers: dict[int, Answer] = {}
        self._facts: list[Fact] = []
        self._answered: set[int] = set()
        self._lock = asyncio.Lock()
        self._kept = taken
        self._writing: list[asyncio.Future[None]] = []
        self.over = asyncio.Event()  # no more signs of life are needed

    def put(self, index: int, answer: Answer, facts: list[Fact]) -> None:
        self._answers[index] = answer
        self._facts += facts
        self._answered.add(index)

    async def sending(self, step: Step) -> None:
        if step.index in self._intents and not self._silent:
            return
        async with self._lock:
            if step.index in self._intents:
                if self._silent:
                    await self._keep([])
            else:
                await self._keep([step.index, *self._ahead(step.index)])

    async def answered(self, step: Step, answer: Answer, facts: list[Fact]) -> None:
        self.put(step.index, answer, facts)
        if len(self._answers) >= FLUSH and not self._lock.locked():
            async with self._lock:
                await self._keep([])

    async def beat(self) -> None:
        """Signs of life, until `over` is set. Raises LostBatch once the batch is another worker's."""
        while not self.over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), BEAT_SECONDS)
            if time.monotonic() - self._kept >= BEAT_SECONDS and not self.over.is_set():
                async with self._lock:
                    await self._keep([])

    async def finish(self, outcome: Outcome, result: BatchResult) -> None:
        """Everything that is not kept yet, what was revised in the end, and that the batch is done."""
        for index, answer in result.answers.items():
            if answer.reason is Reason.CANCELLED:  # what a target that had gone left unanswered
                self._answers[index] = answer
        async with self._lock:
            await asyncio.gather(*self._writing)
            await self._keep([], outcome)

    @property
    def _silent(self) -> bool:
        """Whether the batch may be another worker's by now, so that the store has to be asked before a write."""
        return time.monotonic() - self._kept >= LEASE_SECONDS

    def _ahead(self, index: int) -> list[int]:
        """The writes that come next."""
        later = self._writes[bisect_right(self._writes, index) :]
        return [each for each in later if each not in self._answered and each not in self._intents][:AHEAD]

    async def _keep(self, intents: Sequence[int], outcome: Outcome | None = None) -> None:
        answers, self._answers = self._answers, {}
        facts, self._facts = self._facts, []
        # whoever is cancelled meanwhile takes no answers along
        writing = asyncio.ensure_future(patiently(self._write, intents, answers, facts, outcome))
        self._writing.append(writing)
        await asyncio.shield(writing)
        self._writing.remove(writing)
        self._intents.update(intents)
        self._kept = time.monotonic()

    def _write(
        self, intents: Sequence[int], answers: dict[int, Answer], facts: list[Fact], outcome: Outcome | None
    ) -> None:
        self._store.keep(
            self._held,
            self._holder,
            intents,
            pack_answers(answers, self._sealer) if answers else b"",
            pack_facts(facts, self._sealer) if answers else b"",
            outcome.pack() if outcome is not None else None,
        )


def given_up(entries: Sequence[Entry], done: dict[int, Answer], uncertain: frozenset[int]) -> dict[int, str]:
    """Steps of the batch that are not sent any more, and why.

    What may have been sent; what it waited for, whose answers were lost with the worker and might be others by now; and
    whatever waits for any of these. `entries` are in recorded order, in which a step stands behind those that it waits
    for.
    """
    lost = dict.fromkeys(uncertain, UNCERTAIN)
    for entry in reversed(entries):
        if entry.index in lost:
            for other in entry.waits:
                if other not in done:
                    lost.setdefault(other, BEFORE_UNCERTAIN)
    for entry in entries:
        if entry.index not in done and entry.index not in lost and any(other in lost for other in entry.waits):
            lost[entry.index] = AFTER_UNCERTAIN
    return lost


def _without(entry: Entry, done: dict[int, Answer]) -> Entry:
    """The entry, waiting for nothing that has been answered."""
    return replace(entry, waits=tuple(other for other in entry.waits if other not in done))
