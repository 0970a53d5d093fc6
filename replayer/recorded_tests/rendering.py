"""Scripts and what was seen of them, as Python that a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .answers import Assertion
from .literals import WIDTH, Code, Made, literal, quoted, wrapped
from .script import Call, Capture, Joined, OutsideAnswer, Ref, Script, Secret, Upload

_METHODS = {
    "GET": "get",
    "POST": "post",
    "PUT": "put",
    "PATCH": "patch",
    "DELETE": "delete",
    "HEAD": "head",
    "OPTIONS": "options",
}
_HELPERS = "AnyOrder Each Either Fields Like Rows Some cookies exactly field including page segment".split()


@dataclass(frozen=True, slots=True)
class WrittenTest:
    """One test: its name, what it does, and what it asserts after each call."""

    name: str
    script: Script
    asserted: tuple[tuple[Assertion, ...], ...]


def test_file(resource: str, tests: Sequence[WrittenTest]) -> str:
    """The text of one file, without its first line."""
    bodies = [_function(test) for test in tests]
    text = "\n\n\n".join(bodies)
    imports: list[str] = []
    if "sha256(" in text:
        imports.append("from hashlib import sha256")
    if "BytesIO(" in text:
        imports.append("from io import BytesIO")
    blocks = [f'"""What was recorded of {resource.replace("_", " ")}."""', "\n".join(imports)]
    if "answering(" in text:
        blocks.append("from recorder.outbound.scripted import OutsideAnswer, answering")
    helpers = [name for name in _HELPERS if re.search(rf"(?<![\w.]){name}\(", text)]
    blocks.append(_import(helpers))
    return "\n\n".join(block for block in blocks if block) + "\n\n\n" + text + "\n"


def _import(names: Sequence[str]) -> str:
    if not names:
        return ""
    # classes before functions, as isort has it
    ordered = sorted(names, key=lambda name: (not name[0].isupper(), name))
    line = f"from .checks import {', '.join(ordered)}"
    return line if len(line) <= WIDTH else "from .checks import (\n" + "".join(f"    {n},\n" for n in ordered) + ")"


def _function(test: WrittenTest) -> str:
    script = test.script
    lines: list[str] = []
    fixtures: list[str] = []
    logged_in: dict[str, str] = {}
    clients = {call.client for call in script.calls}
    several = len(clients) > 1
    names = {number: "client" if not several or number == 0 else _client_name(number) for number in sorted(clients)}
    fixtures.append("client")
    if several:
        fixtures.append("make_client")
        lines += [f"{names[number]} = make_client()" for number in sorted(clients) if number != 0]
    users = list(dict.fromkeys(call.user for call in script.calls if call.user))
    for user in users:
        logged_in[user] = user
        lines.append(f"{user} = auth_headers({quoted(user)})")
    if users:
        fixtures.append("auth_headers")
    if lines:
        lines.append("")
    secrets = False
    for call, asserted in zip(script.calls, test.asserted, strict=True):
        secrets = secrets or "Secret(" in repr((call.target, call.headers, call.body))
        if call.login:
            fixtures.append("log_in")
            lines.append(f"log_in({names[call.client]}, {quoted(call.login)})")
        lines += [f"{names[call.client]}.set_cookie({quoted(name)}, {quoted(value)})" for name, value in call.cookies]
        indent = 4
        request = _request(call, names[call.client])
        if call.outside:
            lines += _answering(call.outside)
            indent = 8
        lines += _indented(wrapped("response = ", request, indent).splitlines(), indent - 4)
        for one in asserted:
            lines += _assertion(one)
        lines += [_capture(one, names[call.client]) for one in call.captures]
        lines.append("")
    while lines and not lines[-1]:
        lines.pop()
    if secrets:
        fixtures.append("credentials")
    body = "\n".join(f"    {line}" if line else "" for line in lines)
    return f"{_signature(test.name, list(dict.fromkeys(fixtures)))}\n{body}"


def _signature(name: str, fixtures: Sequence[str]) -> str:
    line = f"def {name}({', '.join(fixtures)}):"
    if len(line) <= WIDTH:
        return line
    inner = f"    {', '.join(fixtures)}"
    if len(inner) <= WIDTH:
        return f"def {name}(\n{inner}\n):"
    return f"def {name}(\n" + "".join(f"    {one},\n" for one in fixtures) + "):"


def _indented(lines: Iterable[str], by: int) -> list[str]:
    """Lines of a statement inside a test's body: the first has no indent, the others are already where they belong."""
    found = list(lines)
    return [" " * by + found[0], *(line[4:] for line in found[1:])]


def _client_name(number: int) -> str:
    return {1: "second_client", 2: "third_client"}.get(number, f"client_{number + 1}")


def _request(call: Call, client: str) -> Made:
    named: list[tuple[str, object]] = []
    headers = [(name, _value(value)) for name, value in call.headers]
    if call.user and headers:
        pairs = ", ".join(f"{quoted(name)}: {literal(value)}" for name, value in headers)
        named.append(("headers", Code(f"{{**{call.user}, {pairs}}}")))
    elif call.user:
        named.append(("headers", Code(call.user)))
    elif headers:
        named.append(("headers", dict(headers)))
    if call.kind == "json":
        named.append(("json", _value(call.body)))
    elif call.kind in ("form", "multipart", "raw"):
        named.append(("data", _value(call.body)))
        if call.media:
            named.append(("content_type", call.media))
    return Made(f"{client}.{_METHODS[call.method]}", (_value(call.target),), tuple(named))


def _value(value: object) -> object:
    match value:
        case Ref(name, cast):
            return Code(f"{cast}({name})" if cast else name)
        case Secret(user, name):
            return Code(f'credentials({quoted(user)})["body"][{quoted(name)}]')
        case Joined(parts):
            return Code(_format_string(parts))
        case Upload(data, filename, media):
            return (Made("BytesIO", (data,)), filename, media)
        case dict():
            return {key: _value(child) for key, child in value.items()}
        case list():
            return [_value(child) for child in value]
    return value


def _format_string(parts: Sequence[object]) -> str:
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(repr("'" + part)[2:-1].replace('"', '\\"').replace("{", "{{").replace("}", "}}"))
        elif isinstance(part, Ref):
            pieces.append(f"{{{part.name}}}")
        elif isinstance(part, Secret):
            pieces.append(f"{{credentials('{part.user}')['body']['{part.field}']}}")
    return 'f"' + "".join(pieces) + '"'


def _answering(outside: Sequence[OutsideAnswer]) -> list[str]:
    made = tuple(
        Made("OutsideAnswer", (one.method, one.url, one.status, one.media, one.body.decode())) for one in outside
    )
    lines = wrapped("with ", Made("answering", made), 4, ":").splitlines()
    return [lines[0], *(line[4:] for line in lines[1:])]


def _assertion(one: Assertion) -> list[str]:
    if one.left.startswith("sha256("):
        return [f"digest = {one.left}", f"assert digest == {literal(one.right)}"]
    lines = wrapped(f"assert {one.left} == ", one.right, 4).splitlines()
    return [lines[0], *(line[4:] for line in lines[1:])]


def _capture(one: Capture, client: str) -> str:
    match one.source:
        case "json":
            found = "response.json" + "".join(f"[{literal(key)}]" for key in one.path)
        case "header":
            found = f"response.headers[{literal(one.path[0])}]"
        case "cookie":
            found = f"{client}.get_cookie({literal(one.path[0])}).value"
        case _:
            found = f"field(response, {literal(one.path[0])})"
    if one.segment is not None:
        found = f"segment({found}, {one.segment})"
    return f"{one.name} = {found}"
