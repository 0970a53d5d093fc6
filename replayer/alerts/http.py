"""One POST within a bounded time and with a bounded answer; what goes wrong is a value."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

TIMEOUT = 5.0
"""Seconds that one message may take in all."""
MAX_ANSWER = 64 * 1024
MAX_AFTER = 3600.0
"""Seconds: a server may ask for more patience than this, and does not get it."""
DEFAULT_AFTER = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Without a status, `failure` says in a sentence why."""

    status: int = 0
    body: bytes = b""
    after: float | None = None  # Retry-After, in seconds
    failure: str = ""


class Poster:
    """A client that follows no redirect: what it carries is for one server."""

    def __init__(self, timeout: float | None = None) -> None:
        self._timeout = TIMEOUT if timeout is None else timeout
        self._client = httpx.Client(timeout=self._timeout, follow_redirects=False)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to one POST."""
        deadline = time.monotonic() + self._timeout
        try:
            with self._client.stream("POST", url, content=body, headers=dict(headers)) as response:
                read = bytearray()
                for piece in response.iter_bytes():
                    read += piece
                    if len(read) > MAX_ANSWER or time.monotonic() > deadline:
                        break
                return Reply(response.status_code, bytes(read[:MAX_ANSWER]), _after(response))
        except httpx.TimeoutException:
            return Reply(failure=f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # its text may name the URL, a secret
            return Reply(failure=f"the connection failed ({type(error).__name__})")

    def close(self) -> None:
        """Ends connections."""
        self._client.close()


def _after(response: httpx.Response) -> float | None:
    """Retry-After (RFC 9110 section 10.2.3) in seconds; of what can not be read, the default."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return DEFAULT_AFTER if response.status_code == 429 else None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_AFTER)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return DEFAULT_AFTER
    return min(max(seconds, 0.0), MAX_AFTER)
