"""A tape: the outbound calls of a recorded exchange, given along with its replay so that they can be answered from it.

`Understudy-Tape` is a repeated field: first the HMAC-SHA256, in hexadecimal digits and with the recording's key, over
`tape.<run id>.<text>`, then the text in pieces: the calls in the wire format, deflated, in base64. What is not signed
for the very run is no tape.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..exchange import CallOutcome, Observed, OutboundCall
from ..observe import pack, pieces, unpack
from ..payload import decode_observed, encode_observed

if TYPE_CHECKING:
    from ..keys import Key

MAX_TAPE = 60 * 1024
"""Characters: servers take 64 KiB of header fields and more, beside which a request has its own."""
_LONGEST = 2 * MAX_TAPE  # what is worth hashing
_ON_TAPE = frozenset([CallOutcome.ANSWERED, CallOutcome.FAILED, CallOutcome.PLAYED, CallOutcome.SPARE])


def tape_values(key: Key, run_id: str, calls: Sequence[OutboundCall]) -> list[str]:
    """The values of the repeated field. What does not fit is left out, spare calls and large ones first."""
    kept = [call for call in calls if call.outcome in _ON_TAPE]
    text = pack(encode_observed(Observed(outbound=tuple(kept))))
    while len(text) > MAX_TAPE:
        kept.remove(max(kept, key=lambda call: (call.outcome is CallOutcome.SPARE, _size(call))))
        text = pack(encode_observed(Observed(outbound=tuple(kept))))
    return [_digest(key, run_id, text), *pieces(text)]


def read_tape(key: Key, run_id: str, value: str) -> tuple[OutboundCall, ...] | None:
    """The calls on a tape, from the field's values joined by commas; None for what is no tape signed for this run."""
    if not value or len(value) > _LONGEST or not value.isascii():
        return None
    digest, _, rest = value.replace(" ", "").partition(",")
    text = rest.replace(",", "")
    if not hmac.compare_digest(digest, _digest(key, run_id, text)):
        return None
    try:
        return decode_observed(unpack(text)).outbound
    except ValueError:  # WireError is one
        return None


def _size(call: OutboundCall) -> int:
    return len(call.request.body.data) + (len(call.response.body.data) if call.response is not None else 0)


def _digest(key: Key, run_id: str, text: str) -> str:
    return hmac.digest(key.secret, f"tape.{run_id}.{text}".encode(), "sha256").hex()
