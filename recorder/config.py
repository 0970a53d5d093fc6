"""What the recorder is told: keyword arguments, or the `UNDERSTUDY_*` variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .guard import logger
from .secret_names import fold

_Value = TypeVar("_Value")

MIB = 1 << 20
GIB = 1 << 30
_MIN_SPOOL = MIB  # below it rotation would drop what was written a moment ago
_UNITS = {"": 1, "k": 1 << 10, "kib": 1 << 10, "m": MIB, "mib": MIB, "g": GIB, "gib": GIB}


class ConfigError(ValueError):
    """A setting that cannot be followed; the message names it, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class RecorderConfig:
    """The recorder's settings; the defaults record nothing."""

    sink: str = field(default="", repr=False)  # its URL may hold a password or a token
    service: str = "app"
    release: str = ""
    sample: float = 1.0  # share of clients kept
    max_body: int = MIB  # bytes kept of one body
    spool_max: int = GIB  # bytes of spool before the oldest is dropped
    key: str | None = field(default=None, repr=False)
    key_file: str | None = None
    secret_names: tuple[str, ...] = ()  # of fields that are pseudonymised beside those that are known
    trusted_proxies: int = 0
    observe: bool = False
    sql: bool = True  # note the SQL statements of each request
    outbound: bool = True  # note the HTTP calls that the application makes
    egress: str = "lenient"  # of a replayed request whose calls are answered: lenient or block
    allow_hosts: tuple[str, ...] = ()  # that it may really call: host or host:port, * for any part of a name
    queue_count: int = 2_000  # exchanges that wait for the background thread
    queue_bytes: int = 12 * MIB  # their size: what the recorder may hold of the application's memory

    def __post_init__(self) -> None:
        if not 0.0 <= self.sample <= 1.0:
            raise ConfigError(f"sample is {self.sample}; expected a share from 0 to 1")
        if self.max_body < 0:
            raise ConfigError(f"max_body is {self.max_body}; expected a number of bytes")
        if self.spool_max < _MIN_SPOOL:
            raise ConfigError(f"spool_max is {self.spool_max}; expected at least {_MIN_SPOOL} bytes")
        for name in self.secret_names:
            if not fold(name):
                raise ConfigError(f"secret_names holds {name!r}; expected names of fields, such as tax_number")
        if self.trusted_proxies < 0:
            raise ConfigError(f"trusted_proxies is {self.trusted_proxies}; expected how many there are, 0 or more")
        if self.queue_count < 1 or self.queue_bytes < 1:
            raise ConfigError("queue_count and queue_bytes must be at least 1")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> RecorderConfig:
        """Settings from the environment. A wrong value is logged, and turns recording off instead of raising."""
        try:
            return cls.parse(environ)
        except ConfigError as error:
            logger.error("understudy: recording is off: %s", error)
            return cls()

    @classmethod
    def parse(cls, environ: Mapping[str, str]) -> RecorderConfig:
        """Settings from the environment; a wrong value raises `ConfigError`."""
        reader = _Reader(environ)
        found = {
            "sink": reader.value("SINK", str, ""),
            "service": reader.value("SERVICE", str, "app"),
            "release": reader.value("RELEASE", str, ""),
            "sample": reader.value("SAMPLE", _share, 1.0),
            "max_body": reader.value("MAX_BODY", _size, MIB),
            "spool_max": reader.value("SPOOL_MAX", _size, GIB),
            "key": reader.value("KEY", str, None),
            "key_file": reader.value("KEY_FILE", str, None),
            "secret_names": reader.value("SECRET_NAMES", _names, _names("")),
            "trusted_proxies": reader.value("TRUSTED_PROXIES", _count, 0),
            "observe": reader.value("OBSERVE", _switch, False),
            "sql": reader.value("SQL", _switch, True),
            "outbound": reader.value("OUTBOUND", _switch, True),
            "egress": reader.value("EGRESS", _egress, "lenient"),
            "allow_hosts": reader.value("ALLOW_HOSTS", _names, _names("")),
        }
        try:
            return cls(**found)  # type: ignore[arg-type]  # each was parsed to its own type above
        except ConfigError as error:
            raise ConfigError(f"UNDERSTUDY_{_upper_name(str(error))}") from None


def secret_names_from(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """`UNDERSTUDY_SECRET_NAMES` alone, for who redacts what was not recorded here. Raises ConfigError."""
    return RecorderConfig.parse({name: environ.get(name, "") for name in ("UNDERSTUDY_SECRET_NAMES",)}).secret_names


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def value(self, name: str, parse: Callable[[str], _Value], default: _Value | None) -> _Value | None:
        variable = f"UNDERSTUDY_{name}"
        text = self._environ.get(variable, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            shown = "a value" if name == "KEY" else repr(text[:80])
            raise ConfigError(f"{variable} is {shown}; expected {error}") from None


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ValueError("a share from 0 to 1, such as 0.25")
    return share


def _size(text: str) -> int:
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(digits) :].strip().lower()
    if not digits.isdecimal() or unit not in _UNITS:
        raise ValueError("a number of bytes, such as 1048576 or 1MiB")
    return int(digits) * _UNITS[unit]


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a whole number, 0 or more")
    return int(text)


def _switch(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in known:
        raise ValueError("1 or 0")
    return known[text.lower()]


def _egress(text: str) -> str:
    if text.lower() not in ("lenient", "block"):
        raise ValueError("lenient or block")
    return text.lower()


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.replace(",", " ").split() if name)


def _upper_name(message: str) -> str:
    """The message of `RecorderConfig`, which begins with a field's name, with the variable's name instead."""
    name, space, rest = message.partition(" ")
    return name.upper() + space + rest
