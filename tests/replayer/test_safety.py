"""Which targets and requests may be replayed."""

from __future__ import annotations

import pytest

from recorder.exchange import Body, Headers, RecordedRequest
from replayer.safety import effective_method, may_send, normal_host, recorded_host, recorded_hosts, refusal

RECORDED = {("shop.example", 443), ("localhost", 8000), ("10.0.0.5", 80)}


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("shop.example", 443),
        ("SHOP.Example.", 443),
        ("localhost", 8000),
        ("127.0.0.1", 8000),
        ("127.8.9.1", 8000),
        ("127.1", 8000),
        ("2130706433", 8000),
        ("0x7f.0.0.1", 8000),
        ("::1", 8000),
        ("[::1]", 8000),
        ("0:0:0:0:0:0:0:1", 8000),
        ("::ffff:127.0.0.1", 8000),
        ("0.0.0.0", 8000),
        ("api.localhost", 8000),
        ("::ffff:10.0.0.5", 80),
        ("shop.example", 80),
        ("10.0.0.5", 443),
    ],
)
def test_where_production_was_recorded_is_refused(host: str, port: int) -> None:
    assert refusal(host, port, RECORDED) == (
        f"{host}:{port} is where the recording was made: replaying there would repeat its requests"
    )


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("shop.example", 8443),
        ("staging.shop.example", 443),
        ("localhost", 8001),
        ("128.0.0.1", 8000),
        ("10.0.0.50", 80),
        ("shop.example.evil", 443),
    ],
)
def test_another_host_or_port_is_not(host: str, port: int) -> None:
    assert refusal(host, port, RECORDED) is None


def test_names_beyond_ascii_are_one_spelling() -> None:
    assert normal_host("BÜCHER.example") == "xn--bcher-kva.example"
    assert refusal("bücher.example", 80, {("xn--bcher-kva.example", 80)}) is not None


@pytest.mark.parametrize(
    ("headers", "target", "scheme", "expected"),
    [
        ((("host", "Shop.Example"),), "/", "https", ("shop.example", 443)),
        ((("Host", "shop.example"),), "/", "http", ("shop.example", 80)),
        ((("Host", "shop.example:8080"),), "/", "https", ("shop.example", 8080)),
        ((("Host", "[::1]:8080"),), "/", "http", ("localhost", 8080)),
        ((("Host", "[2001:db8::1]"),), "/", "http", ("2001:db8::1", 80)),
        ((("Host", "a"),), "https://u@b.example/x?http://c", "http", ("b.example", 443)),
        ((("Host", "a"),), "/x?u=http://c", "http", ("a", 80)),
        ((("Host", ""),), "/", "http", None),
        ((), "/", "http", None),
    ],
)
def test_where_a_request_was_sent_to(
    headers: Headers, target: str, scheme: str, expected: tuple[str, int] | None
) -> None:
    assert recorded_host(RecordedRequest("GET", target, headers, scheme=scheme)) == expected


def test_what_proxies_say_that_production_is_called_counts_too() -> None:
    headers = (
        ("Host", "backend:8000"),
        ("X-Forwarded-Host", "shop.example, edge.example:8443"),
        ("Forwarded", 'for=1.2.3.4;host="www.example:444";proto=https, for=a; HOST=b.example'),
    )
    assert recorded_hosts(RecordedRequest("GET", "/", headers)) == {
        ("backend", 8000),
        ("shop.example", 80),
        ("edge.example", 8443),
        ("www.example", 444),
        ("b.example", 80),
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_always_allowed(method: str) -> None:
    assert may_send(method, disposable=False) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "PROPFIND", ""])
def test_anything_else_needs_a_disposable_target(method: str) -> None:
    assert may_send(method, disposable=True) is None
    assert may_send(method, disposable=False) == (
        f"{method} may change state, and the target is not declared disposable"
    )


FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
MULTIPART = ("Content-Type", "multipart/form-data; boundary=b")


@pytest.mark.parametrize(
    ("request_", "method"),
    [
        (RecordedRequest("GET", "/a?x=_method", ()), "GET"),
        (RecordedRequest("GET", "/a?_method=delete", ()), "DELETE"),
        (RecordedRequest("GET", "/a?x=1&%5Fmethod=PUT", ()), "PUT"),
        (RecordedRequest("GET", "/a?_method=", ()), "GET"),
        (RecordedRequest("GET", "/a?_method=GET&_method=DELETE", ()), "DELETE"),
        (RecordedRequest("GET", "/a", (("x-http-method-override", " patch "),)), "PATCH"),
        (RecordedRequest("GET", "/a", (("X-Method-Override", "DELETE"),)), "DELETE"),
        (RecordedRequest("GET", "/a", (("X-HTTP-Method", "GET"), ("X-HTTP-Method", "MERGE"))), "MERGE"),
        (RecordedRequest("POST", "/a", (("X-HTTP-Method-Override", "GET"),)), "POST"),
        (RecordedRequest("GET", "/a", (FORM,), Body.of(b"a=1&_method=DELETE")), "DELETE"),
        (RecordedRequest("GET", "/a", (("Content-Type", "text/plain"),), Body.of(b"_method=DELETE")), "GET"),
        (
            RecordedRequest(
                "GET",
                "/a",
                (MULTIPART,),
                Body.of(b'--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--\r\n'),
            ),
            "DELETE",
        ),
        (
            RecordedRequest(
                "GET",
                "/a",
                (MULTIPART,),
                Body.of(b'--b\r\nContent-Disposition: form-data; name="my_method"\r\n\r\nDELETE\r\n--b--\r\n'),
            ),
            "GET",
        ),
        (RecordedRequest("brew", "/a", ()), "brew"),
    ],
)
def test_the_method_that_the_application_acts_upon(request_: RecordedRequest, method: str) -> None:
    assert effective_method(request_) == method
