"""Times with a fault in them: shifted while their text keeps its format, or written in another format."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from .times import moment

_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d(?::\d\d)?)(.*)", re.ASCII | re.S)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ZONE = re.compile(r"(?: ?[Zz]|[+-]\d\d:?\d\d)$")


def shifted(value: object, seconds: int) -> object:
    """The same kind of time, so many seconds later, written alike; None for what is no time or can not be shifted.

    A date alone moves by whole days; by less than a day it does not move.
    """
    at = moment(value)
    if at is None:
        return None
    if isinstance(value, int | float):
        return type(value)(value + seconds * round(value / at.at))
    text = str(value)
    if text.isdigit():
        return str(int(text) + seconds * round(int(text) / at.at))
    if clock := _CLOCK.fullmatch(text):
        pattern = "%H:%M:%S" if len(clock[3]) == 8 else "%H:%M"
        then = datetime.strptime(f"{clock[1]} {clock[3]}", f"%Y-%m-%d {pattern}") + timedelta(seconds=seconds)
        return f"{then:%Y-%m-%d}{clock[2]}{then.strftime(pattern)}{clock[4]}"
    if _DATE.fullmatch(text):
        day = datetime.strptime(text, "%Y-%m-%d") + timedelta(days=int(seconds / 86_400))
        return f"{day:%Y-%m-%d}" if abs(seconds) >= 86_400 else None
    return _http(text, seconds)


def _http(text: str, seconds: int) -> str | None:
    if not text.endswith(" GMT"):
        return None
    then = parsedate_to_datetime(text) + timedelta(seconds=seconds)
    return format_datetime(then.astimezone(UTC), usegmt=True)


def reformatted(value: object, variant: int) -> object:
    """The same moment in another notation; None for what is no time."""
    at = moment(value)
    if at is None:
        return None
    if isinstance(value, int | float):
        scale = round(value / at.at)
        return int(value) * 1000 if scale == 1 else int(value) // scale
    text = str(value)
    if text.isdigit():
        return datetime.fromtimestamp(at.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if clock := _CLOCK.fullmatch(text):
        other = " " if clock[2] == "T" else "T"
        zoneless = _ZONE.sub("", text)
        ways = [f"{clock[1]}{other}{clock[3]}{clock[4]}", zoneless if zoneless != text else text + "Z"]
        return ways[variant % len(ways)]
    if _DATE.fullmatch(text):
        return f"{text[8:]}.{text[5:7]}.{text[:4]}"
    return datetime.fromtimestamp(at.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
