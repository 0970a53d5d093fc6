"""Reads whose answers change for reasons that no identifier shows: they wait for every earlier write."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from diffing.atoms import canonical, is_opaque, location_key
from diffing.times import moment

from .flow import Flow, Step, consumed, handed_out
from .produced import IDENTITY_KEYS, decoded

Key = tuple[str, ...]

PAGE = "$html"
"""The root of what a page hands out: its links, fields and meta tags."""

_WORD = re.compile(r"[^\s<>\"'=&;/?]+")
_LASTING = re.compile(
    r"\b\d+(?:\.\d+)? ?(?:ms|s|sec|min|h|(?:milli)?seconds?|minutes?|hours?|days?)\b|\b\d+\.\d{3,}\b", re.IGNORECASE
)
"""How long something took, or how long ago it was: new each time whatever happens."""
_TIMING = re.compile(
    r"(?:^|[._])(?:ms|uptime|elapsed|duration|took|latency|load|age)(?:_\w+)?(?:\[\*?\d*\])?$|_(?:ms|s)$"
)
_SHARE = 2
"""Decimals of a fraction that says something of what there is (a share, an average); timings have more."""


_BESIDE = re.compile(r"\[\*\]\.[^.\[\]]+\.\w+$|\[\*\]\.\w*[a-z]_id$")
"""Where a row names another thing than itself: a ranking's figures change with what it does not name."""


@dataclass(frozen=True, slots=True)
class Touch:
    """What a step touches: things, people, collections, series; and whether it only reads them."""

    reads: bool
    keys: frozenset[Key]


def unexplained_reads(
    steps: Sequence[Step], flow: Flow, identifying: set[str], touches: Sequence[Touch] = ()
) -> set[str]:
    """The routes of such reads. `identifying` are the sorts that name things; `touches` are those of the steps."""
    found = _Unexplained(steps, flow, identifying)
    return found.routes() | (found.changed_by_nobody(touches) if touches else set())


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

    def changed_by_nobody(self, touches: Sequence[Touch]) -> set[str]:
        """Routes of reads that said something else the next time, though nobody had written to what they touch.

        The tenant in an address names something, and yet a page below it changes with all that anybody of the tenant
        does.
        """
        routes: set[str] = set()
        written: dict[Key, int] = {}
        before: dict[tuple[str, str], tuple[int, str]] = {}
        for step, touch in zip(self._steps, touches, strict=True):
            if not touch.reads:
                written.update(dict.fromkeys(touch.keys, step.index))
                continue
            if not 200 <= step.status < 300 or not _has_body(step) or step.route in routes or self._names_new(step):
                continue
            address = (step.exchange.request.target, step.principal)
            text = _stable_text(step)
            then, said = before.get(address, (step.index, text))
            before[address] = (step.index, text)
            if text != said and all(written.get(key, -1) < then for key in touch.keys):
                routes.add(step.route)
        return routes

    def _names_something(self, step: Step) -> bool:
        page = (
            step.produced.root == PAGE
        )  # its links name a part of what it shows; its sentences and figures name nothing
        if not page and any(
            self._flow.sorts.get(location) in self._identifying and not _BESIDE.search(location)
            for location, _ in handed_out(step)
        ):
            return True
        return any(
            self._flow.sorts.get(location) in self._identifying
            for slot, location, _ in consumed(step)
            if not slot.location.startswith(("header.", "cookie."))
        )

    def _names_new(self, step: Step) -> bool:
        """Whether the address names what the recording saw made: a job goes on by itself, whoever writes meanwhile."""
        return any(
            (self._flow.sorts.get(location, ""), value) in self._flow.created
            for slot, location, value in consumed(step)
            if slot.location.startswith(("path[", "query."))
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
        return " ".join(word for word in _WORD.findall(_LASTING.sub("", page)) if not is_opaque(word))
    parts: list[str] = []
    for path, leaf in step.produced.leaves():
        text = canonical(leaf)
        if path.startswith("header:") or (text is not None and (is_opaque(text) or _looks_like_time(text))):
            continue
        if _TIMING.search(path) or (isinstance(leaf, float) and round(leaf, _SHARE) != leaf):
            continue
        parts.append(f"{path}={leaf!r}")
    return "\n".join(parts)


def _looks_like_time(text: str) -> bool:
    return (len(text) >= 16 and text[4:5] == "-" and text[13:14] == ":") or (
        text.isdigit() and len(text) in (10, 13) and text[0] in "12"
    )
