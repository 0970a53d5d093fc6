"""An ingest endpoint that refuses, is busy, breaks off or is something else, and what becomes of the exchanges."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from recorder.pipeline import Pipeline
from tests.recorder.test_conformance import environ, serve
from tests.services.certificates import self_signed
from tests.services.proxy import Proxy

from .endpoint import TOKEN, Endpoint, Saying, endpoint
from .recording import App, close_all, targets
from .streams import Arrived


@pytest.fixture(autouse=True)
def _errors_of_ours_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_RAISE", "1")


@pytest.fixture
def background() -> None:
    """The background thread is at work."""


@pytest.fixture(autouse=True)
def _only_a_flush_ships(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Unless a test asks for `background`: so that it is known which exchanges travel together, and when."""
    if "background" not in request.fixturenames:
        monkeypatch.setattr(Pipeline, "_run", lambda *_: None)
    yield
    close_all()


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint() as made:
        yield made


def url(port: int, options: str = "", token: str = TOKEN) -> str:
    return f"http://127.0.0.1:{port}/api/ingest?token={quote(token, safe='')}{options}"


def balanced(found: Arrived, seen: int) -> None:
    assert found.seen == seen
    assert len(found.exchanges) + found.dropped == seen
    assert sum(found.losses.values()) == found.dropped


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


def test_batches_are_posted_over_one_connection(background: None, server: Endpoint) -> None:
    app = App(url(server.port))
    app.ask(150)
    app.flush()
    app.ask(50)
    app.close()
    balanced(server.arrived, 200)
    assert server.arrived.targets == targets(0, 199)
    assert server.connections == 1
    assert {path for path, _ in server.requests} == {"/api/ingest"}


def test_over_tls(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate = self_signed(tmp_path)
    with endpoint(certificate) as server:
        trusting = url(server.port).replace("http:", "https:") + f"&ssl_ca_certs={certificate[0]}"
        app = App(trusting)
        app.ask(10)
        app.close()
        balanced(server.arrived, 10)
        assert caplog.text == ""
        app = App(url(server.port).replace("http:", "https:"))
        app.ask(10)
        app.close()
        assert len(server.arrived.exchanges) == 10
        assert "certificate verify failed" in caplog.text


@pytest.mark.parametrize("policy", ["drop", "spill"])
def test_a_server_that_is_gone_and_comes_back(
    policy: str, server: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Proxy(("127.0.0.1", server.port)) as proxy:
        proxy.refuse()
        app = App(url(proxy.port, f"&policy={policy}" + (f"&spill={tmp_path}" if policy == "spill" else "")))
        app.ask(100)
        app.flush()
        proxy.listen()
        app.ask(50)
        app.flush()
        app.close()
    balanced(server.arrived, 150)
    assert server.arrived.losses == ({"sink_unavailable": 100} if policy == "drop" else {})
    assert f"http://127.0.0.1:{proxy.port}/api/ingest cannot be reached: [Errno 111]" in said(caplog)[0]
    assert "t0ken" not in caplog.text


def test_an_idle_connection_that_the_server_closed_is_made_again(
    server: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    with Proxy(("127.0.0.1", server.port)) as proxy:
        app = App(url(proxy.port))
        app.ask(10)
        app.flush()
        proxy.cut()
        app.ask(10)
        app.flush()
        app.close()
        assert proxy.accepted == 2
    balanced(server.arrived, 20)
    assert caplog.text == ""
    assert server.arrived.losses == {}


@pytest.mark.parametrize("keeps", [False, True], ids=["before it was kept", "after it was kept"])
def test_a_reset_instead_of_an_answer_is_no_loss(keeps: bool, server: Endpoint) -> None:
    app = App(url(server.port))
    server.sayings.extend([Saying(0, keeps=keeps, reset=True)] * 2)
    app.ask(10)
    app.flush()
    app.flush()
    app.ask(10)
    app.flush()
    app.close()
    balanced(server.arrived, 20)
    assert server.arrived.losses == {}
    assert len(server.arrived.order) == (40 if keeps else 20)


def test_a_server_that_swallows_everything(background: None, server: Endpoint) -> None:
    with Proxy(("127.0.0.1", server.port)) as proxy:
        app = App(url(proxy.port))
        app.ask(10)
        app.flush()
        proxy.black_hole = True
        app.ask(100)
        assert not app.flush(0.2)
        app.ask(100)
        app.flush()
        proxy.heal()
        app.close()
    balanced(server.arrived, 210)
    assert set(server.arrived.losses) == {"sink_timeout"}
    assert server.arrived.losses["sink_timeout"] >= 100


@pytest.mark.parametrize("early", [True, False], ids=["before it was read", "after it was read"])
def test_what_is_too_large_is_halved(early: bool, server: Endpoint) -> None:
    app = App(url(server.port))
    app.ask(1, size=800)
    app.flush()
    server.largest = 60_000
    if not early:
        server.sayings.append(Saying(413))
    for number in range(3):
        app.ask(10, size=1000 + 8 * number)
    app.flush()
    app.close()
    balanced(server.arrived, 31)
    assert server.arrived.losses == {}


def test_a_single_exchange_that_is_too_large_is_lost_alone(server: Endpoint) -> None:
    server.largest = 100_000
    app = App(url(server.port), max_body=1 << 25, queue_bytes=1 << 27)
    app.ask(5)
    noise = random.Random(1).randbytes(6_000_000)  # more than fits into a connection that nobody reads
    assert b"".join(serve(app.middleware, environ("/echo", "POST", noise)).chunks) == noise
    app.ask(5)
    assert app.flush(90)
    app.close()
    balanced(server.arrived, 11)
    assert server.arrived.losses == {"too_large": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused(status: int, server: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    server.always = Saying(status)
    app = App(url(server.port))
    app.ask(100)
    app.flush()
    asked = len(server.requests)
    server.always = None
    app.ask(10)
    app.close()
    balanced(server.arrived, 110)
    assert server.arrived.losses == {"token_refused": 100}
    assert asked == 1  # not for every batch
    assert said(caplog)[0].endswith(
        f"answers {status}: the token is refused; exchanges are dropped and counted meanwhile (token_refused)"
    )
    assert "t0ken" not in caplog.text


@pytest.mark.parametrize("status", [400, 422])
def test_a_batch_that_is_refused_for_good_is_not_sent_again(
    status: int, server: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(url(server.port))
    server.sayings.append(Saying(status, b"the third frame is not to my taste"))
    app.ask(10)
    app.flush()
    app.ask(10)
    app.close()
    balanced(server.arrived, 20)
    assert server.arrived.losses == {"batch_refused": 10}
    assert "the third frame is not to my taste" in said(caplog)[0]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_later_means_later(background: None, status: int, form: str, server: Endpoint, tmp_path: Path) -> None:
    value = "120" if form == "seconds" else email.utils.formatdate(time.time() + 120, usegmt=True)
    server.sayings.append(Saying(status, fields={"Retry-After": value}))
    app = App(url(server.port, f"&spill={tmp_path}"))
    app.ask(10)
    while not server.requests:
        time.sleep(0.01)
    time.sleep(1.0)  # several times the first waits
    assert len(server.requests) == 1
    app.flush()  # asks at once, all the same
    balanced(server.arrived, 10)
    assert server.arrived.losses == {}


def test_of_a_write_that_breaks_off_the_rest_is_counted(server: Endpoint) -> None:
    server.sayings.extend([None, Saying(404)])
    app = App(url(server.port))
    app.ask(3, size=800_000)  # each a batch of its own
    app.flush()
    app.flush()
    app.close()
    balanced(server.arrived, 3)
    assert server.arrived.losses == {"not_ingest": 2}
    assert [made.request.body.data[:8] for made in server.arrived.exchanges.values()] == [b"00000000"]


@pytest.mark.parametrize(
    ("saying", "reason"),
    [
        (Saying(408), "sink_timeout"),
        (Saying(500), "ingest_failed"),
        (Saying(404), "not_ingest"),
        (Saying(302, fields={"Location": "/login"}), "not_ingest"),
        (Saying(200, b"<html>Welcome to our Wi-Fi</html>"), "not_ingest"),
        (Saying(202, b"<html>Thanks</html>"), "not_ingest"),
        (Saying(202, b"[]"), "not_ingest"),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_what_does_not_answer_as_an_ingest_endpoint_does_has_taken_nothing(
    saying: Saying, reason: str, server: Endpoint
) -> None:
    server.always = saying
    app = App(url(server.port))
    app.ask(10)
    app.flush()
    server.always = None
    app.ask(10)
    app.close()
    balanced(server.arrived, 20)
    assert server.arrived.losses == {reason: 10}


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_lost_the_answer_leaves_the_batch_in_doubt(status: int, server: Endpoint) -> None:
    server.sayings.append(Saying(status, keeps=True))
    app = App(url(server.port))
    app.ask(10)
    app.flush()
    app.flush()
    app.close()
    balanced(server.arrived, 10)
    assert server.arrived.losses == {}


def test_an_endpoint_that_read_fewer_exchanges_than_were_sent_is_said(
    server: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    server.sayings.append(Saying(202, b'{"exchanges": 7}'))
    app = App(url(server.port))
    app.ask(10)
    app.close()
    assert said(caplog) == [
        f"understudy: http://127.0.0.1:{server.port}/api/ingest answers 202, and read 7 exchanges of 10"
    ]


def test_an_answer_without_end_is_not_read_to_its_end(server: Endpoint) -> None:
    server.sayings.append(Saying(404, bytes(1 << 20)))
    app = App(url(server.port))
    app.ask(10)
    app.flush()
    app.ask(10)
    app.close()
    balanced(server.arrived, 20)
    assert server.connections == 2
