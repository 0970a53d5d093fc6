"""Exchanges and answers without their bodies, packed into blocks.

A block holds a record a line, as JSON, compressed as one zstd frame: neighbours repeat nearly everything (header names,
cookies, user agents, tokens), so a record of 700 bytes costs some 60. Each record is an array whose places are given
by the two functions that make and read it. Identifier, times and body data are not in it: they have columns.

What is read shares its texts: an exchange of the example shop takes 2.0 KB of memory so, and 5.1 KB if it does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, overload

import orjson
import zstandard

from recorder.exchange import (
    Body,
    BodyState,
    CallOutcome,
    Exchange,
    Headers,
    Observed,
    OutboundCall,
    Outcome,
    RecordedRequest,
    RecordedResponse,
    SqlStatement,
)

BLOCK_FORMAT = 2
ARRAY_FORMAT = 1
"""One JSON array of all records, which earlier versions wrote."""

BLOCK_RECORDS = 256
"""Records in a block: more compress little better, and reading one exchange decompresses them all."""

LEVEL = 3
"""Of zstd, for bodies and blocks alike."""

QUICK = 1
"""Of zstd, for what is soon read and then thrown away."""


_shared = lru_cache(maxsize=8192)(str)
"""The same text for equal ones, while it is used. Not `sys.intern`: Python 3.12.0 to 3.12.6 keep them for ever."""


class Lines(Sequence[list[Any]]):
    """The records of a block, each parsed when it is asked for: often one of them is wanted."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> list[Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Lines: ...

    def __getitem__(self, index: int | slice) -> list[Any] | Lines:
        if isinstance(index, slice):
            return Lines(self._lines[index])
        record: list[Any] = loads(self._lines[index])
        return record


def pack(records: Sequence[list[Any]]) -> bytes:
    """The block that holds these records."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(b"\n".join(map(dumps, records)))


def unpack(block_format: int, block: bytes) -> Sequence[list[Any]]:
    """The records of a block. Raises ValueError for a format that this version does not know."""
    if block_format not in (BLOCK_FORMAT, ARRAY_FORMAT):
        raise ValueError(f"unknown block format {block_format}")
    data = zstandard.ZstdDecompressor().decompress(block)
    if block_format == ARRAY_FORMAT:
        records: list[list[Any]] = loads(data)
        return records
    return Lines(data.split(b"\n") if data else [])


def compressed(data: bytes) -> bytes:
    """Bytes that are soon read again."""
    # copied: what zstandard gives takes the memory of what it might have become, four times as much
    return bytes(memoryview(zstandard.ZstdCompressor(level=QUICK).compress(data)))


def expanded(data: bytes) -> bytes:
    """The bytes of which `compressed` made these."""
    return zstandard.ZstdDecompressor().decompress(data)


def dumps(value: Any) -> bytes:
    """Plain values as JSON, whatever their texts hold."""
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, TypeError):  # lone surrogates, numbers beyond 64 bits: the slow way takes them
        return json.dumps(value, separators=(",", ":")).encode()


def loads(data: bytes) -> Any:
    """What `dumps` wrote; tuples come back as lists."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def record_of(exchange: Exchange) -> list[Any]:
    """What a block keeps of an exchange."""
    request, response = exchange.request, exchange.response
    return [
        request.method,
        request.target,
        request.headers,
        request.scheme,
        request.protocol,
        request.target_exact,
        _body_record(request.body),
        None if response is None else [response.status, *_response_record(response)],
        exchange.route,
        exchange.endpoint,
        exchange.client,
        exchange.links,
        exchange.principal,
        exchange.producer,
        exchange.sequence,
        exchange.outcome.value,
        _sql_record(exchange.sql),
        None if exchange.outbound is None else [_outbound_record(call) for call in exchange.outbound],
    ]


def exchange_of(
    record: list[Any], exchange_id: str, started: float, ended: float, request_data: bytes, response_data: bytes
) -> Exchange:
    """The exchange of which `record_of` made this record."""
    (method, target, headers, scheme, protocol, exact, body, response) = record[:8]
    (route, endpoint, client, links, principal, producer, sequence, outcome, sql, outbound) = record[8:]
    return Exchange(
        id=exchange_id,
        request=RecordedRequest(
            _shared(method),
            target,
            _headers(headers),
            _body(body, request_data),
            _shared(scheme),
            _shared(protocol),
            exact,
        ),
        response=None if response is None else _response(response, response_data),
        started=started,
        ended=ended,
        route=_shared(route),
        endpoint=_shared(endpoint),
        client=_shared(client),
        links=tuple(links),
        principal=_shared(principal),
        producer=_shared(producer),
        sequence=sequence,
        outcome=Outcome(outcome),
        sql=_sql(sql),
        outbound=None if outbound is None else tuple(_outbound(call) for call in outbound),
    )


def record_of_answer(
    response: RecordedResponse | None, failure: str, started: float, ended: float, observed: Observed | None = None
) -> list[Any]:
    """What a block keeps of a target's answer."""
    return [
        None if response is None else [response.status, *_response_record(response)],
        failure,
        started,
        ended,
        *([] if observed is None else [_observed_record(observed)]),
    ]


def answer_of(record: list[Any], data: bytes) -> tuple[RecordedResponse | None, str, float, float, Observed | None]:
    """The response, failure, start, end and observations of which `record_of_answer` made this record."""
    response, failure, started, ended, *observed = record  # those of older versions observed nothing
    kept = _observed(observed[0]) if observed else None
    return (None if response is None else _response(response, data)), failure, started, ended, kept


def packed_id(exchange_id: str) -> bytes:
    """An exchange's identifier as it is stored: 16 bytes when it is the usual 32 digits, longer otherwise."""
    if len(exchange_id) == 32:
        try:
            packed = bytes.fromhex(exchange_id)
        except ValueError:
            packed = b""
        if packed.hex() == exchange_id:
            return packed
    return exchange_id.encode("utf-8", "surrogatepass").ljust(17, b"\0")


def unpacked_id(packed: bytes) -> str:
    """The identifier of which `packed_id` made this."""
    return packed.hex() if len(packed) == 16 else packed.rstrip(b"\0").decode("utf-8", "surrogatepass")


def _response_record(response: RecordedResponse) -> list[Any]:
    return [response.reason, response.headers, _body_record(response.body)]


def _response(record: list[Any], data: bytes) -> RecordedResponse:
    status, reason, headers, body = record
    return RecordedResponse(status, _shared(reason), _headers(headers), _body(body, data))


def _headers(record: list[list[str]]) -> Headers:
    return tuple([(_shared(name), _shared(value)) for name, value in record])


def _body_record(body: Body) -> list[Any] | None:
    """None for a body that is complete and whose size is that of its data, as nearly all are."""
    if body.state is BodyState.COMPLETE and body.size == len(body.data) and not body.digest:
        return None
    return [body.size, body.state.value, body.digest]


def _body(record: list[Any] | None, data: bytes) -> Body:
    if record is None:
        return Body(data, len(data))
    size, state, digest = record
    return Body(data, size, BodyState(state), digest)


def _observed_record(observed: Observed) -> list[Any]:
    calls = None if observed.outbound is None else [_outbound_record(call) for call in observed.outbound]
    return [_sql_record(observed.sql), calls, observed.partial]


def _observed(record: list[Any]) -> Observed:
    sql, calls, partial = record
    return Observed(_sql(sql), None if calls is None else tuple(_outbound(call) for call in calls), partial)


def _sql_record(statements: tuple[SqlStatement, ...] | None) -> list[list[Any]] | None:
    return None if statements is None else [[s.fingerprint, s.statement, s.count, s.rows] for s in statements]


def _sql(record: list[list[Any]] | None) -> tuple[SqlStatement, ...] | None:
    return None if record is None else tuple([_statement(*statement) for statement in record])


@lru_cache(maxsize=4096)
def _statement(fingerprint: str, statement: str, count: int, rows: int) -> SqlStatement:
    """An application runs the same few statements over and over."""
    return SqlStatement(fingerprint, statement, count, rows)


def _outbound_record(call: OutboundCall) -> list[Any]:
    """An outbound call, with its bodies' bytes as characters: they are few, and not worth rows of their own."""
    request, response = call.request, call.response
    return [
        [request.method, request.target, request.headers, request.scheme, request.protocol, request.target_exact],
        _body_record(request.body),
        request.body.data.decode("latin-1"),
        None if response is None else [response.status, *_response_record(response)],
        "" if response is None else response.body.data.decode("latin-1"),
        call.started,
        call.ended,
        call.outcome.value,
        call.attempts,
    ]


def _outbound(record: list[Any]) -> OutboundCall:
    line, body, data, response, response_data, started, ended, *more = record
    method, target, headers, scheme, protocol, exact = line
    outcome, attempts = more or (CallOutcome.ANSWERED.value, 1)  # older records have neither
    request_body = _body(body, data.encode("latin-1"))
    return OutboundCall(
        RecordedRequest(method, target, _headers(headers), request_body, scheme, protocol, exact),
        None if response is None else _response(response, response_data.encode("latin-1")),
        started,
        ended,
        CallOutcome(outcome),
        attempts,
    )
