"""The response of a replayed request on a staging deploy: held back until all that was observed can go with it.

Observations travel in header fields, and an application may go on asking its database while its body is iterated.
Only signed replays are answered in this way: in production nothing is held back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .guard import Guard
from .observation import Observation, begin, end
from .observe import observed_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_HELD = 4 * 1024 * 1024
"""Bytes of a body that are held back; a larger one begins to be sent, and what was observed by then is partial."""
MAX_SECONDS = 10.0
"""Seconds for which a body is held back: an endless stream has to begin at some time."""


def answer_observed(
    app: WSGIApplication,
    environ: WSGIEnvironment,
    start_response: StartResponse,
    observation: Observation,
    guard: Guard,
) -> Iterable[bytes]:
    """Calls the application with the observation as the current one. What it raises is raised."""
    begin(observation)
    held = _Held(environ, start_response, observation, guard)
    try:
        return held.over(app(environ, held.start_response))
    except BaseException:
        end(observation)
        raise


class _Held:
    """One response: the `start_response` that the application gets, and the iterable that the server gets."""

    def __init__(
        self, environ: WSGIEnvironment, start_response: StartResponse, observation: Observation, guard: Guard
    ) -> None:
        self._environ = environ
        self._server_start = start_response
        self._observation = observation
        self._guard = guard
        self._begun: tuple[str, list[tuple[str, str]], Any] | None = None
        self._write: Callable[[bytes], Any] | None = None  # the server's, once the response has been started there
        self._held: list[bytes] = []
        self._result: Iterable[bytes] = ()

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if self._write is not None:
            return self._server_start(status, headers, exc_info)  # the server knows what to do with a late error
        if self._begun is not None and exc_info is None:
            raise AssertionError("start_response was called twice without exc_info")
        if exc_info is not None:
            self._held.clear()
        self._begun = (status, list(headers), exc_info)
        return self._hold

    def over(self, result: Iterable[bytes]) -> Iterable[bytes]:
        self._result = result
        return self

    def __iter__(self) -> Iterator[bytes]:
        deadline = time.monotonic() + MAX_SECONDS
        size = 0
        for chunk in self._result:
            if self._write is not None:
                yield chunk
                continue
            self._held.append(chunk)
            size += len(chunk)
            if size > MAX_HELD or time.monotonic() > deadline:
                self._start(partial=True)
                yield from self._released()
        if self._write is None:
            self._start(partial=False)
            yield from self._released()

    def close(self) -> None:
        try:
            close = getattr(self._result, "close", None)
            if close is not None:
                close()
        finally:
            end(self._observation)

    def _hold(self, data: bytes) -> None:
        if self._write is not None:
            self._write(data)
        else:
            self._held.append(data)

    def _released(self) -> list[bytes]:
        held, self._held = self._held, []
        return held

    def _start(self, partial: bool) -> None:
        if self._begun is None:
            raise AssertionError("the application returned a body without having called start_response")
        status, headers, exc_info = self._begun
        try:
            headers = [*headers, *observed_headers(self._environ, self._observation, partial)]
        except Exception as error:
            self._guard.failed("telling what was observed", error)
        if exc_info is None:
            self._write = self._server_start(status, headers)
        else:
            self._write = self._server_start(status, headers, exc_info)
