"""One pass: a plan replayed against one instance, sessions in order, everything independent side by side.

Knows nothing of Celery, of the store or of comparing: steps go in, an `Answer` for each comes out.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from diffing.difference import Answer, Reason
from recorder.exchange import Exchange, Headers, RecordedResponse

from .client import Client, FailureKind
from .correlate import Correlator
from .flow import Step
from .mint import Credentials, Minted, MintFailure
from .plan import Plan
from .safety import effective_method, may_send

MAX_FAILURES = 20
"""Requests in a row without any answer after which a target counts as gone and the pass ends."""

MAX_TIMEOUTS = 40
"""Timed-out requests after which a pass ends: at 30 seconds each and four at once that took five minutes."""

Mint = Callable[[str], Awaitable[Minted]]
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class PassResult:
    """What a pass got: one answer per step of the plan, in the plan's order, and what stopped it, if anything did."""

    answers: list[Answer]
    problem: str = ""
    replaced: int = 0  # values sent otherwise than recorded
    minted: int = 0  # principals for whom credentials were minted
    mint_failures: dict[str, int] = field(default_factory=dict)  # reason -> requests that went without
    sorts: dict[str, str] = field(default_factory=dict)  # response location -> kind of identifier, borne out here


@dataclass(slots=True)
class PassOptions:
    """How a pass is run. `order` gives a step's priority among those that are ready; recorded order by default."""

    concurrency: int = 4
    disposable: bool = False
    correlate: bool = True
    only: frozenset[int] | None = None  # steps to send; None: all
    order: Callable[[int], float] = float
    masked: Callable[[RecordedResponse], RecordedResponse] | None = None  # takes our own traces out of an answer
    tape: Callable[[Exchange], Headers] | None = None  # what answers the outbound calls of an exchange


async def run_pass(
    plan: Plan,
    client: Client,
    options: PassOptions,
    mint: Mint | None = None,
    progress: Progress | None = None,
) -> PassResult:
    """Replays the plan once. Timeouts and failures are answers; nothing that a target does raises."""
    runner = _Runner(plan, client, options, mint, progress)
    return await runner.run()


class _Runner:
    def __init__(
        self, plan: Plan, client: Client, options: PassOptions, mint: Mint | None, progress: Progress | None
    ) -> None:
        self._plan = plan
        self._client = client
        self._options = options
        self._mint = mint
        self._progress = progress
        self._correlator = Correlator(plan, enabled=options.correlate)
        self._result = PassResult([Answer(None, reason=Reason.OVER_BUDGET)] * len(plan.steps))
        self._minted: dict[str, Minted] = {}
        self._unanswered: list[int] = []
        self._timeouts = 0
        self._chosen = sorted(options.only if options.only is not None else range(len(plan.steps)))
        self._waits, self._dependants = _restricted(plan, self._chosen)
        self._ready: list[tuple[float, int]] = []
        self._idle: list[asyncio.Future[None]] = []
        self._done = 0

    async def run(self) -> PassResult:
        for index in self._chosen:
            if self._waits[index] == 0:
                heapq.heappush(self._ready, (self._options.order(index), index))
        workers = [asyncio.ensure_future(self._work()) for _ in range(max(1, self._options.concurrency))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if self._result.problem:
            self._without_last_failures()
        self._result.sorts = self._correlator.proven_sorts()
        self._result.minted = sum(isinstance(minted, Credentials) for minted in self._minted.values())
        return self._result

    async def _work(self) -> None:
        while self._done < len(self._chosen):
            if not self._ready:
                waiter = asyncio.get_running_loop().create_future()
                self._idle.append(waiter)
                await waiter
                continue
            _, index = heapq.heappop(self._ready)
            self._result.answers[index] = await self._answer(self._plan.steps[index])
            self._finish(index)

    def _finish(self, index: int) -> None:
        self._done += 1
        for dependant in self._dependants.get(index, ()):
            self._waits[dependant] -= 1
            if self._waits[dependant] == 0:
                heapq.heappush(self._ready, (self._options.order(dependant), dependant))
        wake = len(self._idle) if self._done == len(self._chosen) else min(len(self._ready), len(self._idle))
        for _ in range(wake):
            waiter = self._idle.pop()
            if not waiter.done():
                waiter.set_result(None)
        if self._progress is not None:
            self._progress(self._done, len(self._chosen))

    async def _answer(self, step: Step) -> Answer:
        skip = self._plan.skipped[step.index]
        if skip is not None:
            return Answer(None, reason=skip)
        refusal = may_send(effective_method(step.exchange.request), self._options.disposable)
        if refusal is not None:
            return Answer(None, reason=Reason.UNSAFE, detail=refusal)
        if self._result.problem:
            return Answer(None, reason=Reason.CANCELLED, detail=self._result.problem)
        minted, began = len(self._minted), time.time()
        lacking = await self._credentials(step)
        minting = began if len(self._minted) > minted else 0.0
        if lacking:
            return Answer(None, reason=Reason.CREDENTIALS, detail=lacking)
        prepared = self._correlator.prepare(step)
        if prepared.reason is not None:
            return Answer(None, reason=prepared.reason, detail=prepared.detail)
        self._result.replaced += prepared.replaced
        tape = self._options.tape(step.exchange) if self._options.tape else ()
        reply = await self._client.send(prepared.request, headers=tape)
        if reply.response is None:
            failure = reply.failure.value if reply.failure else "failure"
            self._note_failure(step.index, failure)
            return Answer(None, f"{failure}: {reply.detail}", reply.started, reply.ended, minting=minting)
        self._unanswered.clear()
        response = self._options.masked(reply.response) if self._options.masked else reply.response
        self._correlator.learn(step, response)
        return Answer(response, "", reply.started, reply.ended, observed=reply.observed, minting=minting)

    def _note_failure(self, index: int, failure: str) -> None:
        """Ends the pass when the target is gone or hangs too often; what it left unanswered last says nothing."""
        self._unanswered.append(index)
        self._timeouts += failure == FailureKind.TIMEOUT.value
        if self._result.problem:
            return
        if len(self._unanswered) >= MAX_FAILURES:
            self._result.problem = f"the target left {MAX_FAILURES} requests in a row without an answer ({failure})"
        elif self._timeouts >= MAX_TIMEOUTS:
            self._result.problem = f"the target let {MAX_TIMEOUTS} requests time out"

    def _without_last_failures(self) -> None:
        for index in self._unanswered:
            if self._result.answers[index].response is None:
                self._result.answers[index] = Answer(None, reason=Reason.CANCELLED, detail=self._result.problem)

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


def _restricted(plan: Plan, chosen: Sequence[int]) -> tuple[dict[int, int], dict[int, list[int]]]:
    """How many chosen steps each chosen step waits for, and who waits for it."""
    wanted = set(chosen)
    waits: dict[int, int] = {}
    dependants: dict[int, list[int]] = {}
    for index in chosen:
        before = plan.depends[index] & wanted
        waits[index] = len(before)
        for other in before:
            dependants.setdefault(other, []).append(index)
    return waits, dependants


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
