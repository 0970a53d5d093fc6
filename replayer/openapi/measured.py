"""What was seen of the JSON values at one place, and below it: enough to say which schema they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diffing.atoms import is_opaque
from diffing.kinds import json_type, kind_of

MAX_DEPTH = 24
MAX_FIELDS = 500
"""Names of one object that are told apart; what has more is a map."""
MAX_TEXTS = 12
"""Different texts at one place that are told apart: more are no set of words."""

_TYPES = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}
_FORMATS = {"uuid": "uuid", "timestamp": "date-time", "date": "date", "email": "email", "url": "uri"}
_ORDER = ("object", "array", "string", "integer", "number", "boolean", "null")


@dataclass(slots=True)
class Measured:
    """Values that were seen at one place."""

    types: Counter[str] = field(default_factory=Counter)  # in the words of JSON Schema
    kinds: Counter[str] = field(default_factory=Counter)  # of texts: uuid, timestamp, ...
    texts: Counter[str] = field(default_factory=Counter)  # emptied when there are too many
    many_texts: bool = False
    fields: dict[str, Measured] = field(default_factory=dict)
    items: Measured | None = None
    beyond: bool = False  # there is more than is told apart

    @property
    def count(self) -> int:
        """Values that were seen."""
        return self.types.total()

    def add(self, value: object, depth: int = 0) -> None:
        """Take a JSON value into account, and all that it holds."""
        name = json_type(value)
        self.types[_TYPES.get(name, name)] += 1
        if depth >= MAX_DEPTH:
            self.beyond = True
        elif isinstance(value, str):
            self._add_text(value)
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                if len(self.fields) < MAX_FIELDS or key in self.fields:
                    self.fields.setdefault(str(key), Measured()).add(inner, depth + 1)
                else:
                    self.beyond = True
        elif isinstance(value, Sequence):
            self.items = self.items or Measured()
            for inner in value:
                self.items.add(inner, depth + 1)

    def merged(self, other: Measured) -> Measured:
        """Both together."""
        texts = self.texts + other.texts
        many = self.many_texts or other.many_texts or len(texts) > MAX_TEXTS
        fields = dict(self.fields)
        for name, inner in other.fields.items():
            fields[name] = fields[name].merged(inner) if name in fields else inner
        items = self.items.merged(other.items) if self.items and other.items else self.items or other.items
        return Measured(
            self.types + other.types,
            self.kinds + other.kinds,
            Counter() if many else texts,
            many,
            fields,
            items,
            self.beyond or other.beyond,
        )

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of everything that was seen; {} where nothing was."""
        names = [name for name in _ORDER if self.types[name] and not (name == "integer" and self.types["number"])]
        if not names:
            return {}
        found: dict[str, Any] = {"type": names[0] if len(names) == 1 else names}
        if self.types["string"]:
            found |= self._text_schema(null=bool(self.types["null"]), alone=set(names) <= {"string", "null"})
        if self.types["object"]:
            found |= self._object_schema()
        if self.items is not None:
            found["items"] = self.items.schema()
        return found

    def _add_text(self, text: str) -> None:
        self.kinds[kind_of(text)] += 1
        if not self.many_texts:
            self.texts[text] += 1
            if len(self.texts) > MAX_TEXTS:
                self.many_texts, self.texts = True, Counter()

    def _text_schema(self, *, null: bool, alone: bool) -> dict[str, Any]:
        """A format that all texts have; or the words, where few were seen and each of them often enough."""
        (kind, count), *_ = self.kinds.most_common(1)
        if count == self.kinds.total() and kind in _FORMATS:
            return {"format": _FORMATS[kind]}
        words = sorted(self.texts)
        often = bool(words) and self.texts.total() >= 5 * max(4, len(words)) and min(self.texts.values()) >= 2
        if alone and often and len(words) > 1 and all(map(_is_word, words)):
            return {"enum": [*words, None] if null else words}
        return {}

    def _object_schema(self) -> dict[str, Any]:
        objects = self.types["object"]
        if self._is_map(objects):
            below = Measured()
            for inner in self.fields.values():
                below = below.merged(inner)
            return {"additionalProperties": below.schema() or True}
        found: dict[str, Any] = {"properties": {name: self.fields[name].schema() for name in sorted(self.fields)}}
        required = sorted(name for name, inner in self.fields.items() if inner.count == objects)
        return found | ({"required": required} if required else {})

    def _is_map(self, objects: int) -> bool:
        """Whether names are values: ids, or many of which none is always there."""
        if self.beyond and len(self.fields) >= MAX_FIELDS:
            return True
        if self.fields and all(name.isdigit() or "@" in name or is_opaque(name) for name in self.fields):
            return True
        return len(self.fields) > 20 and max(inner.count for inner in self.fields.values()) * 2 <= objects


def _is_word(text: str) -> bool:
    return 0 < len(text) <= 40 and text.replace("_", "").replace("-", "").isalpha() and not is_opaque(text)
