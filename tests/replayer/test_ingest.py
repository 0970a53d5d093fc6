from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recorder.exchange import Body, Exchange, ProducerReport, RecordedRequest, RecordedResponse, RouteCount
from recorder.wire import FrameKind, Header, encode_exchange, encode_report, file_head, frame
from replayer.errors import UsageError
from replayer.ingest import ImportReport, import_path
from replayer.store import DamageRecord, Store
from replayer.store.exchanges import BATCH


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def exchange(producer: str, sequence: int) -> Exchange:
    return Exchange(
        id=f"{producer:0>16}{sequence:016x}",
        request=RecordedRequest("GET", f"/{sequence}", (("Host", "h"),)),
        response=RecordedResponse(200, "OK", (), Body.of(b"body")),
        started=1000.0 + sequence,
        ended=1000.5 + sequence,
        route="/<n>",
        producer=producer,
        sequence=sequence,
    )


def write(
    folder: Path,
    producer: str,
    items: list[Exchange | ProducerReport],
    *,
    key_id: str = "k1",
    service: str = "shop",
    release: str = "1.0",
    tail: bytes = b"",
) -> int:
    """One spool file; gives the offset of its tail."""
    header = Header(key_id, service, release, producer, 1, 5.0 + len(release))
    data = file_head(header)
    for item in items:
        if isinstance(item, Exchange):
            data += frame(FrameKind.EXCHANGE, encode_exchange(item), header.stamp)
        else:
            data += frame(FrameKind.REPORT, encode_report(item), header.stamp)
    (folder / f"{producer}.spool").write_bytes(data + tail)
    return len(data)


def report(producer: str, at: float, seen: int, sampled_out: int, dropped: int) -> ProducerReport:
    return ProducerReport(
        producer, at, (RouteCount("GET", "/<n>", seen, sampled_out, dropped),), (("queue_count", dropped),)
    )


def test_a_spool_folder_becomes_a_recording_with_its_account(store: Store, spool: Path) -> None:
    first = [exchange("aa", n) for n in (0, 1, 2, 5, 6)]
    second = [exchange("bb", n) for n in (1, 0, 2)]
    offset = write(spool, "aa", [*first[:2], report("aa", 1.0, 2, 0, 0), *first[2:], report("aa", 2.0, 9, 1, 1)])
    write(spool, "bb", [*second, second[0]], tail=b"torn!")
    (spool / "empty.spool").write_bytes(b"")
    (spool / "notes.txt").write_text("not ours")
    progress: list[int] = []
    made = import_path(store, spool, progress=progress.append)
    info = store.recording("spool")
    damage = DamageRecord("bb.spool", (spool / "bb.spool").stat().st_size - 5, 5, "torn: the file ends inside a frame")
    assert made == ImportReport(
        recording=info,
        source="spool",
        files=2,
        exchanges=9,
        added=8,
        duplicates=1,
        producers=2,
        damage=(damage,),
        damaged=1,
        bytes_lost=5,
        missing=2,
        lost=1,
    )
    assert (info.service, info.release, info.key_id, info.source) == ("shop", "1.0", "k1", str(spool))
    assert info.closed is not None
    assert list(store.exchanges(info.id)) == sorted([*first, *second], key=lambda item: item.started)
    assert store.route_counts(info.id) == [RouteCount("GET", "/<n>", 9, 1, 1)]
    assert store.losses(info.id) == [("queue_count", 1)]
    assert store.damage(info.id) == [damage]
    assert progress == [9]
    assert offset == (spool / "aa.spool").stat().st_size


def test_one_spool_file_can_be_imported_under_a_name(store: Store, spool: Path) -> None:
    write(spool, "aa", [exchange("aa", 0)])
    write(spool, "bb", [exchange("bb", 0)], key_id="other")
    made = import_path(store, spool / "aa.spool", "monday")
    assert (made.recording.name, made.files, made.added) == ("monday", 1, 1)


def test_the_same_content_is_imported_once(store: Store, spool: Path) -> None:
    write(spool, "aa", [exchange("aa", 0)], tail=b"x")
    first = import_path(store, spool)
    again = import_path(store, spool)
    assert again == ImportReport(
        recording=first.recording,
        source="spool",
        files=1,
        exchanges=1,
        duplicates=1,
        damage=first.damage,
        damaged=1,
        bytes_lost=1,
        reused=True,
    )
    assert import_path(store, spool, "spool").reused
    assert not import_path(store, spool, "another").reused
    assert len(store.recordings()) == 2


def test_new_content_makes_a_new_recording_beside_the_old(store: Store, spool: Path) -> None:
    write(spool, "aa", [exchange("aa", 0)])
    old = import_path(store, spool).recording
    write(spool, "bb", [exchange("bb", 0)])
    new = import_path(store, spool).recording
    assert (old.name, new.name) == ("spool", f"spool-{new.fingerprint[:8]}")
    with pytest.raises(UsageError, match="There is a recording 'spool' already"):
        import_path(store, spool, "spool")


def test_an_interrupted_import_is_taken_up_again(store: Store, spool: Path) -> None:
    items: list[Exchange | ProducerReport] = [exchange("aa", n) for n in range(2500)]
    write(spool, "aa", items, tail=b"x")

    def interrupt(done: int) -> None:
        if done == 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_path(store, spool, progress=interrupt)
    half = store.recording("spool")
    assert (half.closed, half.exchanges) == (None, BATCH)
    made = import_path(store, spool)
    assert (made.added, made.duplicates, made.recording.id) == (2500 - BATCH, BATCH, half.id)
    assert list(store.exchanges(half.id)) == items
    assert len(store.damage(half.id)) == 1


def test_what_was_lost_without_a_report_is_counted(store: Store, spool: Path) -> None:
    write(spool, "aa", [exchange("aa", n) for n in (3, 4, 9)])
    made = import_path(store, spool)
    assert (made.missing, made.lost) == (7, 7)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("key_id", "recorded with several keys: 'one' in aa.spool and 'two' in bb.spool"),
        ("service", "recorded with several services: 'one' in aa.spool and 'two' in bb.spool"),
    ],
)
def test_what_does_not_belong_together_is_refused(store: Store, spool: Path, what: str, sentence: str) -> None:
    for producer, value in (("aa", "one"), ("bb", "two")):
        named: dict[str, Any] = {what: value}
        write(spool, producer, [exchange(producer, 0)], **named)
    with pytest.raises(UsageError) as caught:
        import_path(store, spool)
    assert sentence in caught.value.message
    assert store.recordings() == []


def test_several_releases_are_noted(store: Store, spool: Path) -> None:
    write(spool, "bb", [exchange("bb", 0)], release="1.0")
    write(spool, "aa", [exchange("aa", 0)], release="1.0.1")
    made = import_path(store, spool)
    assert (made.notes, made.recording.release) == (("Recorded over several releases: 1.0, 1.0.1.",), "1.0.1")


def test_nothing_to_import_is_said(store: Store, spool: Path, tmp_path: Path) -> None:
    def said(path: Path) -> str:
        with pytest.raises(UsageError) as caught:
            import_path(store, path)
        return caught.value.message

    assert said(tmp_path / "none") == f"There is no file or folder {tmp_path}/none."
    assert said(spool) == f"The folder {spool} holds no spool file (*.spool) with anything in it."
    for name, content, sentence in (
        ("a.har", b" \n", "is empty."),
        ("b.txt", b"GET / HTTP/1.1", "is neither a spool file nor a HAR."),
        ("c.har", '{"log"'.encode("utf-16"), "is UTF-16 text."),
        ("d.har.gz", b"\x1f\x8b\x08", "is compressed."),
        ("e.spool", b"junk" * 100, "holds no exchange: e.spool at byte 0: not a spool file."),
    ):
        (tmp_path / name).write_bytes(content)
        assert said(tmp_path / name).endswith(sentence)
    write(spool, "aa", [report("aa", 1.0, 12, 12, 0)])
    assert said(spool).endswith("holds no exchange, though 12 requests were seen: all were sampled out or dropped.")
    assert store.recordings() == []


def test_a_file_that_cannot_be_read_is_named(store: Store, spool: Path) -> None:
    (spool / "loop").symlink_to(spool / "loop")
    with pytest.raises(UsageError):
        import_path(store, spool / "loop")


def har_file(folder: Path, name: str, *urls: str) -> Path:
    entries = [
        {
            "startedDateTime": "2026-01-31T12:00:00Z",
            "time": 1,
            "request": {
                "method": "POST",
                "url": url,
                "headers": [
                    {"name": "Authorization", "value": "Bearer tok-3n-s3cr3t"},
                    {"name": "Cookie", "value": "session=c00kie-s3cr3t"},
                    {"name": "User-Agent", "value": "Browser"},
                ],
                "postData": {"mimeType": "application/json", "text": '{"password": "p4ss-s3cr3t", "n": 1}'},
            },
            "response": {
                "status": 200,
                "statusText": "OK",
                "headers": [{"name": "Set-Cookie", "value": "session=n3w-s3cr3t; Path=/"}],
                "content": {"size": 2, "mimeType": "application/json", "text": "{}"},
            },
        }
        for url in urls
    ]
    path = folder / name
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return path


def test_a_har_is_redacted_and_identified_as_it_comes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_KEY", "k" * 32)
    store = Store.open(f"sqlite:///{tmp_path}/db/store.db")
    path = har_file(tmp_path, "monday.har", "http://shop/a", "http://shop/b", "http://cdn/c")
    made = import_path(store, path)
    assert made == ImportReport(
        recording=store.recording("monday"),
        source="har",
        files=1,
        exchanges=2,
        added=2,
        producers=0,
        skipped=(("another host", 1),),
    )
    assert (made.recording.name, made.recording.service, len(made.recording.key_id)) == ("monday", "shop", 8)
    first, second = store.exchanges(made.recording.id)
    assert "s3cr3t" not in repr((first, second))
    assert first.request.headers[1][1].startswith("Bearer ")
    assert first.client
    assert first.client == second.client
    assert set(first.links) & set(second.links)
    store.close()
    assert all(b"s3cr3t" not in file.read_bytes() for file in (tmp_path / "db").iterdir())


def test_another_host_of_a_har_is_another_recording(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_KEY", "k" * 32)
    path = har_file(tmp_path, "x.har", "http://shop/a", "http://shop/b", "http://cdn/c")
    shop, cdn, again = import_path(store, path), import_path(store, path, host="cdn"), import_path(store, path)
    assert (shop.recording.service, cdn.recording.service, again.reused) == ("shop", "cdn", True)


def test_a_har_without_a_usable_key_is_refused(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_KEY", "short")
    with pytest.raises(UsageError, match="A HAR is redacted with a key as it is imported, and there is none"):
        import_path(store, har_file(tmp_path, "x.har", "http://shop/a"))
    assert store.recordings() == []
