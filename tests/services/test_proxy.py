"""The proxy that other tests rely on, before a server that answers every line with the same line."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from .proxy import Proxy


class Echo(socketserver.ThreadingTCPServer):
    """Keeps all that it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got = b""
        super().__init__(("127.0.0.1", 0), _Lines)

    def wait_for(self, data: bytes) -> None:
        """Until it has been sent this much: each connection has a thread, and any of them may be late."""
        deadline = time.monotonic() + 10
        while self.got != data and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.got == data


class _Lines(socketserver.StreamRequestHandler):
    server: Echo

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := self.connection.recv(65536):
                self.server.got += data
                if data.endswith(b"\n"):
                    self.connection.sendall(data)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    host, port = echo.server_address[:2]
    with Proxy((str(host), port)) as made:
        yield made


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(proxy.address, 5)


def test_what_is_sent_arrives_and_what_is_answered_comes_back(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        sent = bytes(300_000) + b"\n"
        client.sendall(sent)
        got = b""
        while len(got) < 1:
            got += client.recv(65536)
        client.shutdown(socket.SHUT_WR)
        while piece := client.recv(65536):
            got += piece
    assert echo.got == sent
    assert sent.endswith(got)
    assert proxy.accepted == 1


def test_an_answer_is_delayed(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.delay_replies = 0.3
        begun = time.monotonic()
        client.sendall(b"a\n")
        assert client.recv(10) == b"a\n"
        assert time.monotonic() - begun >= 0.3


def test_a_request_is_delayed(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        proxy.delay_requests = 0.3
        begun = time.monotonic()
        client.sendall(b"a\n")
        assert client.recv(10) == b"a\n"
        assert time.monotonic() - begun >= 0.3


def test_a_black_hole_keeps_what_was_sent_until_it_is_healed(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        client.sendall(b"a\n")
        assert client.recv(10) == b"a\n"
        proxy.black_hole = True
        client.sendall(b"b\n")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(10)
        assert echo.got == b"a\n"
        with connect(proxy) as later:
            later.settimeout(0.1)
            later.sendall(b"c\n")
            with pytest.raises(TimeoutError):
                later.recv(10)
        proxy.heal()
        client.settimeout(5)
        assert client.recv(10) == b"b\n"


def test_connections_are_cut(proxy: Proxy) -> None:
    with connect(proxy) as one, connect(proxy) as other:
        for client in (one, other):
            client.sendall(b"a\n")
            assert client.recv(10) == b"a\n"
        proxy.cut()
        for client in (one, other):
            with pytest.raises(ConnectionResetError):
                client.recv(10)
    with connect(proxy) as client:
        client.sendall(b"b\n")
        assert client.recv(10) == b"b\n"


def test_a_cut_in_the_middle_of_a_request(proxy: Proxy, echo: Echo) -> None:
    proxy.cut_after = 4
    with connect(proxy) as client:
        client.sendall(b"ab\n")
        assert client.recv(10) == b"ab\n"
        client.sendall(b"cd\n")
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    echo.wait_for(b"ab\nc")
    with connect(proxy) as client:
        client.sendall(b"e\n")
        assert client.recv(10) == b"e\n"
    assert echo.got == b"ab\nce\n"


def test_an_answer_is_lost_after_the_server_was_asked(proxy: Proxy, echo: Echo) -> None:
    proxy.cut_replies = True
    with connect(proxy) as client:
        client.sendall(b"a\n")
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    assert echo.got == b"a\n"
    with connect(proxy) as client:
        client.sendall(b"b\n")
        assert client.recv(10) == b"b\n"


def test_connections_are_refused_until_it_listens_again(proxy: Proxy) -> None:
    port = proxy.port
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.listen()
    assert proxy.port == port
    with connect(proxy) as client:
        client.sendall(b"a\n")
        assert client.recv(10) == b"a\n"


def test_a_server_that_is_not_there_is_a_connection_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    with Proxy(address) as proxy, pytest.raises(ConnectionResetError), connect(proxy) as client:
        client.recv(10)
