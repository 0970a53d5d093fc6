"""Keyed pseudonyms: equal values stay equal, everything else about them but their shape is gone.

One function serves every place a value can stand in, so that a token handed out in a body and sent back in a header
keeps being the same token. The shape stays so that validation on the other side still accepts it: length, upper and
lower case, digits, punctuation; hexadecimal stays hexadecimal, a UUID keeps its version, a number its digit count, a
payment card's number its first digit and a valid check digit, an IBAN its country and valid check digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from hashlib import shake_256
from string import ascii_lowercase, ascii_uppercase, digits

from .keys import Key

_CACHE_ENTRIES = 2048
_CACHE_LONGEST = 1024  # characters: together at most about four megabytes
_ATTEMPTS = 4

_PLAIN = {c: alphabet for alphabet in (ascii_lowercase, ascii_uppercase, digits) for c in alphabet}
_HEX = {c: alphabet for alphabet in ("abcdef", "ABCDEF", digits) for c in alphabet}
_SAFE = "-_.~"  # for a value that has neither letters nor digits: safe unescaped in URL, cookie, JSON and HTML

NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_HEXADECIMAL = re.compile(r"(?=.*\d)(?:[0-9a-f-]{8,}|[0-9A-F-]{8,})", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_UUID_FIXED = (14, 19)  # the version and variant digits, RFC 9562 §4
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
CARD = re.compile(r"(?<!\d)(?<!\d\.)[2-6](?:[ -]?\d){12,18}(?!\.?\d|[eE][+-]?\d)", re.ASCII)
"""What may be a payment card's number (ISO/IEC 7812): issuers begin with 2 to 6. No part of a fraction."""

_LATIN_LOWER = "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ"
_LATIN_UPPER = _LATIN_LOWER.upper()
_HEBREW = "".join(map(chr, range(0x5D0, 0x5EB)))


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_Draw = Callable[[str, bytes], str]
"""`(value, stream) -> value of the same shape`; the stream has at least as many bytes as the value has characters."""


class Pseudonyms:
    """Makes pseudonyms with one key; remembers the latest, since a session repeats its token in every request."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._cache: dict[str, str] = {}

    def of(self, value: str) -> str:
        """The value's pseudonym: as many characters of the same classes, never the value itself unless empty."""
        known = self._cache.get(value)
        if known is not None:
            return known
        made = self._make(value)
        if len(value) <= _CACHE_LONGEST:
            if len(self._cache) >= _CACHE_ENTRIES:
                self._cache.clear()
            self._cache[value] = made
        return made

    def _make(self, value: str) -> str:
        if not value:
            return value
        if is_card_number(value):
            return _respaced(value, self._differing(_digits_of(value), _draw_card))
        if _IBAN.fullmatch(value) and _iban_check(value) == value[2:4]:
            return self._differing(value, _draw_iban)
        if NUMBER.fullmatch(value):
            return self._differing(value, _draw_number)
        if _UUID.fullmatch(value):
            return self._differing(value, _draw_uuid)
        if _HEXADECIMAL.fullmatch(value):
            return self._differing(value, _draw_hexadecimal)
        return self._differing(value, _draw_text)

    def _differing(self, value: str, draw: _Draw) -> str:
        data = value.encode("utf-8", "surrogatepass")
        for attempt in range(_ATTEMPTS):
            seed = self._key.raw(f"pseudonym {attempt}", data)
            drawn = draw(value, seed if len(value) <= len(seed) else shake_256(seed).digest(len(value)))
            if drawn != value:
                return drawn
        # One character has only so many others: step to the next instead of drawing once more.
        return draw(value, bytes(_step(c) for c in value))


def is_card_number(value: str) -> bool:
    """Whether this is, but for spaces and hyphens, 13 to 19 digits of an issuer that exists and a valid check digit."""
    return bool(CARD.fullmatch(value)) and _luhn_sum(_digits_of(value)) % 10 == 0


def _draw_text(value: str, stream: bytes) -> str:
    drawn = _draw(value, stream, _PLAIN)
    if any(c in _PLAIN or _is_foreign_letter(c) for c in value):
        return drawn
    return "".join(_SAFE[b % len(_SAFE)] for _, b in zip(value, stream, strict=False))


def _draw_hexadecimal(value: str, stream: bytes) -> str:
    return _draw(value, stream, _HEX)


def _draw_uuid(value: str, stream: bytes) -> str:
    drawn = _draw_hexadecimal(value, stream)
    for at in _UUID_FIXED:
        drawn = drawn[:at] + value[at] + drawn[at + 1 :]
    return drawn


def _draw_number(value: str, stream: bytes) -> str:
    """Sign, point and exponent stay; no number gets a leading zero, and a zero before the point stays one."""
    first = 1 if value[0] == "-" else 0
    exponent = re.search("[eE]", value)
    end = exponent.start() if exponent else len(value)
    drawn = _draw(value[:end], stream, _PLAIN)
    if value[first] == "0" and value[first + 1 : first + 2] == ".":
        lead = "0"
    else:
        lead = digits[1:][stream[first] % 9]
    return drawn[:first] + lead + drawn[first + 1 :] + value[end:]


def _draw_card(value: str, stream: bytes) -> str:
    body = value[0] + _draw(value[1:-1], stream, _PLAIN)
    return body + str(-_luhn_sum(body + "0") % 10)


def _draw_iban(value: str, stream: bytes) -> str:
    drawn = value[:2] + "00" + _draw(value[4:], stream, _PLAIN)
    return drawn[:2] + _iban_check(drawn) + drawn[4:]


def _draw(value: str, stream: bytes, alphabets: dict[str, str]) -> str:
    return "".join(
        [a[b % len(a)] if (a := alphabets.get(c)) else _draw_other(c, b) for c, b in zip(value, stream, strict=False)]
    )


def _draw_other(c: str, b: int) -> str:
    """Punctuation stays; a letter of another script becomes one of the same case that takes as many bytes in UTF-8."""
    if c < "\x80" or not _is_foreign_letter(c):
        return c
    if "\udc80" <= c <= "\udcff":  # an undecodable byte: some other byte above ASCII that begins no valid sequence
        return chr(0xDCE0 + b % 16)
    if c.isdecimal():
        return chr(ord(c) - unicodedata.decimal(c) + b % 10)
    if c < "\u0800":
        alphabet = _LATIN_LOWER if c.islower() else _LATIN_UPPER if c.isupper() else _HEBREW
        return alphabet[b % len(alphabet)]
    return chr((0x4E00 if c <= "\uffff" else 0x20000) + b)


def _is_foreign_letter(c: str) -> bool:
    return c >= "\x80" and (c.isalpha() or c.isdecimal() or "\udc80" <= c <= "\udcff")


def _step(c: str) -> int:
    for alphabet in (ascii_lowercase, ascii_uppercase, digits, _SAFE, _LATIN_LOWER, _LATIN_UPPER, _HEBREW):
        if c in alphabet:
            return alphabet.index(c) + 1
    return (ord(c) + 1) % 256


def _luhn_sum(number: str) -> int:
    """ISO/IEC 7812-1, annex B: every second digit from the right doubled, digits of the products summed."""
    return sum(map(int, number[-1::-2])) + sum(_DOUBLED[int(d)] for d in number[-2::-2])


def _iban_check(value: str) -> str:
    """ISO 13616: the two digits that make the rearranged number 1 modulo 97."""
    return f"{98 - int(''.join(str(int(c, 36)) for c in value[4:] + value[:2] + '00')) % 97:02d}"


def _digits_of(value: str) -> str:
    return value.replace(" ", "").replace("-", "")


def _respaced(value: str, number: str) -> str:
    """The digits of `number` in the places where `value` has digits."""
    drawn = iter(number)
    return "".join(next(drawn) if c.isdigit() else c for c in value)
