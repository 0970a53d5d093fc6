"""What stands at chosen places in a pass's answers, absences included: the raw material of `spreads`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from recorder.exchange import RecordedResponse

from .bindings import Renaming
from .bodies import comparable
from .headers import header_tree
from .kinds import json_type
from .knowledge import Learned, Scope, Scopes, split_key
from .paths import step
from .spreads import ABSENT, EMPTY, Sighting
from .walk import has_data_keys

_LAST = re.compile(r"(.*)(\.[^.\[\]'*]+|\['(?:[^'\\]|\\.)*'\])", re.S)


@dataclass(slots=True)
class _Wanted:
    """The chosen places of one route and status class."""

    shapes: set[str] = field(default_factory=set)
    above: set[str] = field(default_factory=set)  # shapes on the way to them
    below: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # object -> steps and shapes of chosen keys

    def add(self, shape: str) -> None:
        self.shapes.add(shape)
        last = _LAST.fullmatch(shape)
        if last is not None:
            self.below.setdefault(last[1], []).append((last[2], shape))
        while (cut := max(shape.rfind("."), shape.rfind("["))) > 0:
            shape = shape[:cut]
            self.above.add(shape)


class Surveyor:
    """Looks at the places of some location keys."""

    def __init__(self, keys: Iterable[str], learned: Learned) -> None:
        self._scopes = Scopes(learned, Renaming())
        self._wanted: dict[str, _Wanted] = {}
        for key in keys:
            route, status, shape = split_key(key)
            self._wanted.setdefault(f"{route}|{status}|", _Wanted()).add(shape)

    def survey(self, method: str, route: str, response: RecordedResponse) -> Iterator[tuple[str, Sighting]]:
        """(location key, sighting) of every chosen place in one answer."""
        scope = self._scopes.of(method, route, response.status)
        wanted = self._wanted.get(scope.prefix)
        if wanted is None:
            return
        tree = header_tree(response.headers)
        for shape in sorted(wanted.shapes):
            name = shape.removeprefix("header:").partition("[*]")[0]
            if shape == f"header:{name}" and name not in tree:
                yield scope.key(shape), Sighting(ABSENT, None, name, shape)
        for name, value in tree.items():
            yield from _look(scope, wanted, value, name, f"header:{name}")
        if response.body.complete and any(shape.startswith("$") for shape in wanted.shapes):
            body = comparable(response)
            yield from _look(scope, wanted, body.value, body.root, body.root)


def _look(scope: Scope, wanted: _Wanted, value: object, path: str, shape: str) -> Iterator[tuple[str, Sighting]]:
    stack = [(value, path, shape)]
    while stack:
        node, where, form = stack.pop()
        if form in wanted.shapes:
            yield scope.key(form), Sighting(_kind(node), node, where, form)
        if form not in wanted.above:
            continue
        if isinstance(node, dict):
            as_map = has_data_keys(node, form, scope)
            if not as_map:
                steps = {step(key) for key in node}
                for name, below in wanted.below.get(form, ()):
                    if name not in steps:
                        yield scope.key(below), Sighting(ABSENT, None, where + name, below)
            for key, child in node.items():
                name = ".*" if as_map else step(key)
                stack.append((child, where + name, form + name))
        elif isinstance(node, list):
            stack.extend((child, f"{where}[{i}]", f"{form}[*]") for i, child in enumerate(node))


def _kind(value: object) -> str:
    if isinstance(value, dict | list) and not value:
        return EMPTY
    return json_type(value)
