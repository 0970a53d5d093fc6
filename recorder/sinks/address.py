"""A network sink's URL taken apart and checked. What is shown of it, in logs and errors, holds no secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ..config import ConfigError

DEFAULT_STREAM = "understudy"
DEFAULT_MAXLEN = 10_000  # entries of at most 64 exchanges: about a quarter of a GB at 0.4 KB each
_REDIS_PORT = 6379
_TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_POLICY = ("policy", "spill")
_NUMBER_TOO_LARGE = 2**63


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server is to be trusted, and who we are."""

    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    verify: bool = True
    check_hostname: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """What all network sinks have in common."""

    shown: str
    host: str
    port: int
    tls: Tls | None  # None: not encrypted
    spill: Path | None  # where batches wait while the server cannot be had; None: they are dropped


@dataclass(frozen=True, slots=True)
class RedisAddress(Address):
    database: int = 0
    stream: str = DEFAULT_STREAM
    maxlen: int = DEFAULT_MAXLEN  # entries
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAddress(Address):
    path: str = "/"
    token: str = field(default="", repr=False)


def shown(url: str) -> str:
    """A URL without user, password, query and fragment; only its scheme where these cannot be told apart."""
    scheme, colon, rest = url.partition(":")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{scheme[:20]}{colon}…"
    after = rest.removeprefix("//")[len(parts.netloc) :]
    if not parts.netloc or "@" in after:  # an unescaped ? or # in a password ends the part before the @ too early
        return f"{scheme[:20]}{colon}…"
    return f"{parts.scheme}://{_bracketed(host)}{f':{port}' if port else ''}{parts.path}"[:200]


def redis_address(url: str) -> RedisAddress:
    """What `redis://` and `rediss://` name; raises `ConfigError`."""
    parts, options = _taken_apart(url, ("stream", "maxlen", *_POLICY), "rediss")
    database = parts.path.strip("/") or "0"
    if not database.isdecimal():
        raise _wrong(url, "the path is no number of a database; expected redis://host:port/0?stream=NAME")
    stream = options.get("stream", DEFAULT_STREAM)
    maxlen = options.get("maxlen", str(DEFAULT_MAXLEN))
    if not stream:
        raise _wrong(url, "stream is empty; expected the stream's name")
    if not maxlen.isdecimal() or not 0 < int(maxlen) < _NUMBER_TOO_LARGE:
        raise _wrong(url, f"maxlen is {maxlen[:20]!r}; expected a number of entries, 1 or more")
    return RedisAddress(
        shown(url),
        _host(url, parts),
        parts.port or _REDIS_PORT,
        _tls(url, options) if parts.scheme == "rediss" else None,
        _spill(url, options),
        int(database),
        stream,
        int(maxlen),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def http_address(url: str) -> HttpAddress:
    """What `http://` and `https://` name; raises `ConfigError`."""
    parts, options = _taken_apart(url, ("token", *_POLICY), "https")
    if parts.username is not None or parts.password is not None:
        raise _wrong(url, "a user or password stands before the host; expected the token as ?token=TOKEN")
    token = options.get("token", "")
    if not all("!" <= character <= "~" for character in token):
        raise _wrong(url, "the token holds characters that no header field may hold")
    secure = parts.scheme == "https"
    return HttpAddress(
        shown(url),
        _host(url, parts),
        parts.port or (443 if secure else 80),
        _tls(url, options) if secure else None,
        _spill(url, options),
        parts.path or "/",
        token,
    )


def _taken_apart(url: str, known: tuple[str, ...], secure: str) -> tuple[SplitResult, dict[str, str]]:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _wrong(url, "it cannot be read; special characters of a password are written as %40, %3A, %2F") from None
    if parts.fragment:
        raise _wrong(url, "it holds a #; in a password or token that is written as %23")
    if parts.scheme == secure:
        known += _TLS
    options: dict[str, str] = {}
    # A plus sign is meant as one: tokens in base64 hold them.
    for name, value in parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True):
        if name not in known:
            raise _wrong(url, _unknown(name, known))
        if name in options:
            raise _wrong(url, f"the option {name} is given twice")
        options[name] = value
    return parts, options


def _unknown(name: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    named = f" {name[:30]!r}" if name.isidentifier() else ""  # what is no name may be part of a password
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known ones are {', '.join(known)}"
    return f"an unknown option{named} in its query; {hint}"


def _host(url: str, parts: SplitResult) -> str:
    if not parts.hostname:
        raise _wrong(url, f"it names no host; expected {parts.scheme}://host…")
    return unquote(parts.hostname)


def _spill(url: str, options: Mapping[str, str]) -> Path | None:
    """The folder that is spilled into, where the policy is to spill; giving a folder is asking for it."""
    folder = options.get("spill")
    policy = options.get("policy", "drop" if folder is None else "spill")
    if policy not in ("drop", "spill"):
        raise _wrong(url, f"policy is {policy[:20]!r}; expected drop or spill")
    if policy == "drop" and folder is not None:
        raise _wrong(url, "policy=drop and spill= contradict each other; leave one out")
    if policy == "drop":
        return None
    if folder is None or not folder.startswith("/"):
        raise _wrong(url, "policy=spill needs a folder; expected spill=/absolute/folder")
    return Path(folder)


def _tls(url: str, options: Mapping[str, str]) -> Tls:
    for name in _TLS_FILES:
        if name in options and not os.access(options[name], os.R_OK):
            raise _wrong(url, f"{name} names no file that can be read: {options[name][:80]!r}")
    verify = options.get("ssl_cert_reqs", "required")
    if verify not in ("required", "none"):
        raise _wrong(url, f"ssl_cert_reqs is {verify[:20]!r}; expected required or none")
    check = options.get("ssl_check_hostname", "true").lower()
    if check not in ("true", "false", "1", "0"):
        raise _wrong(url, f"ssl_check_hostname is {check[:20]!r}; expected true or false")
    return Tls(
        options.get("ssl_ca_certs"),
        options.get("ssl_certfile"),
        options.get("ssl_keyfile"),
        verify == "required",
        verify == "required" and check in ("true", "1"),
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _wrong(url: str, what: str) -> ConfigError:
    return ConfigError(f"UNDERSTUDY_SINK: {shown(url)}: {what}")
