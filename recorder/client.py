"""The address of the client behind trusted proxies."""

from __future__ import annotations

from typing import Any

FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"


def client_address(environ: dict[str, Any], trusted_proxies: int) -> str:
    """The peer's address or, behind proxies, what the outermost trusted one wrote into `X-Forwarded-For`.

    Each proxy appends the address that it was called from, so that only as many entries from the end can be trusted
    as there are proxies of ours. With fewer entries than proxies the request did not come through all of them: the
    peer's address is taken.
    """
    peer = str(environ.get("REMOTE_ADDR") or "")
    if not trusted_proxies:
        return peer
    entries = str(environ.get(FORWARDED_FOR) or "").split(",")
    if len(entries) < trusted_proxies:
        return peer
    return _without_port(entries[-trusted_proxies].strip()) or peer


def _without_port(entry: str) -> str:
    """Some proxies add the port, which differs from connection to connection."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    host, colon, port = entry.partition(":")
    return host if colon and port.isdecimal() and "." in host else entry
