"""Recorded or not, an application and its server see the same; and what they saw is what was recorded."""

from __future__ import annotations

import io
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from werkzeug.middleware.lint import LintMiddleware

from recorder import Body, BodyState, Exchange, Outcome, RecorderConfig, RecorderMiddleware
from recorder.sinks.memory import memory_sink
from tests.apps import conformance

KEY = "a key of at least thirty-two bytes"
App = Callable[..., Any]


@pytest.fixture(autouse=True)
def _errors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_RAISE", "1")


@dataclass
class Answer:
    """What a server got from an application."""

    started: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    error: str = ""
    closed: int = 0
    length: int | None = None


def environ(path: str, method: str = "GET", body: bytes = b"", /, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "localhost",
        "HTTP_X_ODD": "caf\xe9",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    if body:
        made["CONTENT_LENGTH"] = str(len(body))
        made["CONTENT_TYPE"] = "text/plain"
    made.update(more)
    return made


def serve(app: App, request: dict[str, Any], stop_after: int | None = None) -> Answer:
    """What a careful server does with an application: headers once, `exc_info` honoured, always closed."""
    answer = Answer()
    sent: list[bool] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        if exc_info is not None and sent:
            raise exc_info[1].with_traceback(exc_info[2])
        assert exc_info is not None or not answer.started, "headers set twice"
        answer.started.append((status, list(headers)))
        return write

    def write(data: bytes) -> None:
        sent.append(True)
        answer.chunks.append(data)

    try:
        result = app(request, start)
        if hasattr(result, "__len__"):
            answer.length = len(result)
        try:
            for number, chunk in enumerate(result):
                write(chunk)
                if number + 1 == stop_after:
                    break
        finally:
            if hasattr(result, "close"):
                answer.closed += 1
                result.close()
    except Exception as error:
        answer.error = repr(error)
    return answer


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Iterator[Callable[..., tuple[App, Callable[[], list[Exchange]]]]]:
    """Wraps an application; the second thing returned gives the exchanges recorded so far."""
    made: list[RecorderMiddleware] = []
    name = str(abs(hash(request.node.name)))
    sink = memory_sink(name)
    sink.clear()

    def wrap(app: App, **settings: Any) -> tuple[App, Callable[[], list[Exchange]]]:
        config = RecorderConfig(sink=f"memory:{name}", key=KEY, **settings)
        middleware = RecorderMiddleware(app, config)
        made.append(middleware)

        def exchanges() -> list[Exchange]:
            assert middleware.flush()
            return sink.exchanges()

        return middleware, exchanges

    yield wrap
    for middleware in made:
        middleware.close()


def kept(body: bytes) -> Body:
    """What is recorded of a body under the default cap of 1 MiB."""
    return Body.of(body) if len(body) <= 1 << 20 else Body(body[: 1 << 20], len(body), BodyState.TRUNCATED)


REQUESTS = {
    **{path: ("GET", b"") for path in conformance.PATHS if path not in ("/echo", "/lines", "/worker", "/endless")},
    "/echo": ("POST", b"some text to be read in small pieces"),
    "/lines": ("POST", b"one\ntwo\nthree"),
    "/head": ("HEAD", b""),
    "/where/caf\xc3\xa9": ("DELETE", b""),
}


@pytest.mark.parametrize("path", REQUESTS)
def test_the_server_sees_no_difference(path: str, recorded: Any) -> None:
    method, body = REQUESTS[path]
    app, exchanges = recorded(conformance.bare)
    bare = serve(conformance.bare, environ(path, method, body))
    wrapped = serve(app, environ(path, method, body))
    bare.closed = wrapped.closed = 0  # the tee always has a `close`, the application's result perhaps not
    assert wrapped == bare
    (made,) = exchanges()
    assert made.request.method == method
    assert made.request.body == Body.of(body)
    if bare.started:
        status, headers = bare.started[-1]
        assert f"{made.response.status} {made.response.reason}" == status
        assert made.response.body == kept(b"".join(bare.chunks))
        assert [name for name, _ in made.response.headers] == [name for name, _ in headers]
    else:
        assert made.response is None
    assert made.outcome is (Outcome.RAISED if bare.error else Outcome.COMPLETE)


LINTED = [path for path in REQUESTS if path not in ("/raises_later", "/late")]


@pytest.mark.parametrize("path", LINTED)
def test_the_standard_librarys_validator_is_content_on_both_sides(path: str, recorded: Any) -> None:
    method, body = REQUESTS[path]
    app, exchanges = recorded(validator(conformance.bare))
    request = environ(path, method, body)
    request.pop("wsgi.file_wrapper")
    if path == "/file":
        return  # the validator's own wrapper is not the server's type
    answer = serve(validator(app), request)
    assert "AssertionError" not in answer.error
    assert len(exchanges()) == 1


@pytest.mark.parametrize("path", [path for path in LINTED if path not in ("/writes", "/repeated")])
def test_werkzeugs_lint_is_content_on_both_sides(path: str, recorded: Any) -> None:
    method, body = REQUESTS[path]
    app, exchanges = recorded(LintMiddleware(conformance.bare))
    with warnings.catch_warnings(record=True) as unwrapped:
        warnings.simplefilter("always")
        expected = serve(LintMiddleware(LintMiddleware(conformance.bare)), environ(path, method, body))
    with warnings.catch_warnings(record=True) as wrapped:
        warnings.simplefilter("always")
        answer = serve(LintMiddleware(app), environ(path, method, body))
    assert answer == expected
    assert [str(warning.message) for warning in wrapped] == [str(warning.message) for warning in unwrapped]
    assert len(exchanges()) == 1


def test_a_file_wrapper_reaches_the_server_as_it_is(recorded: Any) -> None:
    returned: list[Any] = []

    def app(request: dict[str, Any], start: Any) -> Any:
        result = conformance.file(request, start)
        returned.append(result)
        return result

    wrapped, exchanges = recorded(app)
    result: Any = wrapped(environ("/file"), lambda *_: None)
    assert result is returned[0]
    assert result.filelike.tell() == 1000
    result.close()
    assert result.filelike.closed
    whole = bytes(range(250)) * (conformance.FILE_SIZE // 250)
    (made,) = exchanges()
    assert made.response.body == Body.of(whole[1000:])


def test_a_file_wrapper_that_is_a_function_is_known_by_identity(recorded: Any) -> None:
    wrapped, exchanges = recorded(conformance.file)
    made: list[FileWrapper] = []

    def wrapper(opened: Any, size: int) -> FileWrapper:
        made.append(FileWrapper(opened, size))
        return made[-1]

    result = wrapped(environ("/file", **{"wsgi.file_wrapper": wrapper}), lambda *_: None)
    assert result is made[0]
    result.close()
    assert exchanges()[0].response.body.size == conformance.FILE_SIZE - 1000


def test_a_client_that_goes_away_is_told_apart(recorded: Any) -> None:
    app, exchanges = recorded(conformance.bare)
    serve(app, environ("/generator"), stop_after=2)
    serve(app, environ("/plain"), stop_after=1)  # all of the announced length was taken
    first, second = exchanges()
    assert (first.outcome, first.response.body) == (Outcome.DISCONNECTED, Body.of(b"piece 0\npiece 1\n"))
    assert (second.outcome, second.response.body) == (Outcome.COMPLETE, Body.of(b"hello"))


def test_a_response_that_the_server_never_closes_is_recorded(recorded: Any) -> None:
    app, exchanges = recorded(conformance.bare)
    assert list(app(environ("/generator"), lambda *_: None)) == [b"piece %d\n" % n for n in range(5)]
    assert [made.outcome for made in exchanges()] == [Outcome.COMPLETE]


def test_a_failing_close_is_passed_on_and_recorded(recorded: Any) -> None:
    class Failing(conformance.Closing):
        def close(self) -> None:
            raise OSError("no")

    def app(request: dict[str, Any], start: Any) -> Any:
        start("200 OK", [])
        return Failing([b"x"])

    wrapped, exchanges = recorded(app)
    assert serve(wrapped, environ("/")).error == repr(OSError("no"))
    assert exchanges()[0].outcome is Outcome.RAISED


def test_the_application_is_called_at_once(recorded: Any) -> None:
    called: list[str] = []

    def app(request: dict[str, Any], start: Any) -> Any:
        called.append("now")
        start("200 OK", [])
        return [b""]

    wrapped, _ = recorded(app)
    result = wrapped(environ("/"), lambda *_: None)
    assert called == ["now"]
    result.close()


def test_a_stream_is_passed_on_piece_by_piece(recorded: Any) -> None:
    taken: list[int] = []

    def app(request: dict[str, Any], start: Any) -> Any:
        start("200 OK", [])
        for number in range(3):
            taken.append(number)
            yield b"%d" % number

    wrapped, _ = recorded(app)
    result = wrapped(environ("/"), lambda *_: None)
    stream = iter(result)
    assert next(stream) == b"0"
    assert taken == [0]
    result.close()


def whole(request: dict[str, Any], start: Any) -> Any:
    start("200 OK", [])
    return [b"all of it"]


def without_body(request: dict[str, Any], start: Any) -> Any:
    start("204 No Content", [])
    return []


def written(request: dict[str, Any], start: Any) -> Any:
    start("200 OK", [])(b"all of it")
    return []


@pytest.mark.parametrize(("app", "given"), [(whole, b"all of it"), (without_body, b""), (written, b"")])
def test_an_exchange_ends_when_its_client_can_have_read_all_of_it(app: App, given: bytes, recorded: Any) -> None:
    wrapped, exchanges = recorded(app)
    result = wrapped(environ("/"), lambda *_: lambda _: None)
    assert b"".join(result) == given
    read = time.time()
    while time.time() <= read:  # the client asks for the next thing, and only then is this response closed
        pass
    result.close()
    assert exchanges()[0].ended <= read


def test_bodies_over_the_cap_are_marked_with_their_true_size(recorded: Any) -> None:
    app, exchanges = recorded(conformance.bare, max_body=10)
    serve(app, environ("/echo", "POST", b"0123456789abcdef"))
    serve(app, environ("/file"))
    echoed, file = exchanges()
    cut = Body(b"0123456789", 16, BodyState.TRUNCATED)
    assert (echoed.request.body, echoed.response.body) == (cut, cut)
    assert (len(file.response.body.data), file.response.body.size) == (10, conformance.FILE_SIZE - 1000)
    assert file.response.body.state is BodyState.TRUNCATED


def test_a_stream_of_single_bytes_stays_small(recorded: Any) -> None:
    def app(request: dict[str, Any], start: Any) -> Any:
        start("200 OK", [])
        return (b"%d" % (number % 10) for number in range(5000))

    wrapped, exchanges = recorded(app)
    answer = serve(wrapped, environ("/"))
    assert exchanges()[0].response.body == Body.of(b"".join(answer.chunks))


def test_an_unread_body_is_fetched_where_it_cannot_block(recorded: Any) -> None:
    app, exchanges = recorded(conformance.bare)
    request = environ("/unread", "POST", b"user=ada")
    stream = request["wsgi.input"]
    serve(app, request)
    assert exchanges()[0].request.body == Body.of(b"user=ada")
    assert stream.tell() == 0  # the server finds it where the application left it


class Blocking(io.RawIOBase):
    """An input that would block: reading it fails the test."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("read a body that the application had not read")


@pytest.mark.parametrize("more", [{"wsgi.input": Blocking()}, {"HTTP_EXPECT": "100-continue"}])
def test_an_unread_body_that_might_block_is_marked(more: dict[str, Any], recorded: Any) -> None:
    app, exchanges = recorded(conformance.bare)
    serve(app, environ("/unread", "POST", b"user=ada") | more)
    assert exchanges()[0].request.body == Body(b"", 8, BodyState.UNREAD)


def test_an_input_that_is_read_twice_is_recorded_once(recorded: Any) -> None:
    def app(request: dict[str, Any], start: Any) -> Any:
        stream = request["wsgi.input"]
        first = stream.read()
        stream.seek(0)
        start("200 OK", [])
        return [first + stream.read()]

    wrapped, exchanges = recorded(app)
    assert serve(wrapped, environ("/", "POST", b"twice")).chunks == [b"twicetwice"]
    assert exchanges()[0].request.body == Body.of(b"twice")


def test_other_ways_to_read_are_seen_too(recorded: Any) -> None:
    def app(request: dict[str, Any], start: Any) -> Any:
        stream = request["wsgi.input"]
        buffer = bytearray(3)
        stream.readinto(buffer)
        start("200 OK", [])
        return [bytes(buffer), stream.read1(2), *stream.readlines()]

    wrapped, exchanges = recorded(app)
    assert serve(wrapped, environ("/", "POST", b"abcdef\ngh")).chunks == [b"abc", b"de", b"f\n", b"gh"]
    assert exchanges()[0].request.body == Body.of(b"abcdef\ngh")


def test_a_request_is_noted_before_the_application_changes_it(recorded: Any) -> None:
    def app(request: dict[str, Any], start: Any) -> Any:
        request["PATH_INFO"] = request["HTTP_HOST"] = request["REQUEST_METHOD"] = "changed"
        headers = [("X", "1")]
        start("200 OK", headers)
        headers.clear()
        return []

    wrapped, exchanges = recorded(app)
    serve(wrapped, environ("/a b/\xc3\xa9", "PUT", b"x", QUERY_STRING="q=%2f"))
    (made,) = exchanges()
    assert (made.request.method, made.request.target) == ("PUT", "/a%20b/%C3%A9?q=%2f")
    assert not made.request.target_exact
    assert made.request.headers == (
        ("Host", "localhost"),
        ("X-Odd", "caf\xe9"),
        ("Content-Length", "1"),
        ("Content-Type", "text/plain"),
    )
    assert made.response.headers == (("X", "1"),)


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize("target", ["/a%2fb/../%zz?x=%20", "http://shop.example/a?b", "*"])
def test_the_target_is_kept_as_the_server_gave_it(name: str, target: str, recorded: Any) -> None:
    app, exchanges = recorded(conformance.bare)
    serve(app, environ("/plain", **{name: target}))
    request = exchanges()[0].request
    assert (request.target, request.target_exact) == (target, True)


def test_what_the_environ_says_of_route_and_principal_is_kept(recorded: Any) -> None:
    app, exchanges = recorded(conformance.bare)
    serve(app, environ("/where/1"))
    serve(app, environ("/where/1", SCRIPT_NAME="/mounted"))
    first, second = exchanges()
    assert (first.route, first.endpoint) == ("/where/<path>", "where")
    assert first.principal
    assert first.principal == second.principal
    assert second.route == "/where/<path>"


def test_names_of_the_settings_promise_secrets_too(recorded: Any) -> None:
    def app(request: dict[str, Any], start: Any) -> Any:
        start("200 OK", [("Content-Type", "application/json"), ("X-Membership", "M-1789")])
        return [b'{"customer_email": "ann@shop.example", "name": "Ann"}']

    wrapped, exchanges = recorded(app, secret_names=("email", "x-membership"))
    serve(wrapped, environ("/", QUERY_STRING="email=ann@shop.example"))
    (made,) = exchanges()
    kept = made.request.target + str(made.response.headers) + made.response.body.data.decode()
    assert "ann" not in kept
    assert "1789" not in kept
    assert '"name": "Ann"' in kept
