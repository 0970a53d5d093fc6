"""A fault put between an application and its server: the same code on answers that are there, and as WSGI middleware.

A fault belongs to one route and one place. What it remembers (the values that stood there before) it remembers for one
pass, in a served application for one worker process.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .fault_kinds import GONE, SAME, VALUES, Kind
from .places import ROW, Place, tree_of
from .response_faults import RESPONSES, Message

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*VALUES, *RESPONSES)}
MAX_MEMORY = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind at one place. `seed` is of the chances that it takes."""

    number: int
    kind: str
    route: str
    part: str
    steps: tuple[str, ...]
    stratum: str  # the kind of place
    varies: bool
    seed: int
    path: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Fault:
        data = json.loads(text)
        return cls(**{**data, "steps": tuple(data["steps"])})

    @classmethod
    def at(cls, number: int, kind: Kind, place: Place, seed: int) -> Fault:
        steps = place.steps
        return cls(number, kind.name, place.route, place.part, steps, place.kind, place.varies, seed, place.path)

    def __str__(self) -> str:
        return f"{self.kind} at {self.route} {self.part} {self.path} ({self.stratum})"


class Injector:
    """A fault during one pass."""

    def __init__(self, fault: Fault, run: int = 0) -> None:
        self._fault = fault
        self._kind = KINDS[fault.kind]
        self._before: list[Any] = []
        self._chance = random.Random(f"{fault.seed} {run}")
        self.changed = 0

    def apply(self, message: Message) -> Message:
        """The answer of the fault's route with the fault in it; the same object where there is nothing to do."""
        if self._kind.share < 1 and self._chance.random() >= self._kind.share:
            return message
        wrong = self._in_json(message) if self._kind.part == "json" else self._whole(message)
        self.changed += wrong is not message
        return wrong

    def _whole(self, message: Message) -> Message:
        found = self._kind.edit(message, [self._fault.steps, self._before], self._chance)
        return message if found is SAME or found == message else found

    def _in_json(self, message: Message) -> Message:
        tree = tree_of(message.headers, message.body)
        if tree is None:
            return message
        if not self._edit(tree.value, self._fault.steps):
            return message
        return message.with_body(json.dumps(tree.value, ensure_ascii=False).encode() + b"\n")

    def _edit(self, tree: Any, steps: Sequence[str]) -> bool:
        step, *rest = steps
        keys: list[Any]
        if step == ROW:
            keys = list(range(len(tree))) if isinstance(tree, list) else []
        else:
            keys = [step] if isinstance(tree, dict) and step in tree else []
        changed = False
        for key in keys:
            if rest:
                changed |= self._edit(tree[key], rest)
            else:
                changed |= self._leaf(tree, key)
        return changed

    def _leaf(self, container: Any, key: Any) -> bool:
        value = container[key]
        wrong = self._kind.edit(value, self._before, self._chance)
        if len(self._before) >= MAX_MEMORY:
            del self._before[1]  # the first one is what a stale value is
        self._before.append(value)
        if wrong is SAME:
            return False
        if wrong is GONE:
            del container[key]
        else:
            container[key] = wrong
        return True


def templates(routes: Iterable[str]) -> Callable[[str, str], str]:
    """Which of the routes a method and a path belong to, "" for none; those with more literal text go first."""
    ranked = sorted(set(routes), key=lambda route: (route.count("<"), -len(route)))
    known = [(route.partition(" ")[0], _pattern(route.partition(" ")[2]), route) for route in ranked]

    def find(method: str, path: str) -> str:
        return next((route for verb, pattern, route in known if verb == method and pattern.fullmatch(path)), "")

    return find


def _pattern(route: str) -> re.Pattern[str]:
    """The template of a framework as a pattern: `<int:id>`, `<path:rest>`, `{id}`."""
    parts = re.split(r"(<[^>]*>|\{[^}]*\})", route)
    meaning = {"int": r"-?\d+", "path": ".+", "uuid": "[0-9a-fA-F-]{36}"}
    made = "".join(
        meaning.get(part[1:-1].partition(":")[0], "[^/]+") if part[:1] in ("<", "{") else re.escape(part)
        for part in parts
    )
    return re.compile(made)


class FaultyApplication:
    """Any WSGI application with one fault in its answers."""

    def __init__(self, application: Any, fault: Fault, routes: Iterable[str], run: int = 0) -> None:
        self._application = application
        self._fault = fault
        self._route = templates(routes)
        self._injector = Injector(fault, run)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self._route(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")) != self._fault.route:
            return self._application(environ, start_response)  # type: ignore[no-any-return]
        told: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], None]:
            told[:] = [status, headers]
            return lambda _data: None

        chunks = self._application(environ, start)
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, headers = told
        message = self._injector.apply(Message(int(status[:3]), tuple(headers), body))
        kept = [each for each in message.headers if each[0].lower() != "content-length"]
        start_response(f"{message.status} Status", [*kept, ("Content-Length", str(len(message.body)))])
        return [message.body]
