"""A JSON value held against a schema of a description: what the description does not say, or says otherwise.

This is no validator: it answers what a reader of the description would be surprised by. A field that is not described
is one, though JSON Schema would let it pass; a format or a length is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from diffing.kinds import json_type
from diffing.paths import step

MAX_DEPTH = 32
MAX_ROWS = 200
"""Elements of one array that are looked at."""
MAX_ALTERNATIVES = 64
"""Combinations of `oneOf` and `anyOf` that are tried at one place."""

FIELD = "field"  # is there, and not described
MISSING = "missing"  # described as required, and not there
TYPE = "type"
ENUM = "enum"  # another value than those that are listed

_NAMES = {"bool": "boolean", "int": "integer", "float": "number", "str": "string", "nan": "number"}
_CHOICES = ("oneOf", "anyOf")

Resolve = Callable[[object], Any]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Surprise:
    """One thing at one place: `path` is a shape, `said` is without the value."""

    kind: str
    path: str
    said: str = ""


def surprises(value: object, schema: object, resolve: Resolve) -> list[Surprise]:
    """What a value shows that its schema does not say. `resolve` follows `$ref`."""
    return _check(value, [schema], resolve, "$", 0)


def _check(value: object, schemas: Sequence[object], resolve: Resolve, path: str, depth: int) -> list[Surprise]:
    """The surprises by the kindest reading of the schemas, all of which apply."""
    if depth > MAX_DEPTH:
        return []
    best: list[Surprise] | None = None
    for reading in _readings(schemas, resolve, 0)[:MAX_ALTERNATIVES]:
        found = _plain(value, reading, resolve, path, depth)
        if best is None or _weight(found) < _weight(best):
            best = found
        if not best:
            break
    return best or []


def _weight(found: Sequence[Surprise]) -> tuple[int, int]:
    return (sum(each.kind == TYPE for each in found), len(found))


def _readings(schemas: Sequence[object], resolve: Resolve, depth: int) -> list[list[Schema]]:
    """Lists of schemas without `allOf`, `oneOf` and `anyOf`: those of one list apply together."""
    parts: list[list[list[Schema]]] = []
    for given in schemas:
        schema = resolve(given)
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
            continue
        parts.append([[schema]])
        if isinstance(schema.get("allOf"), list):
            parts.append(_readings(schema["allOf"], resolve, depth + 1))
        for key in _CHOICES:
            if isinstance(schema.get(key), list) and schema[key]:
                parts.append([one for each in schema[key] for one in _readings([each], resolve, depth + 1)])
    found: list[list[Schema]] = []
    for chosen in product(*parts):
        found.append([schema for reading in chosen for schema in reading])
        if len(found) >= MAX_ALTERNATIVES:
            break
    return found


def _plain(value: object, schemas: Sequence[Schema], resolve: Resolve, path: str, depth: int) -> list[Surprise]:
    for schema in schemas:
        allowed = _types(schema)
        if allowed and not _is_one_of(value, allowed):
            return [Surprise(TYPE, path, f"{_name(value)}, described as {' or '.join(sorted(allowed))}")]
        listed = schema.get("enum")
        if isinstance(listed, list) and value not in listed and not (value is None and "null" in allowed):
            return [Surprise(ENUM, path, f"another value than the {len(listed)} that are described")]
    if isinstance(value, Mapping):
        return _object(value, schemas, resolve, path, depth)
    if isinstance(value, list):
        rows = [schema["items"] for schema in schemas if "items" in schema]
        found = (each for row in value[:MAX_ROWS] for each in _check(row, rows, resolve, f"{path}[*]", depth + 1))
        return list(dict.fromkeys(found)) if rows else []
    return []


def _object(
    value: Mapping[str, object], schemas: Sequence[Schema], resolve: Resolve, path: str, depth: int
) -> list[Surprise]:
    described: dict[str, list[object]] = {}
    others: list[object] = []
    is_open = not any("properties" in schema for schema in schemas)
    found: list[Surprise] = []
    for schema in schemas:
        properties = schema.get("properties")
        for name, inner in properties.items() if isinstance(properties, Mapping) else ():
            described.setdefault(str(name), []).append(inner)
        other = schema.get("additionalProperties")
        is_open |= other is True or isinstance(other, Mapping) or "patternProperties" in schema
        if isinstance(other, Mapping):
            others.append(other)
        required = schema.get("required")
        for name in required if isinstance(required, list) else ():
            if isinstance(name, str) and name not in value:
                found.append(Surprise(MISSING, path + step(name), "described as required"))
    for name, inner in value.items():
        if name in described:
            found += _check(inner, described[name], resolve, path + step(name), depth + 1)
        elif is_open:
            found += _check(inner, others, resolve, f"{path}.*", depth + 1)
        else:
            found.append(Surprise(FIELD, path + step(name), _name(inner)))
    return list(dict.fromkeys(found))


def _types(schema: Schema) -> frozenset[str]:
    """The types that a schema lets pass; none for all. Knows `nullable` of 3.0 and `x-nullable` of 2.0."""
    given = schema.get("type")
    names = {given} if isinstance(given, str) else set(map(str, given)) if isinstance(given, list) else set()
    if not names or "file" in names:
        return frozenset()
    if schema.get("nullable") is True or schema.get("x-nullable") is True:
        names.add("null")
    return frozenset(names)


def _is_one_of(value: object, allowed: frozenset[str]) -> bool:
    name = _name(value)
    if name == "integer":
        return bool(allowed & {"integer", "number"})
    if isinstance(value, float) and value.is_integer():
        return bool(allowed & {"integer", "number"})
    return name in allowed


def _name(value: object) -> str:
    name = json_type(value)
    return _NAMES.get(name, name)
