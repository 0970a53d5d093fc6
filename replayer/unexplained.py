"""Reads whose answers change for reasons that no identifier shows: they wait for every earlier write."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence

from diffing.atoms import canonical, is_opaque, location_key
from diffing.times import moment

from .flow import Flow, Step, consumed, handed_out
from .produced import IDENTITY_KEYS, decoded

Key = tuple[str, ...]

PAGE = "$html"
"""The root of what a page hands out: its links, fields and meta tags."""

_WORD = re.compile(r"[^\s<>\"'=&;/?]+")


def unexplained_reads(steps: Sequence[Step], flow: Flow, identifying: set[str]) -> set[str]:
    """The routes of such reads. `identifying` are the sorts that name things."""
    return _Unexplained(steps, flow, identifying).routes()


class _Unexplained:
    def __init__(self, steps: Sequence[Step], flow: Flow, identifying: set[str]) -> None:
        self._steps = steps
        self._flow = flow
        self._identifying = identifying

    def routes(self) -> set[str]:
        """Routes of reads whose answers change for reasons that no identifier shows.

        Totals and counts name nothing. A row that turned up, or says that it was made, during the recording, though no
        write handed out its identifier, was made by some write as a side effect: a notice, an entry of a log.
        """
        silent: dict[str, bool] = {}
        bodies: dict[tuple[str, str], set[str]] = defaultdict(set)
        routes: set[str] = set()
        began = min((step.exchange.started for step in self._steps), default=0.0)
        shown: dict[tuple[str, str], set[Key]] = {}
        for step in self._steps:
            if not step.reads or not 200 <= step.status < 300 or not _has_body(step):
                continue
            silent[step.route] = silent.get(step.route, True) and not self._names_something(step)
            bodies[step.route, step.exchange.request.target].add(_stable_text(step))
            rows = self._rows_of_nobody(step)
            seen = shown.setdefault((step.exchange.request.target, step.principal), set(rows))
            if rows.keys() - seen or any(began <= made for made in rows.values()):
                routes.add(step.route)
            seen |= rows.keys()
        changing = {route for (route, _), texts in bodies.items() if len(texts) > 1}
        return routes | {route for route, nothing in silent.items() if nothing and route in changing}

    def _names_something(self, step: Step) -> bool:
        page = (
            step.produced.root == PAGE
        )  # its links name a part of what it shows; its sentences and figures name nothing
        if not page and any(self._flow.sorts.get(location) in self._identifying for location, _ in handed_out(step)):
            return True
        return any(
            self._flow.sorts.get(location) in self._identifying
            for slot, location, _ in consumed(step)
            if not slot.location.startswith(("header.", "cookie."))
        )

    def _rows_of_nobody(self, step: Step) -> dict[Key, float]:
        """The rows of a listing that no write handed out, and when they say that they were made (0.0: not said)."""
        found: dict[Key, float] = {}
        stack: list[tuple[str, object]] = [("$", step.produced.body)]
        while stack:
            path, node = stack.pop()
            if isinstance(node, dict):
                stack.extend((f"{path}.{key}", child) for key, child in node.items())
            elif isinstance(node, list):
                stack.extend((f"{path}[*]", child) for child in node)
            if not isinstance(node, dict) or not path.endswith("[*]"):
                continue
            name = next((name for name in IDENTITY_KEYS if canonical(node.get(name)) is not None), None)
            if name is None:
                continue
            value = canonical(node[name]) or ""
            key = location_key(step.exchange.request.method, step.route, step.status, f"{path}.{name}")
            sort = self._flow.sorts.get(key, key)
            if (sort, value) not in self._flow.created:
                times = (moment(leaf) for leaf in node.values())
                found[sort, value] = max((t.at for t in times if t is not None), default=0.0)
        return found


def _has_body(step: Step) -> bool:
    response = step.exchange.response
    return step.produced.body is not None or (response is not None and bool(response.body.data))


def _stable_text(step: Step) -> str:
    """A response's values without those that are new each time whatever happens; of a file, all of it."""
    if step.produced.body is None and step.exchange.response is not None:
        return hashlib.sha256(step.exchange.response.body.data).hexdigest()
    if step.produced.root == PAGE and step.exchange.response is not None:
        page = decoded(step.exchange.response).decode("utf-8", "replace")
        return " ".join(word for word in _WORD.findall(page) if not is_opaque(word))
    parts: list[str] = []
    for path, leaf in step.produced.leaves():
        text = canonical(leaf)
        if path.startswith("header:") or (text is not None and (is_opaque(text) or _looks_like_time(text))):
            continue
        if isinstance(leaf, float) or path.endswith(("_ms", "uptime", "elapsed", "duration")):
            continue
        parts.append(f"{path}={leaf!r}")
    return "\n".join(parts)


def _looks_like_time(text: str) -> bool:
    return (len(text) >= 16 and text[4:5] == "-" and text[13:14] == ":") or (
        text.isdigit() and len(text) in (10, 13) and text[0] in "12"
    )
