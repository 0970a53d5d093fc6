"""A table of a TOML file, read key by key with errors that name the file, the place and what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from .errors import UsageError, nearest


class Table:
    """One table, e.g. `[targets.staging]`. Its keys are checked against `keys` at once."""

    def __init__(self, data: object, place: str, source: Path, keys: Iterable[str] | None = None) -> None:
        self.place = place
        self.source = source
        if not isinstance(data, Mapping):
            self._refuse(f"{self.place} must be a table, not {_described(data)}")
        self.data: Mapping[str, Any] = data
        if keys is not None:
            known = tuple(keys)
            for key in self.data:
                if key not in known:
                    self.fail(f"has no key {key!r}", nearest(key, known, "valid keys"))

    def _refuse(self, sentence: str, hint: str = "") -> NoReturn:
        raise UsageError(f"{self.source}: {sentence}.", hint)

    def fail(self, sentence: str, hint: str = "") -> NoReturn:
        """Raise UsageError about this table."""
        self._refuse(f"{self.place} {sentence}" if self.place else f"the file {sentence}", hint)

    def wrong(self, key: str, expected: str, hint: str = "") -> NoReturn:
        """Raise UsageError about the value of one key."""
        place = f"{key!r} in {self.place}" if self.place else repr(key)
        self._refuse(f"{place} must be {expected}, not {_described(self.data[key])}", hint)

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def required(self, *keys: str) -> None:
        """Raise UsageError unless every key is there."""
        for key in keys:
            if key not in self.data:
                self.fail(f"needs {key!r}")

    def text(self, key: str, default: str = "") -> str:
        """A string; one that is written must not be empty."""
        value = self.data.get(key, default)
        if not isinstance(value, str) or (key in self.data and not value.strip()):
            self.wrong(key, "a string that is not empty")
        return value

    def choice(self, key: str, valid: tuple[str, ...], default: str) -> str:
        """One of some words."""
        value = self.data.get(key, default)
        if value not in valid:
            hint = nearest(value, valid) if isinstance(value, str) else ""
            self.wrong(key, "one of " + ", ".join(valid), hint)
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of strings; one that is written must not be empty."""
        if key not in self.data:
            return ()
        value = self.data[key]
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            hint = "Write each argument as a string of its own." if isinstance(value, str) else ""
            self.wrong(key, "an array of strings that is not empty", hint)
        return tuple(value)

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.wrong(key, "true or false")
        return value

    def seconds(self, key: str, default: float) -> float:
        """A positive number."""
        return self.positive(key, default, "a number of seconds above 0")

    def positive(self, key: str, default: float, expected: str) -> float:
        """A positive number, `expected` says of what; the default is not looked at."""
        if key not in self.data:
            return default
        value = self._number(key, default, expected)
        if not 0 < value < math.inf:
            self.wrong(key, expected)
        return value

    def share(self, key: str, default: float) -> float:
        """A number from 0 to 1."""
        value = self._number(key, default, "a number from 0 to 1")
        if not 0 <= value <= 1:
            self.wrong(key, "a number from 0 to 1", "0.8 means 80 %.")
        return value

    def whole(self, key: str, default: int, least: int) -> int:
        """An integer that is not below `least`."""
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.wrong(key, f"a whole number from {least} on")
        return value

    def day(self, key: str) -> date | None:
        """A date, bare or quoted."""
        if key not in self.data:
            return None
        value = self.data[key]
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                self.wrong(key, "a date such as 2027-01-31")
        if isinstance(value, datetime):
            return value.date()
        if not isinstance(value, date):
            self.wrong(key, "a date such as 2027-01-31")
        return value

    def mapping(self, key: str, *, empty: bool = False) -> tuple[tuple[str, str], ...]:
        """A table of strings, in the order of the file; `empty` lets them be empty."""
        inner = self.table(key)
        return tuple((name, "" if empty and value == "" else inner.text(name)) for name, value in inner.data.items())

    def table(self, key: str, keys: Iterable[str] | None = None) -> Table:
        """The table below this key; empty when it is not there."""
        return Table(self.data.get(key, {}), self._below(key), self.source, keys)

    def tables(self, key: str) -> dict[str, Any]:
        """What stands below `[key.<name>]`, by name, each still to be made a Table."""
        return dict(self.table(key).data)

    def entries(self, key: str, keys: Iterable[str]) -> list[Table]:
        """The tables written as `[[key]]`."""
        value = self.data.get(key, [])
        if not isinstance(value, list):
            self.wrong(key, f"written as [{self._below(key)}], once for each")
        known = tuple(keys)
        return [Table(item, f"[{self._below(key)}] number {n}", self.source, known) for n, item in enumerate(value, 1)]

    def _below(self, key: str) -> str:
        return f"[{self.place[1:-1]}.{key}]" if self.place else f"[{key}]"

    def _number(self, key: str, default: float, expected: str) -> float:
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            self.wrong(key, expected)
        return float(value)


def _described(value: object) -> str:
    """A value as a person would name it, short, for an error message."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
