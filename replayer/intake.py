"""Brings batches of recorded exchanges into the store, whichever way they arrive: each into the recording that is open.

A batch that arrives twice adds nothing: exchanges are known by their ids, reports by their producers and times, damage
by its place. So whoever delivers batches may do so again until it is told that they are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from recorder.batches import read_batch, read_batch_header, unpack_batch
from recorder.exchange import Exchange, ProducerReport
from recorder.wire import Damage, Header, WireError

from .store import DamageRecord, NotOpen, RecordingInfo, Store
from .store.dialect import storable
from .store.recordings import Origin

LARGEST_BATCH = 64 * 1024 * 1024
"""Bytes of a batch when it is unpacked. A recorder's are a tenth of that: its queue is bounded at 12 MiB."""

UNREADABLE: Origin = ("unreadable", "", "")
"""Where damage is noted that does not say whose it is, when nothing is being collected."""

HELD_BYTES = 32 * 1024 * 1024
"""Bytes of unpacked batches that are held before they are kept."""

CLOCK_SECONDS = 3600.0
"""How far the clocks of recorders and of the database's users may be apart."""

TRIES = 5
"""How often a recording is looked for that others keep closing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it arrived. `name` says from where, for people: it is noted with whatever of it is damaged.

    One that is known to be none has a `fault`, which says why, and a `size` in bytes instead of data.
    """

    name: str
    encoding: str
    data: bytes
    fault: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of batches: `exchanges = added + duplicates`."""

    batches: int = 0
    exchanges: int = 0
    added: int = 0
    duplicates: int = 0
    damaged: int = 0  # pieces that could not be read: parts of a batch, or all of it
    bytes_lost: int = 0
    unreadable: int = 0  # batches of which nothing could be read

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.batches + other.batches,
            self.exchanges + other.exchanges,
            self.added + other.added,
            self.duplicates + other.duplicates,
            self.damaged + other.damaged,
            self.bytes_lost + other.bytes_lost,
            self.unreadable + other.unreadable,
        )


@dataclass(slots=True)
class _Heap:
    """What several batches of one origin hold."""

    exchanges: list[Exchange] = field(default_factory=list)
    reports: dict[str, ProducerReport] = field(default_factory=dict)
    damage: list[DamageRecord] = field(default_factory=list)

    def add(self, plain: bytes, name: str) -> None:
        for item in read_batch(plain, name):
            if isinstance(item, Exchange):
                self.exchanges.append(item)
            elif isinstance(item, Damage):
                self.damage.append(DamageRecord(name, item.offset, item.bytes_lost, item.reason))
            elif item.producer not in self.reports or self.reports[item.producer].at <= item.at:
                self.reports[item.producer] = item

    def lost(self, name: str, size: int, why: str) -> None:
        self.damage.append(DamageRecord(name, 0, size, why))


class Intake:
    """Takes batches into a store. With a `name` all go into the recording of that name.

    `source` says where they come from, for people. One thread at a time.
    """

    def __init__(self, store: Store, source: str, name: str = "", largest: int = LARGEST_BATCH) -> None:
        self._store = store
        self._source = source
        self._name = name
        self._largest = largest
        self._open: dict[Origin, RecordingInfo] = {}
        self._latest: Origin | None = None  # that something was added to

    @property
    def recordings(self) -> list[str]:
        """The names of the recordings that batches went into, the open ones."""
        return [info.name for info in self._open.values()]

    def take(self, batches: Iterable[Batch]) -> Taken:
        """Keep what the batches hold; when this returns, all of it is committed.

        What cannot be read is noted as damage. Raises InconclusiveError when the database cannot be used: then the same
        batches may be given again. Raises UsageError when `name` is that of a recording which cannot take them.
        """
        taken, held = Taken(), 0
        heaps: dict[Origin, _Heap] = {}
        for batch in batches:
            taken += Taken(batches=1)
            if batch.fault:
                heaps.setdefault(UNREADABLE, _Heap()).lost(batch.name, batch.size, batch.fault)
                continue
            try:
                plain = unpack_batch(batch.encoding, batch.data, self._largest)
            except WireError as error:
                heaps.setdefault(UNREADABLE, _Heap()).lost(batch.name, len(batch.data), str(error))
                continue
            header = read_batch_header(plain)
            if header is None:
                heaps.setdefault(UNREADABLE, _Heap()).lost(batch.name, len(plain), _why_nothing(plain, batch.name))
                continue
            heaps.setdefault(_origin(header), _Heap()).add(plain, batch.name)
            held += len(plain)
            if held > HELD_BYTES:
                taken += self._keep_all(heaps)
                heaps, held = {}, 0
        return taken + self._keep_all(heaps)

    def _keep_all(self, heaps: dict[Origin, _Heap]) -> Taken:
        unreadable = heaps.pop(UNREADABLE, None)
        taken = Taken()
        for origin, heap in heaps.items():
            taken += self._keep(origin, heap)
            self._latest = origin
        if unreadable is not None:
            taken += self._keep(self._whose(), unreadable)
            taken += Taken(unreadable=len(unreadable.damage))
        return taken

    def _keep(self, origin: Origin, heap: _Heap) -> Taken:
        for attempt in range(TRIES):
            recording = self._recording(origin)
            try:
                return self._add(recording, heap)
            except NotOpen:  # somebody closed or deleted it: the next one takes it from here
                del self._open[origin]
                if self._name or attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _add(self, recording: RecordingInfo, heap: _Heap) -> Taken:
        added = duplicates = 0
        if heap.exchanges:
            begun = min(item.started for item in heap.exchanges) - CLOCK_SECONDS
            before = self._store.collected_before(recording, begun)
            found = self._store.add_exchanges(recording.id, heap.exchanges, elsewhere=before, still_open=True)
            added, duplicates = found.added, found.duplicates
        for report in heap.reports.values():
            self._store.add_report(recording.id, report, still_open=True)
        self._store.add_damage(recording.id, heap.damage)
        return Taken(
            exchanges=added + duplicates,
            added=added,
            duplicates=duplicates,
            damaged=len(heap.damage),
            bytes_lost=sum(piece.bytes_lost for piece in heap.damage),
        )

    def _recording(self, origin: Origin) -> RecordingInfo:
        if origin not in self._open:
            name = "" if origin == UNREADABLE else self._name
            self._open[origin] = self._store.open_recording(origin, self._source, name)
        return self._open[origin]

    def _whose(self) -> Origin:
        """Where damage belongs that does not say whose it is: to what is being collected."""
        if self._latest is not None:
            return self._latest
        for info in self._store.collecting():
            if self._name in ("", info.name):
                return info.service, info.release, info.key_id
        return UNREADABLE


def _origin(header: Header) -> Origin:
    return storable(header.service), storable(header.release), storable(header.key_id)


def _why_nothing(plain: bytes, name: str) -> str:
    """Why nothing of a batch without a header is kept: of what may be whole in it, nobody knows whose it is."""
    reasons = [item.reason for item in read_batch(plain, name) if isinstance(item, Damage)]
    return f"a batch whose header cannot be read: {reasons[0] if reasons else 'there is none'}"
