"""Commands that bash and curl really run: what arrives is what was recorded, byte for byte."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.exchange import Body, BodyState, RecordedRequest
from replayer.errors import UsageError
from replayer.formats.curl import LONGEST_ARGUMENT, to_curl

pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs bash and curl")

HOST = ("Host", "shop.example:8000")
HOSTILE = "$(touch /tmp/never) `id` \\ ' \" !! ; & | < > * ? [a-z] {b,c} ~ # %41 é"


class Wire:
    """A server that keeps the bytes of each request, and answers 204."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.received = b""
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                head, _, body = data.partition(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                while len(body) < length:
                    body += connection.recv(65536)
                self.received = head + b"\r\n\r\n" + body
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    server = Wire()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    server.thread.join(10)


def sent(wire: Wire, request: RecordedRequest, folder: Path | None = None) -> tuple[bytes, list[bytes], bytes]:
    """Request line, header fields but Host, body: as they arrived. The command runs in an empty environment."""
    command = to_curl(request).replace("http://shop.example:8000", wire.url)
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    script = command.replace("curl ", "curl -s -S --max-time 20 --noproxy '*' ", 1)
    done = subprocess.run(
        ["bash"], input=script.encode(), capture_output=True, timeout=60, check=False, cwd=folder, env=environ
    )
    assert (done.returncode, done.stderr) == (0, b""), command
    head, _, body = wire.received.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    return line, [each for each in fields if not each.lower().startswith(b"host:")], body


def expected(request: RecordedRequest) -> tuple[bytes, list[bytes], bytes]:
    fields = [f"{name}: {value}".encode("latin-1") for name, value in request.headers if name != "Host"]
    line = f"{request.method} {request.target} {request.protocol}".encode("latin-1")
    return line, fields, request.body.data


def unordered(found: tuple[bytes, list[bytes], bytes]) -> tuple[bytes, list[bytes], bytes]:
    """Without Content-Length, which curl writes where it likes, and empty values in one spelling."""
    line, fields, body = found
    kept = [each.rstrip() for each in fields if not each.lower().startswith(b"content-length:")]
    return line, kept, body


NAMES = st.from_regex(r"X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40).map(
    lambda text: text.strip(" \t")
)
TARGETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)
BODIES = st.one_of(st.just(b""), st.binary(max_size=200), VALUES.map(lambda text: text.encode("utf-8")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"]),
    target=TARGETS,
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=4, unique_by=lambda pair: pair[0].lower()),
    body=BODIES,
)
def test_what_curl_sends_is_what_was_recorded(
    wire: Wire, method: str, target: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    fields = (HOST, *headers, *((("Content-Type", "application/octet-stream"),) if body else ()))
    request = RecordedRequest(method, "/" + target, fields, Body.of(body))
    assert unordered(sent(wire, request)) == unordered(expected(request))


@pytest.mark.parametrize(
    "body",
    [
        b"@/etc/passwd",
        b"\0\1\2\xff",
        HOSTILE.encode(),
        b"\n\r\n",
        b"END\nEND\n\0",
        b"x" * (LONGEST_ARGUMENT + 1),
        b"'" * 9,
    ],
    ids=range(7),
)
def test_no_body_is_taken_for_a_file_or_a_command(wire: Wire, tmp_path: Path, body: bytes) -> None:
    headers = (HOST, ("User-Agent", "app/1"), ("Accept", "*/*"), ("X-Odd", HOSTILE), ("X-File", "@/etc/passwd"))
    request = RecordedRequest(
        "POST", "/a/../b?q=[1-3]&x={a,b}", (*headers, ("Content-Type", "text/plain")), Body.of(body)
    )
    assert unordered(sent(wire, request, tmp_path)) == unordered(expected(request))
    assert list(tmp_path.iterdir()) == []


def test_what_curl_adds_by_itself_is_taken_out(wire: Wire) -> None:
    request = RecordedRequest("POST", "/", (HOST,), Body.of(b"x" * 2_000_000))
    line, fields, _ = sent(wire, request)
    assert (line, fields) == (b"POST / HTTP/1.1", [b"Content-Length: 2000000"])
    head = RecordedRequest("HEAD", "*", (HOST, ("X-Empty", "")), Body(), protocol="HTTP/1.0")
    assert unordered(sent(wire, head)) == (b"HEAD * HTTP/1.0", [b"X-Empty:"], b"")


def test_a_plain_request_is_a_plain_command() -> None:
    headers = (HOST, ("User-Agent", "app/1"), ("Accept", "*/*"), ("Content-Type", "application/json"))
    request = RecordedRequest("POST", "/api/orders?page=2", headers, Body.of(b'{"name": "O\'Neil"}'))
    assert to_curl(request) == (
        "curl --globoff --path-as-is --http1.1 'http://shop.example:8000/api/orders?page=2'"
        " -H 'Host: shop.example:8000' -H 'User-Agent: app/1' -H 'Accept: */*' -H 'Content-Type: application/json'"
        " -H Expect: --data-raw '{\"name\": \"O'\\''Neil\"}'"
    )
    elsewhere = to_curl(request, "http://localhost:1/")
    assert "'http://localhost:1/api/orders?page=2'" in elsewhere
    assert "Host:" not in elsewhere


def test_what_can_not_be_sent_is_refused() -> None:
    with pytest.raises(UsageError, match="does not hold the whole request body: it is cut"):
        to_curl(RecordedRequest("POST", "/", (HOST,), Body(b"x", 9, BodyState.TRUNCATED)))
    with pytest.raises(UsageError, match="names no host"):
        to_curl(RecordedRequest("GET", "/", ()))
