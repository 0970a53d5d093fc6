"""Host and port of an instance inside its own answers: every pass has another one, and that is no difference."""

from __future__ import annotations

import re
from collections.abc import Callable

from .bindings import Renaming

SORT = "authority"
_AUTHORITY = re.compile(
    r"((?:https?|wss?)://)((?:[\w.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?)(?=[/?#\"'<>\s,;)]|$)", re.I | re.ASCII
)
_LOOPBACK = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$", re.I)
NEUTRAL = "instance"


def authorities(text: str) -> list[str]:
    """`host:port` of every absolute URL in a text, in order."""
    return [match[2].lower() for match in _AUTHORITY.finditer(text)] if "://" in text else []


def without_authority(text: str) -> str:
    """The text with the authority of every absolute URL replaced by one neutral word."""
    return _AUTHORITY.sub(rf"\1{NEUTRAL}", text)


def same_instance(
    baseline: str, candidate: str, renaming: Renaming, may_move: Callable[[str], bool]
) -> tuple[str, str] | None:
    """Both texts without their authorities, when these are one instance seen from two passes; else None.

    Two authorities name the instance itself when they differ in the port only, when both are loopback addresses, or
    when `may_move` says that the baseline's has been seen to differ between passes; and only one-to-one.
    """
    left, right = authorities(baseline), authorities(candidate)
    if not left or len(left) != len(right):
        return None
    for a, b in zip(left, right, strict=True):
        if a == b:
            continue
        if not (same_host(a, b) or may_move(a)):
            return None
        if renaming.bind(SORT, a, b):
            return None
    return without_authority(baseline), without_authority(candidate)


def same_host(a: str, b: str) -> bool:
    """Whether two authorities differ at most in the port, or are both loopback addresses."""
    host_a, host_b = re.sub(r":\d+$", "", a), re.sub(r":\d+$", "", b)
    return host_a == host_b or bool(_LOOPBACK.match(host_a) and _LOOPBACK.match(host_b))
