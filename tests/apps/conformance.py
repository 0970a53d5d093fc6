"""A WSGI application with one path for every way of answering that PEP 3333 allows, and some that it does not."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from recorder import RecorderMiddleware

StartResponse = Callable[..., Callable[[bytes], object]]
Environ = dict[str, Any]

TEXT = [("Content-Type", "text/plain")]
FILE_SIZE = 300_000


class Closing:
    """An iterable that says in a header-less way that it was closed: by a line on standard error."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        sys.stderr.write("closed\n")


def plain(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [*TEXT, ("Content-Length", "5"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [b"hello"]


def unsized(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", list(TEXT))
    return [b"hello"]


def generator(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 Fine", list(TEXT))
    for number in range(5):
        yield b"piece %d\n" % number


def late(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    yield from ()
    start("201 Created", list(TEXT))
    yield b""
    yield b"late"


def writes(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    write = start("200 OK", list(TEXT))
    write(b"written ")
    write(b"twice ")
    return [b"and returned"]


def repeated(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", list(TEXT))
    try:
        raise ValueError("found out before anything was sent")
    except ValueError:
        start("500 Oops", [*TEXT, ("X-Second", "1")], sys.exc_info())
    return [b"oops"]


def raises(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    raise RuntimeError("before the response was started")


def raises_later(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", list(TEXT))
    yield b"first"
    raise RuntimeError("while the body was sent")


def closing(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", list(TEXT))
    return Closing([b"one", b"two"])


def no_content(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("204 No Content", [])
    return []


def not_modified(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("304 Not Modified", [("ETag", '"abc"')])
    return []


def file(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    opened = tempfile.TemporaryFile()  # noqa: SIM115  # the server closes it
    opened.write(bytes(range(250)) * (FILE_SIZE // 250))
    opened.seek(1000)
    start("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(FILE_SIZE - 1000))])
    wrapper = environ["wsgi.file_wrapper"]
    return wrapper(opened, 8192)  # type: ignore[no-any-return]


def echo(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    stream = environ["wsgi.input"]
    if environ.get("HTTP_TRANSFER_ENCODING") or environ.get("wsgi.input_terminated"):
        body = b"".join(iter(lambda: stream.read(7), b""))
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    start("200 OK", [*TEXT, ("Content-Length", str(len(body)))])
    return [body]


def lines(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    stream = environ["wsgi.input"]
    first = stream.readline()
    rest = list(stream)
    start("200 OK", list(TEXT))
    return [first, b"|", b"|".join(rest)]


def unread(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("401 Unauthorized", list(TEXT))
    return [b"no"]


def large(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", list(TEXT))
    return (b"x" * 10_000 for _ in range(200))


def endless(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", list(TEXT))
    return (b"x" * 65_536 for _ in range(4_000))


def where(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    environ["understudy.route"] = "/where/<path>"
    environ["understudy.endpoint"] = "where"
    environ["understudy.principal"] = "ada"
    start("200 OK", list(TEXT))
    return [repr((environ["PATH_INFO"], environ["QUERY_STRING"])).encode("latin-1")]


def worker(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", list(TEXT))
    return [str(os.getpid()).encode()]


PATHS: dict[str, Callable[[Environ, StartResponse], Iterable[bytes]]] = {
    "/plain": plain,
    "/unsized": unsized,
    "/generator": generator,
    "/late": late,
    "/writes": writes,
    "/repeated": repeated,
    "/raises": raises,
    "/raises_later": raises_later,
    "/closing": closing,
    "/no_content": no_content,
    "/not_modified": not_modified,
    "/file": file,
    "/echo": echo,
    "/lines": lines,
    "/unread": unread,
    "/large": large,
    "/worker": worker,
    "/endless": endless,
}


def bare(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return PATHS.get(environ["PATH_INFO"], where)(environ, start_response)


def recorded() -> RecorderMiddleware:
    return RecorderMiddleware(bare)
