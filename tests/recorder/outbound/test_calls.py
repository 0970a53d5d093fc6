"""What an application asks of other systems is noted, once, where it belongs, and changes nothing for it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import requests
import urllib3

from recorder import BodyState, Exchange, RecorderConfig, RecorderMiddleware
from recorder.exchange import CallOutcome, OutboundCall
from recorder.observation import current
from recorder.outbound.calls import MAX_BODY, MAX_CALLS
from recorder.sinks.memory import memory_sink

from ..test_conformance import environ, serve
from .clients import CLIENTS
from .provider import Provider, provider

KEY = "a key of at least thirty-two bytes"


@pytest.fixture(autouse=True)
def _errors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_RAISE", "1")


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with provider() as made:
        yield made


class Recorded:
    """An application that does what each request is given to do, recorded."""

    def __init__(self) -> None:
        sink = memory_sink("outbound")
        sink.clear()
        self._sink = sink
        self.middleware = RecorderMiddleware(self._app, RecorderConfig(sink="memory:outbound", key=KEY))

    def _app(self, given: dict[str, Any], start: Any) -> list[bytes]:
        given["do"]()
        start("200 OK", [])
        return [b"done"]

    def run(self, do: Callable[[], object], path: str = "/") -> None:
        answer = serve(self.middleware, environ(path, do=do))
        assert answer.chunks == [b"done"], answer.error

    def exchanges(self) -> list[Exchange]:
        assert self.middleware.flush()
        return self._sink.exchanges()

    def calls(self, do: Callable[[], object]) -> tuple[OutboundCall, ...]:
        self.run(do)
        (exchange,) = self.exchanges()
        assert exchange.outbound is not None
        return exchange.outbound


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    made = Recorded()
    yield made
    made.middleware.close()


@pytest.mark.parametrize("name", CLIENTS)
def test_each_client_is_noted_once(name: str, recorded: Recorded, server: Provider) -> None:
    got: list[Any] = []
    url = server.url + "/charges?currency=eur"
    calls = recorded.calls(lambda: got.append(CLIENTS[name](url, {"amount": 5}, {"Idempotency-Key": "k1"})))
    (call,) = calls
    assert (call.request.method, call.request.target, call.outcome) == ("POST", url, CallOutcome.ANSWERED)
    assert json.loads(call.request.body.data) == {"amount": 5}
    headers = {key.lower(): value for key, value in call.request.headers}
    assert headers["idempotency-key"] == "k1"
    assert headers["content-type"] == "application/json"
    assert call.response is not None
    assert (call.response.status, call.response.body.state) == (200, BodyState.COMPLETE)
    assert json.loads(call.response.body.data) == got[0]
    assert call.started <= call.ended
    assert call.attempts == 1


@pytest.mark.parametrize("path", ["/gzip", "/chunked"])
@pytest.mark.parametrize("name", [n for n in CLIENTS if n != "urllib"])  # which leaves decoding to its caller
def test_a_coded_response_is_kept_as_it_can_be_read(name: str, path: str, recorded: Recorded, server: Provider) -> None:
    got: list[Any] = []
    (call,) = recorded.calls(lambda: got.append(CLIENTS[name](server.url + path, {}, {})))
    assert got[0]["path"] == path
    assert call.response is not None
    response = httpx.Response(200, headers=list(call.response.headers), content=call.response.body.data)
    assert response.json() == got[0]


def test_a_stream_is_passed_on_as_it_is_and_kept_to_its_bound(recorded: Recorded, server: Provider) -> None:
    seen: list[int] = []

    def stream() -> None:
        with requests.get(server.url + "/large", stream=True, timeout=5) as response:
            seen.extend(len(piece) for piece in response.iter_content(10_000))
        with httpx.Client() as client, client.stream("GET", server.url + "/large") as other:
            seen.append(sum(map(len, other.iter_bytes())))
        with urllib.request.urlopen(server.url + "/large", timeout=5) as plain:
            seen.append(len(plain.read()))

    calls = recorded.calls(stream)
    whole = seen[-1]
    assert whole > 200_000
    assert (sum(seen[:-2]), seen[-2]) == (whole, whole)
    assert len(seen) > 20
    for call in calls:
        assert call.response is not None
        body = call.response.body
        assert (len(body.data), body.size, body.state) == (MAX_BODY, whole, BodyState.TRUNCATED)


def test_what_was_not_read_is_not_read_for_us(recorded: Recorded, server: Provider) -> None:
    def peek() -> None:
        with requests.get(server.url + "/large", stream=True, timeout=5) as response:
            assert response.status_code == 200

    (call,) = recorded.calls(peek)
    assert call.response is not None
    assert (call.response.body.data, call.response.body.state) == (b"", BodyState.TRUNCATED)
    assert call.response.body.size > 200_000


def test_an_upload_that_is_a_stream_is_left_alone(recorded: Recorded, server: Provider) -> None:
    got: list[Any] = []

    def upload() -> None:
        got.append(requests.post(server.url, data=iter([b"ab", b"cd"]), timeout=5).status_code)
        got.append(httpx.post(server.url, content=iter([b"ab", b"cd"]), timeout=5).status_code)

    calls = recorded.calls(upload)
    assert got == [200, 200]
    assert [call.request.body.state for call in calls] == [BodyState.TRUNCATED] * 2


def test_retries_are_one_call_and_redirects_are_calls(recorded: Recorded, server: Provider) -> None:
    def ask() -> None:
        server.failures = 2
        retry = urllib3.Retry(total=3, status_forcelist=[503], backoff_factor=0)
        with urllib3.PoolManager(retries=retry) as pool:
            assert pool.request("GET", server.url + "/again").status == 200
        assert requests.get(server.url + "/moved", timeout=5).json()["path"] == "/here"

    calls = recorded.calls(ask)
    assert [(call.request.target.rpartition("/")[2], call.attempts) for call in calls] == [
        ("again", 3),
        ("moved", 1),
        ("here", 1),
    ]


def test_a_call_that_fails_is_noted_and_fails(recorded: Recorded) -> None:
    with provider() as gone:
        url = gone.url

    def ask() -> None:
        with pytest.raises(requests.ConnectionError):
            requests.post(url, json={}, timeout=5)
        with pytest.raises(httpx.ConnectError):
            httpx.post(url)

    calls = recorded.calls(ask)
    assert [(call.outcome, call.response) for call in calls] == [(CallOutcome.FAILED, None)] * 2


def test_more_calls_than_are_kept_are_counted(recorded: Recorded, server: Provider) -> None:
    def ask() -> None:
        with requests.Session() as session:
            for number in range(MAX_CALLS + 7):
                session.get(f"{server.url}/{number}", timeout=5)

    calls = recorded.calls(ask)
    assert len(calls) == MAX_CALLS + 1
    assert (calls[-1].outcome, calls[-1].attempts) == (CallOutcome.UNKEPT, 7)


def test_calls_outside_of_a_request_are_not_noted(recorded: Recorded, server: Provider) -> None:
    recorded.run(lambda: None)
    for post in CLIENTS.values():
        post(server.url, {}, {})
    with ThreadPoolExecutor(1) as pool:
        recorded.run(lambda: pool.submit(CLIENTS["requests"], server.url, {"of": "the request"}, {}).result())
        pool.submit(CLIENTS["requests"], server.url, {"of": "nobody"}, {}).result()
    first, second = recorded.exchanges()
    assert first.outbound == ()
    assert second.outbound is not None
    assert [json.loads(call.request.body.data) for call in second.outbound] == [{"of": "the request"}]


def test_every_call_is_attributed_to_its_request(recorded: Recorded, server: Provider) -> None:
    """Eight requests at once; each calls from its own thread, a thread it starts, and a pool that all share."""
    with ThreadPoolExecutor(4) as shared:

        def answer(number: int) -> None:
            data = {"request": number}
            for post in CLIENTS.values():
                post(server.url, data, {})
            one = threading.Thread(target=CLIENTS["requests"], args=(server.url, data, {}))
            one.start()
            waiting = [shared.submit(post, server.url, data, {}) for post in CLIENTS.values()]
            one.join()
            for future in waiting:
                future.result()

        together = [
            threading.Thread(target=recorded.run, args=(lambda n=number: answer(n), f"/{number}"))
            for number in range(8)
        ]
        for thread in together:
            thread.start()
        for thread in together:
            thread.join()
    made = recorded.exchanges()
    assert len(made) == 8
    for exchange in made:
        number = int(exchange.request.path[1:])
        assert exchange.outbound is not None
        sent = [json.loads(call.request.body.data) for call in exchange.outbound]
        assert sent == [{"request": number}] * (2 * len(CLIENTS) + 1)


def test_threads_get_nothing_but_the_observation(recorded: Recorded) -> None:
    from contextvars import ContextVar

    theirs: ContextVar[str] = ContextVar("theirs", default="none")
    seen: list[str] = []

    def answer() -> None:
        theirs.set("of the request")
        thread = threading.Thread(target=lambda: seen.append(theirs.get()))
        thread.start()
        thread.join()

    recorded.run(answer)
    assert seen == ["none"]


def test_it_can_be_turned_off(server: Provider) -> None:
    sink = memory_sink("outbound off")
    sink.clear()

    def app(_: dict[str, Any], start: Any) -> list[bytes]:
        CLIENTS["requests"](server.url, {}, {})
        start("200 OK", [])
        return []

    middleware = RecorderMiddleware(app, RecorderConfig(sink="memory:outbound off", key=KEY, outbound=False))
    serve(middleware, environ("/"))
    assert middleware.flush()
    assert [exchange.outbound for exchange in sink.exchanges()] == [None]
    middleware.close()


def test_what_calls_hold_counts_as_the_applications_memory(recorded: Recorded, server: Provider) -> None:
    weights: list[int] = []

    def ask() -> None:
        requests.post(server.url, data=b"x" * 200_000, timeout=5)
        observation = current()
        assert observation is not None
        weights.append(observation.weight)

    recorded.run(ask)
    assert MAX_BODY < weights[0] < 4 * MAX_BODY


def test_a_library_that_is_imported_later_is_hooked_with_the_next_request() -> None:
    script = """
import sys
from recorder import RecorderConfig, RecorderMiddleware
from recorder.outbound import clients

def app(environ, start):
    start("200 OK", [])
    return []

wrapped = RecorderMiddleware(app, RecorderConfig(sink="memory:", key="k" * 40))
def ask():
    list(wrapped({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "::1", "HTTP_HOST": "h"}, lambda *_: None))
ask()
assert not {"urllib3", "requests", "httpx", "aiohttp"} & set(sys.modules), "we imported it"
import requests
assert "urllib3.response" in clients._waiting
ask()
assert "urllib3.response" not in clients._waiting
wrapped.close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
