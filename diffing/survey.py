"""What stands at chosen places in a pass's answers, absences included: the raw material of `spreads`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from recorder.exchange import RecordedResponse

from .beside import beside, place_and_holder, words_of
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
    besides: set[str] = field(default_factory=set)  # shapes beside words

    def add(self, shape: str) -> None:
        place, holder = place_and_holder(shape)
        if holder:
            self.besides.add(shape)
            self._lead_to(holder)
        else:
            self.shapes.add(shape)
        self._lead_to(place)

    def _lead_to(self, shape: str) -> None:
        last = _LAST.fullmatch(shape)
        if last is not None:
            there = self.below.setdefault(last[1], [])
            if (last[2], shape) not in there:
                there.append((last[2], shape))
        while (cut := max(shape.rfind("."), shape.rfind("["))) > 0:
            shape = shape[:cut]
            self.above.add(shape)


class Surveyor:
    """Looks at the places of some location keys."""

    def __init__(self, keys: Iterable[str], learned: Learned, *, learning: bool = False) -> None:
        """`learning`: every word beside which a chosen place stands is told, not only the words among the keys."""
        self._learning = learning
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
            yield from self._look(scope, wanted, value, name, f"header:{name}")
        if response.body.complete and any(shape.startswith("$") for shape in (*wanted.shapes, *wanted.besides)):
            body = comparable(response)
            yield from self._look(scope, wanted, body.value, body.root, body.root)

    def _look(
        self, scope: Scope, wanted: _Wanted, value: object, path: str, shape: str
    ) -> Iterator[tuple[str, Sighting]]:
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
                    yield from self._beside(scope, wanted, node, where, form)
                    steps = {step(key) for key in node}
                    for name, below in wanted.below.get(form, ()):
                        if name not in steps and below in wanted.shapes:
                            yield scope.key(below), Sighting(ABSENT, None, where + name, below)
                for key, child in node.items():
                    name = ".*" if as_map else step(key)
                    stack.append((child, where + name, form + name))
            elif isinstance(node, list):
                stack.extend((child, f"{where}[{i}]", f"{form}[*]") for i, child in enumerate(node))

    def _beside(
        self, scope: Scope, wanted: _Wanted, node: dict[str, object], where: str, form: str
    ) -> Iterator[tuple[str, Sighting]]:
        """The chosen places of one object beside the words that it holds."""
        chosen = wanted.below.get(form, ())
        if len(chosen) < 2 or not (self._learning or wanted.besides):
            return
        values = {step(key): value for key, value in node.items()}
        for holder, word in words_of(values, [name for name, _ in chosen]):
            for name, shape in chosen:
                if name != holder and (self._learning or beside(shape, holder, word) in wanted.besides):
                    kind = _kind(values[name]) if name in values else ABSENT
                    sighting = Sighting(kind, values.get(name), where + name, shape)
                    yield scope.key(beside(shape, holder, word)), sighting


def _kind(value: object) -> str:
    if isinstance(value, dict | list) and not value:
        return EMPTY
    return json_type(value)
