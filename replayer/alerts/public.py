"""What of a finding may be told in a chat: its route, its place, its kind. No value that was recorded."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

from diffing.atoms import is_opaque
from diffing.difference import Location, Part
from diffing.grouping import Finding

from ..reports.wording import change, route

LONGEST_KEY = 40
"""Characters: the name of a field is rarely longer, and what stands in its place in a map may be anything."""

_STEP = re.compile(r"\['(?:[^'\\]|\\.)*'\]|\[[^\[\]]*\]|\.[^.\[\]]+", re.S)
_PLAIN = re.compile(r"[^\W\d][\w$*~-]*|[$*~-][\w$*~-]*")


def public_route(finding: Finding) -> str:
    """Method and route. Where no framework named a template, what can be an identifier or an address is left out."""
    return route(replace(finding, route="/".join(_segment(each) for each in finding.route.split("/"))))


def public_change(finding: Finding) -> str:
    """Place and change: `$.items[*].price int -> str`. Keys that can be values, not names of fields, become `*`."""
    location = finding.location
    return change(replace(finding, location=Location(location.part, public_path(location.part, location.path))))


def public_path(part: Part, path: str) -> str:
    """The path of a place without keys that can be recorded values. Statements come as shapes, without values."""
    if part is Part.SQL:
        return path
    root, first = re.match(r"[^.\[]*", path), True
    steps = []
    for step in _STEP.findall(path, root.end() if root else 0):
        operation = first and part is Part.OUTBOUND  # method, host and path template of a call
        steps.append(step if operation or _is_name(step) else ".*")
        first = False
    return (root.group() if root else "") + "".join(steps)


def public_target(name: str) -> str:
    """A target's name; of one that was given as a URL what holds no secret."""
    if "://" not in name:
        return name
    parts = urlsplit(name)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _segment(segment: str) -> str:
    hides = segment.isdigit() or "@" in segment or "%" in segment or is_opaque(segment)
    return "*" if hides and "<" not in segment and "{" not in segment and "(" not in segment else segment


def _is_name(step: str) -> bool:
    if step.startswith("['"):
        return False
    key = step.strip(".[]")
    return not key or (len(key) <= LONGEST_KEY and _PLAIN.fullmatch(key) is not None and not is_opaque(key))
