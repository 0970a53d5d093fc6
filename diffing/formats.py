"""The format that a location's values share, learned so that it does not overfit.

A value is seen as (template or none, character class, length). The template is enforced only when all values share
one; else the join of their character classes and a band of lengths. The join is made per location, never per value:
an eight-digit hexadecimal code is sometimes all letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .atoms import is_jwt, is_uuid
from .times import moment

_CLASSES = (
    ("digits", re.compile(r"[0-9]+")),
    ("hex", re.compile(r"[0-9a-f]+")),
    ("HEX", re.compile(r"[0-9A-F]+")),
    ("letters", re.compile(r"[A-Za-z]+")),
    ("alphanumeric", re.compile(r"[A-Za-z0-9]+")),
    ("token", re.compile(r"[\w.=+/-]+", re.ASCII)),
    ("text", re.compile(r".*", re.S)),
)
_WIDER = {
    "digits": {"digits", "hex", "HEX", "alphanumeric", "token", "text"},
    "hex": {"hex", "alphanumeric", "token", "text"},
    "HEX": {"HEX", "alphanumeric", "token", "text"},
    "letters": {"letters", "alphanumeric", "token", "text"},
    "alphanumeric": {"alphanumeric", "token", "text"},
    "token": {"token", "text"},
    "text": {"text"},
}
_FEW = 6
"""Distinct samples below which a narrow class is not believed."""
_MANY = 20
_LONG = 12  # characters from which a mixed text is a random token rather than a code
_AFFIXED = re.compile(r"([A-Za-z#][A-Za-z#_-]*[-_#:]?)(\d+)", re.ASCII)
_FRACTION = re.compile(r"[.,]\d+")
_DIGIT = re.compile(r"\d")


def template(text: str) -> str:
    """The pattern that a text is written in: `uuid`, `jwt`, `time 0000-00-00T00:00:00Z`, `ORD-#`; "" for none."""
    if is_uuid(text):
        return "uuid"
    if is_jwt(text):
        return "jwt"
    if len(text) <= 40 and not text.isdigit() and moment(text) is not None:
        return "time " + re.sub("[A-Z][a-z]{2,8}", "Mon", _DIGIT.sub("0", _FRACTION.sub(".f", text)))
    match = _AFFIXED.fullmatch(text)
    if match:
        padded = f"0:{len(match[2])}" if match[2].startswith("0") and len(match[2]) > 1 else ""
        return f"{match[1]}#{padded}"
    if text.startswith(("/", "http://", "https://")):
        path = text.partition("?")[0]
        empty = "/" if path.endswith("/") and path.count("/") > 1 else ""  # a last segment that is not there
        return f"url {text.partition('://')[0] if '://' in text else ''}/{path.count('/')}{empty}"
    return ""


def character_class(text: str) -> str:
    """The narrowest class that holds every character."""
    return next(name for name, pattern in _CLASSES if pattern.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Format:
    """What the text values of one location have in common."""

    template: str  # "" when they share none
    characters: str
    shortest: int
    longest: int
    samples: int  # distinct values seen, at most 1,000

    def admits(self, text: str) -> bool:
        """Whether a value may well have come from where the learned ones came from."""
        if self.template:
            return _same_template(self.template, template(text)) and self._is_as_long(text)
        if not text:
            return self.shortest == 0 or self.samples < _FEW
        characters = self.characters
        if self.samples < _FEW and characters in ("digits", "hex", "HEX", "letters"):
            characters = "alphanumeric"
        if self.samples < _MANY and self.characters == "alphanumeric" and self.shortest >= _LONG:
            characters = "token"  # two of the 64 signs of base64url are no letters, and may not have come up yet
        if characters not in _WIDER[character_class(text)]:
            return False
        constant = self.shortest == self.longest and self.shortest >= 8 and characters != "digits"
        # a digest has one length; what is packed and signed has one as long as it says nearly the same
        believed = self.samples >= (2 if self.characters in ("hex", "HEX") else _MANY)
        slack = 0 if constant and believed else max(3, self.longest - self.shortest, self.longest // 4)
        return self.shortest - slack <= len(text) <= self.longest + slack

    def _is_as_long(self, text: str) -> bool:
        """Of addresses, whose template says nothing of the length: neither cut short nor run on."""
        if not self.template.startswith("url ") or self.samples < _FEW:
            return True
        slack = max(3, 2 * (self.longest - self.shortest), self.longest // 4)
        return self.shortest - slack <= len(text) <= self.longest + slack


def _same_template(learned: str, found: str) -> bool:
    if learned == found:
        return True
    # a padded and an unpadded number differ only once the number has outgrown its padding
    return "#" in learned and learned.partition("#")[0] == found.partition("#")[0] and "#0:" not in learned + found


def join(values: set[str]) -> Format | None:
    """The format that all values share, or None when there is no text among them."""
    if not values:
        return None
    templates = {template(value) for value in values}
    filled = [value for value in values if value]
    classes = {character_class(value) for value in filled} or {"text"}
    characters = next(name for name, _ in _CLASSES if all(name in _WIDER[found] for found in classes))
    if characters in ("hex", "HEX") and len(filled) > 1 and len({_places(value) for value in filled}) == 1:
        characters = (
            "alphanumeric"  # letters and figures of a code have their places (`A454772DE`), those of a digest none
        )
    lengths = [len(value) for value in values]
    return Format(_shared(templates, len(values), max(lengths)), characters, min(lengths), max(lengths), len(values))


def _places(text: str) -> str:
    return "".join("0" if character.isdigit() else "a" for character in text)


def _shared(templates: set[str], samples: int, longest: int) -> str:
    if len(templates) == 1:
        only = next(iter(templates))
        # one value "abc123" may be a code that happens to begin with letters
        named = only.partition("#")[0][-1:] in "-_:" and longest < _LONG
        return only if samples > 1 or "#" not in only or named else ""
    affixes = {found.partition("#")[0] for found in templates}
    if all("#" in found for found in templates) and len(affixes) == 1:
        return next(iter(affixes)) + "#"
    return ""
