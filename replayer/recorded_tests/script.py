"""What a test does, as values: calls with references to what earlier answers handed out.

Scripts are played by `stagehand.py` and written as Python by `rendering.py`; both mean the same by them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for the value of a variable; `cast` is int or str where the request has it as another type."""

    name: str
    cast: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """Stands for a field that the login of a user has: a password, a refresh token."""

    user: str
    field: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A text with references in it."""

    parts: tuple[str | Ref | Secret, ...]


Text = str | Ref | Secret | Joined


@dataclass(frozen=True, slots=True)
class Upload:
    """One part of a multipart form that is a file."""

    data: bytes
    filename: str
    media: str


@dataclass(frozen=True, slots=True)
class Capture:
    """Where an answer holds a value that later calls need: `source` is json, header, field or cookie."""

    name: str
    source: str
    path: Path
    segment: int | None = None  # of the path of an address


@dataclass(frozen=True, slots=True)
class OutsideAnswer:
    """What another system answers when the application calls it. Status 0: nothing."""

    method: str
    url: str
    status: int
    media: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `body` is a JSON-like value (`json`), pairs (`form`) or bytes (`raw`), as `kind` says."""

    step: int
    method: str
    target: Text
    client: int = 0
    headers: tuple[tuple[str, Text], ...] = ()
    user: str = ""  # whose credentials take the place of the recorded Authorization
    kind: str = ""
    body: Any = None
    media: str = ""  # of a raw body
    login: str = ""  # who is logged in by cookie before
    cookies: tuple[tuple[str, str], ...] = ()  # that no answer sets
    outside: tuple[OutsideAnswer, ...] = ()  # what other systems answer meanwhile
    captures: tuple[Capture, ...] = ()
    focus: bool = True  # False: only there so that later calls find what they need


@dataclass(frozen=True, slots=True)
class Script:
    """One test: its calls in order."""

    calls: tuple[Call, ...]
    key: str = ""  # names the script among others of an export

    @property
    def clients(self) -> int:
        return len({call.client for call in self.calls})

    def with_captures(self, used: set[str]) -> Script:
        """The same without captures that nothing refers to."""
        calls = tuple(
            replace(call, captures=tuple(one for one in call.captures if one.name in used)) for call in self.calls
        )
        return replace(self, calls=calls)


def references(value: object) -> set[str]:
    """The variables that a value refers to."""
    if isinstance(value, Ref):
        return {value.name}
    if isinstance(value, Joined):
        return {part.name for part in value.parts if isinstance(part, Ref)}
    if isinstance(value, dict):
        return set().union(*map(references, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(references, value))
    return set()


def used_variables(script: Script) -> set[str]:
    """All variables that the calls of a script refer to."""
    return set().union(*(references((call.target, call.headers, call.body)) for call in script.calls))


def users_of(script: Script) -> set[str]:
    """All users whose credentials a script needs."""
    found: set[str] = set()
    for call in script.calls:
        found |= {call.user, call.login} | _secrets((call.target, call.headers, call.body))
    return found - {""}


def _secrets(value: object) -> set[str]:
    if isinstance(value, Secret):
        return {value.user}
    if isinstance(value, Joined):
        return {part.user for part in value.parts if isinstance(part, Secret)}
    if isinstance(value, dict):
        return set().union(*map(_secrets, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_secrets, value))
    return set()


def to_json(call: Call) -> dict[str, Any]:
    """The call as the stagehand reads it: plain values, references as one-key objects."""
    return {
        "method": call.method,
        "target": _plain(call.target),
        "client": call.client,
        "headers": [[name, _plain(value)] for name, value in call.headers],
        "user": call.user,
        "kind": call.kind,
        "body": _plain(call.body),
        "media": call.media,
        "login": call.login,
        "cookies": [list(pair) for pair in call.cookies],
        "outside": [
            {"method": one.method, "url": one.url, "status": one.status, "media": one.media, "text": one.body.decode()}
            for one in call.outside
        ],
        "captures": [
            {"name": one.name, "source": one.source, "path": list(one.path), "segment": one.segment}
            for one in call.captures
        ],
    }


def _plain(value: object) -> object:
    match value:
        case Ref(name, cast):
            return {"$ref": [name, cast]}
        case Secret(user, name):
            return {"$secret": [user, name]}
        case Joined(parts):
            return {"$join": [_plain(part) for part in parts]}
        case Upload(data, filename, media):
            return {"$upload": [base64.b64encode(data).decode(), filename, media]}
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case dict():
            return {"$object": [[key, _plain(child)] for key, child in value.items()]}
        case list() | tuple():
            return [_plain(child) for child in value]
    return value


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call of a played script got."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    variables: dict[str, object] = field(default_factory=dict)  # known after it
