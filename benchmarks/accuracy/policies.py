"""REFERENCE POLICIES, not the product: what simpler comparisons say of the very same answers.

Each is our own short rendering of a policy in use elsewhere. All get the answers of the baseline's passes and of the
candidate's pass, exchange by exchange, and say whether they would report anything. None of them replays again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from diffing.difference import Answer

Place = tuple[str, str]  # route, path
Leaves = dict[str, object]
Asked = tuple[str, Sequence[Answer]]  # route; what each pass got, the candidate's last

RELATIVE, ABSOLUTE = 20.0, 0.03
"""Diffy's default thresholds, in per cent."""

NOT_COMPARED = frozenset({"date", "content-length", "connection", "server"})


_KEPT: dict[int, tuple[Answer, Leaves]] = {}
MAX_KEPT = 40_000


def leaves(answer: Answer) -> Leaves:
    """Path -> value of an answer; kept, because the same answers are asked of every policy. Not to be changed."""
    kept = _KEPT.get(id(answer))
    if kept is None:
        if len(_KEPT) >= MAX_KEPT:
            _KEPT.clear()
        kept = _KEPT[id(answer)] = (answer, _leaves(answer))  # the answer, so that its id is not given to another
    return kept[1]


def _leaves(answer: Answer) -> Leaves:
    """Path -> value, for status, headers and body; an array's index is part of its path."""
    response = answer.response
    if response is None:
        return {"failure": answer.failure or "none"}
    found: Leaves = {"status": response.status}
    for name, value in response.headers:
        if name.lower() not in NOT_COMPARED:
            found[f"header {name.lower()}"] = value
    try:
        found.update(_walk("$", json.loads(response.body.data)))
    except ValueError:
        found["body"] = response.body.data
    return found


def _walk(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(f"{path}.{key}", child)
    elif isinstance(value, list):
        yield f"{path}.length", len(value)
        for number, child in enumerate(value):
            yield from _walk(f"{path}[{number}]", child)
    else:
        yield path, value


def shape(path: str) -> str:
    return "".join("[*]" if part.isdigit() else part for part in path.replace("[", "\0").replace("]", "\0").split("\0"))


def _changes(left: Leaves, right: Leaves) -> Iterator[tuple[str, str]]:
    """(shape, class) of every difference."""
    for path in left.keys() | right.keys():
        if path not in left:
            yield shape(path), "extra"
        elif path not in right:
            yield shape(path), "missing"
        elif left[path] != right[path] or type(left[path]) is not type(right[path]):
            yield shape(path), "type" if type(left[path]) is not type(right[path]) else "value"


def ignore_what_varies(asked: Sequence[Asked]) -> set[Place]:
    """REFERENCE: a place that ever differed between passes of the baseline is ignored; all others must be equal."""
    noisy: set[Place] = set()
    changed: set[Place] = set()
    for route, answers in asked:
        first, *others, candidate = [leaves(answer) for answer in answers]
        noisy.update((route, place) for other in others for place, _ in _changes(first, other))
        changed.update((route, place) for place, _ in _changes(first, candidate))
    return changed - noisy


def diffy_thresholds(asked: Sequence[Asked]) -> set[Place]:
    """REFERENCE: Diffy's rule. Per route, place and class of difference, the candidate's count against the noise's."""
    noise: Counter[tuple[str, str, str]] = Counter()
    raw: Counter[tuple[str, str, str]] = Counter()
    total: Counter[str] = Counter()
    for route, answers in asked:
        first, second, candidate = (leaves(answers[number]) for number in (0, 1, -1))
        total[route] += 1
        noise.update((route, *change) for change in set(_changes(first, second)))
        raw.update((route, *change) for change in set(_changes(first, candidate)))
    return {
        key[:2]
        for key, count in raw.items()
        if count > noise[key]
        and 100 * (count - noise[key]) / (count + noise[key]) > RELATIVE
        and 100 * (count - noise[key]) / total[key[0]] > ABSOLUTE
    }


def exact_templates(asked: Sequence[Asked]) -> set[Place]:
    """REFERENCE: values that vary are templated by exact string: each stands for one of the candidate's values."""
    noisy: set[Place] = set()
    read: list[tuple[str, Leaves, Leaves]] = []
    for route, answers in asked:
        first, *others, candidate = [leaves(answer) for answer in answers]
        noisy.update((route, place) for other in others for place, _ in _changes(first, other))
        read.append((route, first, candidate))
    bound: dict[str, str] = {}
    found: defaultdict[Place, int] = defaultdict(int)
    for route, first, candidate in read:
        for path in first.keys() | candidate.keys():
            left, right, place = first.get(path), candidate.get(path), (route, shape(path))
            both = path in first and path in candidate and type(left) is type(right)
            if left == right and both:
                continue
            if not both or place not in noisy or bound.setdefault(str(left), str(right)) != str(right):
                found[place] += 1
    return set(found)


POLICIES: dict[str, Callable[[Sequence[Asked]], set[Place]]] = {
    "ignore what varies": ignore_what_varies,
    "Diffy's thresholds": diffy_thresholds,
    "exact-string templates": exact_templates,
}
