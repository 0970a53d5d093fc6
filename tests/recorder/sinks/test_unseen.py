"""What a sink sends is no call of the application: not recorded, not answered from a tape, not stopped by a guard."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any

import pytest

from recorder import RecorderConfig, RecorderMiddleware
from recorder.observation import begin
from tests.recorder.test_conformance import environ, serve
from tests.services.redis import RedisServer

from .endpoint import TOKEN, endpoint
from .recording import KEY
from .streams import Arrived, arrived


@pytest.fixture(autouse=True)
def _errors_of_ours_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_RAISE", "1")


class Flushing:
    """An application that has what is queued shipped while it answers, as one does in a shell or a task."""

    def __init__(self, sink: str) -> None:
        self.recorded = RecorderMiddleware(self, RecorderConfig(sink=sink, key=KEY, observe=True))

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        assert self.recorded.flush()
        start("200 OK", [])
        return [b"flushed"]

    def ask(self) -> None:
        assert serve(self.recorded, environ("/")).chunks == [b"flushed"]

    def replay(self) -> None:
        """A replayed request whose tape is empty: whatever it calls is refused."""
        observation = self.recorded._hooks.observation("run", "no tape that could be read")
        begin(observation)
        try:
            with pytest.raises(urllib.error.HTTPError, match="599"):
                urllib.request.urlopen("http://127.0.0.1:1/", timeout=5)
            assert self.recorded.flush()
        finally:
            begin(None)
        assert len(observation.taken().outbound or ()) == 1  # the one that was refused


def check(app: Flushing) -> None:
    app.ask()
    app.ask()
    app.replay()
    app.ask()
    app.recorded.close()


def unseen(found: Arrived) -> None:
    assert [made.outbound for made in found.exchanges.values()] == [()] * 3
    assert (found.seen, found.losses) == (3, {})


def test_an_ingest_endpoint() -> None:
    with endpoint() as server:
        check(Flushing(f"http://127.0.0.1:{server.port}/?token={TOKEN}"))
        unseen(server.arrived)


def test_a_redis_stream(redis_server: RedisServer) -> None:
    check(Flushing(f"redis://127.0.0.1:{redis_server.port}/0"))
    unseen(arrived(redis_server.client()))
