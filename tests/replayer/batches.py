"""Batches as a recorder's sinks make them."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

from recorder.batches import VERSION, exchanges_among, pack_batch
from recorder.exchange import Exchange, ProducerReport, RouteCount
from recorder.wire import FrameKind, Header, encode_exchange, encode_report, frame
from replayer.intake import Batch

from .test_store import exchange


def header(producer: str = "w1", service: str = "shop", release: str = "1.0", key_id: str = "k1") -> Header:
    return Header(key_id, service, release, producer, 1, 0.0)


def sent(number: int, producer: str = "w1", body: bytes = b"{}", started: float | None = None) -> Exchange:
    """The exchange of a producer with this sequence number."""
    made = exchange(number, body=body, started=started)
    return replace(made, id=f"{crc32(producer.encode()):08x}{number:024x}", producer=producer)


def report(producer: str, at: float, seen: int, dropped: int = 0, sampled_out: int = 0) -> ProducerReport:
    losses = (("queue_count", dropped),) if dropped else ()
    return ProducerReport(producer, at, (RouteCount("GET", "/items/<int:id>", seen, sampled_out, dropped),), losses)


def frames(of: Header, *items: Exchange | ProducerReport) -> list[bytes]:
    return [
        frame(FrameKind.EXCHANGE, encode_exchange(item), of.stamp)
        if isinstance(item, Exchange)
        else frame(FrameKind.REPORT, encode_report(item), of.stamp)
        for item in items
    ]


def batch(of: Header, *items: Exchange | ProducerReport, name: str = "one") -> Batch:
    encoding, data = pack_batch(of, frames(of, *items))
    return Batch(name, encoding, data)


def entry(of: Header, *items: Exchange | ProducerReport) -> dict[str, str | bytes | int]:
    """The fields of a stream's entry."""
    made = frames(of, *items)
    encoding, data = pack_batch(of, made)
    return {"v": VERSION, "e": encoding, "d": data, "n": exchanges_among(made)}
