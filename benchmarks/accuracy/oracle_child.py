"""The shop in one process where nothing is left to chance, for `oracle.py`: plays a tape of requests, or makes one.

`python oracle_child.py play TAPE SNAPSHOT OUT` or `... make TAPE SNAPSHOT OUT PORT`, with the shop to be judged first
on PYTHONPATH. Clock, random values and the payment provider depend on the request's number alone, and on who asks: so
two releases that behave alike answer alike to the last byte, and what differs is the releases' doing.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import secrets
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any

MILLISECONDS_PER_REQUEST = 40
Tape = dict[str, Any]  # {"begun": seconds, "requests": [[environ, body], ...]}


class Fixed:
    """What takes the place of clocks and of randomness."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.number = 0
        self._asked: Counter[str] = Counter()
        self._ticks = 0

    def begin(self, number: int) -> None:
        self.number = number
        self._asked.clear()
        self._ticks = 0
        random.seed(number)

    def time(self) -> float:
        return self.begun + self.number * MILLISECONDS_PER_REQUEST / 1000

    def perf_counter(self) -> float:
        self._ticks += 1
        return self.time() + self._ticks * 0.0015

    def bytes(self, size: int | None = None) -> bytes:
        """Depends on the function that asks, so that one question less does not change the answers to the others."""
        frame = sys._getframe(1)
        while frame.f_back is not None and "/shop/" not in frame.f_code.co_filename:
            frame = frame.f_back
        who = f"{frame.f_code.co_filename.rpartition('/shop/')[2]}:{frame.f_code.co_name}"
        self._asked[who] += 1
        wanted = 32 if size is None else size
        return hashlib.shake_256(f"{self.number} {who} {self._asked[who]}".encode()).digest(wanted)

    def install(self) -> None:
        fixed = self

        class Kind(type):
            def __instancecheck__(cls, instance: object) -> bool:
                return isinstance(instance, datetime)

        class Moment(datetime, metaclass=Kind):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.fromtimestamp(fixed.time(), tz or UTC)

        replaced: list[tuple[Any, str, object]] = [
            *((import_module(name), "datetime", Moment) for name in ("shop.clock", "jwt.api_jwt", "werkzeug.http")),
            (secrets, "token_bytes", self.bytes),
            (uuid, "uuid4", lambda: uuid.UUID(bytes=self.bytes(16), version=4)),
            (time, "time", self.time),
            (time, "perf_counter", self.perf_counter),
            (os, "getpid", lambda: 1),
            (import_module("requests").Session, "post", _provider(self.calls)),
        ]
        for owner, name, new in replaced:
            setattr(owner, name, new)

    calls: list[Any] = []  # noqa: RUF012  one process plays one tape


def _provider(calls: list[Any]) -> Callable[..., Any]:
    requests = import_module("requests")
    decide = import_module("shop.provider").decide

    def post(_session: object, url: str, json: Any = None, **_options: object) -> Any:
        path = "/" + url.split("//", 1)[-1].partition("/")[2]
        calls.append([path, json])
        response = requests.Response()
        response.status_code, data = decide(path, json)
        response._content = _dumps(data)
        return response

    return post


def _dumps(data: object) -> bytes:
    return json.dumps(data).encode()


def answer(app: Any, environ: dict[str, Any], body: bytes) -> list[Any]:
    """[status, headers, body] of one request."""
    told: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], None]:
        told[:] = [status, [list(each) for each in headers]]
        return lambda _data: None

    full = environ | {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    chunks: Iterable[bytes] = app(full, start_response)
    try:
        data = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    return [*told, data.decode("latin-1")]


def play(app: Any, tape: Tape, fixed: Fixed) -> list[Any]:
    answers = []
    for number, (environ, body) in enumerate(tape["requests"]):
        fixed.begin(number)
        answers.append(answer(app, environ, body.encode("latin-1")))
    return answers


def make(app: Any, tape: Tape, fixed: Fixed, port: int) -> list[Any]:
    """Serves until SIGTERM, one request at a time."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    answers: list[Any] = []
    lock = threading.Lock()

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            """Nobody reads it."""

    def taped(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        kept = {k: v for k, v in environ.items() if isinstance(v, str) and k[0].isupper() and k != "REMOTE_PORT"}
        with lock:
            fixed.begin(len(answers))
            told = answer(app, kept, body)
            tape["requests"].append([kept, body.decode("latin-1")])
            answers.append(told)
        start_response(told[0], [tuple(each) for each in told[1]])
        return [told[2].encode("latin-1")]

    server = make_server("127.0.0.1", port, taped, threaded=True, request_handler=Quiet)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    return answers


def main() -> None:
    task, tape_file, snapshot, out, *rest = sys.argv[1:]
    path = Path(tape_file)
    tape: Tape = json.loads(path.read_text()) if task == "play" else {"begun": time.time(), "requests": []}
    database = Path(out + ".db")
    database.write_bytes(Path(snapshot).read_bytes())
    settings = import_module("shop.config").Settings(database, secret=os.environ["SHOP_SECRET"])
    app = import_module("shop").create_app(settings)
    fixed = Fixed(tape["begun"])
    fixed.install()
    answers = play(app, tape, fixed) if task == "play" else make(app, tape, fixed, int(rest[0]))
    if task == "make":
        path.write_text(json.dumps(tape))
    Path(out).write_text(json.dumps({"answers": answers, "calls": fixed.calls}))


if __name__ == "__main__":
    main()
