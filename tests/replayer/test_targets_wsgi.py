"""`wsgi:` targets: finding the application, and serving it as WSGI wants, with the standard library alone."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import textwrap
from pathlib import Path

import pytest

from recorder.exchange import Body, RecordedRequest, RecordedResponse, header
from replayer.client import Client, FailureKind, Reply
from replayer.errors import InconclusiveError, UsageError
from replayer.target_settings import TargetSettings
from replayer.targets import open_instance

GET = RecordedRequest("GET", "/", (("Host", "x"),))
LOADING = """
    import functools, sys

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "3")])
        return [b"app"]

    def named(text):
        def other(environ, start_response):
            start_response("200 OK", [("Content-Length", str(len(text)))])
            return [text.encode()]
        return other

    def create_app(): return named("create_app")
    def with_defaults(config=None, testing=False, *, debug=True): return named("with_defaults")
    def make_any(*args, **kwargs): return named(f"make_any {args}")
    def wrapper(*args, **kwargs): return app(*args, **kwargs)
    class Namespace:
        application = staticmethod(app)
    class Callable:
        def __call__(self, environ, start_response):
            return named("instance")(environ, start_response)
    class AsIterator:
        def __init__(self, environ, start_response):
            start_response("200 OK", [("Content-Length", "5")])
        def __iter__(self):
            yield b"class"
    instance = Callable()
    text = "text"
    async def asgi(scope, receive, send): pass
    def make_text(): return "text"
    def create_broken(): raise RuntimeError("no database\\nat all")
    def create_exit(): sys.exit("bye")
"""


def served(
    folder: Path, spec: str, *requests: RecordedRequest, source: str = LOADING, **settings: object
) -> list[Reply]:
    """What an application in `folder` answers."""
    (folder / "shop.py").write_text(textwrap.dedent(source))

    async def main() -> list[Reply]:
        target = TargetSettings("candidate", wsgi=spec, cwd=str(folder), **settings)  # type: ignore[arg-type]
        async with (
            open_instance(target, key=None, label="the candidate") as instance,
            Client(instance.base_url, timeout=5.0) as client,
        ):
            return [await client.send(request) for request in requests]

    return asyncio.run(main())


def response(reply: Reply) -> RecordedResponse:
    assert reply.response is not None, reply.detail
    return reply.response


@pytest.mark.parametrize(
    ("attribute", "body"),
    [
        ("app", b"app"),
        ("create_app", b"create_app"),
        ("create_app()", b"create_app"),
        ("with_defaults", b"with_defaults"),
        ("make_any", b"make_any ()"),
        ("wrapper", b"app"),
        ("Namespace.application", b"app"),
        ("Callable", b"instance"),
        ("instance", b"instance"),
        ("AsIterator", b"class"),
    ],
)
def test_callables_and_factories_are_told_apart(tmp_path: Path, attribute: str, body: bytes) -> None:
    assert response(served(tmp_path, f"shop:{attribute}", GET)[0]).body == Body.of(body)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere:app", "nowhere:app cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
        ("shop:missing", "shop:missing cannot be loaded: AttributeError: module 'shop' has no attribute 'missing'"),
        ("shop:create_broken", "shop:create_broken cannot be loaded: RuntimeError: no database\nat all"),
        ("shop:create_exit", "shop:create_exit cannot be loaded: SystemExit: bye"),
        ("shop:text", "shop:text is no WSGI callable, nor a factory of one: it is a str"),
        ("shop:make_text", "shop:make_text is no WSGI callable, nor a factory of one: it is a str"),
        (
            "shop:asgi",
            "shop:asgi takes three arguments: an ASGI application? Only WSGI can be run here; use `start`",
        ),
    ],
)
def test_what_cannot_be_loaded_is_named(tmp_path: Path, spec: str, message: str) -> None:
    with pytest.raises(InconclusiveError) as caught:
        served(tmp_path, spec)
    assert caught.value.message == f"the candidate: {message}"


def test_an_import_that_never_ends(tmp_path: Path) -> None:
    source = "import time\nprint('connecting', flush=True)\ntime.sleep(60)"
    with pytest.raises(InconclusiveError, match=r"shop:app was not loaded within 0\.5 s\n  \| connecting"):
        served(tmp_path, "shop:app", source=source, ready_timeout=0.5)


def test_an_import_that_kills_the_process(tmp_path: Path) -> None:
    with pytest.raises(InconclusiveError, match=r"the process of shop:app ended\n  \| abort"):
        served(tmp_path, "shop:app", source="import os\nos.write(2, b'abort')\nos._exit(3)")


def test_an_interpreter_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'/no/python' was not found"):
        served(tmp_path, "shop:app", python="/no/python")


def test_nothing_but_the_standard_library_is_needed_and_nothing_of_ours_is_in_the_way(tmp_path: Path) -> None:
    """The interpreter without its site-packages, and modules of the target's that are named like ours."""
    for name in ("client", "guard", "mint", "process", "store"):
        (tmp_path / f"{name}.py").write_text("mine = 1")
    python = tmp_path / "bare"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    source = """
        import sys, json
        import client, guard, mint, process, store
        def app(environ, start_response):
            start_response("200 OK", [])
            found = [module.mine for module in (client, guard, mint, process, store)]
            for name in ("recorder", "replayer", "httpx"):
                try: __import__(name); found.append(name)
                except ImportError: pass
            return [json.dumps(found).encode()]
    """
    (reply,) = served(tmp_path, "shop:app", GET, source=source, python=str(python))
    assert json.loads(response(reply).body.data) == [1] * 5


def test_folder_and_environment_are_the_targets(tmp_path: Path) -> None:
    source = """
        import os
        def app(environ, start_response):
            start_response("200 OK", [])
            return [os.environ["GREETING"].encode(), b" ", os.getcwd().encode()]
    """
    (reply,) = served(tmp_path, "shop:app", GET, source=source, env=(("GREETING", "hello"),))
    assert response(reply).body.data == b"hello " + str(tmp_path).encode()


SERVING = """
    import time
    closed = []
    class Body:
        def __init__(self, *chunks): self.chunks = chunks
        def __iter__(self):
            for chunk in self.chunks:
                if isinstance(chunk, Exception): raise chunk
                yield chunk
        def close(self): closed.append(1)

    def app(environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/chunks":
            start_response("200 OK", [("X-A", "1"), ("x-a", "\\xe9")])
            return Body(b"one", b"", b"two")
        if path == "/length":
            start_response("200 OK", [("Content-Length", "5")])
            return Body(b"hello world")
        if path == "/short":
            start_response("200 OK", [("Content-Length", "5")])
            return Body(b"he")
        if path == "/write":
            write = start_response("200 OK", [])
            write(b"written ")
            return [b"returned"]
        if path == "/204":
            start_response("204 No Content", [])
            return Body()
        if path == "/304":
            start_response("304 Not Modified", [("ETag", "a")])
            return Body()
        if path == "/raise":
            raise RuntimeError("before")
        if path == "/raise-inside":
            start_response("200 OK", [("Content-Length", "5")])
            return Body(b"he", RuntimeError("inside"))
        if path == "/raise-first":
            start_response("200 OK", [("X-Lost", "1")])
            return Body(RuntimeError("first"))
        if path == "/exc-info":
            start_response("200 OK", [])
            try: raise RuntimeError
            except RuntimeError:
                import sys
                start_response("503 Replaced", [("Content-Length", "0")], sys.exc_info())
            return []
        if path == "/twice":
            start_response("200 OK", [])
            start_response("200 OK", [])
            return []
        if path == "/never":
            return [b"x"]
        if path == "/split":
            start_response("200 OK", [("X-A", "a\\r\\nX-B: b")])
            return []
        if path == "/exit":
            raise SystemExit(3)
        if path == "/input":
            start_response("200 OK", [])
            stream = environ["wsgi.input"]
            return [stream.readline(), b"|", stream.read(2), b"|", stream.read(), b"|", stream.read()]
        if path == "/closed":
            start_response("200 OK", [])
            return [str(len(closed)).encode()]
        if path == "/slow":
            start = time.monotonic()
            time.sleep(0.1)
            start_response("200 OK", [])
            return [f"{start} {time.monotonic()} {environ['wsgi.multithread']}".encode()]
        start_response("404 Nowhere", [("Content-Length", "0")])
        return []
"""


def get(path: str, method: str = "GET") -> RecordedRequest:
    return RecordedRequest(method, path, (("Host", "x"),))


def test_responses_of_every_kind(tmp_path: Path) -> None:
    paths = ["/chunks", "/length", "/write", "/204", "/304", "/exc-info", "/nowhere"]
    replies = served(tmp_path, "shop:app", *map(get, paths), get("/length", "HEAD"), source=SERVING)
    found = [(r.status, r.reason, r.body.data) for r in map(response, replies)]
    assert found == [
        (200, "OK", b"onetwo"),
        (200, "OK", b"hello"),
        (200, "OK", b"written returned"),
        (204, "No Content", b""),
        (304, "Not Modified", b""),
        (503, "Replaced", b""),
        (404, "Nowhere", b""),
        (200, "OK", b""),
    ]
    chunks = response(replies[0]).headers
    assert chunks[:2] == (("X-A", "1"), ("x-a", "\xe9"))
    assert header(response(replies[-1]).headers, "Content-Length") == "5"


@pytest.mark.parametrize("path", ["/raise", "/raise-first", "/twice", "/never", "/split", "/exit"])
def test_an_application_that_fails_first_is_a_500(tmp_path: Path, path: str) -> None:
    first, second = served(tmp_path, "shop:app", get(path), get("/nowhere"), source=SERVING)
    assert (response(first).status, response(first).body.data) == (500, b"Internal Server Error")
    assert header(response(first).headers, "X-Lost") == ""
    assert response(second).status == 404


@pytest.mark.parametrize("path", ["/raise-inside", "/short"])
def test_an_application_that_stops_inside_its_body_is_no_whole_response(tmp_path: Path, path: str) -> None:
    first, second = served(tmp_path, "shop:app", get(path), get("/nowhere"), source=SERVING)
    assert (first.response, first.failure) == (None, FailureKind.PROTOCOL)
    assert response(second).status == 404


def test_every_iterable_is_closed(tmp_path: Path) -> None:
    paths = ["/chunks", "/length", "/short", "/204", "/raise-inside", "/raise-first", "/closed"]
    replies = served(tmp_path, "shop:app", *map(get, paths), source=SERVING)
    assert response(replies[-1]).body.data == b"6"


def test_the_input_ends_where_the_body_ends(tmp_path: Path) -> None:
    plain = RecordedRequest("POST", "/input", (("Content-Length", "11"),), Body.of(b"line\nabcdef"))
    chunked = RecordedRequest("POST", "/input", (("Transfer-Encoding", "chunked"),), Body.of(b"line\nabcdef"))
    replies = served(tmp_path, "shop:app", plain, chunked, plain, source=SERVING)
    assert [response(reply).body.data for reply in replies] == [b"line\n|ab|cdef|"] * 3


@pytest.mark.parametrize("serial", [False, True])
def test_requests_are_answered_side_by_side_unless_told_otherwise(tmp_path: Path, serial: bool) -> None:
    (tmp_path / "shop.py").write_text(textwrap.dedent(SERVING))
    env = (("UNDERSTUDY_WSGI_SERIAL", "1"),) if serial else ()
    target = TargetSettings("candidate", wsgi="shop:app", cwd=str(tmp_path), env=env)

    async def main() -> list[Reply]:
        async with (
            open_instance(target, key=None, label="x") as instance,
            Client(instance.base_url, timeout=5.0) as client,
        ):
            return await asyncio.gather(*(client.send(get("/slow")) for _ in range(3)))

    texts = sorted(response(reply).body.data.decode().split() for reply in asyncio.run(main()))
    overlapping = any(float(after[0]) < float(before[1]) for before, after in itertools.pairwise(texts))
    assert overlapping is not serial
    assert {text[2] for text in texts} == {str(not serial)}


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "shop.py").write_text(textwrap.dedent(SERVING))
    target = TargetSettings("candidate", wsgi="shop:app", cwd=str(tmp_path))

    async def main() -> bytes:
        async with open_instance(target, key=None, label="x") as instance:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(instance.base_url.rpartition(":")[2]))
            writer.write(raw)
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(main()).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_no_byte_is_sent_beyond_the_declared_length(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(textwrap.dedent(SERVING))
    target = TargetSettings("candidate", wsgi="shop:app", cwd=str(tmp_path))

    async def main() -> bytes:
        async with open_instance(target, key=None, label="x") as instance:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(instance.base_url.rpartition(":")[2]))
            writer.write(b"GET /length HTTP/1.1\r\nConnection: close\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(main()).endswith(b"\r\n\r\nhello")
