"""`Set-Cookie` taken apart: one cookie's name, value and attributes (RFC 6265 section 5.2, forgiving)."""

from __future__ import annotations


def parse_set_cookie(line: str) -> tuple[str, dict[str, object]]:
    """(name, {"value": …, attribute: text, or True for a flag}). Attribute names are lower case; unknown ones are kept.

    >>> parse_set_cookie("sid=abc; Path=/; HttpOnly")
    ('sid', {'value': 'abc', 'path': '/', 'httponly': True})
    """
    first, _, rest = line.partition(";")
    name, equals, value = first.partition("=")
    if not equals:
        name, value = "", first
    fields: dict[str, object] = {"value": value.strip().strip('"')}
    for attribute in rest.split(";"):
        key, equals, text = attribute.strip().partition("=")
        key = key.strip().lower()
        if not key or key == "value":
            continue
        fields[key] = text.strip().strip('"') if equals else True
        if key == "samesite":
            fields[key] = str(fields[key]).lower()
    return name.strip(), fields
