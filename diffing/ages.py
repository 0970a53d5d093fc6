"""How long ago something was, as people read it: `3 minutes ago`, `just now`, `vor 2 Stunden`, `il y a 5 minutes`.

An age moves with the pace of a pass: what is `just now` in a quick pass is `7 seconds ago` in a slow one. Two ages mean
the same when both reach back to what their own pass has done so far, or both to one and the same moment before.
"""

from __future__ import annotations

import re

from .times import DAY, Window

_UNITS = {
    1.0: "seconds? secs? s sekunden? secondes? segundos?",
    60.0: "minutes? mins? m minuten minutos?",
    3600.0: "hours? hrs? h stunden? heures? horas?",
    DAY: "days? d tag(?:en)? jours? d[ií]as?",
    7 * DAY: "weeks? w wochen? semaines? semanas?",
    31 * DAY: "months? mo monat(?:en)? mois mes(?:es)?",
    366 * DAY: "years? y jahr(?:en)? ans? años?",
}
_SECONDS = tuple((re.compile("|".join(words.split()), re.I), unit) for unit, words in _UNITS.items())
_UNIT = "|".join("|".join(words.split()) for words in _UNITS.values())
_COUNT = r"(?:\d+|a few|few|an?|one|eine[mnr]?|wenigen|une?|quelques|un[ao]s?)"
_SPAN = rf"{_COUNT}[ \xa0]?(?:{_UNIT})(?:,?[ \xa0](?:and |und |et |y )?\d+[ \xa0](?:{_UNIT}))?"
_AGE = re.compile(
    rf"\b(?:(?P<now>just now|right now|moments? ago|(?:gerade|so)eben|gerade eben|ahora mismo)"
    rf"|(?:{_SPAN})[ \xa0]ago|(?:vor|il y a|hace)[ \xa0](?:{_SPAN}))\b|(?P<instant>à l['’]instant)",
    re.IGNORECASE,
)
_PART = re.compile(rf"({_COUNT})[ \xa0]?({_UNIT})\b", re.IGNORECASE)
_NOW = 60.0
"""Seconds that something may be old and still be called `just now`."""
_SLACK = 1.0
"""Seconds by which an age may be off for having been rounded, or told by another clock."""
_LONGEST = 2000
"""Characters of a text that is looked at."""


def aged_alike(a: str, b: str, when_a: Window, when_b: Window) -> bool:
    """Whether two texts are the same but for ages in them, and those reach back to the same things."""
    if len(a) > _LONGEST or len(b) > _LONGEST or not (when_a.known and when_b.known):
        return False
    left, right = list(_AGE.finditer(a)), list(_AGE.finditer(b))
    if not left or len(left) != len(right) or _AGE.sub("\0", a) != _AGE.sub("\0", b):
        return False
    return all(
        one[0] == other[0] or _alike(_ages(one), _ages(other), when_a, when_b)
        for one, other in zip(left, right, strict=True)
    )


def without_ages(text: str) -> str:
    """A text with a sign in the place of each age."""
    return _AGE.sub("@", text)


def _alike(a: tuple[float, float], b: tuple[float, float], when_a: Window, when_b: Window) -> bool:
    if a[0] <= when_a.ended - when_a.opened + _SLACK and b[0] <= when_b.ended - when_b.opened + _SLACK:
        return True
    earliest, latest = (when_a.started - a[1], when_b.started - b[1]), (when_a.ended - a[0], when_b.ended - b[0])
    return max(earliest) <= min(latest) + _SLACK


def _ages(match: re.Match[str]) -> tuple[float, float]:
    """The least and the greatest age in seconds that a text may mean: whoever rounds may round up or down."""
    if match["now"] or match["instant"]:
        return 0.0, _NOW
    total, smallest = 0.0, 366 * DAY
    for count, word in _PART.findall(match[0]):
        unit = next(unit for pattern, unit in _SECONDS if pattern.fullmatch(word))
        total += unit * (int(count) if count.isdigit() else 1)
        smallest = min(smallest, unit)
    return max(0.0, total - smallest), total + (smallest if match[0].lower().find("few") < 0 else _NOW)
