"""The pattern of texts that vary: what is the same in all of them stays, the rest is known by its characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from diffing.atoms import is_uuid
from diffing.times import moment

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RUNS = (
    re.compile(r"[\w-]+|[^\w-]+", re.ASCII),
    re.compile(r"\d+|[A-Za-z]+|[^A-Za-z0-9]+"),
    re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9]+"),
)
_SPECIAL = re.compile(r"([\\.^$*+?{}\[\]|()])")
_ANY = r"[\s\S]+"
FEW, LONG = 6, 6
"""Of fewer texts that are shorter than so many characters, the next may well have another length."""
SEPARATORS = frozenset(".:")
"""What stands between the parts of a signed token: of itsdangerous and JWT, and of Django."""
MOST_CHANGES = 4
"""Pieces of letters and digits in a word, such as `v2b7` has."""
MAX_LENGTH = 400
"""Characters of texts that are looked into."""


def pattern_of(texts: Sequence[str]) -> str:
    """A regular expression that all of these match, and texts of another format do not."""
    if all(map(is_uuid, texts)):
        return UUID if all(text == text.lower() for text in texts) else UUID.replace("a-f", "a-fA-F")
    if max(map(len, texts)) > MAX_LENGTH:
        return _ANY
    times = [len(text) <= 40 and not text.isdigit() and moment(text) is not None for text in texts]
    if all(times):
        shapes = {re.sub(r"[.,]\d+", ".f", text) for text in texts}
        shapes = {re.sub("[A-Z][a-z]+", "Mon", re.sub(r"\d", "0", shape)) for shape in shapes}
        if len(shapes) == 1:
            return _time_pattern(texts)
    for runs in _RUNS:
        if runs is _RUNS[1] and any(map(_is_mixed, texts)):
            continue
        pieces = [runs.findall(text) for text in texts]
        if len({len(one) for one in pieces}) != 1:
            continue
        columns = list(zip(*pieces, strict=True))
        if runs is _RUNS[0] and not any(_is_random(column) for column in columns):
            continue
        if all(len(set(column)) == 1 or _word(column) for column in columns):
            token = runs is _RUNS[0]  # one of its parts is random: the others are written in the same letters
            return "".join(
                _piece(column, token=token, signed=token and _is_signed(columns, place))
                for place, column in enumerate(columns)
            )
    return _ANY


def _is_mixed(text: str) -> bool:
    """Whether a word changes between letters and digits too often for a name with numbers: it is one random piece."""
    return any(len(re.findall(r"\d+|[A-Za-z]+", word)) > MOST_CHANGES for word in re.findall(r"[A-Za-z0-9]+", text))


def _time_pattern(texts: Sequence[str]) -> str:
    text = re.sub(r"([.,])\d+", r"\1f", texts[0])
    fractions = {match[0] for one in texts for match in re.finditer(r"(?<=[.,])\d+", one)}
    lengths = {len(one) for one in fractions}
    digits = rf"\d{{{lengths.pop()}}}" if len(lengths) == 1 else r"\d+"
    escaped = _SPECIAL.sub(r"\\\1", text)
    escaped = re.sub(r"\d+", lambda m: r"\d" * len(m[0]) if len(m[0]) < 3 else rf"\d{{{len(m[0])}}}", escaped)
    escaped = re.sub(r"(?<![A-Za-z])[A-Z][a-z]{2,8}", "[A-Z][a-z]+", escaped)
    return re.sub(r"(\\\.|,)f", lambda m: m[1] + digits, escaped)


def _word(column: Sequence[str]) -> bool:
    return all(re.fullmatch(r"[\w-]+", text, re.ASCII) for text in column)


def _is_random(column: Sequence[str]) -> bool:
    """Whether these are tokens of letters and digits without a system, in which any character may be next."""
    if len(set(column)) == 1 or min(map(len, column)) < 8:
        return False
    joined = "".join(column)
    return joined != joined.lower() and joined != joined.upper() and any(c.isdigit() for c in joined)


def _is_signed(columns: Sequence[Sequence[str]], place: int) -> bool:
    """Whether this is a part of a signed token: `payload.when.signature`, with a payload that is no plain word.

    What was the same each time need not stay so. The moment of signing (`awoMiw`) is the same for a second, and
    may well look like a word (`awoclw`): before a signature that is random, it is none.
    """
    beside = {text for near in (place - 1, place + 1) if 0 <= near < len(columns) for text in columns[near]}
    if not beside & SEPARATORS or max(map(len, columns[place])) < LONG:
        return False
    between = place >= 2 and place + 2 < len(columns) and beside <= SEPARATORS and _is_random(columns[place + 2])
    return between or not all(map(_is_plain, columns[place]))


def _is_plain(text: str) -> bool:
    return text.isalpha() and (text.islower() or text.isupper() or text.istitle())


def _piece(column: Sequence[str], *, token: bool, signed: bool) -> str:
    if len(set(column)) == 1 and not signed:
        return _SPECIAL.sub(r"\\\1", column[0])
    joined = "".join(column)
    if joined.isdigit() and not signed:
        kind = r"\d"
    elif signed or _is_random(column) or (token and joined.lower() != joined and joined.upper() != joined):
        kind = r"[\w-]"
    elif min(map(len, column)) >= 6 and re.fullmatch("[0-9a-f]+", joined):
        kind = "[0-9a-f]"
    elif min(map(len, column)) >= 6 and re.fullmatch("[0-9A-F]+", joined):
        kind = "[0-9A-F]"
    else:
        kind = r"\w" if "-" not in joined else r"[\w-]"
    lengths = {len(text) for text in column}
    if len(set(column)) < FEW and max(lengths) < LONG:
        return f"{kind}+"
    return f"{kind}{{{lengths.pop()}}}" if len(lengths) == 1 else f"{kind}+"
