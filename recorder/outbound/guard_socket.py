"""Connections that a replayed request with a tape opens where no hook sees it: refused if they have effects.

It sees what goes through Python's sockets. Clients in C with sockets of their own, as libpq and gRPC's core are, pass
it by; so do threads that were there before the request.
"""

from __future__ import annotations

import errno
import functools
import socket
from collections.abc import Callable
from typing import Any

from .calls import CallLog, log_of_request

MAX_NAMES = 10_000
"""Addresses whose names are remembered."""
_names: dict[str, set[str]] = {}
_installed: list[bool] = []
_INTERNET = frozenset([socket.AF_INET, socket.AF_INET6])


def install() -> None:
    """Wraps what opens connections, once in a process. Only deploys that observe replays need it."""
    if _installed:
        return
    _installed.append(True)
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name), lambda args: args[0]))
    socket.socket.sendto = _guarded(socket.socket.sendto, lambda args: args[-1])  # type: ignore[method-assign]
    resolve = socket.getaddrinfo

    @functools.wraps(resolve)
    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        found = resolve(host, *args, **kwargs)
        if isinstance(host, str) and _playing() is not None and len(_names) < MAX_NAMES:
            for one in found:
                _names.setdefault(str(one[4][0]), set()).add(host)
        return found

    socket.getaddrinfo = getaddrinfo


def _playing() -> CallLog | None:
    log = log_of_request()
    return log if log is not None and log.player is not None else None


def _guarded(original: Callable[..., Any], address_of: Callable[[tuple[Any, ...]], Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def guarded(self: Any, *args: Any) -> Any:
        log = _playing()
        if log is not None and self.family in _INTERNET:
            host, port = address_of(args)[:2]
            if not log.player.admits({str(host), *_names.get(str(host), ())}, port):  # type: ignore[union-attr]
                log.blocked(str(host), port)
                raise ConnectionRefusedError(
                    errno.ECONNREFUSED,
                    f"Understudy: a replay may not connect to {host}:{port} (UNDERSTUDY_ALLOW_HOSTS)",
                )
        return original(self, *args)

    return guarded
