"""Between a pass and its target: every request waits here for its turn, and every reply is judged by the breaker."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection

from .breaker import Breaker, Reference
from .client import Reply
from .flow import Step
from .pacing import Pace, Pacer
from .ruling import GO_ON, Ruling
from .targets import is_ready

Send = Callable[[], Awaitable[Reply]]


class Protection:
    """What one pass asks before it sends, and tells afterwards. One for each pass (or process of a pass) and loop.

    `problem` is a sentence once the pass is to end: from then on nothing is sent any more.
    """

    def __init__(
        self,
        pace: Pace = Pace(),  # noqa: B008  frozen
        breaker: Breaker | None = None,
        probe: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """`probe` asks the target whether it is ready; without it, silence is judged by its length."""
        self._pacer = Pacer(pace)
        self._breaker = breaker or Breaker(pace.concurrency)
        self._probe = probe
        self._probing = False
        self._paused_until = 0.0  # of the loop's clock
        self._under_way = 0
        self._asking: set[asyncio.Task[object]] = set()
        self._cut: set[asyncio.Task[object]] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ended: asyncio.Future[None] | None = None

    @property
    def concurrency(self) -> int:
        """The most requests that are ever under way at once."""
        return max(1, self._pacer.pace.concurrency)

    @property
    def problem(self) -> str:
        """Why the pass is to end, a sentence; "" while it goes on."""
        return self._breaker.problem

    @property
    def notes(self) -> tuple[str, ...]:
        """How the pass went, as far as a reader wants to know: sentences without a full stop."""
        return (*self._breaker.notes, *self._pacer.notes())

    def begin(self, first: float) -> None:
        """The pass begins to send now; `first` is when the first of its requests was recorded."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        self._pacer.began, self._pacer.first = loop.time(), first

    def due_in(self, step: Step) -> float:
        """Seconds until the step is to start at the earliest; 0 unless the recorded timing is kept."""
        return 0.0 if self.problem else self._pacer.due_in(step.exchange.started, asyncio.get_running_loop().time())

    async def send(self, step: Step, send: Send) -> Reply | str:
        """The reply to the step's request, sent by `send` in its turn; or why there is none: a sentence."""
        while True:
            await self._turn()
            try:
                unsent = self.problem or self._breaker.withheld(step)
                if unsent:
                    return unsent
                self._pacer.started(step.exchange.started, asyncio.get_running_loop().time())
                reply = await self._ask(send)
            finally:
                self._leave()
            if reply is None:
                return f"it was under way when the pass ended: {self.problem}"
            ruling = self._breaker.note(step, reply)
            if ruling is not GO_ON:
                await self._heed(ruling)
            if self._breaker.problem:
                self._end()
                return reply
            if not ruling.again:
                return reply

    def discounted(self) -> Collection[int]:
        """The steps whose answers say nothing of the release, since the target was in no state to give one."""
        return self._breaker.discounted()

    async def _heed(self, ruling: Ruling) -> None:
        """Gives way to the target as the breaker says."""
        if ruling.most:
            self._pacer.most = ruling.most
        if ruling.pause:
            until = asyncio.get_running_loop().time() + ruling.pause
            self._paused_until = max(self._paused_until, until)
        if ruling.ask and not self._probing:
            self._probing = True
            try:
                self._breaker.alive(await self._probe() if self._probe is not None else None)
            finally:
                self._probing = False
        await self._sleep(ruling.wait)

    # -- turns ------------------------------------------------------------------------------------------------------

    async def _turn(self) -> None:
        """Waits for room and for the rate; at once when the pass is to end."""
        loop = asyncio.get_running_loop()
        while self._under_way >= self._pacer.limit(loop.time()) and not self.problem:
            await self._room(self._pacer.rises_in(loop.time()))
        self._under_way += 1
        try:
            while (wait := self._paused_until - loop.time()) > 0 and not self.problem:
                await self._sleep(wait)
            await self._sleep(self._pacer.reserve(loop.time()))
        except BaseException:
            self._leave()
            raise

    async def _room(self, longest: float) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await asyncio.wait([waiter], timeout=None if math.isinf(longest) else longest)

    def _leave(self) -> None:
        self._under_way -= 1
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    async def _sleep(self, seconds: float) -> None:
        """Sleeps, unless the pass ends before."""
        if seconds > 0 and not self.problem:
            assert self._ended is not None
            await asyncio.wait([self._ended], timeout=seconds)

    # -- the end ----------------------------------------------------------------------------------------------------

    async def _ask(self, send: Send) -> Reply | None:
        """The reply; None when the pass ended while it was waited for."""
        task = asyncio.current_task()
        assert task is not None
        self._asking.add(task)
        try:
            return await send()
        except asyncio.CancelledError:
            if task not in self._cut or task.uncancel() > 0:
                raise
            return None
        finally:
            self._asking.discard(task)
            self._cut.discard(task)

    def _end(self) -> None:
        """Gives up what is under way; whoever leaves lets the next one in, who then finds that it is over."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
            for task in self._asking:
                self._cut.add(task)
                task.cancel()


def protection(
    base_url: str, ready: str, pace: Pace, reference: Reference, breaker: Breaker | None = None
) -> Protection:
    """What protects one instance during a pass, or a part of it; `ready` is the path that says whether it is.

    A `breaker` is one that has watched the parts before.
    """
    breaker = breaker or Breaker()
    breaker.concurrency, breaker.reference = pace.concurrency, reference
    return Protection(pace, breaker, lambda: is_ready(base_url, ready))
