"""Serves one WSGI application on a loopback port, for replays: a child process of the target's own interpreter.

    wsgi_child.py DESCRIPTOR module:callable_or_factory ROUTE_MAP

DESCRIPTOR is an inherited socket on which one line of JSON reports `{"port": n, "routes": [[method, template]…] or
null}` or `{"error": "sentence"}`. ROUTE_MAP is the path of `recorder/route_map.py`, which knows who lists routes. With
`UNDERSTUDY_WSGI_SERIAL=1` in the environment requests are answered one at a time.

Made for fidelity, not for load: every connection has a thread, the environ is laid out as gunicorn's (duplicate
fields are joined by a comma, fields with an underscore in their name are dropped, the raw target is `RAW_URI`, and
`X-Forwarded-Proto` from the loopback sets the scheme), and bodies are read whole before the application is called.
"""

from __future__ import annotations

# ruff: noqa: E402  this file's folder must leave sys.path before anything is looked for there
import os
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = ["", *(folder for folder in sys.path if folder != _HERE)]  # as with `python -m`

import importlib
import inspect
import io
import json
import re
import runpy
import socket
import threading
import traceback
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

MAX_HEAD = 1024 * 1024
MAX_BODY = 256 * 1024 * 1024
SECURE_FIELDS = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_PROTOCOL": "ssl", "HTTP_X_FORWARDED_SSL": "on"}
FACTORY_NAME = re.compile(r"(create|make|build|get)(_|$)|.*_factory$")
FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")


class Unloadable(Exception):
    """The application cannot be had; the message is one sentence."""


class BadRequest(Exception):
    """What came is no request that may be answered otherwise than by this status."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


# Finding the application


def load(spec: str) -> Callable[..., Iterable[bytes]]:
    """The WSGI callable that `module:attribute` names, or that the factory there makes. Raises Unloadable."""
    module_name, _, attribute = spec.partition(":")
    called = attribute.endswith("()")
    names = attribute[:-2].split(".") if called else attribute.split(".")
    try:
        found: Any = importlib.import_module(module_name)
        for name in names:
            found = getattr(found, name)
        if called or is_factory(found, names[-1]):
            found = found()
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        last = traceback.format_exception_only(type(error), error)[-1].strip()
        raise Unloadable(f"{spec} cannot be loaded: {last}") from error
    if not callable(found):
        raise Unloadable(f"{spec} is no WSGI callable, nor a factory of one: it is a {type(found).__name__}")
    if not takes(found, 2) and takes(found, 3):
        raise Unloadable(f"{spec} takes three arguments: an ASGI application? Only WSGI can be run here; use `start`")
    return found  # type: ignore[no-any-return]


def takes(function: Any, count: int) -> bool:
    """Whether it can be called with that many positional arguments; True when nobody knows."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        return count == 2
    return True


def is_factory(found: Any, name: str) -> bool:
    """Whether to call it to get the application: a WSGI application cannot be called without arguments."""
    if not callable(found) or not takes(found, 0):
        return False
    # `def wrapper(*args)` takes anything: then the name decides.
    return not takes(found, 40) or FACTORY_NAME.match(name) is not None


# Reading a request


def read_head(stream: BinaryIO) -> list[bytes]:
    """The lines of a request's head; empty when the connection was closed between two requests."""
    lines: list[bytes] = []
    size = 0
    while True:
        line = stream.readline(MAX_HEAD)
        size += len(line)
        if not line.endswith(b"\n"):
            if not line and not lines:
                return []
            raise BadRequest("431 Request Header Fields Too Large" if size >= MAX_HEAD else "400 Bad Request")
        if size > MAX_HEAD:
            raise BadRequest("431 Request Header Fields Too Large")
        line = line.rstrip(b"\r\n")
        if line:
            lines.append(line)
        elif lines:
            return lines


def parse_head(lines: list[bytes]) -> tuple[str, str, str, list[tuple[str, str]]]:
    """Method, target, protocol and fields. Raises BadRequest."""
    text = [line.decode("latin-1") for line in lines]
    method, _, rest = text[0].partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if not method or not target or protocol not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("400 Bad Request")
    fields = []
    for line in text[1:]:
        name, colon, value = line.partition(":")
        if not colon or not FIELD_NAME.match(name):
            raise BadRequest("400 Bad Request")
        fields.append((name, value.strip(" \t")))
    return method, target, protocol, fields


def read_body(stream: BinaryIO, environ: dict[str, Any]) -> bytes:
    """The whole body, without chunk framing. Raises BadRequest."""
    coding = environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if coding.rpartition(",")[2].strip() == "chunked":
        environ.pop("CONTENT_LENGTH", None)
        return read_chunks(stream)
    length = environ.get("CONTENT_LENGTH", "0") or "0"
    if not (length.isascii() and length.isdigit()):
        raise BadRequest("400 Bad Request")
    if int(length) > MAX_BODY:
        raise BadRequest("413 Content Too Large")
    data = stream.read(int(length))
    if len(data) < int(length):
        raise BadRequest("400 Bad Request")
    return data


def read_chunks(stream: BinaryIO) -> bytes:
    """A chunked body; extensions and trailers are read over."""
    chunks: list[bytes] = []
    total = 0
    while True:
        line = stream.readline(65536)
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise BadRequest("400 Bad Request") from None
        total += size
        if size < 0 or total > MAX_BODY:
            raise BadRequest("413 Content Too Large")
        if size == 0:
            while stream.readline(65536) not in (b"\r\n", b"\n", b""):
                pass
            return b"".join(chunks)
        chunk = stream.read(size)
        if len(chunk) < size or not stream.readline(3).endswith(b"\n"):
            raise BadRequest("400 Bad Request")
        chunks.append(chunk)


def make_environ(
    method: str, target: str, protocol: str, fields: list[tuple[str, str]], peer: tuple[str, int], own: tuple[str, int]
) -> dict[str, Any]:
    """The environ of a request, without its body."""
    path, _, query = target.partition("#")[0].partition("?")
    if not path.startswith("/") and "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_PROTOCOL": protocol,
        "SERVER_SOFTWARE": "understudy",
        "SERVER_NAME": own[0],
        "SERVER_PORT": str(own[1]),
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in fields:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if any(environ.get(key, "").lower() == value for key, value in SECURE_FIELDS.items()):
        environ["wsgi.url_scheme"] = "https"
    return environ


# Answering it


class Response:
    """What one call of the application sends; framing is decided when the first bytes are known."""

    def __init__(self, stream: BinaryIO, environ: dict[str, Any], keep: bool) -> None:
        self._stream = stream
        self._modern = environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        self._method = environ["REQUEST_METHOD"]
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._left: int | None = None  # bytes that the declared length still allows
        self._chunked = False
        self._bodiless = False
        self.keep = keep
        self.head_sent = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status:
            raise AssertionError("start_response was called twice without exc_info")
        if not re.match(r"[1-9][0-9]{2}( |$)", status) or any(
            not FIELD_NAME.match(name) or re.search(r"[\r\n\0]", value) for name, value in headers
        ):
            raise ValueError(f"the status or a field of the response is not valid: {status!r} {headers!r}")
        self._status, self._headers = status, list(headers)
        return self.write

    def write(self, data: bytes) -> None:
        if not self._status:
            raise AssertionError("the body came before start_response")
        if not self.head_sent:
            self._send_head()
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        if not data or self._bodiless:
            return
        self._stream.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        self._stream.flush()

    def finish(self) -> None:
        self.write(b"")
        if self._chunked:
            self._stream.write(b"0\r\n\r\n")
        if self._left and not self._bodiless:
            self.keep = False  # fewer bytes than declared: only a closed connection says so
        self._stream.flush()

    def _send_head(self) -> None:
        self.head_sent = True
        names = {name.lower(): value for name, value in self._headers}
        code = int(self._status[:3])
        self._bodiless = self._method == "HEAD" or code < 200 or code in (204, 304)
        length = names.get("content-length", "")
        if length.isdigit():
            self._left = int(length)
        elif not self._bodiless:
            self._chunked = self._modern
            self.keep = self.keep and self._modern
        headers = [(name, value) for name, value in self._headers if name.lower() not in ("connection", "keep-alive")]
        if "date" not in names:
            headers.append(("Date", formatdate(usegmt=True)))
        if self._chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        headers.append(("Connection", "keep-alive" if self.keep else "close"))
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in headers)]
        self._stream.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")


class Server:
    """One application, one listening socket, a thread for every connection."""

    def __init__(self, application: Callable[..., Iterable[bytes]], serial: bool) -> None:
        self._application = application
        self._serial = threading.Lock() if serial else None
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        """Accept until the process is ended."""
        while True:
            connection, peer = self._socket.accept()
            threading.Thread(target=self._converse, args=(connection, peer), daemon=True).start()

    def _converse(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader, connection.makefile("wb") as writer:
            try:
                while self._exchange(reader, writer, peer):
                    pass
            except BadRequest as refusal:
                body = refusal.status.encode()
                head = f"HTTP/1.1 {refusal.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + body)
            except (ConnectionError, TimeoutError):
                return

    def _exchange(self, reader: BinaryIO, writer: BinaryIO, peer: tuple[str, int]) -> bool:
        """Answer one request; whether another may follow on the connection."""
        lines = read_head(reader)
        if not lines:
            return False
        method, target, protocol, fields = parse_head(lines)
        environ = make_environ(method, target, protocol, fields, peer, ("127.0.0.1", self.port))
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            writer.flush()
        environ["wsgi.input"] = io.BytesIO(read_body(reader, environ))
        environ["wsgi.multithread"] = self._serial is None
        wanted = environ.get("HTTP_CONNECTION", "").lower()
        keep = "close" not in wanted and (protocol == "HTTP/1.1" or "keep-alive" in wanted)
        response = Response(writer, environ, keep)
        if self._serial is None:
            return self._call(environ, response)
        with self._serial:
            return self._call(environ, response)

    def _call(self, environ: dict[str, Any], response: Response) -> bool:
        try:
            body = self._application(environ, response.start)
            try:
                for chunk in body:
                    if chunk:
                        response.write(chunk)
                response.finish()
            finally:
                close = getattr(body, "close", None)
                if close is not None:
                    close()
        except ConnectionError:
            return False
        except (Exception, SystemExit):
            traceback.print_exc()
            if response.head_sent:
                return False  # the client sees that the body is not whole
            failure = Response(response._stream, environ, response.keep)
            failure.start("500 Internal Server Error", [("Content-Type", "text/plain"), ("Content-Length", "21")])
            failure.write(b"Internal Server Error")
            failure.finish()
            return failure.keep
        return response.keep


def routes_of(application: Any, route_map: str) -> Any:
    """The application's routes; None when they can not be had, which is no reason not to serve it."""
    try:
        return runpy.run_path(route_map)["routes_of"](application)
    except Exception:
        traceback.print_exc()
        return None


def main(descriptor: int, spec: str, route_map: str) -> int:
    """Load, report, serve."""
    with socket.socket(fileno=descriptor) as report:
        try:
            application = load(spec)
        except Unloadable as error:
            report.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
            return 1
        server = Server(application, os.environ.get("UNDERSTUDY_WSGI_SERIAL") == "1")
        told = {"port": server.port, "routes": routes_of(application, route_map)}
        report.sendall(json.dumps(told).encode() + b"\n")
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
