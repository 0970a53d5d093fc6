"""What an outbound call is for: method, host and path template, since no framework names other people's routes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from .exchange import RecordedRequest

_VALUE = re.compile(
    r"-?\d+"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|\d{4}-\d{2}(?:-\d{2}(?:T[\d:.]+(?:Z|[+-][\d:]+)?)?)?"
    r"|(?=.*\d)[0-9a-fA-F]{12,}"
    r"|(?=[^\d]*\d)(?=.*[A-Za-z])[A-Za-z0-9_.~-]{16,}=*"
    r"|[A-Za-z]{1,12}_(?=[A-Za-z]*\d)[A-Za-z0-9]{6,}"  # ch_3f2a9c0b1d, cus_9s8d7f6g
    r"|[A-Za-z#]+[-_#:]\d+"  # ORD-000017
    r"|[^/]*(?:@|%40)[^/]*"  # an address
)
_WORDS = re.compile(r"[a-z]+(?:[-_.][a-z]+)*(?:[-_.]?v?\d{1,4})?")  # "export-all-orders-2024" is a name, not a value
_PREFIX_AND_NUMBER = re.compile(r"[a-z]+[-_]\d+")  # cus-17, ord_000017
_VERSION = re.compile(r"v\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class Operation:
    """`template` is the path with `{}` for every segment that is a value by its form; `host` has no port."""

    method: str
    host: str
    template: str

    @property
    def text(self) -> str:
        """As it stands in paths: `POST api.pay.example/charges/{}`."""
        return f"{self.method} {self.host}{self.template}"

    @property
    def line(self) -> str:
        """Without the host, which differs between deploys: `POST /charges/{}`."""
        return f"{self.method} {self.template}"


def operation_of(request: RecordedRequest) -> Operation:
    """The operation that a call with an absolute URL is one of."""
    host, template = _place(request.target.partition("?")[0])
    return Operation(request.method, host, template)


@lru_cache(maxsize=4096)
def _place(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host, path = parts.hostname or "", parts.path
    except ValueError:
        return "", url
    return host, "/".join(_segment(segment) for segment in path.split("/")) or "/"


def _segment(segment: str) -> str:
    if _VERSION.fullmatch(segment) or (_WORDS.fullmatch(segment) and not _PREFIX_AND_NUMBER.fullmatch(segment)):
        return segment
    return "{}" if _VALUE.fullmatch(segment) else segment
