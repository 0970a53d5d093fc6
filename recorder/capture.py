"""Takes references to the bytes that pass between a server and an application, and changes none of them.

Everything here runs in the request thread, in the middle of somebody else's response: no locks, no copies of bytes
objects, no reading ahead. Nothing but what the server or the application themselves raise may come out of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .exchange import Outcome
from .guard import Guard
from .layout import METHOD, field_of
from .route import FLASK_REQUEST, note_login

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    from .observation import Observation

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
        if args or kwargs:  # both unpacked costs more than the rest of this method
            data = self.stream.read(*args, **kwargs)
            self._took(data, args[0] if args else kwargs.get("size"))
        else:
            data = self.stream.read()
            self._took(data, None)
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


Finish = Callable[["Capture"], None]
"""Called once, when nothing more can happen to the exchange."""


class Capture(Tally):
    """One exchange: begun by the middleware, filled while the response goes by, then queued as it is.

    It is the `start_response` that the application gets, the iterable that the server gets, the tally of the
    response's body, and in the end the record. One object, because each further one costs the application more than
    everything that is noted in it.
    """

    __slots__ = (
        "_begun",
        "_finish",
        "_guard",
        "_result",
        "_server_start",
        "_server_write",
        "ended",
        "endpoint",
        "environ",
        "file_result",
        "finished",
        "input",
        "names",
        "observation",
        "outcome",
        "principal",
        "request",
        "request_body",
        "response_headers",
        "route",
        "sequence",
        "started",
        "status",
        "values",
        "weight",
    )

    ended: float  # when the last piece went to the server; 0.0: not yet
    # What is set only when the exchange has ended: see `RecorderMiddleware`.
    request_body: tuple[Tally, bool, bool] | None  # what came by, whether its end was seen, whether some was skipped
    route: str
    endpoint: str
    principal: str
    weight: int  # bytes that it holds of the application's memory
    sequence: int  # given by the pipeline

    def __init__(
        self,
        environ: dict[str, Any],
        names: tuple[str, ...],
        values: tuple[Any, ...],
        start_response: StartResponse,
        cap: int,
        finish: Finish,
        guard: Guard,
    ) -> None:
        self.finished = False
        self.environ = environ
        self.names = names  # of the request's header fields, see `layout`
        self.values = values  # of the request, before the application could change its environ
        self.started = time.time()
        self.ended = 0.0
        self.cap = cap
        self.chunks = []
        self.kept = self.size = 0
        self.status: str | None = None
        self.outcome: Outcome | None = None
        self.input: InputTee | None = None
        self.request: Any = None  # of werkzeug, while there is one
        self.file_result: Any = None
        self.observation: Observation | None = None  # where hooks note what the application does meanwhile
        self._begun = False
        self._server_start = start_response
        self._finish = finish
        self._guard = guard

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """The server's `start_response`, called with what the application gave; noted once the server accepted it."""
        if exc_info is None:
            write = self._server_start(status, headers)
        else:
            write = self._server_start(status, headers, exc_info)
        if self.status is not None:
            self.clear()  # accepted again: what was written before the headers were replaced was not sent
        self.status = status
        self._server_write: Callable[[bytes], Any] = write
        self.response_headers: list[tuple[str, str]] = []
        try:
            self.response_headers = list(headers)
            self.request = self.environ.get(FLASK_REQUEST)
            if "flask_login" in sys.modules:
                note_login(self.environ)
        except Exception as error:
            self._guard.failed("noting the response", error)
        return self.write

    def write(self, data: bytes) -> Any:
        self.ended = time.time()
        result = self._server_write(data)
        self.add(data)
        return result

    def over(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """The application's result as the server is to get it."""
        self._result = result
        return SizedResponse(self, result) if hasattr(result, "__len__") else self

    def __iter__(self) -> Iterator[bytes]:
        if self._begun:
            self.clear()  # a list that is read a second time, from its beginning
            if self.outcome is Outcome.COMPLETE:
                self.outcome = None
        self._begun = True
        try:
            for chunk in self._result:
                self.add(chunk)
                # whoever has read it may ask the next thing long before the server closes the response
                self.ended = time.time()
                yield chunk
            self.ended = self.ended or time.time()  # without a body, the head goes out now
        except GeneratorExit:  # this iterator was let go of; whether the client went away shows at `close()`
            raise
        except BaseException:
            self.outcome = Outcome.RAISED
            raise
        if self.outcome is None:
            self.outcome = Outcome.COMPLETE

    def close(self) -> None:
        """Passed on to the application's result; ends the exchange."""
        try:
            close = getattr(self._result, "close", None)
            if close is not None:
                close()
        except BaseException:
            self.outcome = Outcome.RAISED
            raise
        finally:
            self.finish()

    def finish(self, outcome: Outcome | None = None) -> None:
        """Ends the exchange, once. Without an outcome it is the one that was seen."""
        if self.finished:
            return
        self.finished = True
        if outcome is not None:
            self.outcome = outcome
        elif self.outcome is None:
            self.outcome = Outcome.COMPLETE if self.sent_whole else Outcome.DISCONNECTED
        self._finish(self)

    def __del__(self) -> None:
        if not self.finished:  # a server that never closed it
            self.finish()

    def let_go(self) -> None:
        """Drops what belongs to the server and the application; what was noted stays."""
        self._result = ()
        self._server_start = self._server_write = _refuse
        self.environ = self.input = self.request = self.file_result = None  # type: ignore[assignment]

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
    def declared_length(self) -> int | None:
        """The size that the request's body has by its header; None when the transfer coding tells."""
        length = field_of(self.names, self.values, "CONTENT_LENGTH")
        return int(length) if length.isdecimal() and "HTTP_TRANSFER_ENCODING" not in self.names else None

    @property
    def bodiless(self) -> bool:
        """Whether no body is sent, whatever the application gives."""
        return self.values[METHOD] == "HEAD" or (self.status or "")[:3] in ("204", "304")

    @property
    def content_length(self) -> int | None:
        if self.status is None:
            return None
        for name, value in self.response_headers:
            if name.lower() == "content-length" and value.isdecimal():
                return int(value)
        return None

    @property
    def sent_whole(self) -> bool:
        """Whether a body that was not read to its end is complete all the same."""
        announced = self.content_length
        return self.bodiless or (announced is not None and self.size >= announced)


class SizedResponse:
    """For an iterable that has a length: servers read it to set a Content-Length."""

    __slots__ = ("_capture", "_result")

    def __init__(self, capture: Capture, result: Any) -> None:
        self._capture = capture
        self._result = result

    def __len__(self) -> int:
        return len(self._result)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._capture)

    def close(self) -> None:
        self._capture.close()


def _refuse(*_: object) -> Any:
    raise RuntimeError("the response was closed before")
