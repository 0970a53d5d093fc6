"""Exchange and ProducerReport <-> the bytes inside one frame of wire format version 1.

An exchange's payload, integers little-endian:

    fixed      flags, status, sequence, started, ended, and the sizes and states of both bodies
    strings    count, one u32 length in characters each, then all of them as one UTF-8 text
    bodies     request data, response data (lengths are in `fixed`)
    sections   any number of: tag u8, length u32, content

Text is one blob because encoding sixty strings one by one would cost more than everything else here together.
Lone surrogates pass (`surrogatepass`): a header value is whatever the server made of it. A reader skips sections
whose tag it does not know, so that later writers can add some without a new version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from .exchange import (
    Body,
    BodyState,
    CallOutcome,
    Exchange,
    Headers,
    Observed,
    OutboundCall,
    Outcome,
    ProducerReport,
    RecordedRequest,
    RecordedResponse,
    RouteCount,
    SqlStatement,
)

SECTION_SQL = 1
SECTION_OUTBOUND = 2

_BODY_STATES = (BodyState.COMPLETE, BodyState.TRUNCATED, BodyState.UNREAD, BodyState.OPAQUE)
_OUTCOMES = (Outcome.COMPLETE, Outcome.DISCONNECTED, Outcome.RAISED)
_BODY_NUMBER = {state: number for number, state in enumerate(_BODY_STATES)}
_CALL_OUTCOMES = {outcome.value: outcome for outcome in CallOutcome}
_OUTCOME_NUMBER = {outcome: number for number, outcome in enumerate(_OUTCOMES)}

_HAS_RESPONSE = 1
_TARGET_EXACT = 2

# flags, outcome, request body state, response body state, status, sequence, started, ended,
# request body: kept, size; response body: kept, size; header fields of request and response, links, strings
_FIXED = struct.Struct("<BBBBiQddQQQQIIII")
_SECTION = struct.Struct("<BI")
_COUNT = struct.Struct("<I")
_SQL_ROW = struct.Struct("<qq")
_REPORT = struct.Struct("<dIII")
_REPORT_ROW = struct.Struct("<QQQ")
_LOSS = struct.Struct("<Q")

_NO_BODY = Body()
_NO_RESPONSE = RecordedResponse(0, "", (), _NO_BODY)


class WireError(ValueError):
    """Bytes that are not what this format says they should be; the message tells what was found."""


def encode_exchange(exchange: Exchange) -> bytes:
    """One exchange as the payload of a frame."""
    request, response = exchange.request, exchange.response or _NO_RESPONSE
    sent, got = request.body, response.body
    strings = [
        exchange.id,
        exchange.route,
        exchange.endpoint,
        exchange.client,
        exchange.principal,
        exchange.producer,
        request.method,
        request.target,
        request.scheme,
        request.protocol,
        response.reason,
        sent.digest,
        got.digest,
        *exchange.links,
    ]
    for pair in request.headers:
        strings += pair
    for pair in response.headers:
        strings += pair
    fixed = _FIXED.pack(
        (_HAS_RESPONSE if exchange.response is not None else 0) | (_TARGET_EXACT if request.target_exact else 0),
        _OUTCOME_NUMBER[exchange.outcome],
        _BODY_NUMBER[sent.state],
        _BODY_NUMBER[got.state],
        response.status,
        exchange.sequence,
        exchange.started,
        exchange.ended,
        len(sent.data),
        sent.size,
        len(got.data),
        got.size,
        len(request.headers),
        len(response.headers),
        len(exchange.links),
        len(strings),
    )
    observed = encode_observed(Observed(exchange.sql, exchange.outbound))
    return b"".join((fixed, *_encode_strings(strings), sent.data, got.data, observed))


def encode_observed(observed: Observed) -> bytes:
    """What was observed, in the sections that an exchange has for it."""
    parts: list[bytes] = []
    if observed.sql is not None:
        parts += _section(SECTION_SQL, _encode_sql(observed.sql))
    if observed.outbound is not None:
        parts += _section(SECTION_OUTBOUND, _encode_outbound(observed.outbound))
    return b"".join(parts)


def decode_observed(payload: bytes) -> Observed:
    """What `encode_observed` was given (`partial` apart); anything else raises `WireError`."""
    try:
        return Observed(*_decode_sections(_Cursor(payload)))
    except (struct.error, UnicodeDecodeError, IndexError, RecursionError) as error:
        raise WireError(f"no observations: {error}") from error


def decode_exchange(payload: bytes) -> Exchange:
    """The exchange that `encode_exchange` was given; anything else raises `WireError`."""
    try:
        return _decode_exchange(_Cursor(payload))
    except (struct.error, UnicodeDecodeError, IndexError, RecursionError) as error:
        raise WireError(f"not an exchange: {error}") from error


def _decode_exchange(cursor: _Cursor) -> Exchange:
    (
        flags,
        outcome,
        sent_state,
        got_state,
        status,
        sequence,
        started,
        ended,
        sent_kept,
        sent_size,
        got_kept,
        got_size,
        request_fields,
        response_fields,
        links,
        count,
    ) = cursor.unpack(_FIXED)
    strings = cursor.strings(count)
    if count != 13 + links + 2 * (request_fields + response_fields):
        raise WireError(f"{count} strings do not fit {request_fields} + {response_fields} header fields")
    (exchange_id, route, endpoint, client, principal, producer) = strings[:6]
    (method, target, scheme, protocol, reason, sent_digest, got_digest) = strings[6:13]
    at = 13 + links
    request_headers = _pairs(strings, at, request_fields)
    response_headers = _pairs(strings, at + 2 * request_fields, response_fields)
    sent = Body(cursor.take(sent_kept), sent_size, _BODY_STATES[sent_state], sent_digest)
    got = Body(cursor.take(got_kept), got_size, _BODY_STATES[got_state], got_digest)
    sql, outbound = _decode_sections(cursor)
    return Exchange(
        id=exchange_id,
        request=RecordedRequest(
            method, target, request_headers, sent, scheme, protocol, target_exact=bool(flags & _TARGET_EXACT)
        ),
        response=RecordedResponse(status, reason, response_headers, got) if flags & _HAS_RESPONSE else None,
        started=started,
        ended=ended,
        route=route,
        endpoint=endpoint,
        client=client,
        links=tuple(strings[13:at]),
        principal=principal,
        producer=producer,
        sequence=sequence,
        outcome=_OUTCOMES[outcome],
        sql=sql,
        outbound=outbound,
    )


def _decode_sections(
    cursor: _Cursor,
) -> tuple[tuple[SqlStatement, ...] | None, tuple[OutboundCall, ...] | None]:
    sql: tuple[SqlStatement, ...] | None = None
    outbound: tuple[OutboundCall, ...] | None = None
    for tag, content in cursor.sections():
        if tag == SECTION_SQL:
            sql = _decode_sql(_Cursor(content))
        elif tag == SECTION_OUTBOUND:
            outbound = _decode_outbound(_Cursor(content))
    return sql, outbound


def encode_report(report: ProducerReport) -> bytes:
    """One report as the payload of a frame."""
    strings = [report.producer]
    numbers = []
    for count in report.counts:
        strings += (count.method, count.route)
        numbers.append(_REPORT_ROW.pack(count.seen, count.sampled_out, count.dropped))
    for reason, lost in report.losses:
        strings.append(reason)
        numbers.append(_LOSS.pack(lost))
    fixed = _REPORT.pack(report.at, len(report.counts), len(report.losses), len(strings))
    return b"".join((fixed, *_encode_strings(strings), *numbers))


def decode_report(payload: bytes) -> ProducerReport:
    """The report that `encode_report` was given; anything else raises `WireError`."""
    try:
        cursor = _Cursor(payload)
        at, rows, reasons, count = cursor.unpack(_REPORT)
        strings = iter(cursor.strings(count))
        producer = next(strings)
        routes = [(next(strings), next(strings)) for _ in range(rows)]
        why = [next(strings) for _ in range(reasons)]
        counts = tuple(RouteCount(method, route, *cursor.unpack(_REPORT_ROW)) for method, route in routes)
        losses = tuple((reason, cursor.unpack(_LOSS)[0]) for reason in why)
        return ProducerReport(producer, at, counts, losses)
    except (struct.error, UnicodeDecodeError, StopIteration, RuntimeError) as error:
        raise WireError(f"not a producer report: {error}") from error


class _Cursor:
    """Reads a payload from front to back and never past its end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise WireError(f"{length} bytes announced, {len(self._data) - self._at} there")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self.take(layout.size))

    def strings(self, count: int) -> list[str]:
        lengths = struct.unpack(f"<{count}I", self.take(4 * count))
        (size,) = self.unpack(_COUNT)
        text = self.take(size).decode("utf-8", "surrogatepass")
        found = []
        at = 0
        for length in lengths:
            found.append(text[at : at + length])
            at += length
        if at != len(text):
            raise WireError(f"{len(text)} characters of text, {at} announced")
        return found

    def sections(self) -> Iterator[tuple[int, bytes]]:
        while self._at < len(self._data):
            tag, length = self.unpack(_SECTION)
            yield tag, self.take(length)


def _encode_strings(strings: Sequence[str]) -> tuple[bytes, bytes, bytes]:
    text = "".join(strings)
    try:
        blob = text.encode()
    except UnicodeEncodeError:
        blob = text.encode("utf-8", "surrogatepass")
    return struct.pack(f"<{len(strings)}I", *map(len, strings)), _COUNT.pack(len(blob)), blob


def _pairs(strings: Sequence[str], at: int, count: int) -> Headers:
    end = at + 2 * count
    return tuple(zip(strings[at:end:2], strings[at + 1 : end : 2], strict=True))


def _section(tag: int, content: bytes) -> tuple[bytes, bytes]:
    return _SECTION.pack(tag, len(content)), content


def _encode_sql(statements: Sequence[SqlStatement]) -> bytes:
    strings: list[str] = []
    for row in statements:
        strings += (row.fingerprint, row.statement)
    numbers = [_SQL_ROW.pack(row.count, row.rows) for row in statements]
    return b"".join((_COUNT.pack(len(statements)), *_encode_strings(strings), *numbers))


def _decode_sql(cursor: _Cursor) -> tuple[SqlStatement, ...]:
    (count,) = cursor.unpack(_COUNT)
    strings = cursor.strings(2 * count)
    return tuple(
        SqlStatement(fingerprint, statement, *cursor.unpack(_SQL_ROW))
        for fingerprint, statement in _pairs(strings, 0, count)
    )


def _encode_outbound(calls: Sequence[OutboundCall]) -> bytes:
    """Each call is laid out as an exchange: the same code writes and reads both. Its outcome stands as the endpoint."""
    payloads = [
        encode_exchange(
            Exchange(
                "",
                call.request,
                call.response,
                call.started,
                call.ended,
                endpoint=call.outcome.value,
                sequence=call.attempts,
            )
        )
        for call in calls
    ]
    parts = [_COUNT.pack(len(payloads))]
    for payload in payloads:
        parts += (_COUNT.pack(len(payload)), payload)
    return b"".join(parts)


def _decode_outbound(cursor: _Cursor) -> tuple[OutboundCall, ...]:
    (count,) = cursor.unpack(_COUNT)
    calls = []
    for _ in range(count):
        (length,) = cursor.unpack(_COUNT)
        call = decode_exchange(cursor.take(length))
        outcome = _CALL_OUTCOMES.get(call.endpoint, CallOutcome.ANSWERED)
        calls.append(
            OutboundCall(call.request, call.response, call.started, call.ended, outcome, max(1, call.sequence))
        )
    return tuple(calls)
