"""A HAR entry's JSON, read field by field with errors that name the entry and the field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from ..errors import UsageError

HINT = "A HAR file has the JSON that HTTP Archive 1.2 describes; export it again."


class WrongHar(UsageError):
    """Something in a HAR is not what HTTP Archive 1.2 describes; `what` says it without the name of the file."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The HAR is not valid: {what}.", HINT)
        self.what = what


class HarObject:
    """One object of a HAR; `place` is its name in messages, e.g. "entry 3: request"."""

    def __init__(self, data: object, place: str) -> None:
        if not isinstance(data, Mapping):
            raise WrongHar(f"{place} must be an object, not {_described(data)}")
        self.data: Mapping[str, Any] = data
        self.place = place

    def wrong(self, key: str, expected: str) -> NoReturn:
        """Raise WrongHar about one field."""
        found = _described(self.data[key]) if key in self.data else "missing"
        raise WrongHar(f"{self._name(key)} must be {expected}, and is {found}")

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self.data.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A string; without a default it must be there."""
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self.wrong(key, "a string")
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        """An integer, which some tools write as 200.0; without a default it must be there."""
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(key, "a whole number")
        return value

    def milliseconds(self, key: str) -> float:
        """A duration in seconds; 0 where it is missing, negative or not finite, as tools write for unknown."""
        value = self.data.get(key, 0)
        if value is None:
            return 0.0
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(key, "a number of milliseconds")
        return float(value) / 1000 if 0 < value < math.inf else 0.0

    def moment(self, key: str) -> float:
        """An ISO 8601 time, in seconds since the epoch; without an offset it is taken for UTC."""
        try:
            parsed = datetime.fromisoformat(self.text(key).strip())
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            self.wrong(key, 'a time such as "2026-01-31T12:00:00.000Z"')

    def object(self, key: str) -> HarObject:
        """The object in a field; it must be there."""
        return HarObject(self.data.get(key), self._name(key))

    def objects(self, key: str) -> list[HarObject]:
        """The objects in an array; none where the field is missing."""
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, "an array")
        return [HarObject(item, f"{self._name(key)}[{n}]") for n, item in enumerate(value)]

    def _name(self, key: str) -> str:
        if not self.place:
            return key
        return f"{self.place}{' ' if self.place.endswith(':') else '.'}{key}"


def _described(value: object) -> str:
    if value is None:
        return "null or missing"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "an array"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
