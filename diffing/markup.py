"""XML, iCalendar and vCard as values by name: what varies in one element says nothing of the others."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError, XMLParser

MAX_LENGTH = 4_000_000
"""Characters of a document that is taken apart; a longer one is compared line by line."""
MAX_DEPTH = 60
_DECLARES = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_FOLD = re.compile(r"\r?\n[ \t]")  # RFC 5545 section 3.1, RFC 6350 section 3.2
_PROPERTY = re.compile(r"([A-Za-z0-9-]+(?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)", re.DOTALL)


def xml_value(text: str) -> dict[str, object]:
    """The root by its name. Attributes and elements stand under their names, without namespaces; text under `#text`.

    An element of nothing but text is that text, several of one name are a list, and what has parts of its own always
    is in one. Raises ValueError for what is no XML, declares entities, or is too large or too deep to be taken apart.
    """
    if len(text) > MAX_LENGTH or _DECLARES.search(text):
        raise ValueError("too large, or declares entities")
    parser = XMLParser(encoding="utf-8")  # it was decoded already, whatever it declares
    try:
        parser.feed(text.lstrip("\ufeff \t\r\n").encode())
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise ValueError(f"is not XML ({error})") from None
    return {_local(root.tag): _element(root, MAX_DEPTH)}


def _element(node: Element, depth: int) -> object:
    if not depth:
        raise ValueError("is too deep")
    said = (node.text or "").strip()
    if not len(node) and not node.attrib:
        return said
    found: dict[str, object] = {_local(name): value for name, value in node.attrib.items()}
    children: dict[str, list[object]] = {}
    for child in node:
        children.setdefault(_local(child.tag), []).append(_element(child, depth - 1))
        said += (child.tail or "").strip()
    for name, values in children.items():
        alone = len(values) == 1 and isinstance(values[0], str)
        found[f"<{name}>" if name in found else name] = values[0] if alone else values
    if said:
        found["#text"] = said
    return found


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def card_value(text: str) -> dict[str, object]:
    """Components in lists under their names (`VCALENDAR`, `VEVENT`), properties with their parameters as names.

    Raises ValueError for what is neither iCalendar nor vCard.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("too large")
    root: dict[str, object] = {}
    stack: list[tuple[str, dict[str, object]]] = [("", root)]
    for line in _FOLD.sub("", text.lstrip("\ufeff")).splitlines():
        if not line.strip():
            continue
        said = _PROPERTY.fullmatch(line)
        if said is None:
            raise ValueError("a line without a name")
        name, value = said[1].upper(), said[2]
        if name == "BEGIN" and len(stack) <= MAX_DEPTH:
            component: dict[str, object] = {}
            _add(stack[-1][1], value.upper(), component, always=True)
            stack.append((value.upper(), component))
        elif name == "END" and stack[-1][0] == value.upper() != "":
            stack.pop()
        elif name in ("BEGIN", "END") or len(stack) == 1:
            raise ValueError("components that are not one within the other")
        else:
            _add(stack[-1][1], name, value)
    if len(stack) > 1 or not root:
        raise ValueError("a component without an end")
    return root


def _add(into: dict[str, object], name: str, value: object, always: bool = False) -> None:
    there = into.get(name)
    if isinstance(there, list):
        there.append(value)
    elif name in into:
        into[name] = [there, value]
    else:
        into[name] = [value] if always else value
