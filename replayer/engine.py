"""One pass: a plan replayed against one instance, sessions in order, everything independent side by side.

A pass is one batch here, or many that several workers share. Knows nothing of Celery, of the store or of comparing:
steps go in, an `Answer` for each comes out.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from diffing.difference import Answer, Reason
from recorder.exchange import Exchange, Headers, RecordedRequest, RecordedResponse

from .client import Client, Reply
from .correlate import Correlator
from .flow import Step
from .guide import Guide, make_guide
from .learned import Fact
from .mint import Credentials, Minted, MintFailure
from .plan import Plan
from .polls import last_polls, poll_gaps
from .protection import Protection
from .safety import effective_method, may_send

Mint = Callable[[str], Awaitable[Minted]]
Progress = Callable[[int, int], None]

NOT_SENT = Answer(None, reason=Reason.OVER_BUDGET)
"""The answer to a step that was not chosen."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps that one runner sends. What else they wait for has been answered before it begins."""

    steps: Mapping[int, Step]
    waits: Mapping[int, frozenset[int]]  # for other steps of the batch
    skipped: Mapping[int, Reason]


@dataclass(slots=True)
class BatchResult:
    """What a batch got, by step, and what stopped it, if anything did."""

    answers: dict[int, Answer] = field(default_factory=dict)
    problem: str = ""
    replaced: int = 0  # values sent otherwise than recorded
    minted: frozenset[str] = frozenset()  # principals for whom credentials were minted
    mint_failures: dict[str, int] = field(default_factory=dict)  # reason -> requests that went without
    notes: tuple[str, ...] = ()  # what a reader wants to know of how it went: sentences without a full stop


class Answers(Protocol):
    """One answer per step of the plan, in the plan's order: a list, or what takes less memory than one."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Answer]: ...

    def __getitem__(self, index: int, /) -> Answer: ...

    def __setitem__(self, index: int, answer: Answer, /) -> None: ...


@dataclass(slots=True)
class PassResult:
    """What a pass got, and what stopped it, if anything did."""

    answers: Answers
    problem: str = ""
    replaced: int = 0  # values sent otherwise than recorded
    minted: int = 0  # principals for whom credentials were minted
    mint_failures: dict[str, int] = field(default_factory=dict)  # reason -> requests that went without
    sorts: dict[str, str] = field(default_factory=dict)  # response location -> kind of identifier, borne out here
    notes: tuple[str, ...] = ()  # as in a batch
    uncertain: int = 0  # steps of which nobody knows whether they were sent, and those that work on them


@dataclass(slots=True)
class PassOptions:
    """How a pass is run. `order` gives a step's priority among those that are ready; recorded order by default."""

    disposable: bool = False
    correlate: bool = True
    only: frozenset[int] | None = None  # steps to send; None: all
    order: Callable[[int], float] = float
    masked: Callable[[RecordedResponse], RecordedResponse] | None = None  # takes our own traces out of an answer
    tape: Callable[[Exchange], Headers] | None = None  # what answers the outbound calls of an exchange
    protection: Protection = field(default_factory=Protection)  # paces what is sent, and says when to end


class Journal:
    """Is told what a batch is about to send and what came of it. Keeps nothing by itself."""

    async def sending(self, step: Step) -> None:
        """Before each request that may change something is sent; what it raises ends the batch."""

    async def answered(self, step: Step, answer: Answer, facts: list[Fact]) -> None:
        """After each step, sent or not: with what was learned meanwhile. What it raises ends the batch."""


async def run_pass(
    plan: Plan,
    client: Client,
    options: PassOptions,
    mint: Mint | None = None,
    progress: Progress | None = None,
    guide: Guide | None = None,
    answers: Answers | None = None,
) -> PassResult:
    """Replays the plan once. Timeouts and failures are answers; nothing that a target does raises.

    `answers` is what they are put into; without it, a list is made.
    """
    correlator = Correlator(guide or make_guide(plan), enabled=options.correlate)
    if answers is None:
        answers = [NOT_SENT] * len(plan.steps)
    batch = batch_of(plan, options.only)
    result = await _Runner(batch, answers, correlator, client, options, mint, progress, Journal()).run()
    return PassResult(
        answers,
        result.problem,
        result.replaced,
        len(result.minted),
        result.mint_failures,
        correlator.proven_sorts(),
        result.notes,
    )


def batch_of(plan: Plan, only: frozenset[int] | None = None) -> Batch:
    """The whole plan, or the chosen steps of it, as one batch."""
    chosen = sorted(only) if only is not None else range(len(plan.steps))
    wanted = set(chosen)
    return Batch(
        {index: plan.steps[index] for index in chosen},
        {index: plan.depends[index] & wanted for index in chosen},
        {index: reason for index in chosen if (reason := plan.skipped[index]) is not None},
    )


async def run_batch(
    batch: Batch,
    correlator: Correlator,
    client: Client,
    options: PassOptions,
    mint: Mint | None = None,
    progress: Progress | None = None,
    journal: Journal | None = None,
) -> BatchResult:
    """Sends one batch. Timeouts and failures are answers; only what `journal` raises comes through."""
    answers: dict[int, Answer] = {}
    runner = _Runner(batch, answers, correlator, client, options, mint, progress, journal or Journal())
    result = await runner.run()
    result.answers = answers
    return result


class _Put(Protocol):
    """What answers are put into, by step."""

    def __setitem__(self, index: int, answer: Answer, /) -> None: ...


class _Runner:
    def __init__(
        self,
        batch: Batch,
        answers: _Put,
        correlator: Correlator,
        client: Client,
        options: PassOptions,
        mint: Mint | None,
        progress: Progress | None,
        journal: Journal,
    ) -> None:
        self._batch = batch
        self._answers = answers
        self._correlator = correlator
        self._client = client
        self._options = options
        self._mint = mint
        self._progress = progress
        self._journal = journal
        self._result = BatchResult()
        self._minted: dict[str, Minted] = {}
        self._protection = options.protection
        self._later: dict[int, asyncio.TimerHandle] = {}  # steps whose recorded time has not come
        self._polls = poll_gaps(batch.steps.values())
        self._last_polls = last_polls(batch.steps.values())
        self._waits = {index: len(waits) for index, waits in batch.waits.items()}
        self._dependants: dict[int, list[int]] = {}
        for index, waits in batch.waits.items():
            for other in waits:
                self._dependants.setdefault(other, []).append(index)
        self._ready: list[tuple[float, int]] = []
        self._idle: list[asyncio.Future[None]] = []
        self._done = 0

    async def run(self) -> BatchResult:
        self._protection.begin(min((step.exchange.started for step in self._batch.steps.values()), default=0.0))
        for index, waits in self._waits.items():
            if waits == 0:
                self._release(index)
        workers = [asyncio.ensure_future(self._work()) for _ in range(self._protection.concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            for timer in self._later.values():
                timer.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        self._result.problem, self._result.notes = self._protection.problem, self._protection.notes
        for index in self._protection.discounted():
            self._answers[index] = Answer(None, reason=Reason.CANCELLED, detail=self._result.problem)
        self._result.minted = frozenset(who for who, what in self._minted.items() if isinstance(what, Credentials))
        return self._result

    async def _work(self) -> None:
        while self._done < len(self._waits):
            if not self._ready:
                waiter = asyncio.get_running_loop().create_future()
                self._idle.append(waiter)
                await waiter
                continue
            _, index = heapq.heappop(self._ready)
            step = self._batch.steps[index]
            answer = self._answers[index] = await self._answer(step)
            await self._journal.answered(step, answer, self._correlator.learned.take())
            self._finish(index)

    def _finish(self, index: int) -> None:
        self._done += 1
        for dependant in self._dependants.get(index, ()):
            self._waits[dependant] -= 1
            if self._waits[dependant] == 0:
                self._release(dependant)
        if self._protection.problem:
            for waiting in list(self._later):
                self._push(waiting)
        self._wake(len(self._idle) if self._done == len(self._waits) else 0)
        if self._progress is not None:
            self._progress(self._done, len(self._waits))

    def _release(self, index: int) -> None:
        """Makes a step ready that waits for no other: now, or when its time has come."""
        wait = self._protection.due_in(self._batch.steps[index])
        if not self._protection.problem:
            wait = max(wait, self._polls.get(index, 0.0))
        if wait > 0:
            self._later[index] = asyncio.get_running_loop().call_later(wait, self._push, index)
        else:
            self._push(index)

    def _push(self, index: int) -> None:
        timer = self._later.pop(index, None)
        if timer is not None:
            timer.cancel()
        heapq.heappush(self._ready, (self._options.order(index), index))
        self._wake(1)

    def _wake(self, count: int) -> None:
        for _ in range(min(count, len(self._idle))):
            waiter = self._idle.pop()
            if not waiter.done():
                waiter.set_result(None)

    async def _answer(self, step: Step) -> Answer:
        skip = self._batch.skipped.get(step.index)
        if skip is not None:
            return Answer(None, reason=skip)
        refusal = may_send(effective_method(step.exchange.request), self._options.disposable)
        if refusal is not None:
            return Answer(None, reason=Reason.UNSAFE, detail=refusal)
        if self._protection.problem:
            return Answer(None, reason=Reason.CANCELLED, detail=self._protection.problem)
        minted, began = len(self._minted), time.time()
        lacking = await self._credentials(step)
        minting = began if len(self._minted) > minted else 0.0
        if lacking:
            return Answer(None, reason=Reason.CREDENTIALS, detail=lacking)
        prepared = self._correlator.prepare(step)
        if prepared.reason is not None:
            return Answer(None, reason=prepared.reason, detail=prepared.detail)
        self._result.replaced += prepared.replaced
        reply = await self._asked(step, prepared.request)
        if isinstance(reply, str):
            return Answer(None, reason=Reason.CANCELLED, detail=reply)
        if reply.response is None:
            failure = reply.failure.value if reply.failure else "failure"
            return Answer(None, f"{failure}: {reply.detail}", reply.started, reply.ended, minting=minting)
        response = self._options.masked(reply.response) if self._options.masked else reply.response
        self._correlator.learn(step, response)
        return Answer(response, "", reply.started, reply.ended, observed=reply.observed, minting=minting)

    async def _asked(self, step: Step, request: RecordedRequest) -> Reply | str:
        """The reply to a request, or why there is none; of a last poll, one that does not wait any more."""
        reply = await self._protection.send(step, lambda: self._send(step, request))
        waiting = self._last_polls.get(step.index)
        for _ in range(waiting.times if waiting else 0):
            if isinstance(reply, str) or reply.response is None or not waiting or not waiting.goes_on(reply.response):
                break
            await asyncio.sleep(waiting.gap)
            reply = await self._protection.send(step, lambda: self._send(step, request))
        return reply

    async def _send(self, step: Step, request: RecordedRequest) -> Reply:
        if not step.reads:
            await self._journal.sending(step)
        tape = self._options.tape(step.exchange) if self._options.tape else ()
        return await self._client.send(request, headers=tape)

    async def _credentials(self, step: Step) -> str:
        """Mints what the step lacks. A sentence when it needs a login that can not be had, else ""."""
        needed = self._correlator.missing_credentials(step)
        if not needed and not self._correlator.wants_secrets(step):
            return ""
        reason = ""
        principal = self._correlator.principal(step)
        if not principal:
            reason = "the recording does not say whose credential this is"
        elif self._mint is None:
            reason = "no mint hook is set for this target"
        else:
            if principal not in self._minted:
                self._minted[principal] = await self._mint(principal)
            minted = self._minted[principal]
            if isinstance(minted, Credentials):
                self._correlator.mint(step, minted)
            elif isinstance(minted, MintFailure):
                reason = f"the mint hook failed: {minted.message}"
            else:
                reason = "the mint hook does not know this principal"
        if not needed or not reason:
            return ""
        if step.status == 0 or not _bears_authorization(step) or self._correlator.was_given(step):
            return ""
        self._result.mint_failures[reason] = self._result.mint_failures.get(reason, 0) + 1
        return reason


def _bears_authorization(step: Step) -> bool:
    return any(slot.location == "header.authorization" for slot in step.slots)


def closure(plan: Plan, targets: Sequence[int]) -> frozenset[int]:
    """The targets and everything that they wait for, directly or not."""
    found: set[int] = set()
    stack = list(targets)
    while stack:
        index = stack.pop()
        if index not in found:
            found.add(index)
            stack.extend(plan.depends[index])
    return frozenset(found)
