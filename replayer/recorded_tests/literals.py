"""Values as Python writes them, laid out as `ruff format` lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 88
"""Characters of a line, as ruff has it where nobody sets another: what fits is left alone by larger settings too."""


@dataclass(frozen=True, slots=True)
class Code:
    """Something that is written as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Made:
    """A call: `Like(r"…")`, with arguments that are values."""

    name: str
    arguments: tuple[object, ...] = ()
    named: tuple[tuple[str, object], ...] = ()


def literal(value: object) -> str:
    """A value on one line."""
    match value:
        case Code(text):
            return text
        case Made(name, arguments, named):
            return f"{name}({', '.join([*map(literal, arguments), *(f'{k}={literal(v)}' for k, v in named)])})"
        case str():
            return quoted(value)
        case bytes():
            return _quoted_bytes(value)
        case dict():
            return "{" + ", ".join(f"{literal(key)}: {literal(child)}" for key, child in value.items()) + "}"
        case tuple():
            inner = ", ".join(map(literal, value))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def quoted(text: str) -> str:
    """A string with double quotes, unless that would need more escapes."""
    return _between_quotes([character if character in _QUOTES else repr(character)[1:-1] for character in text])


def _quoted_bytes(data: bytes) -> str:
    characters = [chr(byte) if chr(byte) in _QUOTES else repr(bytes([byte]))[2:-1] for byte in data]
    return "b" + _between_quotes(characters)


_QUOTES = ("'", '"')


def _between_quotes(characters: Sequence[str]) -> str:
    quote = "'" if characters.count('"') > characters.count("'") else '"'
    return quote + "".join(f"\\{one}" if one == quote else one for one in characters) + quote


def wrapped(prefix: str, value: object, indent: int = 0, suffix: str = "") -> str:
    """`prefix` and a value: on one line if that fits, else each element on one of its own, as deep as it takes.

    The first line is taken to stand `indent` characters from the left; it comes without them.
    """
    line = f"{prefix}{literal(value)}{suffix}"
    if indent + len(line) <= WIDTH or not _splits(value):
        return line
    opening, pieces, closing = _pieces(value)
    inner = indent + 4
    pad = " " * inner
    comma = "" if isinstance(value, Made) and len(pieces) == 1 and not pieces[0][0] and _splits(pieces[0][1]) else ","
    body = "".join(f"{pad}{wrapped(head, child, inner, comma)}\n" for head, child in pieces)
    return f"{prefix}{opening}\n{body}{' ' * indent}{closing}{suffix}"


def _splits(value: object) -> bool:
    match value:
        case Made(_, arguments, named):
            return bool(arguments or named)
        case dict() | list() | tuple():
            return bool(value)
    return False


def _pieces(value: object) -> tuple[str, Sequence[tuple[str, object]], str]:
    match value:
        case Made(name, arguments, named):
            return f"{name}(", [*(("", child) for child in arguments), *((f"{k}=", v) for k, v in named)], ")"
        case dict():
            return "{", [(f"{literal(key)}: ", child) for key, child in value.items()], "}"
        case tuple():
            return "(", [("", child) for child in value], ")"
        case list():
            return "[", [("", child) for child in value], "]"
    raise TypeError(type(value))
