"""One POST: bounded in time and size, and no redirect is followed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from replayer.alerts.http import DEFAULT_AFTER, MAX_AFTER, MAX_ANSWER, Poster, Reply


@contextmanager
def answering(*pieces: bytes, then: threading.Event | None = None) -> Iterator[str]:
    """A server that answers one request with these bytes, and then waits for an event before it closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                got = b""
                while not got.endswith(b"{}"):  # who closes with something unread resets the connection
                    got += connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                if then is not None:
                    then.wait()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook/secret"
        if then is not None:
            then.set()
        thread.join(10)


def replied(*pieces: bytes) -> Reply:
    with answering(*pieces) as url:
        poster = Poster(5.0)
        reply = poster.post(url, b"{}", {})
        poster.close()
    return reply


def head(status: int, *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} x", "Connection: close", *fields, "", ""]).encode()


@pytest.mark.parametrize(
    ("status", "field", "least", "most"),
    [
        (429, "Retry-After: 7", 7.0, 7.0),
        (429, "Retry-After: 0", 0.0, 0.0),
        (429, "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", 0.0, 0.0),
        (429, "Retry-After: soon", DEFAULT_AFTER, DEFAULT_AFTER),
        (429, "Retry-After: -5", DEFAULT_AFTER, DEFAULT_AFTER),
        (429, "X: y", DEFAULT_AFTER, DEFAULT_AFTER),
        (429, f"Retry-After: {10**30}", MAX_AFTER, MAX_AFTER),
    ],
)
def test_the_pause_that_is_asked_for(status: int, field: str, least: float, most: float) -> None:
    after = replied(head(status, field)).after
    assert after is not None
    assert least <= after <= most


def test_a_pause_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=900), usegmt=True)
    after = replied(head(503, f"Retry-After: {later}")).after
    assert after is not None
    assert 800.0 < after <= 900.0


def test_without_a_pause_there_is_none() -> None:
    assert replied(head(500)) == Reply(500)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    assert replied(head(307, "Location: http://127.0.0.1:1/")).status == 307


def test_a_long_answer_is_cut() -> None:
    reply = replied(head(200), b"x" * (MAX_ANSWER * 3))
    assert (reply.status, len(reply.body)) == (200, MAX_ANSWER)


def test_an_answer_that_does_not_end_is_given_up() -> None:
    with answering(head(200, "Content-Length: 9"), b"x", then=threading.Event()) as url:
        assert Poster(0.2).post(url, b"{}", {}) == Reply(failure="no answer within 0.2 s")


def test_what_fails_is_told_without_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/secret", "http://[/secret", "http://127.0.0.1:99999/secret"):
        reply = Poster(5.0).post(url, b"{}", {})
        assert reply.failure.startswith("the connection failed (")
        assert "secret" not in reply.failure
    assert replied(b"no HTTP at all\r\n\r\n").failure == "the connection failed (RemoteProtocolError)"
