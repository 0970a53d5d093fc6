"""The same application, recorded and bare, under real gunicorn workers: equal bytes on the wire, and a full spool."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recorder import Body, BodyState, Exchange, Outcome
from recorder.exchange import ProducerReport
from recorder.wire import Damage, read_spool
from tests.apps.conformance import FILE_SIZE
from tests.processes import ended

ROOT = Path(__file__).parents[2]
KEY = "a key of at least thirty-two bytes"
WORKERS = ("sync", "gthread", "gevent")

CHUNKED = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"
MULTIPART = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\x00\xff\x80\r\n--B--\r\n'


def request(line: str, *fields: str, body: bytes = b"") -> bytes:
    head = [f"{line} HTTP/1.1", "Host: h", *fields]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


REQUESTS = (
    request("GET /plain"),
    request("HEAD /plain"),
    request("GET /unsized"),
    request("GET /generator"),
    request("GET /late"),
    request("GET /writes"),
    request("GET /repeated"),
    request("GET /raises"),
    request("GET /raises_later"),
    request("GET /closing"),
    request("GET /no_content"),
    request("GET /not_modified"),
    request("GET /file"),
    request("GET /large"),
    request("POST /echo", "Content-Type: text/plain", body=b"in small pieces"),
    request("POST /echo", "Content-Type: multipart/form-data; boundary=B", body=MULTIPART),
    request("POST /echo", "Content-Encoding: gzip", body=b"\x1f\x8b\x08\x00not really"),
    CHUNKED,
    request("POST /lines", body=b"one\ntwo\nthree"),
    request("POST /unread", body=b"user=ada&password=x"),
    request("GET /where/%C3%A9/a%2fb/%FF?q=%zz&r=1", "X-Latin: \xe9"),
    request("GET http://h/where/absolute"),
)


@contextmanager
def gunicorn(app: str, folder: Path, worker: str, *options: str, **more: str) -> Iterator[tuple[int, int]]:
    """Port and process id of a running gunicorn. It is ended by SIGTERM and has to exit with 0."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port: int = listener.getsockname()[1]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")} | more
        command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", worker, "-b"]
        command += [f"fd://{listener.fileno()}", "--log-file", str(folder / "gunicorn.log"), *options, app]
        with subprocess.Popen(command, cwd=ROOT, env=environ, pass_fds=[listener.fileno()]) as process:
            try:
                answer(port, request("GET /plain"))  # waits in the listener's backlog until a worker is there
                yield port, process.pid
            finally:
                code = ended(process)
    assert code == 0


def answer(port: int, sent: bytes) -> bytes:
    """Everything that comes back until the server closes the connection; dates made equal."""
    closing = sent.replace(b"\r\nHost: h", b"\r\nHost: h\r\nConnection: close", 1)
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(closing)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    return re.sub(rb"\r\nDate: [^\r]*", b"\r\nDate: now", got)


def recording(spool: Path) -> dict[str, str]:
    return {"UNDERSTUDY_SINK": f"file://{spool}", "UNDERSTUDY_KEY": KEY, "UNDERSTUDY_RAISE": "1"}


def read(spool: Path) -> tuple[list[Exchange], list[ProducerReport]]:
    found = list(read_spool(spool))
    assert not [item for item in found if isinstance(item, Damage)]
    reports = {item.producer: item for item in found if isinstance(item, ProducerReport)}
    return [item for item in found if isinstance(item, Exchange)], list(reports.values())


@pytest.mark.parametrize("worker", WORKERS)
def test_the_client_sees_no_difference_and_everything_is_recorded(worker: str, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    with gunicorn("tests.apps.conformance:bare", tmp_path, worker) as (port, _):
        bare = [answer(port, sent) for sent in REQUESTS]
    with gunicorn("tests.apps.conformance:recorded()", tmp_path, worker, **recording(spool)) as (port, _):
        wrapped = [answer(port, sent) for sent in REQUESTS]
    assert wrapped == bare

    exchanges, reports = read(spool)
    made = exchanges[1:]  # the first was the fixture's
    assert [exchange.sequence for exchange in exchanges] == list(range(len(REQUESTS) + 1))
    for sent, got, exchange in zip(REQUESTS, bare, made, strict=True):
        line = sent.split(b"\r\n")[0].decode("latin-1")
        assert f"{exchange.request.method} {exchange.request.target} HTTP/1.1" == line
        assert exchange.request.target_exact
        if exchange.response is not None:
            status = f"HTTP/1.1 {exchange.response.status} {exchange.response.reason}"
            assert got.split(b"\r\n")[0].decode() == status
    by_target = {(made.request.method, made.request.target): made for made in made}
    assert by_target["GET", "/raises"].outcome is Outcome.RAISED
    assert by_target["GET", "/raises"].response is None
    assert by_target["GET", "/raises_later"].outcome is Outcome.RAISED
    assert by_target["POST", "/unread"].request.body.size == 19
    assert by_target["POST", "/unread"].request.body.state is BodyState.COMPLETE
    assert by_target["POST", "/lines"].request.body == Body.of(b"one\ntwo\nthree")
    assert [e.request.body.data for e in made if e.request.target == "/echo"][-1] == b"abcdefg"
    file = by_target["GET", "/file"].response
    assert file is not None
    assert file.body == Body.of((bytes(range(250)) * (FILE_SIZE // 250))[1000:])
    large = by_target["GET", "/large"].response
    assert large is not None
    assert (large.body.size, large.body.state) == (2_000_000, BodyState.TRUNCATED)
    (report,) = reports
    assert sum(count.seen for count in report.counts) == len(exchanges)
    assert report.losses == ()


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("options", [(), ("--preload",)])
def test_the_last_request_before_sigterm_is_in_the_spool_of_every_worker(
    worker: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    arguments = ("-w", "3", *options)
    with gunicorn("tests.apps.conformance:recorded()", tmp_path, worker, *arguments, **recording(spool)) as (port, _):
        pids = {answer(port, request(f"GET /worker?{number}")).split(b"\r\n\r\n")[1] for number in range(60)}
        answer(port, request("GET /where/last"))
    exchanges, reports = read(spool)
    assert len(exchanges) == 62  # one of the fixture
    assert len({exchange.id for exchange in exchanges}) == 62
    assert "/where/last" in [exchange.request.target for exchange in exchanges]
    assert len({exchange.producer for exchange in exchanges}) == len(reports) >= len(pids)
    assert sum(count.seen for report in reports for count in report.counts) == 62
    assert {path.stat().st_mode & 0o777 for path in spool.iterdir()} == {0o600}
    assert spool.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("worker", WORKERS)
def test_a_client_that_hangs_up_is_recorded_as_such(worker: str, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    with gunicorn("tests.apps.conformance:recorded()", tmp_path, worker, **recording(spool)) as (port, _):
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.sendall(request("GET /endless"))
            connection.recv(1000)
        time.sleep(0.2)
        answer(port, request("GET /plain"))
    hung_up = [made for made in read(spool)[0] if made.request.target == "/endless"]
    assert [made.outcome for made in hung_up] == [Outcome.DISCONNECTED]


def test_a_file_size_limit_costs_the_recording_and_not_the_application(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    sent_to_both = [sent for sent in REQUESTS if b"/file" not in sent]  # the application may write none either
    with gunicorn("tests.apps.conformance:bare", tmp_path, "sync") as (port, _):
        bare = [answer(port, sent) for sent in sent_to_both]
    settings = recording(spool)
    del settings["UNDERSTUDY_RAISE"]
    app = "tests.apps.limited:recorded()"
    with gunicorn(app, tmp_path, "sync", **settings) as (port, _):
        assert [answer(port, sent) for sent in sent_to_both] == bare
    exchanges, reports = read(spool)
    seen = sum(count.seen for report in reports for count in report.counts)
    dropped = sum(count.dropped for report in reports for count in report.counts)
    assert dropped > 0
    assert seen == len(sent_to_both) + 1 == len(exchanges) + dropped
