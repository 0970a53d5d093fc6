"""Drives every endpoint of httpbin with `requests`, in one order and always the same."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")

BASIC_PASSWORD = "Swordfish-4711"
BEARER_TOKEN = "eyJhbGciOiJub25lIn0.not-really-a-jwt.c2lnbmF0dXJl"
COOKIE_VALUE = "0f9e8d7c6b5a4938271605f4e3d2c1b0"
DIGEST_PASSWORD = "Herring-0815-salted"
FORM_PASSWORD = "correct-horse-battery"
SECRETS = (BASIC_PASSWORD, BEARER_TOKEN, COOKIE_VALUE, DIGEST_PASSWORD, FORM_PASSWORD)
"""What must be nowhere in a spool. Secrets that httpbin takes in the path cannot be told from any other path."""


@dataclass
class Client:
    """One user's session at a base URL."""

    base: str
    http: requests.Session = field(default_factory=requests.Session)

    def __call__(self, method: str, path: str, follow: bool = False, **given: object) -> requests.Response:
        send: Callable[..., requests.Response] = self.http.request
        response = send(method, self.base + path, allow_redirects=follow, timeout=20, **given)
        response.raw.close() if given.get("stream") else None
        return response

    def get(self, path: str, **given: object) -> requests.Response:
        return self("GET", path, **given)  # type: ignore[arg-type]  # what `requests` takes


@contextlib.contextmanager
def client(base: str, agent: str) -> Iterator[Client]:
    one = Client(base)
    one.http.headers["User-Agent"] = agent
    try:
        yield one
    finally:
        one.http.close()


def drive(base: str) -> None:
    """All of it: every rule of httpbin's URL map with every method that it answers."""
    parts = (pages, methods, bodies, codings, streams, statuses, redirects, caching, cookies)
    for number, part in enumerate((*parts, basic_and_bearer, digest)):
        with client(base, f"driver/1.0 (part {number})") as one:
            part(one)


def pages(c: Client) -> None:
    fixed = "/ /legacy /html /robots.txt /deny /xml /json /forms/post /encoding/utf8 /spec.json /oauth2-redirect.html"
    for path in fixed.split():
        c.get(path)
    c.get("/apidocs/index.html")
    c.get("/static/favicon.ico")
    c.get("/flasgger_static/swagger-ui.css")
    for path in ("/ip", "/uuid", "/headers", "/user-agent", "/get"):
        c.get(path)
        c("HEAD", path)
        c("OPTIONS", path)
    c.get("/image", headers={"Accept": "image/webp"})
    c.get("/image", headers={"Accept": "image/svg+xml"})
    c.get("/image", headers={"Accept": "image/jpeg"})
    c.get("/image", headers={"Accept": "application/json"})
    for kind in ("png", "jpeg", "webp", "svg"):
        c.get(f"/image/{kind}")
        c("HEAD", f"/image/{kind}")
    c.get("/links/4")
    c.get("/links/4/2")
    c.get("/base64/" + base64.urlsafe_b64encode("häßlich, aber wahr".encode()).decode())
    c.get("/base64/%3F%3F")
    c.get("/no/such/page")


def methods(c: Client) -> None:
    for method in METHODS:
        form = None if method == "TRACE" else {"colour": "blau & grün", "n": "1"}
        c(method, "/anything", data=form)
        c(method, "/anything/a%2Fb/%C3%A9/~x?q=1&q=2&empty=&plus=a+b%20c", data=form)
        c(method, "/delay/0.05", data=form)
    c("POST", "/post", json={"name": "Ada", "tags": ["a", "b"], "price": 12.5, "none": None})
    c("PUT", "/put", json=[1, 2, 3])
    c("PATCH", "/patch", data="plain text, é and \u20ac".encode())
    c("DELETE", "/delete", params={"why": "because"})
    c("GET", "/post")  # 405
    c("OPTIONS", "/anything", headers={"Origin": "https://shop.example", "Access-Control-Request-Headers": "X-One"})
    c.get("/get", params={"a": ["1", "2"], "ü": "ß"}, headers={"X-Latin": b"caf\xe9", "X-Empty": ""})


def bodies(c: Client) -> None:
    everything = bytes(range(256)) * 64
    c("POST", "/post", data={"user": "ada", "password": FORM_PASSWORD})
    c("POST", "/post", json={"user": "ada", "password": FORM_PASSWORD, "deep": [{"api_key": FORM_PASSWORD}]})
    c("POST", "/post", files={"file": ("all.bin", everything, "application/octet-stream")}, data={"note": "x"})
    c("PUT", "/put", files=[("f", ("a.txt", b"one\r\ntwo")), ("f", ("b.txt", b"")), ("g", ("ü.csv", b"1;2"))])
    c("POST", "/post", data=everything, headers={"Content-Type": "application/octet-stream"})
    packed = gzip.compress(b'{"packed": true}', mtime=0)
    c("POST", "/post", data=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    c("POST", "/anything", data=(piece for piece in (b"in ", b"three ", b"chunks")))
    c("PUT", "/anything", data=(piece for piece in (everything, everything)))
    c("POST", "/post", data=io.BytesIO(b"x" * 300_000), headers={"Content-Type": "text/plain"})
    c("POST", "/post", data=b"")
    c("POST", "/post", data=b"{broken", headers={"Content-Type": "application/json"})
    c("POST", "/status/200", data=b"a body that nobody reads")


def codings(c: Client) -> None:
    for coding in ("gzip", "deflate", "brotli"):
        c.get(f"/{coding}")
        c("HEAD", f"/{coding}")


def streams(c: Client) -> None:
    c.get("/stream/5")
    c.get("/stream/0")
    c.get("/stream-bytes/4096")  # before anything seeds the generator, which all requests share
    c.get("/bytes/1024")
    c.get("/stream-bytes/4096?seed=7&chunk_size=500")
    c.get("/bytes/1024?seed=7")
    c.get("/bytes/0")
    c.get("/drip?duration=0.1&numbytes=5&code=200&delay=0.05")
    c.get("/drip?duration=0.01&numbytes=3&code=500")
    c.get("/drip?numbytes=0")
    c.get("/range/2048")
    c.get("/range/2048?duration=0.05&chunk_size=512", headers={"Range": "bytes=10-1499"})
    c.get("/range/2048", headers={"Range": "bytes=-100"})
    c.get("/range/2048", headers={"Range": "bytes=5000-6000"})
    c.get("/range/0")


def statuses(c: Client) -> None:
    for method in METHODS:
        c(method, "/status/418")
    for code in (200, 201, 204, 301, 302, 304, 400, 401, 402, 403, 404, 406, 407, 409, 429, 500, 502, 503, 599):
        c.get(f"/status/{code}")
    c.get("/status/404:0,202:1")  # a choice by chance that has one outcome: three passes could not tell a real one
    c.get("/status/teapot")


def redirects(c: Client) -> None:
    for kind in ("redirect", "relative-redirect", "absolute-redirect"):
        c.get(f"/{kind}/1", follow=True)
        c.get(f"/{kind}/3", follow=True)
    c.get("/redirect/2?absolute=true", follow=True)
    for method in METHODS:
        c(method, "/redirect-to?url=%2Fget%3Fa%3D1&status_code=307")
    c.get("/redirect-to?url=https%3A%2F%2Felsewhere.example%2Fx")
    c("POST", "/redirect-to?url=/anything&status_code=308", data={"kept": "1"}, follow=True)


def caching(c: Client) -> None:
    etag = c.get("/cache").headers["ETag"]
    c.get("/cache", headers={"If-None-Match": etag})
    c.get("/cache", headers={"If-Modified-Since": "Mon, 02 Mar 2026 10:00:00 GMT"})
    c.get("/cache/60")
    c.get("/etag/abc")
    c.get("/etag/abc", headers={"If-None-Match": '"abc"'})
    c.get("/etag/abc", headers={"If-Match": '"other"'})
    c.get("/response-headers?X-One=1&X-One=2&Content-Type=text/plain;%20charset=latin-1")
    c("POST", "/response-headers?freeform=a%20value")


def cookies(c: Client) -> None:
    c.get("/cookies")
    c.get(f"/cookies/set?session={COOKIE_VALUE}&theme=dark", follow=True)
    c.get("/cookies/set/flavour/oatmeal", follow=True)
    c.get("/cookies")
    c.get("/cookies/delete?theme", follow=True)
    c.get("/cookies")
    c.get("/anything", headers={"X-Requested-With": "XMLHttpRequest"})


def basic_and_bearer(c: Client) -> None:
    for path in ("/basic-auth/ada/secret", "/hidden-basic-auth/ada/secret"):
        c.get(path)
        c.get(path, auth=HTTPBasicAuth("ada", "wrong"))
        c.get(path, auth=HTTPBasicAuth("ada", "secret"))
    c.get("/anything", auth=HTTPBasicAuth("ada", BASIC_PASSWORD))
    c.get("/bearer")
    c.get("/bearer", headers={"Authorization": f"Bearer {BEARER_TOKEN}"})


def digest(c: Client) -> None:
    """`requests` answers each challenge: two exchanges for each of these."""
    for path in ("auth/ada/secret", "auth/ada/secret/SHA-256", "auth/ada/secret/MD5/2", "auth-int/ada/secret/SHA-512"):
        c.http.auth = HTTPDigestAuth("ada", "secret")
        c.get(f"/digest-auth/{path}")
    c.http.auth = HTTPDigestAuth("ada", DIGEST_PASSWORD)
    c.get("/digest-auth/auth/ada/other")
