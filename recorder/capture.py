"""Takes references to the bytes that pass between a server and an application, and changes none of them.

Everything here runs in the request thread, in the middle of somebody else's response: no locks, no copies of bytes
objects, no reading ahead. Nothing but what the server or the application themselves raise may come out of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from .exchange import Outcome
from .guard import Guard
from .route import FLASK_REQUEST, note_login

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    from .layout import RequestFacts


_MAX_CHUNKS = 128  # pieces kept as they came; a stream of single bytes would cost 34 bytes for each


class Tally:
    """The first `cap` bytes of a body, as the pieces that came by, and the size of the whole."""

    __slots__ = ("cap", "chunks", "kept", "size")

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.chunks: list[bytes | bytearray] = []
        self.kept = 0
        self.size = 0

    def add(self, chunk: object) -> None:
        """Counts a piece, and keeps what the cap allows. A piece that is no bytes is the server's to refuse."""
        if type(chunk) is not bytes:
            if not isinstance(chunk, (bytes, bytearray, memoryview)):
                return
            chunk = bytes(chunk)  # the application may reuse its buffer
        length = len(chunk)
        self.size += length
        room = self.cap - self.kept
        if length > room:
            chunk = chunk[:room]
            length = room
        if length:
            self.kept += length
            if len(self.chunks) < _MAX_CHUNKS:
                self.chunks.append(chunk)
            else:
                self._append_to_last(chunk)

    def _append_to_last(self, chunk: bytes) -> None:
        last = self.chunks[-1]
        if not isinstance(last, bytearray):
            last = self.chunks[-1] = bytearray(last)
        last += chunk

    def clear(self) -> None:
        self.chunks = []
        self.kept = self.size = 0


class InputTee:
    """`wsgi.input` as the server gave it, with a tally of what the application read of it.

    `ended` is set when the application has seen the end. An application that rewinds a seekable input and reads it
    again is counted once; one that skips forward leaves `gap` set.
    """

    __slots__ = ("_base", "ended", "gap", "position", "stream", "tally")

    def __init__(self, stream: Any, tally: Tally) -> None:
        self.stream = stream
        self.position = 0  # of the application, relative to where the stream stood at first
        self._base: int | None = None
        self.tally = tally
        self.ended = False
        self.gap = False

    def read(self, *args: Any, **kwargs: Any) -> Any:
        data = self.stream.read(*args, **kwargs)
        self._took(data, args[0] if args else kwargs.get("size"))
        return data

    def readline(self, *args: Any, **kwargs: Any) -> Any:
        data = self.stream.readline(*args, **kwargs)
        self._took(data, args[0] if args and args[0] == 0 else 1)
        return data

    def readlines(self, *args: Any, **kwargs: Any) -> Any:
        lines = self.stream.readlines(*args, **kwargs)
        for line in lines:
            self._took(line, 1)
        if not lines or not args:
            self.ended = True
        return lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self.stream:
            self._took(line, 1)
            yield line
        self.ended = True

    def __next__(self) -> bytes:
        try:
            line: bytes = next(self.stream)
        except StopIteration:
            self.ended = True
            raise
        self._took(line, 1)
        return line

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.stream, name)
        if name in ("readinto", "readinto1"):
            return lambda buffer: self._read_into(found, buffer)
        if name == "read1":
            return lambda *args: self._read_some(found, *args)
        if name == "seek":
            return lambda *args: self._sought(found, *args)
        return found

    def _read_into(self, readinto: Any, buffer: Any) -> Any:
        count = readinto(buffer)
        if count is not None:
            self._took(bytes(memoryview(buffer)[:count]), len(buffer))
        return count

    def _read_some(self, read1: Any, *args: Any) -> Any:
        data = read1(*args)
        # `read1()` without a size returns what is there, not everything: only an empty answer is the end
        self._took(data, args[0] if args and args[0] == 0 else 1)
        return data

    def _sought(self, seek: Any, *args: Any) -> Any:
        if self._base is None:
            self._base = self.stream.tell() - self.position
        found = seek(*args)
        self.position = self.stream.tell() - self._base
        return found

    def _took(self, data: Any, asked: Any) -> None:
        """Counts what the application got. `asked`: how much it asked for, None or negative for all."""
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray)):
                return
            data = bytes(data)
        if asked is None or (isinstance(asked, int) and asked < 0) or (not data and asked != 0):
            self.ended = True
        start = self.position
        self.position += len(data)
        seen = self.tally.size
        if start == seen:
            self.tally.add(data)
        elif start > seen:
            self.gap = True
        elif self.position > seen:
            self.tally.add(data[seen - start :])


class Finish(Protocol):
    """Called once, when nothing more can happen to the exchange."""

    def __call__(self, capture: Capture, outcome: Outcome) -> None: ...


class Capture:
    """What is known so far about one exchange: begun by the middleware, filled while the response goes by."""

    __slots__ = (
        "_finish",
        "_guard",
        "_server_start",
        "_server_write",
        "environ",
        "facts",
        "file_result",
        "finished",
        "input",
        "request",
        "response",
        "response_headers",
        "started",
        "status",
    )

    def __init__(
        self,
        environ: dict[str, Any],
        facts: RequestFacts,
        start_response: StartResponse,
        cap: int,
        finish: Finish,
        guard: Guard,
    ) -> None:
        self.environ = environ
        self.facts = facts
        self.started = time.time()
        self.request: Any = None  # of werkzeug, while there is one
        self.input: InputTee | None = None
        self.response = Tally(cap)
        self.status: str | None = None
        self.response_headers: list[tuple[str, str]] = []
        self.file_result: Any = None
        self.finished = False
        self._server_start = start_response
        self._server_write: Any = None
        self._finish = finish
        self._guard = guard

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any, **kwargs: Any) -> Any:
        """The server's `start_response`, called with what the application gave; noted once the server accepted it."""
        write = self._server_start(status, headers, *exc_info, **kwargs)
        if self.status is not None:
            self.response.clear()  # accepted again: what was written before the headers were replaced was not sent
        self.status = status
        self._server_write = write
        try:
            self.response_headers = list(headers)
            self.request = self.environ.get(FLASK_REQUEST)
            if "flask_login" in sys.modules:
                note_login(self.environ)
        except Exception as error:
            self._guard.failed("noting the response", error)
        return self.write

    def write(self, data: bytes) -> Any:
        result = self._server_write(data)
        self.response.add(data)
        return result

    def finish(self, outcome: Outcome) -> None:
        if not self.finished:
            self.finished = True
            self._finish(self, outcome)

    def noting(self, wrapper: Callable[..., Any]) -> Callable[..., Any]:
        """A `wsgi.file_wrapper` that is no type (uWSGI's): the server knows what it returned by identity, so do we."""

        def wrap(*args: Any, **kwargs: Any) -> Any:
            self.file_result = wrapper(*args, **kwargs)
            return self.file_result

        return wrap

    def finish_on_close(self, result: Any) -> None:
        """Ends the exchange when the server closes a response that it gets untouched."""
        close = getattr(result, "close", None)

        def close_and_finish() -> None:
            try:
                if close is not None:
                    close()
            finally:
                self.finish(Outcome.COMPLETE)

        result.close = close_and_finish

    @property
    def bodiless(self) -> bool:
        """Whether no body is sent, whatever the application gives."""
        status = (self.status or "")[:3]
        return self.environ.get("REQUEST_METHOD") == "HEAD" or status in ("204", "304")

    @property
    def content_length(self) -> int | None:
        for name, value in self.response_headers:
            if name.lower() == "content-length" and value.isdecimal():
                return int(value)
        return None

    @property
    def sent_whole(self) -> bool:
        """Whether a body that was not read to its end is complete all the same."""
        announced = self.content_length
        return self.bodiless or (announced is not None and self.response.size >= announced)


class ResponseTee:
    """The application's iterable, with a tally of what it yields. `close()` is passed on, and ends the exchange."""

    __slots__ = ("_begun", "_capture", "_exhausted", "_raised", "_result")

    def __init__(self, result: Iterable[bytes], capture: Capture) -> None:
        self._result = result
        self._capture = capture
        self._begun = False
        self._exhausted = False
        self._raised = False

    def __iter__(self) -> Iterator[bytes]:
        tally = self._capture.response
        if self._begun:
            tally.clear()  # a list that is read a second time, from its beginning
            self._exhausted = False
        self._begun = True
        add = tally.add
        try:
            for chunk in self._result:
                add(chunk)
                yield chunk
        except GeneratorExit:  # this iterator was let go of; whether the client went away shows at `close()`
            raise
        except BaseException:
            self._raised = True
            raise
        self._exhausted = True

    def close(self) -> None:
        try:
            close = getattr(self._result, "close", None)
            if close is not None:
                close()
        except BaseException:
            self._raised = True
            raise
        finally:
            self._end()

    def _end(self) -> None:
        capture = self._capture
        if self._raised:
            capture.finish(Outcome.RAISED)
        elif self._exhausted or capture.sent_whole:
            capture.finish(Outcome.COMPLETE)
        else:
            capture.finish(Outcome.DISCONNECTED)

    def __del__(self) -> None:
        if not self._capture.finished:  # a server that never closed it
            self._end()


class SizedResponseTee(ResponseTee):
    """For an iterable that has a length: servers read it to set a Content-Length."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._result)  # type: ignore[arg-type]  # chosen because the result has a length
