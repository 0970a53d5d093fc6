"""Replayed requests on a staging deploy: who may ask for observations, and how they travel.

A replayed request carries `Understudy-Replay: <run id>.<time>.<HMAC>`, the HMAC-SHA256 in hexadecimal digits with the
recording's key over `<run id>.<time>`, the time in whole seconds since the epoch. The answer carries
`Understudy-Sql: count=…;time=…` for people, and in `Understudy-Observed` everything that was observed: the sections of
the wire format, deflated, in base64. That field is repeated, since servers and proxies bound the length of one; who
joins its pieces may find commas between them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from .exchange import Body, BodyState, Headers, Observed, RecordedResponse
from .payload import WireError, decode_observed, encode_observed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from .keys import Key
    from .observation import Observation

HEADER = "Understudy-Replay"
ENVIRON_HEADER = "HTTP_UNDERSTUDY_REPLAY"
ENVIRON_RUN = "understudy.replay"  # the run's id, by which an application mutes mail and payments
ENVIRON_SQL = "understudy.sql"  # (statements, seconds), set by an application that counts SQL itself
SQL_HEADER = "Understudy-Sql"
OBSERVED_HEADER = "Understudy-Observed"
TAPE_HEADER = "Understudy-Tape"
ENVIRON_TAPE = "HTTP_UNDERSTUDY_TAPE"
WINDOW = 300  # seconds that a signature stays valid, either way: clocks differ, and runs queue

MAX_OBSERVED = 48 * 1024
"""Characters of all observations in one answer: twelve fields, less than the 64 KiB at which http.client gives up."""
MAX_INFLATED = 16 * 1024 * 1024
"""Bytes that observations may inflate to: they come from a deploy that may be anybody's."""

_MAX_HEADER = 512  # characters; a run's id is much shorter, and nothing longer is worth hashing
_PIECE = 4000  # characters of one field: gunicorn and nginx take 4 KiB and more by default


def sign(key: Key, run_id: str, now: float) -> str:
    """The header's value for a request that is sent now (seconds since the epoch)."""
    signed = f"{run_id}.{int(now)}"
    return f"{signed}.{_digest(key, signed)}"


def verify(key: Key, value: str, now: float) -> str | None:
    """The run's id when the header's value is signed with this key and recent, else None."""
    if len(value) > _MAX_HEADER or not value.isascii():
        return None
    signed, _, digest = value.rpartition(".")
    run_id, _, seconds = signed.rpartition(".")
    if not run_id or not seconds.isdecimal() or abs(now - int(seconds)) > WINDOW:
        return None
    return run_id if hmac.compare_digest(digest, _digest(key, signed)) else None


def observed_headers(environ: WSGIEnvironment, observation: Observation, partial: bool) -> Headers:
    """The header fields to add to the response of a replayed request; none when nothing was observed.

    `partial` says that the response had to begin before the application was done with it.
    """
    observed = _without_responses(replace(observation.taken(), partial=partial))
    found = environ.get(ENVIRON_SQL)
    headers: list[tuple[str, str]] = []
    if isinstance(found, tuple) and len(found) == 2:
        headers.append((SQL_HEADER, f"count={found[0]:d};time={found[1]:.6f}"))
    elif observed.sql is not None:
        count = sum(statement.count for statement in observed.sql)
        seconds = observation.statements.seconds if observation.statements is not None else 0.0
        headers.append((SQL_HEADER, f"count={count:d};time={seconds:.6f}"))
    if observed.sql is not None or observed.outbound is not None:
        headers += ((OBSERVED_HEADER, piece) for piece in packed_observed(observed))
    return tuple(headers)


def packed_observed(observed: Observed) -> list[str]:
    """The values of the repeated field. What does not fit is left out, and said to be: bodies of calls, then all."""
    for smaller in (observed, _without_bodies(observed), Observed(partial=True)):
        text = pack(encode_observed(smaller))
        if len(text) <= MAX_OBSERVED:
            return ["p1" if smaller.partial else "p0", *pieces(text)]
    raise AssertionError("nothing always fits")


def unpacked_observed(values: tuple[str, ...]) -> Observed | None:
    """What was observed, from the values of the field as they came; None when they hold nothing that can be read."""
    flag, _, text = ",".join(values).replace(" ", "").partition(",")
    try:
        observed = decode_observed(unpack(text.replace(",", "")))
    except ValueError:  # WireError is one
        return None
    return replace(observed, partial=flag != "p0")


def pack(data: bytes) -> str:
    """Bytes as the text of header fields: deflated, in base64."""
    return base64.b64encode(zlib.compress(data, 6)).decode()


def unpack(text: str) -> bytes:
    """What `pack` was given; ValueError for anything else, and for what inflates to more than MAX_INFLATED."""
    try:
        inflater = zlib.decompressobj()
        data = inflater.decompress(base64.b64decode(text, validate=True), MAX_INFLATED)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"not deflated base64: {error}") from None
    if not inflater.eof:
        raise WireError("deflated data is cut or too large")
    return data


def pieces(text: str) -> list[str]:
    """A text cut into values of header fields."""
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _without_responses(observed: Observed) -> Observed:
    """Calls with the status of their responses only: what others answered is not compared, and fields are dear."""
    calls = tuple(
        replace(call, response=call.response and RecordedResponse(call.response.status, call.response.reason, ()))
        for call in observed.outbound or ()
    )
    return replace(observed, outbound=observed.outbound and calls)


def _without_bodies(observed: Observed) -> Observed:
    """The same with the bodies of responses, and of requests over 1 KiB, left to their sizes; none is missing."""
    calls = tuple(
        replace(
            call,
            request=replace(call.request, body=_cut(call.request.body, 1024)),
            response=call.response and replace(call.response, body=_cut(call.response.body, 0)),
        )
        for call in observed.outbound or ()
    )
    return replace(observed, outbound=observed.outbound and calls)


def _cut(body: Body, most: int) -> Body:
    return body if len(body.data) <= most else Body(body.data[:most], body.size, BodyState.TRUNCATED)


def _digest(key: Key, signed: str) -> str:
    return hmac.digest(key.secret, signed.encode(), "sha256").hex()
