"""The ingest endpoint, over sockets, with the very bytes that recorders send."""

from __future__ import annotations

import http.client
import json
import socket
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from recorder.batches import MEDIA_TYPE
from replayer.store import Gaps, Store
from tests.recorder.sinks.recording import App
from tests.replayer.batches import batch, header, report, sent
from tests.services.postgres import Cluster

from .conftest import TOKEN, Serve

JSON = dict[str, Any]
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": MEDIA_TYPE}


def post(url: str, encoding: str, data: bytes, **changed: str | None) -> tuple[int, JSON, dict[str, str]]:
    """Status, body and header fields of an answer to a batch; `changed` header fields, or left out."""
    names = {name.replace("_", "-"): value for name, value in changed.items()}
    fields = HEADERS | {"Content-Encoding": encoding} | names
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("POST", "/api/v1/ingest", data, {k: v for k, v in fields.items() if v is not None})
        response = connection.getresponse()
        return response.status, json.loads(response.read()), {k.lower(): v for k, v in response.getheaders()}
    finally:
        connection.close()


def refused(answer: tuple[int, JSON, dict[str, str]]) -> tuple[int, str]:
    """Status and code of an error, whose shape is the one that there is."""
    status, body, _ = answer
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return status, body["error"]["code"]


def test_a_batch_is_kept_once(serve: Serve, database_url: str) -> None:
    given = batch(header(), *(sent(n) for n in range(7)), report("w1", 1.0, 7))
    with serve(database_url) as url:
        assert post(url, given.encoding, given.data)[:2] == (202, {"exchanges": 7, "added": 7, "duplicates": 0})
        assert post(url, given.encoding, given.data)[:2] == (202, {"exchanges": 7, "added": 0, "duplicates": 7})
    with Store.open(database_url) as store:
        info = store.recording("shop-1.0")
        assert list(store.exchanges(info.id)) == [sent(n) for n in range(7)]
        assert info.source == "sent by recorders"


def test_what_a_recorder_sends_arrives(serve: Serve, tmp_path: Path) -> None:
    with serve() as url:
        app = App(f"{url}/api/v1/ingest?token={quote(TOKEN, safe='')}")
        app.ask(150)
        assert app.flush()
        app.ask(10, size=4000)
        app.close()
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        (info,) = store.recordings()
        assert info.exchanges == 160
        assert store.gaps(info) == Gaps(0, 0)
        assert sum(count.seen for count in store.route_counts(info.id)) == 160


def test_only_who_shows_the_token_is_let_in(serve: Serve) -> None:
    given = batch(header(), sent(1))
    with serve() as url:
        for shown in (None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"):
            answer = post(url, given.encoding, given.data, Authorization=shown)
            assert refused(answer) == (401, "token")
            assert answer[2]["www-authenticate"] == "Bearer"
        assert post(url, given.encoding, given.data, Authorization=f"bearer  {TOKEN}")[0] == 202
        assert post(url, given.encoding, given.data, Authorization="Bearer \xe9\xff")[0] == 401


def test_without_a_token_nobody_is_let_in(serve: Serve) -> None:
    given = batch(header(), sent(1))
    with serve(token="") as url:
        assert refused(post(url, given.encoding, given.data)) == (403, "no_token")
        assert refused(post(url, given.encoding, given.data, Authorization="Bearer ")) == (403, "no_token")


def test_what_is_no_batch_is_refused(serve: Serve) -> None:
    given = batch(header(), *(sent(n) for n in range(20)))
    plain = zlib.compress(b"something else")
    with serve() as url:
        for encoding, data in (
            (given.encoding, given.data[:-9]),
            ("lzma", given.data),
            ("zlib", given.data),
            ("zlib", plain),
            ("identity", b""),
            ("identity", b"\x00" * 1000),
        ):
            assert refused(post(url, encoding, data)) == (400, "no_batch")
        assert refused(post(url, given.encoding, given.data, Content_Type="application/json")) == (415, "media_type")
        assert refused(post(url, given.encoding, given.data, Content_Type=None)) == (415, "media_type")


def test_what_is_torn_inside_is_kept_as_far_as_it_is_whole(serve: Serve, tmp_path: Path) -> None:
    from recorder.batches import unpack_batch

    given = batch(header(), *(sent(n) for n in range(3)))
    plain = bytearray(unpack_batch(given.encoding, given.data, 100_000))
    plain[-20] ^= 0xFF
    with serve() as url:
        for added in (2, 0):
            assert post(url, "identity", bytes(plain))[1] == {"exchanges": 2, "added": added, "duplicates": 2 - added}
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        (piece,) = store.damage(store.recording("shop-1.0").id)
        assert piece.reason == "corrupt: the checksum does not match"
        assert piece.path.startswith("sent batch ")


def test_a_batch_that_is_too_large_is_refused_before_it_is_read_or_unpacked(serve: Serve) -> None:
    bomb = zlib.compress(bytes(70 << 20))
    with serve(settings="[ingest]\nmax_body = 200000\n") as url:
        assert refused(post(url, "zlib", bomb)) == (413, "too_large")  # when it is unpacked
        assert refused(post(url, "identity", bytes(200_001))) == (413, "too_large")  # as it says
        host, _, port = urlsplit(url).netloc.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
            connection.sendall(
                f"POST /api/v1/ingest HTTP/1.1\r\nHost: x\r\n{head}Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            for _ in range(4):  # as it turns out
                connection.sendall(b"C350\r\n" + bytes(50_000) + b"\r\n")
            connection.sendall(b"1\r\nx\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
        whole = batch(header(), sent(1))
        assert post(url, whole.encoding, whole.data)[0] == 202


def test_a_sender_that_goes_away_leaves_nothing_behind(serve: Serve, tmp_path: Path) -> None:
    given = batch(header(), *(sent(n) for n in range(30)))
    with serve() as url:
        host, _, port = urlsplit(url).netloc.partition(":")
        for _ in range(20):
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                fields = HEADERS | {"Content-Encoding": given.encoding, "Content-Length": str(len(given.data))}
                head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                connection.sendall(f"POST /api/v1/ingest HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + given.data[:-5])
        while (answer := post(url, given.encoding, given.data))[0] == 503:  # until it has seen that they are gone
            time.sleep(0.05)
        assert answer[1]["added"] == 30


def test_many_senders_at_once_are_all_served_or_told_to_come_again(serve: Serve, database_url: str) -> None:
    def send(number: int) -> None:
        of = header(f"w{number}")
        for turn in range(5):
            given = batch(of, *(sent(turn * 10 + n, f"w{number}") for n in range(10)))
            while (answer := post(url, given.encoding, given.data))[0] != 202:
                assert refused(answer) == (503, "busy")
                assert answer[2]["retry-after"] == "1"
                time.sleep(0.05)

    with serve(database_url) as url, ThreadPoolExecutor(30) as pool:
        list(pool.map(send, range(30)))
    with Store.open(database_url) as store:
        (info,) = store.recordings()
        assert info.exchanges == 1500
        assert store.gaps(info) == Gaps(0, 0)


def get(url: str, path: str) -> tuple[int, JSON]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_while_the_database_is_away_senders_are_told_to_come_again(serve: Serve, postgres_cluster: Cluster) -> None:
    given = batch(header(), sent(1))
    database = postgres_cluster.create_database()
    postgres_cluster.kill()
    with serve(database) as url:
        for turn in range(2):
            assert get(url, "/health") == (200, {"status": "ok"})
            answer = post(url, given.encoding, given.data)
            assert refused(answer) == (503, "unavailable")
            assert answer[2]["retry-after"] == "5"
            assert database not in json.dumps(answer[1])
            assert get(url, "/ready")[0] == 503
            postgres_cluster.start()
            assert get(url, "/ready") == (200, {"status": "ok", "database": "ok"})
            assert post(url, given.encoding, given.data)[1]["exchanges"] == 1
            if turn == 0:
                postgres_cluster.kill()


def test_every_error_has_the_one_shape(serve: Serve) -> None:
    with serve() as url:
        assert get(url, "/nowhere") == (404, {"error": {"code": "not_found", "message": "Not Found"}})
        assert get(url, "/api/v1/ingest") == (
            405,
            {"error": {"code": "method_not_allowed", "message": "Method Not Allowed"}},
        )


def test_a_recording_that_is_closed_between_two_batches_has_a_successor(serve: Serve, database_url: str) -> None:
    with serve(database_url) as url, Store.open(database_url) as store:
        for number in (1, 2):
            given = batch(header(), sent(number))
            assert post(url, given.encoding, given.data)[1]["added"] == 1
            store.close_recording(store.recordings()[0].id)
        assert [info.name for info in store.recordings()] == ["shop-1.0-2", "shop-1.0"]


@pytest.mark.parametrize(
    ("settings", "token", "said"),
    [
        ("", "short", "The token that recorders have to show has 5 characters, and needs 16 or more."),
        ("[ingest]\nmax_body = 1\n", "", "max_body"),
        ("[ingest]\ntokn = 'x'\n", "", "token"),
    ],
)
def test_settings_that_are_wrong_are_said(settings: str, token: str, said: str, tmp_path: Path) -> None:
    from replayer.errors import UsageError
    from replayer.settings import load_settings

    (tmp_path / "understudy.toml").write_text(settings)
    with pytest.raises(UsageError) as caught:
        load_settings(cwd=tmp_path, environ={"UNDERSTUDY_INGEST_TOKEN": token})
    assert said in caught.value.message + caught.value.hint
