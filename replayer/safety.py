"""Which targets and which requests may be replayed: decisions only, nothing is looked up or sent."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import parse_qsl

from recorder.exchange import RecordedRequest, header, header_values

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OVERRIDE_FIELDS = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
OVERRIDE_PARAMETER = "_method"
LOOPBACK = "localhost"
DEFAULT_PORTS = {"http": 80, "https": 443}

_FORWARDED_HOST = re.compile(r"(?i)(?:^|[;,\s])host=(\"[^\"]*\"|[^;,\s]*)")
_NUMERIC = re.compile(r"[0-9][0-9a-fx.]*\Z")
_PORT = re.compile(r":([0-9]{1,5})\Z")
_MULTIPART_OVERRIDE = re.compile(
    rb'name="?' + OVERRIDE_PARAMETER.encode() + rb'"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n([A-Za-z]+)'
)


def refusal(target_host: str, target_port: int, recorded_hosts: Iterable[tuple[str, int]]) -> str | None:
    """Why the target may not be replayed at, or None.

    Production traffic was recorded from it: the same host and the same port. 80 and 443 count as one port, since an
    application behind a proxy that ends TLS does not see which of them its clients used. An instance that we start on
    a free port of the loopback is not asked about. Names are not resolved; an address is compared as an address.
    """
    wanted = (normal_host(target_host), _public_port(target_port))
    if any((normal_host(host), _public_port(port)) == wanted for host, port in recorded_hosts):
        return f"{target_host}:{target_port} is where the recording was made: replaying there would repeat its requests"
    return None


def recorded_host(request: RecordedRequest) -> tuple[str, int] | None:
    """Where a recorded request was sent to, by its Host field (or an absolute target); None when it does not say."""
    scheme, separator, rest = request.target.partition("://")
    if separator and not request.target.startswith("/"):
        located = _located(re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2], scheme)
        if located is not None:
            return located
    return _located(header(request.headers, "Host"), request.scheme)


def recorded_hosts(request: RecordedRequest) -> frozenset[tuple[str, int]]:
    """Every name that the request's client may have used for production: what proxies say it was counts too."""
    found = {recorded_host(request)}
    for value in header_values(request.headers, "X-Forwarded-Host"):
        found.update(_located(part, request.scheme) for part in value.split(","))
    for value in header_values(request.headers, "Forwarded"):
        found.update(_located(part, request.scheme) for part in _FORWARDED_HOST.findall(value))
    return frozenset(located for located in found if located is not None)


def normal_host(host: str) -> str:
    """One spelling per host: lower case, no root dot, no brackets; every way to say "this machine" is the same."""
    name = host.strip().lower().removeprefix("[").removesuffix("]").rstrip(".")
    if name == LOOPBACK or name.endswith("." + LOOPBACK):
        return LOOPBACK
    try:
        address = ipaddress.ip_address(_dotted(name))
    except ValueError:
        return name if name.isascii() else _ascii(name)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # Connecting to the unspecified address reaches the loopback.
    return LOOPBACK if address.is_loopback or address.is_unspecified else str(address)


def may_send(method: str, disposable: bool) -> str | None:
    """Why a method may not be replayed, or None. Without `disposable` only GET, HEAD and OPTIONS are."""
    if disposable or method in SAFE_METHODS:
        return None
    return f"{method} may change state, and the target is not declared disposable"


def effective_method(request: RecordedRequest) -> str:
    """The method that the application acts upon: many honour an overriding field or `_method` parameter.

    When several are named, an unsafe one counts. A method that is in no safe spelling counts as unsafe.
    """
    named = [
        request.method,
        *(value for field in OVERRIDE_FIELDS for value in header_values(request.headers, field)),
        *_parameters(request.query),
        *_form_overrides(request),
    ]
    methods = [request.method, *(name.strip().upper() for name in named[1:] if name.strip())]
    return next((method for method in methods if method not in SAFE_METHODS), request.method)


def _located(authority: str, scheme: str) -> tuple[str, int] | None:
    text = authority.strip().strip('"')
    port = _PORT.search(text)
    host = normal_host(text[: port.start()] if port else text)
    return (host, int(port[1]) if port else DEFAULT_PORTS.get(scheme.lower(), 80)) if host else None


def _public_port(port: int) -> int:
    return DEFAULT_PORTS["http"] if port == DEFAULT_PORTS["https"] else port


def _form_overrides(request: RecordedRequest) -> list[str]:
    media_type = header(request.headers, "Content-Type").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return _parameters(request.body.data.decode("latin-1"))
    if media_type == "multipart/form-data":
        return [found.decode("ascii") for found in _MULTIPART_OVERRIDE.findall(request.body.data)]
    return []


def _parameters(text: str) -> list[str]:
    if OVERRIDE_PARAMETER not in text and "%" not in text:
        return []
    return [value for name, value in parse_qsl(text, keep_blank_values=True) if name.lower() == OVERRIDE_PARAMETER]


def _dotted(name: str) -> str:
    """An IPv4 address in any form that resolvers accept ("127.1", "0x7f000001") as four numbers; else as it is."""
    if not _NUMERIC.match(name):
        return name
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return name


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
