"""A sink that ends in a server: what follows when that is gone, slow, full or says no.

Frames travel in batches. A batch that surely did not arrive is, by policy, dropped (and counted by who wrote it) or
kept in a folder and shipped later. A batch whose answer is missing may have arrived: counting it as dropped could count
it twice, so that it is sent again until there is an answer, which is safe since exchanges are told apart by their ids.
Of those there is one at a time: while it waits, nothing else is sent.

After a failure the server is left alone for a while, longer each time, and different for each process.
"""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Sequence
from urllib.parse import urlsplit

from ..frames import Header
from ..guard import Guard
from . import OnLost, Sink, SinkError
from .address import Address, http_address, redis_address
from .backlog import Backlog
from .batching import Batch, batches_of
from .transport import Refused, Transport, Undelivered

_PATIENCE = 2.0  # seconds that a connection, and then an answer, may take
_LEAST_PATIENCE = 0.05
_FIRST_WAIT = 0.2  # seconds after the first failure
_LONGEST_WAIT = 10.0
_DOUBLINGS = 10  # of the first wait, after which it is long past the longest
_LONGEST_ASKED = 300.0  # seconds that a server may ask for
_SLOW = 0.25  # seconds: a server that takes longer for a batch is fed from the folder, in larger batches
_SUSPECTED = 5  # failures of a server over one and the same batch before the batch is to blame


def open_buffered(url: str, header: Header, cap: int, on_lost: OnLost) -> BufferedSink:
    """The sink of a network URL, which `check_sink` has been asked about before."""
    address: Address
    transport: Transport
    if urlsplit(url).scheme in ("redis", "rediss"):
        from .redis import RedisTransport

        address = redis_address(url)
        transport = RedisTransport(address)
    else:
        from .http import HttpTransport

        address = http_address(url)
        transport = HttpTransport(address)
    backlog = Backlog(address.spill, header, cap, on_lost) if address.spill is not None else None
    return BufferedSink(transport, header, backlog, on_lost, address.shown)


class BufferedSink(Sink):
    """Hands batches to a transport. Without a backlog, what cannot be sent is dropped."""

    gather = 0.5  # what travels together costs less, on the wire and in Redis

    def __init__(
        self, transport: Transport, header: Header, backlog: Backlog | None, on_lost: OnLost, place: str
    ) -> None:
        self._transport = transport
        self._header = header
        self._backlog = backlog
        self._on_lost = on_lost
        self._place = place
        self._said = Guard()
        self._random = random.Random()  # the application's own may be seeded, and equal in all workers
        self._held: deque[Batch] = deque()  # a batch in doubt, or what is left of its halves
        self._shipping: deque[Batch] = deque()  # the same of the backlog
        self._tries = 0  # failures of the server over the first of `_shipping`
        self._failures = 0
        self._retry_at = -math.inf
        self._down: Undelivered | None = None
        self._slow = False
        self._deadline: float | None = None

    def write(self, frames: Sequence[bytes]) -> None:
        waiting = deque(batches_of(self._header, frames))
        failure = self._try(waiting)
        if failure is None:
            return
        error = SinkError(failure.reason, str(failure), said=True)
        if self._backlog is not None:
            try:
                self._backlog.keep(_frames(waiting))
                return
            except SinkError as full:
                error = full
        if failure.doubtful:
            self._held.append(waiting.popleft())
        if waiting:
            error.kept = len(frames) - len(_frames(waiting))
            raise error

    def refusal(self) -> str:
        waits = self._down is not None and self._backlog is None and time.monotonic() < self._retry_at
        return self._down.reason if waits and self._down is not None else ""

    def tend(self) -> float:
        if not self._held and self._backlog is None:
            return math.inf
        if (wait := self._retry_at - time.monotonic()) > 0:
            return wait
        try:
            if self._held:
                self._clear(self._held)
                return 0.0
            assert self._backlog is not None
            if not self._shipping:
                batch = self._backlog.next() if self._backlog.due() <= 0 else None
                if batch is None:
                    return self._backlog.due()
                self._shipping.append(batch)
                self._tries = 0
            self._clear(self._shipping)
            return 0.0
        except Undelivered as failure:
            self._suspect(failure)
            return max(self._retry_at - time.monotonic(), 0.0)

    def hurry(self, deadline: float | None) -> None:
        self._deadline = deadline
        if deadline is not None:
            self._retry_at = -math.inf

    def close(self) -> None:
        self._transport.close()
        if self._backlog is not None:
            self._backlog.close()

    def _try(self, waiting: deque[Batch]) -> Undelivered | None:
        """Sends all of the batches; why the first of those that are left could not be sent, if any are."""
        if self._backlog is not None and (self._backlog.pending or self._shipping or self._slow):
            return Undelivered("sink_unavailable", f"{self._place}: earlier exchanges go first")
        try:
            self._clear(self._held)
        except Undelivered as failure:
            return Undelivered(failure.reason, str(failure))  # of these none was sent
        try:
            self._clear(waiting)
        except Undelivered as failure:
            return failure
        return None

    def _clear(self, waiting: deque[Batch]) -> None:
        """Sends batches from the left until none is left, or raises `Undelivered` for the first of them."""
        while waiting:
            try:
                self._send(waiting[0])
            except Refused as error:
                batch = waiting.popleft()
                if error.too_large and len(batch.frames) > 1:
                    waiting.extendleft(reversed(batch.halves()))
                else:
                    self._lose(batch, error.reason, str(error))
            else:
                waiting.popleft()

    def _send(self, batch: Batch) -> None:
        if self._down is not None and time.monotonic() < self._retry_at:
            raise Undelivered(self._down.reason, str(self._down))
        begun = time.monotonic()
        try:
            try:
                self._transport.send(batch, self._patience())
            except Undelivered as failure:
                if not failure.stale:
                    raise
                self._send_again(batch)
        except Undelivered as failure:
            self._failed(failure)
            raise
        except Refused:
            self._answered()
            raise
        finally:
            self._slow = time.monotonic() - begun > _SLOW
        self._answered()

    def _send_again(self, batch: Batch) -> None:
        """Over a new connection. Whatever comes of it, the first attempt may have arrived."""
        try:
            self._transport.send(batch, self._patience())
        except Undelivered as failure:
            failure.doubtful = True
            raise

    def _patience(self) -> float:
        if self._deadline is None:
            return _PATIENCE
        return min(_PATIENCE, max(self._deadline - time.monotonic(), _LEAST_PATIENCE))

    def _failed(self, failure: Undelivered) -> None:
        wait = min(_FIRST_WAIT * 2**self._failures, _LONGEST_WAIT) * self._random.uniform(0.5, 1.0)
        self._failures = min(self._failures + 1, _DOUBLINGS)
        self._retry_at = time.monotonic() + max(wait, min(failure.wait, _LONGEST_ASKED))
        if self._down is None or self._down.reason != failure.reason:
            meanwhile = "dropped and counted" if self._backlog is None else f"kept in {self._backlog.folder}"
            self._said.say(failure.reason, f"{failure}; exchanges are {meanwhile} meanwhile ({failure.reason})")
        self._down = failure

    def _answered(self) -> None:
        self._failures = 0
        self._retry_at = -math.inf
        if self._down is not None:
            self._down = None
            self._said.say("reachable", f"{self._place} takes exchanges again")

    def _suspect(self, failure: Undelivered) -> None:
        """What waits behind a batch that a server fails over every time must not wait for ever."""
        if failure.suspect and self._shipping and not self._held:
            self._tries += 1
            if self._tries >= _SUSPECTED:
                self._lose(self._shipping.popleft(), failure.reason, str(failure))
                self._tries = 0

    def _lose(self, batch: Batch, reason: str, detail: str) -> None:
        self._said.say(reason, f"{detail}; its {batch.exchanges} exchanges are dropped and counted ({reason})")
        self._on_lost(batch.by_route(), reason)


def _frames(batches: Sequence[Batch] | deque[Batch]) -> list[bytes]:
    return [frame for batch in batches for frame in batch.frames]
