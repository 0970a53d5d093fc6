"""What a replay adds to requests: our signed header and the tape; and how its traces are taken out of answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from recorder.exchange import Exchange, Headers, OutboundCall, RecordedResponse
from recorder.keys import Key
from recorder.observe import TAPE_HEADER, sign
from recorder.outbound.tape_header import tape_values

REPLAY_HEADER = "Understudy-Replay"
RENEW_SECONDS = 100.0
"""Well within the 300 seconds for which a deploy accepts a signature."""


class Signature:
    """Our header on replayed requests, signed anew in time; and its traces in answers of applications that echo it."""

    def __init__(self, key: Key | None, run_id: str, spare: Sequence[OutboundCall] = ()) -> None:
        self._spare = tuple(spare)
        self._key = key
        self._run_id = run_id
        self._signed = 0.0
        self._values: list[str] = []

    def headers(self) -> Headers:
        """Our header; nothing without a key."""
        if self._key is None:
            return ()
        now = time.time()
        if now - self._signed > RENEW_SECONDS:
            self._signed = now
            self._values.append(sign(self._key, self._run_id, int(now)))
        return ((REPLAY_HEADER, self._values[-1]),)

    def tape(self, exchange: Exchange) -> Headers:
        """The recorded outbound calls, for a deploy that answers them; none where they were not recorded."""
        if self._key is None or exchange.outbound is None:
            return ()
        calls = (*exchange.outbound, *self._spare)
        return tuple((TAPE_HEADER, value) for value in tape_values(self._key, self._run_id, calls))

    def masked(self, response: RecordedResponse) -> RecordedResponse:
        """The response without our signature, which is another one in each pass, in its body."""
        data = response.body.data
        for value in self._values:
            data = data.replace(value.encode(), b"(replay)")
        if data == response.body.data:
            return response
        return replace(response, body=replace(response.body, data=data, size=len(data)))
