"""A TCP proxy that misbehaves on demand: it delays, cuts, refuses and swallows what goes through it.

It knows nothing of what it carries, so that it stands before Redis, PostgreSQL and HTTP alike. All of its switches may
be set at any time, from any thread, and hold for the connections that are there, too.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
_PIECE = 64 * 1024  # bytes

Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""


class Proxy:
    """Forwards connections to `upstream` from a port of 127.0.0.1. A context manager.

    delay_replies   seconds that each piece of an answer is held back: with 1.0 every command takes a second
    delay_requests  the same for what goes to the server
    black_hole      connections are accepted, and what is sent into them is neither forwarded nor answered
    cut_after       bytes that still go to the server, from all connections together; then the connection that sent
                    the last one is reset, in the middle of a command. None: no such cut
    cut_replies     the next answer is not forwarded: its connection is reset instead, after the server did what it was
                    asked to do. Goes back to False
    """

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.delay_replies = 0.0
        self.delay_requests = 0.0
        self.black_hole = False
        self.cut_after: int | None = None
        self.cut_replies = False
        self.accepted = 0
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.listen()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def listen(self) -> None:
        """Take connections, on the port that it had before, if any."""
        if self._listener is None:
            self._listener = socket.create_server(self.address, backlog=128)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Take no more connections: they are refused, as when nothing listens there. Those that are there stay."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()

    def cut(self) -> None:
        """Reset all connections that there are."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.reset()

    def heal(self) -> None:
        """Everything as it was in the beginning, for new connections and for those that are left."""
        self.delay_replies = self.delay_requests = 0.0
        self.black_hole = False
        self.cut_after = None
        self.cut_replies = False
        self.listen()

    def close(self) -> None:
        self.refuse()
        self.cut()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            self.accepted += 1
            connection = _Connection(self, client)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def _forget(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _take(self, size: int) -> int | None:
        """How many of these bytes may go to the server before the cut; None: all, and no cut."""
        with self._lock:
            if self.cut_after is None:
                return None
            allowed = min(size, self.cut_after)
            self.cut_after -= allowed
            if self.cut_after:
                return None
            self.cut_after = None
            return allowed

    def _cuts_this_reply(self) -> bool:
        with self._lock:
            cuts, self.cut_replies = self.cut_replies, False
            return cuts


class _Connection:
    """One client's, and the one to the server that is made for it."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server: socket.socket | None = None
        self._gone = threading.Event()

    def run(self) -> None:
        try:
            server = self._server = _connected(self._proxy.upstream)
        except OSError:
            self.reset()
            return
        threading.Thread(target=self._pump, args=(server, self._client, self._reply), daemon=True).start()
        self._pump(self._client, server, self._request)

    def reset(self) -> None:
        """Ends both sides with RST, in the middle of whatever they say."""
        self._gone.set()
        self._proxy._forget(self)
        for one in (self._client, self._server):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                with contextlib.suppress(OSError):
                    # Linux sends RST only when the last reference is closed: a thread that waits in recv holds one.
                    one.shutdown(socket.SHUT_RD)
                one.close()

    def _pump(self, source: socket.socket, sink: socket.socket, passes: Callable[[bytes], bytes | None]) -> None:
        """Forwards pieces one way until one side ends; what `passes` gives None for ends both with RST."""
        try:
            while piece := source.recv(_PIECE):
                allowed = passes(piece)
                if allowed is None:
                    self.reset()
                    return
                sink.sendall(allowed)
            if self._waited(0):  # else the end was made here, and the other side is to see RST alone
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset()

    def _request(self, piece: bytes) -> bytes | None:
        if not self._waited(self._proxy.delay_requests):
            return None
        allowed = self._proxy._take(len(piece))
        if allowed is None:
            return piece
        if self._server is not None:
            with contextlib.suppress(OSError):
                self._server.sendall(piece[:allowed])
        return None

    def _reply(self, piece: bytes) -> bytes | None:
        if not self._waited(self._proxy.delay_replies) or self._proxy._cuts_this_reply():
            return None
        return piece

    def _waited(self, seconds: float) -> bool:
        """Holds a piece back as long as it is to be; False when the connection is gone meanwhile."""
        if self._gone.wait(seconds):
            return False
        while self._proxy.black_hole:
            if self._gone.wait(0.01):
                return False
        return True


def _connected(address: Address) -> socket.socket:
    if isinstance(address, str):
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made
    return socket.create_connection(address, 10)
