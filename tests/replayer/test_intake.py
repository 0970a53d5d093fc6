"""Batches into open recordings: each is kept once, in the recording of its service, release and key."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from recorder.batches import unpack_batch
from recorder.exchange import RouteCount
from replayer.errors import UsageError
from replayer.intake import Batch, Intake, Taken
from replayer.store import DamageRecord, Gaps, Store, recordings

from .batches import batch, header, report, sent


def test_a_batch_is_kept_once_however_often_it_arrives(store: Store) -> None:
    given = batch(header(), *(sent(n) for n in range(5)), report("w1", 2.0, 5))
    intake = Intake(store, "a stream")
    assert intake.take([given]) == Taken(batches=1, exchanges=5, added=5)
    assert intake.take([given, given]) == Taken(batches=2, exchanges=10, duplicates=10)
    assert Intake(store, "a stream").take([given]) == Taken(batches=1, exchanges=5, duplicates=5)
    (info,) = store.recordings()
    assert (info.name, info.service, info.release, info.key_id) == ("shop-1.0", "shop", "1.0", "k1")
    assert (info.exchanges, info.closed, info.source, info.fingerprint) == (5, None, "a stream", "")
    assert list(store.exchanges(info.id)) == [sent(n) for n in range(5)]
    assert store.route_counts(info.id) == [RouteCount("GET", "/items/<int:id>", 5, 0, 0)]
    assert store.gaps(info) == Gaps(0, 0)


def test_services_releases_and_keys_are_kept_apart(store: Store) -> None:
    intake = Intake(store, "a stream")
    origins = [header(), header(service="pay"), header(release="1.1"), header(key_id="k2"), header(release="")]
    intake.take(batch(of, sent(number, f"w{number}")) for number, of in enumerate(origins))
    found = {(info.service, info.release, info.key_id): info.name for info in store.recordings()}
    assert found == {
        ("shop", "1.0", "k1"): "shop-1.0",
        ("pay", "1.0", "k1"): "pay-1.0",
        ("shop", "1.1", "k1"): "shop-1.1",
        ("shop", "1.0", "k2"): "shop-1.0-2",
        ("shop", "", "k1"): "shop",
    }
    assert sorted(intake.recordings) == sorted(found.values())


def test_a_named_recording_takes_several_releases_and_one_key(store: Store) -> None:
    intake = Intake(store, "a stream", "friday")
    intake.take([batch(header(), sent(1)), batch(header("w2", release="1.1"), sent(1, "w2"))])
    assert [(info.name, info.exchanges) for info in store.recordings()] == [("friday", 2)]
    with pytest.raises(
        UsageError, match=r"'friday' was begun with another service or key than .* 'shop' with the key k2"
    ):
        intake.take([batch(header("w3", key_id="k2"), sent(1, "w3"))])
    with pytest.raises(UsageError, match="'friday' was begun with another service"):
        intake.take([batch(header("w3", service="pay"), sent(1, "w3"))])
    store.close_recording(store.recording("friday").id)
    with pytest.raises(UsageError, match="is closed"):
        intake.take([batch(header(), sent(2))])
    with pytest.raises(UsageError, match="The recording 'friday' is closed"):
        Intake(store, "a stream", "friday").take([batch(header(), sent(2))])
    assert store.recording("friday").exchanges == 2


def test_what_arrives_after_the_close_goes_into_the_next_recording(store: Store) -> None:
    intake = Intake(store, "a stream")
    intake.take([batch(header(), *(sent(n) for n in range(3)), report("w1", 1.0, 10, dropped=2, sampled_out=4))])
    first = store.recording("shop-1.0")
    store.close_recording(first.id)
    late = batch(header(), sent(2), sent(4), report("w1", 2.0, 15, dropped=3, sampled_out=6))
    assert intake.take([late]) == Taken(batches=1, exchanges=2, added=1, duplicates=1)
    second = store.recording("shop-1.0-2")
    assert list(store.exchanges(second.id)) == [sent(4)]
    assert store.recording("shop-1.0").exchanges == 3
    # of its first report only what was dropped and sampled out since; from then on all that was seen
    assert store.route_counts(second.id) == [RouteCount("GET", "/items/<int:id>", 3, 2, 1)]
    intake.take([batch(header(), sent(5), sent(6), report("w1", 3.0, 17, dropped=3, sampled_out=6))])
    assert store.route_counts(second.id) == [RouteCount("GET", "/items/<int:id>", 5, 2, 1)]
    assert store.losses(second.id) == [("queue_count", 1)]
    assert store.gaps(second) == Gaps(1, 0)  # number 3, which a report counted as dropped
    assert store.gaps(first) == Gaps(0, 0)
    store.close_recording(second.id)
    intake.take([batch(header(), sent(7), report("w1", 4.0, 18, dropped=3, sampled_out=6))])
    intake.take([batch(header(), sent(8), report("w1", 5.0, 19, dropped=3, sampled_out=6))])
    third = store.recording("shop-1.0-3")
    assert store.route_counts(third.id) == [RouteCount("GET", "/items/<int:id>", 1, 0, 0)]
    assert store.gaps(third) == Gaps(0, 0)


def test_a_recording_that_was_deleted_is_begun_anew(store: Store) -> None:
    intake = Intake(store, "a stream")
    intake.take([batch(header(), sent(0))])
    store.delete_recording(store.recording("shop-1.0").id)
    assert intake.take([batch(header(), sent(1))]).added == 1
    assert store.recording("shop-1.0").exchanges == 1


def test_what_was_lost_shows_as_a_gap_of_its_producer(store: Store) -> None:
    intake = Intake(store, "a stream")
    intake.take([batch(header(), sent(0), sent(1)), batch(header("w2"), sent(3, "w2"))])
    intake.take([batch(header(), sent(7), sent(9), report("w1", 1.0, 12, dropped=2))])
    info = store.recording("shop-1.0")
    assert store.gaps(info) == Gaps(6 + 3, 4 + 3)
    intake.take([batch(header("w2"), *(sent(n, "w2") for n in range(3)))])
    assert store.gaps(info) == Gaps(6, 4)


def test_what_cannot_be_read_is_noted_and_hinders_nothing(store: Store) -> None:
    good, torn = batch(header(), sent(1)), batch(header("w2"), *(sent(n, "w2") for n in range(3)), name="torn")
    plain = batch(header("w2"), sent(5, "w2"))
    cut = Batch("cut", torn.encoding, torn.data[:-8])
    middle = bytearray(unpack_batch(torn.encoding, torn.data, 10_000))
    middle[-20] ^= 0xFF
    flipped = Batch("flipped", "identity", bytes(middle))
    headless = Batch("headless", "identity", bytes(middle[:40]))
    strange = Batch("strange", "lzma", good.data)
    huge = Batch("huge", "zlib", zlib.compress(bytes(2_000_000)))
    taken = Intake(store, "a stream", largest=1_000_000).take([good, cut, flipped, headless, strange, huge, plain])
    assert taken == Taken(batches=7, exchanges=4, added=4, damaged=5, unreadable=4, bytes_lost=taken.bytes_lost)
    info = store.recording("shop-1.0")
    reasons = {piece.path: piece.reason for piece in store.damage(info.id)}
    assert reasons.keys() == {"cut", "flipped", "headless", "strange", "huge"}
    assert "damaged batch" in reasons["cut"]
    assert reasons["flipped"] == "corrupt: the checksum does not match"
    assert "header cannot be read" in reasons["headless"]
    assert "unknown encoding: 'lzma'" in reasons["strange"]
    assert "more than 1000000 bytes" in reasons["huge"]


def test_damage_of_nobody_has_a_recording_of_its_own_and_comes_to_the_others_later(store: Store) -> None:
    intake = Intake(store, "a stream")
    intake.take([Batch("first", "lzma", b"x")])
    assert [(info.name, len(store.damage(info.id))) for info in store.recordings()] == [("unreadable", 1)]
    intake.take([batch(header(), sent(1))])
    Intake(store, "a stream").take([Batch("second", "lzma", b"xy")])
    shop = store.recording("shop-1.0")
    assert [(piece.path, piece.bytes_lost) for piece in store.damage(shop.id)] == [("second", 2)]


def test_damage_is_described_up_to_a_bound_and_then_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "DAMAGE_KEPT", 3)
    intake = Intake(store, "a stream")
    intake.take([Batch(f"n{n}", "lzma", b"x" * n) for n in range(5)])
    intake.take([Batch(f"n{n}", "lzma", b"x" * n) for n in range(5, 7)])
    found = store.damage(store.recording("unreadable").id)
    assert [piece.path for piece in found] == ["n0", "n1", "n2", "further pieces"]
    assert found[-1] == DamageRecord("further pieces", 4, 3 + 4 + 5 + 6, "not described one by one")


def test_many_large_batches_are_kept_little_by_little(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.intake.HELD_BYTES", 10_000)
    given = [batch(header(), sent(n, body=b"%d" % n * 3000)) for n in range(1, 10)]
    sizes: list[int] = []
    add = store.add_exchanges

    def noted(recording_id: int, added: list[object], **options: object) -> object:
        sizes.append(len(added))
        return add(recording_id, added, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "add_exchanges", noted)
    assert Intake(store, "a stream").take(iter(given)).added == 9
    assert max(sizes) < 5


def test_an_older_report_that_arrives_later_does_not_count(store: Store) -> None:
    intake = Intake(store, "a stream")
    newer, older = report("w1", 2.0, 20), report("w1", 1.0, 10)
    intake.take([batch(header(), sent(1), newer), batch(header(), older)])
    intake.take([batch(header(), replace(older, at=1.5))])
    assert store.route_counts(store.recording("shop-1.0").id) == [RouteCount("GET", "/items/<int:id>", 20, 0, 0)]


def test_what_was_lost_was_seen_whether_a_report_tells_of_it_or_not(store: Store) -> None:
    """The ledger of a run does not balance then: a gap is no pass."""
    intake = Intake(store, "a stream")
    of_it = "GET", "/items/<int:id>"
    intake.take([batch(header(), sent(0), sent(3))])
    info = store.recording("shop-1.0")
    assert store.seen_counts(info) == [RouteCount("*", "", 2, 0, 0)]
    intake.take([batch(header(), sent(4), report("w1", 1.0, 4))])
    assert store.seen_counts(info) == [RouteCount(*of_it, 4, 0, 0), RouteCount("*", "", 1, 0, 0)]
    intake.take([batch(header(), report("w1", 2.0, 5))])
    assert store.seen_counts(info) == [RouteCount(*of_it, 5, 0, 0)]
    intake.take([batch(header(), sent(1), sent(2))])
    assert store.seen_counts(info) == [RouteCount(*of_it, 5, 0, 0)]
