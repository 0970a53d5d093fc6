from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from recorder.exchange import Body, BodyState, Exchange, RecordedRequest, RecordedResponse
from replayer.errors import UsageError
from replayer.formats.har import HarContent, parse_har

CHROME: dict[str, Any] = {
    "_connectionId": "35",
    "_initiator": {"type": "script"},
    "_priority": "High",
    "_resourceType": "fetch",
    "cache": {},
    "connection": "443",
    "request": {
        "method": "POST",
        "url": "https://shop.example/api/caf%c3%a9?q=a%20b&&x#top",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":authority", "value": "shop.example"},
            {"name": ":method", "value": "POST"},
            {"name": ":path", "value": "/api/caf%c3%a9?q=a%20b&&x"},
            {"name": ":scheme", "value": "https"},
            {"name": "content-length", "value": "13"},
            {"name": "content-type", "value": "application/json"},
            {"name": "cookie", "value": "session=s3cret; theme=dark"},
            {"name": "x-twice", "value": "1"},
            {"name": "x-twice", "value": "2"},
        ],
        "queryString": [{"name": "q", "value": "a%20b"}],
        "cookies": [{"name": "session", "value": "s3cret"}],
        "headersSize": -1,
        "bodySize": 13,
        "postData": {"mimeType": "application/json", "text": '{"name":"é"}'},
    },
    "response": {
        "status": 201,
        "statusText": "",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": "content-encoding", "value": "br"},
            {"name": "content-length", "value": "12"},
            {"name": "content-type", "value": "application/json"},
            {"name": "set-cookie", "value": "a=1; Path=/\nb=2; HttpOnly"},
        ],
        "cookies": [],
        "content": {"size": 9, "mimeType": "application/json", "text": '{"id": 1}'},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_transferSize": 120,
        "_error": None,
    },
    "serverIPAddress": "10.0.0.1",
    "startedDateTime": "2026-01-31T12:00:00.250Z",
    "time": 125.5,
    "timings": {"blocked": 1, "dns": -1, "send": 0.1, "wait": 100, "receive": 1},
}

FIREFOX: dict[str, Any] = {
    "startedDateTime": "2026-01-31T13:00:01.000+01:00",
    "request": {
        "bodySize": 0,
        "method": "GET",
        "url": "https://shop.example/pic.png",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": "Host", "value": "shop.example"}, {"name": "Accept", "value": "*/*"}],
        "cookies": [],
        "queryString": [],
        "headersSize": 300,
    },
    "response": {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": "Content-Type", "value": "image/png"}, {"name": "Transfer-Encoding", "value": "chunked"}],
        "cookies": [],
        "content": {
            "mimeType": "image/png",
            "size": 4,
            "encoding": "base64",
            "text": base64.b64encode(b"\x89PNG").decode(),
        },
        "redirectURL": "",
        "headersSize": 100,
        "bodySize": 104,
    },
    "cache": {},
    "timings": {"blocked": 0, "wait": 3},
    "time": 3,
    "pageref": "page_1",
}


def har(*entries: object) -> bytes:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "t"}, "entries": entries}}).encode()


def entry(url: str = "http://h/", request: dict[str, Any] | None = None, **response: Any) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-01-31T12:00:00Z",
        "time": 1,
        "request": {"method": "GET", "url": url, "headers": [], **(request or {})},
        "response": {"status": 200, "statusText": "OK", "headers": [], "content": {"size": 0}, **response},
    }


def only(data: bytes) -> Exchange:
    (exchange,) = parse_har(data).exchanges
    return exchange


def post(headers: dict[str, str], **request: Any) -> Body:
    fields = [{"name": name, "value": value} for name, value in headers.items()]
    return only(har(entry(request={"method": "POST", "headers": fields, **request}))).request.body


def answered(mime: str = "text/plain", method: str = "GET", **content: Any) -> RecordedResponse:
    response = only(har(entry(request={"method": method}, content={"mimeType": mime, **content}))).response
    assert response is not None
    return response


def test_what_browsers_export_becomes_exchanges_in_order_of_time() -> None:
    content = parse_har(b"\xef\xbb\xbf" + har(FIREFOX, CHROME))
    chrome, firefox = content.exchanges
    assert content == HarContent((chrome, firefox), "shop.example", ())
    assert chrome == Exchange(
        id=chrome.id,
        request=RecordedRequest(
            method="POST",
            target="/api/caf%c3%a9?q=a%20b&&x",
            headers=(
                ("Host", "shop.example"),
                ("content-length", "13"),
                ("content-type", "application/json"),
                ("cookie", "session=s3cret; theme=dark"),
                ("x-twice", "1"),
                ("x-twice", "2"),
            ),
            body=Body.of('{"name":"é"}'.encode()),
            scheme="https",
        ),
        response=RecordedResponse(
            201,
            "",
            (
                ("content-length", "9"),
                ("content-type", "application/json"),
                ("set-cookie", "a=1; Path=/"),
                ("set-cookie", "b=2; HttpOnly"),
            ),
            Body.of(b'{"id": 1}'),
        ),
        started=1769860800.25,
        ended=1769860800.3755,
        producer="har",
    )
    assert firefox == Exchange(
        id=firefox.id,
        request=RecordedRequest(
            "GET", "/pic.png", (("Host", "shop.example"), ("Accept", "*/*")), Body(), scheme="https"
        ),
        response=RecordedResponse(200, "OK", (("Content-Type", "image/png"),), Body.of(b"\x89PNG")),
        started=1769860801.0,
        ended=1769860801.003,
        producer="har",
    )
    assert len({chrome.id, firefox.id}) == 2
    assert parse_har(har(FIREFOX, CHROME)).exchanges[0].id != chrome.id  # another file, its first bytes apart


def test_the_same_file_gives_the_same_ids() -> None:
    assert parse_har(har(CHROME, FIREFOX)) == parse_har(har(CHROME, FIREFOX))


def test_what_cannot_be_replayed_is_counted() -> None:
    content = parse_har(
        har(
            entry(),
            entry("data:image/png;base64,AAAA"),
            entry("blob:http://h/1"),
            entry("chrome-extension://x/y"),
            entry("wss://h/socket", status=101),
            entry("https://h/socket", status=101),
            entry("http://h/blocked", status=0),
            {**entry("http://h/none"), "response": None},
            {**entry("http://h/cached"), "_fromCache": "memory"},
            entry("http://h:443", request={"method": "CONNECT"}),
            entry("http://other/"),
        )
    )
    assert (len(content.exchanges), content.host) == (1, "h")
    assert content.skipped == (
        ("another host", 1),
        ("answered from the browser's cache", 1),
        ("no response", 2),
        ("not http", 3),
        ("tunnel", 1),
        ("websocket", 2),
    )


def test_the_commonest_host_is_kept_unless_another_is_asked_for() -> None:
    data = har(entry("http://cdn/1"), entry("https://Shop:443/2"), entry("https://u:p@shop/3"), entry("http://cdn:81/"))
    content = parse_har(data)
    assert (content.host, [e.request.target for e in content.exchanges]) == ("shop", ["/2", "/3"])
    content = parse_har(data, host="CDN:81")
    assert (content.host, content.skipped) == ("cdn:81", (("another host", 3),))
    with pytest.raises(UsageError, match=r"no exchange with the host nobody that could be replayed \(4 another host\)"):
        parse_har(data, host="nobody")


@pytest.mark.parametrize(
    ("url", "target", "exact"),
    [
        ("http://h", "/", True),
        ("http://h?x", "/?x", True),
        ("http://h/a/../%2f%zz?q=%e9#f", "/a/../%2f%zz?q=%e9", True),
        ("http://h/é x?\u20ac=\n1", "/%C3%A9%20x?%E2%82%AC=%0A1", False),
        ("http://h/{a}|b", "/{a}|b", True),
    ],
)
def test_a_target_is_the_urls_own_text_where_it_can_be_sent(url: str, target: str, exact: bool) -> None:
    request = only(har(entry(url))).request
    assert (request.target, request.target_exact) == (target, exact)


def test_header_values_are_bytes_as_characters_on_one_line() -> None:
    fields = [
        {"name": "X-Latin", "value": "é"},
        {"name": "X-Wide", "value": "€"},
        {"name": "Set-Cookie", "value": "a=1\r\nb=2\n"},
        {"name": "X-Return", "value": "a\rb"},
        {"name": "X-Empty", "value": ""},
        {"name": "bad name", "value": "x"},
        {"name": "X-Null", "value": None},
    ]
    response = only(har(entry(headers=fields))).response
    assert response is not None
    assert response.headers == (
        ("X-Latin", "\xe9"),
        ("X-Wide", "\xe2\x82\xac"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Return", "a"),
        ("X-Return", "b"),
        ("X-Empty", ""),
        ("X-Null", ""),
    )


def test_text_is_in_the_charset_of_its_type() -> None:
    assert answered("text/html; charset=ISO-8859-1", text="é", size=1).body == Body.of(b"\xe9")
    assert answered('text/html; charset="utf-8"', text="é", size=2).body == Body.of(b"\xc3\xa9")
    assert answered("text/html; charset=latin-1", text="€").body == Body.of(b"\xe2\x82\xac")
    assert answered("text/html; charset=zlib", text="a").body == Body.of(b"a")
    assert answered("text/html; charset=nonsense", text="a").body == Body.of(b"a")


def test_content_that_was_cut_or_left_out_is_marked() -> None:
    assert answered(size=10, text="abc").body == Body(b"abc", 10, BodyState.TRUNCATED)
    assert answered(size=10).body == Body(b"", 10, BodyState.TRUNCATED)
    assert answered(size=3, text="a\ufffdb").body == Body(b"", 3, BodyState.TRUNCATED)
    assert answered(size=5, text="a\ufffdb").body == Body.of("a\ufffdb".encode())
    assert answered(size=-1).body == Body()
    assert answered(size=0, text="").body == Body()


def test_an_answer_without_content_keeps_its_headers() -> None:
    fields = [{"name": "Content-Length", "value": "9"}, {"name": "Content-Encoding", "value": "gzip"}]
    for request, status in (({"method": "HEAD"}, 200), ({}, 304), ({}, 204)):
        response = only(har(entry(request=request, status=status, headers=fields, content={"size": 9}))).response
        assert response == RecordedResponse(
            status, "OK", (("Content-Length", "9"), ("Content-Encoding", "gzip")), Body()
        )


def test_posted_text_is_taken_for_what_its_length_says() -> None:
    assert post({}, postData={"mimeType": "", "text": "é"}) == Body.of(b"\xc3\xa9")
    assert post({"Content-Length": "2"}, postData={"mimeType": "", "text": "é"}) == Body.of(b"\xc3\xa9")
    assert post({"Content-Length": "1"}, postData={"mimeType": "", "text": "é"}) == Body.of(b"\xe9")
    assert post({"Content-Length": "9"}, postData={"text": "abc"}) == Body(b"abc", 9, BodyState.TRUNCATED)
    assert post({"Content-Length": "1"}, postData={"text": "\ufffd"}) == Body(b"", 1, BodyState.TRUNCATED)
    assert post({}, postData={"text": "/w==", "encoding": "base64"}) == Body.of(b"\xff")
    assert post({"Content-Length": "7"}) == Body(b"", 7, BodyState.TRUNCATED)
    assert post({}, bodySize=7) == Body(b"", 7, BodyState.TRUNCATED)
    assert post({}, bodySize=-1) == Body()


def test_a_posted_form_is_made_from_its_fields() -> None:
    fields = [{"name": "a b", "value": "é&"}, {"name": "c"}]
    form = {"mimeType": "application/x-www-form-urlencoded", "params": fields}
    assert post({}, postData=form) == Body.of(b"a+b=%C3%A9%26&c=")
    parts: list[dict[str, Any]] = [{"name": 'a"', "value": "1"}, {"name": "b", "value": "2", "contentType": "text/x"}]
    multipart = {"mimeType": "multipart/form-data; boundary=XX", "params": parts}
    assert post({}, postData=multipart) == Body.of(
        b'--XX\r\nContent-Disposition: form-data; name="a%22"\r\n\r\n1\r\n'
        b'--XX\r\nContent-Disposition: form-data; name="b"\r\nContent-Type: text/x\r\n\r\n2\r\n--XX--\r\n'
    )
    parts.append({"name": "f", "fileName": "x.png", "value": "..."})
    assert post({"Content-Length": "500"}, postData=multipart) == Body(b"", 500, BodyState.TRUNCATED)


def test_a_request_whose_body_is_known_says_how_long_it_is() -> None:
    request = only(har(entry(request={"method": "POST", "postData": {"text": "abc"}}))).request
    assert request.headers == (("Host", "h"), ("Content-Length", "3"))


def test_an_entry_that_is_wrong_is_left_out_and_named() -> None:
    lying = entry("http://h/2", content={"text": "%%", "encoding": "base64"})
    content = parse_har(har(entry("http://h/1"), lying, entry("http://h/3", status="200"), None, entry("http://h/5")))
    assert [exchange.request.target for exchange in content.exchanges] == ["/1", "/5"]
    assert content.torn == (
        (2, "entry 2: response.content.text must be base64, as its encoding says, and is '%%'"),
        (3, "entry 3: response.status must be a whole number, and is '200'"),
        (4, "entry 4: must be an object, not null or missing"),
    )


def test_a_file_that_was_cut_gives_what_stands_before_the_cut() -> None:
    whole = har(*(entry(f"http://h/{n}") for n in range(5)))
    content = parse_har(whole[: whole.rindex(b"http://h/4")])
    assert [exchange.request.target for exchange in content.exchanges] == ["/0", "/1", "/2", "/3"]
    (note,) = content.notes
    assert note.startswith("The file is torn after entry 4: ")


def test_what_a_browser_answered_itself_is_no_exchange() -> None:
    worker = {**entry(), "response": {**entry()["response"], "_fetchedViaServiceWorker": True}}
    safari = {**entry(), "response": {**entry()["response"], "_fetchType": "Disk Cache"}}
    socket = {**entry(), "_webSocketMessages": [{"type": "send", "data": "x"}]}
    cached = {**entry(), "cache": {"afterRequest": None}}
    content = parse_har(har(entry(), worker, safari, socket, cached))
    assert len(content.exchanges) == 2  # what Charles writes of a cache says nothing of who answered
    assert content.skipped == (
        ("answered by a service worker", 1),
        ("answered from the browser's cache", 1),
        ("websocket", 1),
    )
    firefox = json.loads(har(entry(), cached))
    firefox["log"]["creator"] = {"name": "Firefox", "version": "140.0"}
    assert parse_har(json.dumps(firefox).encode()).skipped == (("answered from the browser's cache", 1),)


def test_what_proxies_write_is_read() -> None:
    """mitmproxy and Charles: pseudo headers, sizes as fractions, -1 for what failed, offsets without a colon."""
    mitmproxy = entry("https://h/m", {"headers": [{"name": ":authority", "value": "h"}], "bodySize": 0.0}, status=200.0)
    mitmproxy |= {"time": -1.0, "_resourceType": None, "startedDateTime": "2026-01-31T12:00:00.123456+00:00"}
    charles = entry("https://h/c", {"httpVersion": "HTTP/2.0", "postData": None})
    charles |= {"startedDateTime": "2026-01-31T13:00:00.5+0100", "_charlesStatus": "COMPLETE"}
    failed = {**entry("https://h/f", status=-1), "_charlesStatus": "FAILED"}
    content = parse_har(har(mitmproxy, charles, failed))
    assert [(each.request.target, each.started) for each in content.exchanges] == [
        ("/m", 1769860800.123456),
        ("/c", 1769860800.5),
    ]
    assert content.skipped == (("no response", 1),)


def test_what_has_no_time_follows_the_one_before() -> None:
    timeless = entry("http://h/2")
    del timeless["startedDateTime"]
    content = parse_har(har(entry("http://h/1"), timeless, entry("http://h/3")))
    assert [exchange.request.target for exchange in content.exchanges] == ["/1", "/2", "/3"]
    assert content.notes == ("1 entries have no time: they were taken for following the one before.",)


def paths(node: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of everything in a value."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [so_far, *(place for key, value in inner for place in paths(value, (*so_far, key)))]


WRONG = [None, True, -1, 10**30, 1.5, "", "\ud800", "x", [], [1], {}, {"x": []}]


@pytest.mark.parametrize("whole", [CHROME, FIREFOX], ids=["chrome", "firefox"])
def test_whatever_stands_in_place_of_a_value_is_no_traceback(whole: dict[str, Any]) -> None:
    good = entry("https://shop.example/good")
    for place in paths(whole):
        for value in WRONG:
            broken = json.loads(json.dumps(whole))
            target: Any = {"entry": broken}
            for key in ("entry", *place)[:-1]:
                target = target[key]
            target[("entry", *place)[-1]] = value
            holder = broken if place else value
            content = parse_har(har(holder, good), host="shop.example")
            assert 1 <= len(content.exchanges) + len(content.torn) + sum(count for _, count in content.skipped) <= 2
            for each in content.exchanges:
                assert each.request.body.size < 2**63
                assert each.response is None or each.response.body.size < 2**63


def test_bodies_that_are_not_whole_are_counted() -> None:
    content = parse_har(har(entry(content={"size": 9}), entry(request={"method": "POST", "bodySize": 5})))
    assert content.notes == (
        "1 request bodies are cut, left out, or of another length than the HAR says: they are not sent.",
        "1 response bodies are cut, left out, or of another length than the HAR says: they are not compared.",
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"{", "The HAR is not valid JSON"),
        (b'{"log": "\xff"}', "The HAR is not valid JSON"),
        (b"[" * 100_000, "The HAR is not valid JSON"),
        (b"[]", "the file must be an object, not an array"),
        (b"{}", "the file.log must be an object, not null or missing"),
        (b'{"log": {}}', "the file.log.entries must be an array, and is missing"),
        (b'{"log": {"entries": {}}}', "the file.log.entries must be an array, and is an object"),
        (har(), "holds no exchange that could be replayed (it has no entries)"),
        (har(entry("ws://h/")), "holds no exchange that could be replayed (1 websocket)"),
        (har(3), "entry 1: must be an object, not 3"),
        (har({}), "entry 1: request must be an object, not null or missing"),
        (har(3, {}, entry("ws://h/")), "(1 websocket, 2 not valid, the first: entry 1: must be an object, not 3)"),
        (har({"request": {"url": 3}}), "entry 1: request.url must be a string, and is 3"),
        (har(entry("/x")), "entry 1: request.url must be an absolute URL, and is '/x'"),
        (har(entry("http:")), "entry 1: request.url must be an absolute URL"),
        (har(entry(request={"method": "GET X"})), "entry 1: request.method must be an HTTP method"),
        (har(entry(request={"headers": {}})), "entry 1: request.headers must be an array, and is an object"),
        (har(entry(request={"headers": [{}]})), "entry 1: request.headers[0].name must be a string, and is missing"),
        (har(entry(status="200")), "entry 1: response.status must be a whole number, and is '200'"),
        (har(entry(status=7)), "entry 1: response.status must be a status code from 100 to 999, and is 7"),
        (har(entry(status=True)), "entry 1: response.status must be a whole number, and is True"),
        (har(entry(content=[])), "entry 1: response.content must be an object, not an array"),
        (
            har(entry(content={"text": "%%", "encoding": "base64"})),
            "entry 1: response.content.text must be base64, as its encoding says",
        ),
        (har({**entry(), "startedDateTime": "yesterday"}), "entry 1: startedDateTime must be a time such as"),
        (har({**entry(), "startedDateTime": 5}), "entry 1: startedDateTime must be a string, and is 5"),
        (har({**entry(), "time": "1"}), "entry 1: time must be a number of milliseconds, and is '1'"),
    ],
)
def test_a_har_that_is_wrong_is_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_har(data)
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message
