"""Alerts as JSON to one address, signed: `Understudy-Signature: t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">`."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable

from .http import Poster
from .message import to_data
from .messenger import Letter, Outcome, Receipt

SIGNATURE = "Understudy-Signature"
DELIVERY = "Understudy-Delivery"
"""A message's number: an attempt that is made again has the same one, and so has a later state of the message."""
VERSION = 1


class Webhook:
    """The second way beside Slack: whatever can check a signature and read JSON."""

    def __init__(
        self, url: str, secret: str, timeout: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._url = url
        self._secret = secret.encode()
        self._clock = clock
        self._poster = Poster(timeout)

    def send(self, letter: Letter) -> Receipt:
        content = {"version": VERSION, "delivery": letter.number, **to_data(letter.message)}
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._secret, body, int(self._clock())),
            DELIVERY: str(letter.number),
        }
        reply = self._poster.post(self._url, body, headers)
        if 200 <= reply.status < 300:
            return Receipt(Outcome.DELIVERED)
        if reply.status in (400, 413, 422):
            return Receipt(Outcome.REFUSED, f"the webhook answered {reply.status}")
        said = reply.failure or f"the webhook answered {reply.status}"
        return Receipt(Outcome.LATER, said, after=reply.after, way_is_shut=True)

    def close(self) -> None:
        self._poster.close()


def signature(secret: bytes, body: bytes, seconds: int) -> str:
    """The value of the signature's header. The time is signed too, so that an old message can not be sent again."""
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
