"""Carries finished exchanges out of the request thread: a bounded queue, and one background thread per process.

The request thread appends references to a deque and nothing more; the lock that it takes guards a few additions and
is never held while anything waits. Locks and thread belong to one process: after a fork the child begins anew, and
they are created at its first request, when gevent (should it be there) has patched `threading`.

What is queued when the process ends is shipped by `atexit`. No signal is handled here: a handler written in Python runs
when the main thread comes to it, and until then the process would survive what should have killed it.
"""

from __future__ import annotations

import atexit
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from .counters import Counters, RouteKey
from .guard import Guard
from .layout import METHOD
from .observation import begin, current
from .sinks import OnLost, SinkError

if TYPE_CHECKING:
    from .capture import Capture
    from .ship import Shipper

_GATHER = 0.05  # seconds for which the first exchanges are gathered into one batch; later, the sink says
_IDLE = 60.0  # seconds; nothing waits for this, a missed wake-up would
_BATCH = 64  # exchanges encoded and written at a time
_SLICE = 32 * 1024  # bytes of exchanges worked on before the application's threads are let run
_REPORT_EVERY = 2.0  # seconds between two reports of a busy producer
_TENDING = 4  # times the CPU that it took last time, or while exchanges wait the time, until a sink is tended to again
_SECOND_CHANCE = 0.25  # seconds after which a last report that could not be sent is tried once more
_EXIT_PATIENCE = 5.0  # seconds that a flush may take while the process waits to end

OpenShipper = Callable[[str, OnLost], "Shipper"]


class _Process:
    """The pipeline's state in one process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.producer = os.urandom(16).hex()
        self.lock = threading.RLock()  # re-entrant: a finaliser may end an exchange inside its own critical section
        self.queue: deque[Capture] = deque()
        self.queued_bytes = 0
        self.sequence = 0
        self.counters = Counters()
        self.asleep = False  # whether `wake` has to be set; read and written without the lock, see `_IDLE`
        self.wake = threading.Event()
        self.urgent = threading.Event()
        self.drain_lock = threading.Lock()
        self.draining: int | None = None  # identity of the thread that holds drain_lock
        self.shipper: Shipper | None = None
        self.reported_at = 0.0
        self.tend_at = 0.0  # monotonic; when the sink wants to be tended to
        self.tend_idle = 0.0  # monotonic; not before that in the background
        self.tend_busy = 0.0  # monotonic; not before that while exchanges wait
        self.deadline: float | None = None  # monotonic; of the flush that is under way
        self.thread: threading.Thread | None = None
        self.closed = False


class Pipeline:
    """`submit` from any thread; everything else happens behind it."""

    def __init__(self, open_shipper: OpenShipper, max_count: int, max_bytes: int, guard: Guard) -> None:
        self._open_shipper = open_shipper
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._urgent_count = max_count // 4
        self._urgent_bytes = max_bytes // 4
        self._guard = guard
        self._process: _Process | None = None
        self._starting = threading.RLock()  # re-entrant as the queue's, and for the same reason
        _pipelines.add(self)

    def submit(self, captured: Capture) -> None:
        """Queues an exchange, or counts it as dropped when the queue is full."""
        process = self._process or self._start()
        queue, weight = process.queue, captured.weight
        with process.lock:
            captured.sequence = process.sequence
            process.sequence += 1  # counted for what is dropped too: a gap is to be seen
            queued_bytes = process.queued_bytes + weight
            if len(queue) < self._max_count and queued_bytes <= self._max_bytes and not process.closed:
                queue.append(captured)  # counted as seen when it has been shipped
                process.queued_bytes = queued_bytes
            else:
                self._refuse(process, captured, queued_bytes)
        if process.asleep:
            process.asleep = False
            process.wake.set()
        if (queued_bytes > self._urgent_bytes or len(queue) > self._urgent_count) and not process.urgent.is_set():
            process.urgent.set()

    def _refuse(self, process: _Process, captured: Capture, queued_bytes: int) -> None:
        key = _route_key(captured)
        if len(process.queue) >= self._max_count:
            reason = "queue_count"
        else:
            reason = "queue_bytes" if queued_bytes > self._max_bytes else "closed"
        process.counters.seen(key)
        process.counters.dropped(key, reason)

    def count_sampled_out(self, method: str, route: str) -> None:
        process = self._process or self._start()
        with process.lock:
            process.counters.sampled_out((method, route))
        if process.asleep:
            process.asleep = False
            process.wake.set()

    def count_dropped(self, method: str, route: str, reason: str) -> None:
        """An exchange that was seen, and could not be captured."""
        process = self._process or self._start()
        with process.lock:
            process.counters.seen((method, route))
            process.counters.dropped((method, route), reason)

    def flush(self, timeout: float = _EXIT_PATIENCE) -> bool:
        """Ships what is queued, and what waits in the sink, in the calling thread. False when the time did not do."""
        process = self._process
        if process is None or process.pid != os.getpid():
            return True
        return self._drain(process, time.monotonic() + timeout)

    def close(self, timeout: float = _EXIT_PATIENCE) -> None:
        """Ships what is queued and the last report, and lets go of the sink. What comes later is counted only."""
        process = self._process
        if process is None or process.pid != os.getpid() or process.closed:
            return
        deadline = time.monotonic() + timeout
        self._drain(process, deadline, ending=True)
        process.closed = True
        process.wake.set()
        process.urgent.set()
        # From a signal handler in the thread that is shipping, there is nothing to wait for.
        patience = 0.0 if process.draining == threading.get_ident() else max(deadline - time.monotonic(), 0.0)
        if process.shipper is not None and process.drain_lock.acquire(timeout=patience):
            try:
                with self._guard.step("closing the sink"):
                    process.shipper.close()
            finally:
                process.drain_lock.release()  # held by the background thread, it is still writing: not to be closed

    def forget(self) -> None:
        """In the child of a fork: what is queued and open here is the parent's to ship."""
        process = self._process
        self._process = None
        self._starting = threading.RLock()
        if process is not None and process.shipper is not None:
            with suppress(Exception):
                process.shipper.close()

    def _start(self) -> _Process:
        with self._starting:
            made = _Process(os.getpid())
            made.thread = threading.Thread(target=self._run, args=(made,), name="understudy-recorder", daemon=True)
            process = self._process
            if process is None:
                process = self._process = made
                try:
                    made.thread.start()
                except RuntimeError as error:  # no threads to be had: what fits is shipped at exit
                    self._guard.failed("starting the background thread", error)
                atexit.register(self.close)
        return process

    def _run(self, process: _Process) -> None:
        while not process.closed:
            # What was counted and not yet reported must not wait for another request.
            process.asleep = True
            if not process.queue:
                process.wake.wait(self._rest(process))
            process.asleep = False
            process.wake.clear()
            if process.queue:
                process.urgent.wait(_GATHER if process.shipper is None else process.shipper.gather)
            process.urgent.clear()
            try:
                self._drain(process, None)
            except Exception as error:
                self._guard.failed("shipping", error)

    def _rest(self, process: _Process) -> float:
        """Seconds for which the background thread need not look by itself."""
        rest = _REPORT_EVERY if process.counters.changed else _IDLE
        if process.shipper is not None:
            rest = min(rest, max(max(process.tend_at, process.tend_idle) - time.monotonic(), 0.0))
        return rest

    def _drain(self, process: _Process, deadline: float | None, ending: bool = False) -> bool:
        """Ships batch after batch until the queue is empty; False when the deadline came first.

        Without a deadline it is the background thread that drains. With `ending`, what waits in the sink is tried once.
        """
        if process.draining == threading.get_ident():
            return False  # a signal handler of the application's flushes, in the thread that is shipping
        if not process.drain_lock.acquire(timeout=-1 if deadline is None else max(deadline - time.monotonic(), 0)):
            return False
        observation = current()
        try:
            process.draining = threading.get_ident()
            begin(None)  # what a sink sends is no call of the request that flushes, and no guard's business
            if process.closed:
                return True
            self._hurry(process, deadline)
            while batch := self._take(process):
                try:
                    self._ship(process, batch)
                except BaseException:  # interrupted between two exchanges: nothing of this batch was written
                    self._put_back(process, batch)
                    raise
                if deadline is not None and time.monotonic() > deadline:
                    return False
                if deadline is None and time.monotonic() >= process.tend_busy:
                    self._tend(process)
            done = self._tend_until(process, deadline, ending)
            if process.counters.changed and (deadline is not None or self._report_is_due(process)):
                self._report(process)
                if ending and process.counters.changed:
                    time.sleep(_SECOND_CHANCE)
                    self._hurry(process, deadline)
                    self._tend_until(process, deadline, ending)
                    self._report(process)
            return done
        finally:
            self._hurry(process, None)
            begin(observation)
            process.draining = None
            process.drain_lock.release()

    def _hurry(self, process: _Process, deadline: float | None) -> None:
        process.deadline = deadline
        if deadline is not None:
            process.tend_at = 0.0
        if process.shipper is not None:
            process.shipper.hurry(deadline)

    def _tend_until(self, process: _Process, deadline: float | None, ending: bool) -> bool:
        """Has the sink do what waits in it: a piece, or with a deadline all that can be done now; False if it came."""
        if deadline is None:
            if time.monotonic() >= max(process.tend_at, process.tend_idle):
                self._tend(process)
            return True
        while time.monotonic() >= process.tend_at:
            self._tend(process)
            if ending:
                break
            if time.monotonic() > deadline:
                return process.tend_at > time.monotonic()
        return True

    def _tend(self, process: _Process) -> None:
        if process.shipper is None:
            process.tend_at = math.inf  # until something is shipped
            return
        begun, worked = time.monotonic(), time.thread_time()
        try:
            wait = process.shipper.tend()
        except Exception as error:
            wait = _IDLE
            self._guard.failed("tending to the sink", error)
        ended = time.monotonic()
        process.tend_at = ended + wait
        process.tend_busy = ended + _TENDING * (ended - begun)
        process.tend_idle = ended + _TENDING * (time.thread_time() - worked)

    def _report_is_due(self, process: _Process) -> bool:
        return time.monotonic() - process.reported_at >= _REPORT_EVERY

    def _take(self, process: _Process) -> list[Capture]:
        with process.lock:
            batch = [process.queue.popleft() for _ in range(min(_BATCH, len(process.queue)))]
            process.queued_bytes -= sum(captured.weight for captured in batch)
        return batch

    def _put_back(self, process: _Process, batch: Sequence[Capture]) -> None:
        with process.lock:
            process.queue.extendleft(reversed(batch))
            process.queued_bytes += sum(captured.weight for captured in batch)

    def _ship(self, process: _Process, batch: Sequence[Capture]) -> None:
        frames: list[bytes] = []
        shipped: list[Capture] = []
        losses: list[tuple[str, Sequence[Capture]]] = []
        busy = 0
        process.tend_at = 0.0  # what is written may have to wait in the sink
        refused = process.shipper.refusal() if process.shipper is not None else ""
        if refused:
            losses.append((refused, batch))
        for captured in batch if not refused else ():
            try:
                frames.append(self._shipper(process).encode(captured))
            except Exception as error:
                losses.append(("encoding", [captured]))
                self._guard.failed("encoding", error)
            else:
                shipped.append(captured)
            busy += captured.weight
            if busy > _SLICE:
                busy = 0
                time.sleep(0)  # the application's threads go first
        reason, kept = self._write(process, frames) if frames else ("", 0)
        if reason:
            losses.append((reason, shipped[kept:]))
        with process.lock:
            for captured in batch:
                process.counters.seen(_route_key(captured))
            for reason, lost in losses:
                for captured in lost:
                    process.counters.dropped(_route_key(captured), reason)

    def _write(self, process: _Process, frames: Sequence[bytes]) -> tuple[str, int]:
        """Hands frames to the sink; why it did not keep all of them, or an empty string, and how many it kept."""
        try:
            self._shipper(process).write(frames)
        except SinkError as error:
            if not error.said:
                self._guard.say(error.reason, f"exchanges are being dropped: {error}")
            return error.reason, error.kept
        except Exception as error:
            self._guard.failed("writing to the sink", error)
            return "sink_failed", 0
        return "", len(frames)

    def _report(self, process: _Process) -> None:
        with process.lock:
            report = process.counters.report(process.producer, time.time(), self._guard.failures)
        process.reported_at = time.monotonic()
        try:
            self._shipper(process).write_report(report)
        except Exception as error:
            process.counters.changed = True  # to be told again
            if not isinstance(error, SinkError):
                self._guard.failed("reporting", error)

    def _shipper(self, process: _Process) -> Shipper:
        if process.shipper is None:

            def lost(counts: Mapping[RouteKey, int], reason: str) -> None:
                with process.lock:
                    for key, count in counts.items():
                        process.counters.dropped(key, reason, count)

            process.shipper = self._open_shipper(process.producer, lost)
            process.shipper.hurry(process.deadline)
        return process.shipper


def _route_key(captured: Capture) -> RouteKey:
    return captured.values[METHOD], captured.route


_pipelines: weakref.WeakSet[Pipeline] = weakref.WeakSet()


def _after_fork() -> None:
    for pipeline in list(_pipelines):
        pipeline.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
