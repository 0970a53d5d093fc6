"""Brings what was recorded elsewhere into the store: spool folders, spool files and HAR files.

One import makes one recording. Importing the same content again finds that recording; an import that was interrupted
is taken up where it stopped. Whatever could not be read is in the report and in the store, with where it was and why.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from recorder.exchange import Exchange, ProducerReport
from recorder.identity import identify
from recorder.keys import InvalidKey, load_key
from recorder.wire import Damage, read_header, read_spool_file

from .errors import UsageError
from .formats.har import MAXIMUM_BYTES, parse_har
from .import_source import Source, find_source
from .keeping import redactor_with
from .sequences import Sequences
from .store import DamageRecord, RecordingInfo, Store

Progress = Callable[[int], None]
"""Called now and then with the number of exchanges read so far."""

PROGRESS_EVERY = 500

DAMAGE_KEPT = 1000
"""Damaged pieces that are described one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, and what became of it: `exchanges = added + duplicates`."""

    recording: RecordingInfo
    source: str  # "spool" or "har"
    files: int
    exchanges: int = 0  # read whole
    added: int = 0
    duplicates: int = 0  # the recording held them already
    producers: int = 0  # recording processes
    skipped: tuple[tuple[str, int], ...] = ()  # of a HAR: why, and how many entries
    damage: tuple[DamageRecord, ...] = ()  # at most the first thousand
    damaged: int = 0  # pieces that could not be read
    bytes_lost: int = 0
    missing: int = 0  # sequence numbers of which no exchange was found, dropped ones among them
    lost: int = 0  # of those, what no producer reported as dropped
    reused: bool = False  # the content had been imported before, and nothing was read
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Tally:
    """What goes by while exchanges stream into the store."""

    progress: Progress | None = None
    exchanges: int = 0
    sequences: Sequences = field(default_factory=Sequences)
    reports: dict[str, ProducerReport] = field(default_factory=dict)
    damage: list[DamageRecord] = field(default_factory=list)
    damaged: int = 0
    bytes_lost: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def saw(self, exchange: Exchange) -> None:
        self.exchanges += 1
        if self.progress is not None and self.exchanges % PROGRESS_EVERY == 0:
            self.progress(self.exchanges)

    def lost(self) -> int:
        """Exchanges that were to be in the recording and that no producer has reported as dropped.

        A producer that was killed has not reported its last ones; its sequence numbers tell of them, up to the last
        one that is there.
        """
        return sum(
            max(missing - sum(count.dropped for count in self.reports[producer].counts), 0)
            if producer in self.reports
            else missing
            for producer, missing in self.sequences.missing().items()
        )


def import_path(
    store: Store,
    path: Path,
    name: str | None = None,
    progress: Progress | None = None,
    *,
    host: str = "",
    origin: str = "",
) -> ImportReport:
    """Import a spool folder, a spool file or a HAR file, told apart by what is in them.

    `name` is the recording's; without one it is made from the path's. `host` chooses the host of a HAR of several,
    `origin` says where it came from when the path does not.
    Raises UsageError for what cannot be read, is empty, or was recorded with several keys or by several services.
    """
    source = replace(find_source(path, host), origin=origin)
    recording = _existing(store, source, name)
    if recording is not None and recording.closed is not None:
        return _reused(store, recording, source)
    if source.kind == "har":
        return _import_har(store, source, recording, name, progress, host)
    return _import_spool(store, source, recording, name, progress)


def _existing(store: Store, source: Source, name: str | None) -> RecordingInfo | None:
    """The recording of the same content, and of the same name if one is given."""
    if name is None:
        return store.recording_by_fingerprint(source.fingerprint)
    found = {info.name: info for info in store.recordings()}.get(name)
    return found if found is not None and found.fingerprint == source.fingerprint else None


def _reused(store: Store, recording: RecordingInfo, source: Source) -> ImportReport:
    damage = tuple(store.damage(recording.id))
    return ImportReport(
        recording=recording,
        source=source.kind,
        files=len(source.files),
        exchanges=recording.exchanges,
        duplicates=recording.exchanges,
        damage=damage,
        damaged=len(damage),
        bytes_lost=sum(piece.bytes_lost for piece in damage),
        reused=True,
    )


def _import_spool(
    store: Store, source: Source, recording: RecordingInfo | None, name: str | None, progress: Progress | None
) -> ImportReport:
    headers = {file: header for file in source.files if (header := read_header(file)) is not None}
    key_id = _only(source, "keys", "their pseudonyms cannot be matched", {f: h.key_id for f, h in headers.items()})
    service = _only(source, "services", "a recording is of one", {f: h.service for f, h in headers.items()})
    releases = list(dict.fromkeys(h.release for h in sorted(headers.values(), key=lambda header: header.started)))
    notes = [f"Recorded over several releases: {', '.join(releases)}."] if len(releases) > 1 else []
    tally = _Tally(progress)
    if recording is None:
        release = releases[-1] if releases else ""
        recording = _create(store, source, name, service=service, release=release, key_id=key_id)
    return _fill(store, source, recording, tally, _spooled(source.files, tally), notes)


def _spooled(files: Iterable[Path], tally: _Tally) -> Iterator[Exchange]:
    """The exchanges of spool files; reports and damage go into the tally."""
    for file in files:
        for item in read_spool_file(file):
            if isinstance(item, Exchange):
                tally.saw(item)
                tally.sequences.add(item.producer, item.sequence)
                yield item
            elif isinstance(item, Damage):
                tally.damaged += 1
                tally.bytes_lost += item.bytes_lost
                if len(tally.damage) < DAMAGE_KEPT:
                    tally.damage.append(DamageRecord(item.path.name, item.offset, item.bytes_lost, item.reason))
            elif item.producer not in tally.reports or tally.reports[item.producer].at <= item.at:
                tally.reports[item.producer] = item


def _import_har(
    store: Store,
    source: Source,
    recording: RecordingInfo | None,
    name: str | None,
    progress: Progress | None,
    host: str,
) -> ImportReport:
    (file,) = source.files
    if file.stat().st_size > MAXIMUM_BYTES:
        raise UsageError(f"{file} has more than {MAXIMUM_BYTES >> 20} MiB.", "Export it in parts.")
    try:
        content = parse_har(file.read_bytes(), host)
    except UsageError as failure:
        raise UsageError(f"{file} can not be imported. {failure.message}", failure.hint) from None
    try:
        key = load_key(os.environ.get("UNDERSTUDY_KEY"), os.environ.get("UNDERSTUDY_KEY_FILE"))
    except InvalidKey as error:
        raise UsageError(f"A HAR is redacted with a key as it is imported, and there is none: {error}.") from None
    redactor = redactor_with(key)
    tally = _Tally(progress, skipped=Counter(dict(content.skipped)))
    tally.damaged = len(content.torn)
    tally.damage = [DamageRecord(file.name, 0, 0, why) for _, why in content.torn[:DAMAGE_KEPT]]

    def redacted() -> Iterator[Exchange]:
        for exchange in content.exchanges:
            tally.saw(exchange)
            yield redactor.redact(identify(exchange, remote_addr="", principal="", key=key))

    if recording is None:
        recording = _create(store, source, name, service=content.host, release="", key_id=key.id)
    return _fill(store, source, recording, tally, redacted(), list(content.notes))


def _fill(
    store: Store,
    source: Source,
    recording: RecordingInfo,
    tally: _Tally,
    exchanges: Iterator[Exchange],
    notes: list[str],
) -> ImportReport:
    """Stream the exchanges into the recording, add what was noted on the way, and close it."""
    added = store.add_exchanges(recording.id, exchanges)
    if not tally.exchanges:
        store.delete_recording(recording.id)
        raise UsageError(f"{source.path} holds no exchange{_why_empty(tally)}.", "Was anything recorded?")
    for report in tally.reports.values():
        store.add_report(recording.id, report)
    store.add_damage(recording.id, tally.damage)
    store.close_recording(recording.id)
    if tally.progress is not None:
        tally.progress(tally.exchanges)
    return ImportReport(
        recording=store.recording(recording.name),
        source=source.kind,
        files=len(source.files),
        exchanges=tally.exchanges,
        added=added.added,
        duplicates=added.duplicates,
        producers=len(tally.sequences.missing()),
        skipped=tuple(sorted(tally.skipped.items())),
        damage=tuple(tally.damage),
        damaged=tally.damaged,
        bytes_lost=tally.bytes_lost,
        missing=sum(tally.sequences.missing().values()),
        lost=tally.lost(),
        notes=tuple(notes),
    )


def _why_empty(tally: _Tally) -> str:
    if tally.damage:
        first = tally.damage[0]
        return f": {first.path} at byte {first.offset}: {first.reason}"
    seen = sum(count.seen for report in tally.reports.values() for count in report.counts)
    return f", though {seen:,} requests were seen: all were sampled out or dropped" if seen else ""


def _create(
    store: Store, source: Source, name: str | None, *, service: str, release: str, key_id: str
) -> RecordingInfo:
    taken = {info.name for info in store.recordings()}
    derived = source.name if source.name not in taken else f"{source.name}-{source.fingerprint[:8]}"
    try:
        return store.create_recording(
            name if name is not None else derived,
            service=service,
            release=release,
            key_id=key_id,
            source=source.origin or str(source.path),
            fingerprint=source.fingerprint,
        )
    except UsageError:
        found = _existing(store, source, name)  # another process has begun to import the same
        if found is None:
            raise
        return found


def _only(source: Source, what: str, why: str, values: dict[Path, str]) -> str:
    """The value that all files agree on. Raises UsageError that names two files that do not."""
    first: dict[str, Path] = {}
    for file, value in values.items():
        first.setdefault(value, file)
    if len(first) > 1:
        (one, one_file), (other, other_file) = list(first.items())[:2]
        raise UsageError(
            f"{source.path} was recorded with several {what}: {one!r} in {one_file.name} and {other!r} in"
            f" {other_file.name}; {why}.",
            "Import the files in separate folders.",
        )
    return next(iter(first), "")
