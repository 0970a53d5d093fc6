"""An application behind the recorder, called in process, whose answers are held against those without a recorder."""

from __future__ import annotations

from typing import Any

from recorder import RecorderConfig, RecorderMiddleware
from tests.apps import conformance
from tests.recorder.test_conformance import environ, serve

KEY = "a key of at least thirty-two bytes"


_made: list[App] = []


def close_all() -> None:
    """Ends what a test left open, so that no later test sees anything of it."""
    while _made:
        _made.pop().close()


class App:
    """`ask` makes requests and checks each answer; targets are numbered, so that it shows which of them arrived."""

    def __init__(self, sink: str, **settings: Any) -> None:
        self.middleware = RecorderMiddleware(conformance.bare, RecorderConfig(sink=sink, key=KEY, **settings))
        self.asked = 0
        _made.append(self)

    def ask(self, count: int = 1, size: int = 0) -> None:
        for _ in range(count):
            number, self.asked = self.asked, self.asked + 1
            body = b"" if not size else (b"%08d" % number) * (size // 8)
            path, method = (f"/where/{number}", "GET") if not size else ("/echo", "POST")
            answer = serve(self.middleware, environ(path, method, body))
            assert answer.started[0][0] == "200 OK"
            assert b"".join(answer.chunks) == (body or f"('/where/{number}', '')".encode())

    def flush(self, timeout: float = 20) -> bool:
        return self.middleware.flush(timeout)

    def close(self) -> None:
        self.middleware.close()


def targets(first: int, last: int) -> list[str]:
    """The targets of those requests, the last one included."""
    return [f"/where/{number}" for number in range(first, last + 1)]
