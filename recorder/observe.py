"""Replayed requests on a staging deploy: who may ask for observations, and how they are answered.

A replayed request carries `Understudy-Replay: <run id>.<time>.<HMAC>`, the HMAC-SHA256 in hexadecimal digits with the
recording's key over `<run id>.<time>`, the time in whole seconds since the epoch.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from .exchange import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from .keys import Key

HEADER = "Understudy-Replay"
ENVIRON_HEADER = "HTTP_UNDERSTUDY_REPLAY"
ENVIRON_RUN = "understudy.replay"  # the run's id, by which an application mutes mail and payments
ENVIRON_SQL = "understudy.sql"  # (statements, seconds), set by whatever counts SQL
WINDOW = 300  # seconds that a signature stays valid, either way: clocks differ, and runs queue

_MAX_HEADER = 512  # characters; a run's id is much shorter, and nothing longer is worth hashing


def sign(key: Key, run_id: str, now: float) -> str:
    """The header's value for a request that is sent now (seconds since the epoch)."""
    signed = f"{run_id}.{int(now)}"
    return f"{signed}.{_digest(key, signed)}"


def verify(key: Key, value: str, now: float) -> str | None:
    """The run's id when the header's value is signed with this key and recent, else None."""
    if len(value) > _MAX_HEADER or not value.isascii():
        return None
    signed, _, digest = value.rpartition(".")
    run_id, _, seconds = signed.rpartition(".")
    if not run_id or not seconds.isdecimal() or abs(now - int(seconds)) > WINDOW:
        return None
    return run_id if hmac.compare_digest(digest, _digest(key, signed)) else None


def observed(environ: WSGIEnvironment) -> Headers:
    """The header fields to add to the response of a replayed request; none when nothing was observed."""
    found = environ.get(ENVIRON_SQL)
    if not isinstance(found, tuple) or len(found) != 2:
        return ()
    count, seconds = found
    return (("Understudy-Sql", f"count={count:d};time={seconds:.6f}"),)


def _digest(key: Key, signed: str) -> str:
    return hmac.digest(key.secret, signed.encode(), "sha256").hex()
