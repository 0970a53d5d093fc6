"""What was recorded is what is sent: on the wire, and in what the target's application sees."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from recorder.exchange import Body, Exchange, ProducerReport, RecordedRequest
from recorder.spool import read_spool
from replayer.client import Client, Reply
from replayer.target_settings import TargetSettings
from replayer.targets import open_instance

from .awkward_requests import AWKWARD, Awkward
from .scripted_server import Peer, answering, read_body, serving

OURS = (("Understudy-Replay", "run.1700000000.abc"),)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
HERE = str(Path(__file__).parent)
SERVERS = {
    "gunicorn": TargetSettings(
        "gunicorn",
        start=(
            *("gunicorn", "-b", "127.0.0.1:{port}", "--threads", "4", "--log-level", "critical"),
            *("--limit-request-line", "8190", "environ_app:app"),
        ),
        cwd=HERE,
    ),
    "wsgi child": TargetSettings("child", wsgi="environ_app:app", cwd=HERE),
}
# What differs between any two deploys, and what belongs to the recorded connection.
NOT_COMPARED = {
    *("HTTP_HOST", "SERVER_PORT", "REMOTE_PORT", "HTTP_UNDERSTUDY_REPLAY"),
    *("HTTP_CONNECTION", "HTTP_KEEP_ALIVE", "HTTP_TE", "HTTP_PROXY_CONNECTION", "HTTP_UPGRADE", "HTTP_HTTP2_SETTINGS"),
}


def replay(*requests: RecordedRequest, prefix: str = "") -> tuple[Peer, list[Reply]]:
    """Send each to a server that only captures."""
    peer = Peer()

    async def main() -> list[Reply]:
        async with (
            serving(peer, answering(peer, b"HTTP/1.1 100 Continue\r\n\r\n" + OK)),
            Client(peer.base_url + prefix, extra_headers=OURS) as client,
        ):
            return [await client.send(request) for request in requests]

    return peer, asyncio.run(main())


def test_the_wire_carries_what_was_recorded() -> None:
    requests = [awkward for awkward in AWKWARD if "Expect" not in str(awkward.fields)]
    peer, replies = replay(*(awkward.recorded() for awkward in requests))
    authority = f"127.0.0.1:{peer.port}"
    assert [reply.detail for reply in replies] == [""] * len(requests)
    for awkward, sent in zip(requests, peer.requests, strict=True):
        assert sent == awkward.replayed(authority, "Understudy-Replay: run.1700000000.abc"), awkward.name
    assert peer.connections == 1


def test_an_expectation_is_sent_as_it_was_recorded() -> None:
    (awkward,) = [awkward for awkward in AWKWARD if "Expect" in str(awkward.fields)]
    peer = Peer()

    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            peer.requests.append(head + await reader.readexactly(3))
            writer.write(OK)

        async with serving(peer, script), Client(peer.base_url, extra_headers=OURS) as client:
            assert (await client.send(awkward.recorded())).failure is None

    asyncio.run(main())
    assert peer.requests == [awkward.replayed(f"127.0.0.1:{peer.port}", "Understudy-Replay: run.1700000000.abc")]


@pytest.mark.parametrize(
    ("target", "arrives"),
    [
        ("/a%2f?b", "/v2/a%2f?b"),
        ("//a", "/v2//a"),
        ("*", "*"),
        ("", "/v2/"),
        ("http://shop.example", "http://{authority}/v2"),
        ("HTTPS://user@shop.example:8443?x", "http://{authority}/v2?x"),
        ("shop.example:443", "shop.example:443"),
    ],
)
def test_the_path_of_the_base_url_goes_in_front(target: str, arrives: str) -> None:
    peer, _ = replay(RecordedRequest("GET", target, (("Host", "x"),)), prefix="/v2/")
    assert peer.requests[0].split(b" ")[1].decode() == arrives.format(authority=f"127.0.0.1:{peer.port}")


def test_what_changes_when_the_body_was_rewritten() -> None:
    fields = (("Host", "x"), ("content-length", "3"), ("A", "b"))
    peer, _ = replay(RecordedRequest("POST", "/", fields, Body.of(b"four")))
    host = f"Host: 127.0.0.1:{peer.port}\r\n".encode()
    ours = b"Understudy-Replay: run.1700000000.abc\r\n\r\n"
    assert peer.requests == [b"POST / HTTP/1.1\r\n" + host + b"content-length: 4\r\nA: b\r\n" + ours + b"four"]


def test_a_length_that_is_right_stays_as_it_was_written() -> None:
    peer, _ = replay(RecordedRequest("POST", "/", (("Content-Length", " 003"),), Body.of(b"abc")))
    assert b"Content-Length:  003\r\n" in peer.requests[0]


def test_chunks_win_over_a_length_beside_them() -> None:
    fields = (("Host", "x"), ("Content-Length", "3"), ("Transfer-Encoding", "chunked"))
    peer, _ = replay(RecordedRequest("POST", "/", fields, Body.of(b"abc")))
    host = f"Host: 127.0.0.1:{peer.port}\r\n".encode()
    ours = b"Transfer-Encoding: chunked\r\nUnderstudy-Replay: run.1700000000.abc\r\n\r\n"
    assert peer.requests == [b"POST / HTTP/1.1\r\n" + host + ours + b"3\r\nabc\r\n0\r\n\r\n"]


def test_what_is_added_when_the_recording_lacks_it() -> None:
    peer, _ = replay(RecordedRequest("POST", "/", (("A", "b"),), Body.of(b"four"), protocol="HTTP/1.0"))
    host = f"Host: 127.0.0.1:{peer.port}\r\n".encode()
    ours = b"Content-Length: 4\r\nUnderstudy-Replay: run.1700000000.abc\r\n\r\n"
    assert peer.requests == [b"POST / HTTP/1.1\r\n" + host + b"A: b\r\n" + ours + b"four"]


def test_our_field_takes_the_place_of_one_that_a_client_had_made_up() -> None:
    fields = (("Host", "x"), ("understudy-replay", "forged"))
    peer, _ = replay(RecordedRequest("GET", "/", fields))
    assert re.findall(rb"(?i)understudy-replay: [^\r]*", peer.requests[0]) == [b"Understudy-Replay: run.1700000000.abc"]


@pytest.mark.parametrize(
    "request_",
    [
        RecordedRequest("GET", "/a\r\nX: y", ()),
        RecordedRequest("GET", "/", (("X", "a\nb"),)),
        RecordedRequest("GET", "/", (("X", "a\rb"),)),
        RecordedRequest("GET", "/", (("X", "a\0b"),)),
        RecordedRequest("GET", "/", (("X Y", "a"),)),
        RecordedRequest("GET", "/", (("", "a"),)),
        RecordedRequest("GET /x", "/", ()),
        RecordedRequest("GET", "/\u20ac", ()),
    ],
)
def test_what_would_arrive_as_something_else_is_not_sent(request_: RecordedRequest) -> None:
    peer, (reply,) = replay(request_)
    assert (peer.requests, reply.response) == ([], None)
    assert reply.failure is not None
    assert reply.failure.value == "protocol"


async def _record(port: int, awkward: Awkward) -> dict[str, object]:
    """What the application saw of the raw bytes, as any client would send them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(awkward.raw())
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            head = await reader.readuntil(b"\r\n\r\n")
        body = b"" if awkward.line.startswith("HEAD") else await read_body(head, reader)
    finally:
        writer.close()
        await writer.wait_closed()
    return _seen(body)


def _seen(body: bytes) -> dict[str, object]:
    if not body:
        return {}
    dump = json.loads(body)
    environ = {key: value for key, value in dump["environ"].items() if key not in NOT_COMPARED}
    environ["RAW_URI"] = re.sub(r"//(shop\.example|127\.0\.0\.1:\d+)/", "//HOST/", environ["RAW_URI"])
    return {"environ": environ, "body": dump["body"]}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.e2e
def test_the_target_sees_what_the_recorded_application_saw(server: str) -> None:
    requests = [awkward for awkward in AWKWARD if server != "gunicorn" or not awkward.gunicorn_refuses]

    async def main() -> list[tuple[str, dict[str, object], dict[str, object]]]:
        target = SERVERS[server]
        async with (
            open_instance(target, key=None, label="recorded") as first,
            open_instance(target, key=None, label="replayed") as second,
            Client(second.base_url, extra_headers=OURS) as client,
        ):
            found = []
            for awkward in requests:
                before = await _record(int(first.base_url.rpartition(":")[2]), awkward)
                reply = await client.send(awkward.recorded())
                assert reply.response is not None, (awkward.name, reply.detail)
                assert reply.response.status == 200, (awkward.name, reply.response)
                found.append((awkward.name, before, _seen(reply.response.body.data)))
            return found

    compared = asyncio.run(main())
    for name, before, after in compared:
        assert after == before, name
    assert sum(1 for _, before, _ in compared if before) == len(requests) - 1  # HEAD has no body to tell by


@pytest.mark.e2e
def test_what_the_recorder_kept_gives_the_target_what_the_recorded_application_saw(tmp_path: Path) -> None:
    """The whole way: gunicorn and middleware, spool, replay. WSGI loses the case and order of fields, no more."""
    (tmp_path / "recorded.py").write_text(
        "from environ_app import app\nfrom recorder import RecorderMiddleware\napplication = RecorderMiddleware(app)\n"
    )
    spool = tmp_path / "spool"
    start = SERVERS["gunicorn"].start[:-1]
    env = (
        ("PYTHONPATH", f"{HERE}:{Path(HERE).parents[1]}"),
        ("UNDERSTUDY_SINK", spool.as_uri()),
        ("UNDERSTUDY_KEY", "k" * 64),
    )
    recording = TargetSettings("recorded", start=(*start, "recorded:application"), cwd=str(tmp_path), env=env)
    # Cookies hold secrets: they are replayed as pseudonyms.
    requests = [one for one in AWKWARD if not (one.gunicorn_refuses or one.name in ("cookies", "HEAD"))]

    async def main() -> list[tuple[str, dict[str, object], dict[str, object]]]:
        async with open_instance(recording, key=None, label="recorded") as instance:
            port = int(instance.base_url.rpartition(":")[2])
            before = [await _record(port, awkward) for awkward in requests]
        items = [item for item in read_spool(spool) if not isinstance(item, ProducerReport)]
        kept = sorted((one for one in items if isinstance(one, Exchange)), key=lambda one: one.started)
        assert len(kept) == len(items) == len(requests) + 1  # the first is the question for readiness
        async with (
            open_instance(SERVERS["gunicorn"], key=None, label="replayed") as instance,
            Client(instance.base_url, extra_headers=OURS) as client,
        ):
            found = []
            for awkward, seen, exchange in zip(requests, before, kept[1:], strict=True):
                response = (await client.send(exchange.request)).response
                assert response is not None, awkward.name
                found.append((awkward.name, seen, _seen(response.body.data)))
            return found

    for name, before, after in asyncio.run(main()):
        assert after == before, name


@pytest.mark.e2e
def test_our_wsgi_server_shows_an_application_what_gunicorn_does() -> None:
    """So that a target may be given as `wsgi:` though production runs gunicorn."""
    requests = [awkward for awkward in AWKWARD if not awkward.gunicorn_refuses and awkward.name != "HEAD"]

    async def main() -> list[tuple[str, object, object]]:
        async with (
            open_instance(SERVERS["gunicorn"], key=None, label="gunicorn") as theirs,
            open_instance(SERVERS["wsgi child"], key=None, label="child") as ours,
            Client(theirs.base_url) as their_client,
            Client(ours.base_url) as our_client,
        ):
            found = []
            for awkward in requests:
                seen: list[object] = []
                for client in (their_client, our_client):
                    response = (await client.send(awkward.recorded())).response
                    assert response is not None, awkward.name
                    assert response.status == 200, (awkward.name, response)
                    dump = _seen(response.body.data)
                    assert isinstance(dump["environ"], dict)
                    dump["environ"].pop("SERVER_SOFTWARE")
                    seen.append(dump)
                found.append((awkward.name, seen[0], seen[1]))
            return found

    for name, theirs, ours in asyncio.run(main()):
        assert ours == theirs, name
