"""From chosen steps of a plan to a script: recorded values that an earlier answer handed out become variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

import orjson

from diffing.atoms import atoms, is_opaque, location_key, rewrite
from recorder.exchange import Body, Exchange, header

from ..admissions import field_name, holds_secret
from ..flow import Step, consumed, consumer_key
from ..guide import Guide
from ..nouns import leaf_name, noun_of, singular
from ..plan import Plan
from ..spans import Encoding, Part, Slot, substitute
from .script import Call, Capture, Joined, OutsideAnswer, Path, Ref, Script, Secret, Text, Upload, references

_MARK = re.compile(r"zqVAR(\d{4})qz")
_SKIPPED_HEADERS = frozenset(
    "host connection keep-alive user-agent accept-encoding accept-language content-length content-type cookie te"
    " transfer-encoding trailer upgrade via forwarded x-forwarded-for x-forwarded-proto x-forwarded-host"
    " x-forwarded-port x-real-ip dnt expect pragma cache-control content-encoding".split()
)
_KEY = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_WORD = re.compile(r"\W+")
MAX_RAW = 16 * 1024
"""Bytes of a request body that is not taken apart; a longer one makes no readable test."""


class Unwritable(Exception):
    """A request that no test can make as it was; the message says why."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who can be logged in by name: principal -> user, and what the login of each user gives."""

    users: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)  # of the bodies of requests, by user
    by_header: frozenset[str] = frozenset()
    by_cookie: frozenset[str] = frozenset()

    def gives(self, user: str, slot: Slot) -> bool:
        """Whether the login of the user gives a credential that stands in such a place."""
        return user in (self.by_cookie if slot.location.startswith("cookie.") else self.by_header)


class Transcriber:
    """Writes scripts of one plan."""

    def __init__(self, plan: Plan, guide: Guide, cast: Cast) -> None:
        self._plan = plan
        self._guide = guide
        self._flow = guide.flow
        self._cast = cast
        self._produced: dict[int, dict[str, list[tuple[str, str]]]] = {}
        self._secrets = {
            (self._user(step), slot.text): field_name(slot)
            for step in plan.steps
            for slot in filter(holds_secret, step.slots)
            if field_name(slot) in cast.fields.get(self._user(step), ())
            and guide.first_use.get((step.session, slot.text)) == step.route
        }

    def needs(self, step: Step) -> frozenset[int]:
        """The steps without which this one can not be sent: they made what it names, or its credentials."""
        found: set[int] = set()
        for slot, location, value in consumed(step):
            by_jar = slot.location.startswith(("header.", "cookie."))
            if by_jar and is_opaque(value) and self._cast.gives(self._user(step), slot):
                continue
            sort = self._flow.sorts.get(location)
            maker = self._flow.created.get((sort, value)) if sort is not None else None
            if maker is None and is_opaque(value):
                maker = self._flow.tokens.get(value)
                if maker is not None and not by_jar and self._plan.steps[maker].reads and not self._is_form(maker):
                    maker = None
            if maker is not None and maker < step.index:
                found.add(maker)
        return frozenset(found)

    def _is_form(self, index: int) -> bool:
        return self._plan.steps[index].produced.root == "$html"

    def script(self, chosen: Sequence[int], focus: frozenset[int], key: str) -> Script:
        """The script of these steps, in order. Raises Unwritable."""
        steps = [self._plan.steps[index] for index in sorted(chosen)]
        clients: dict[int, int] = {}
        for step in steps:
            if step.index in focus:
                clients.setdefault(step.session, len(clients))
        for step in steps:
            clients.setdefault(step.session, len(clients))
        names = _Names()
        logged_in: set[int] = set()
        calls: list[Call] = []
        for position, step in enumerate(steps):
            call = self._call(step, steps[:position], names, clients[step.session], logged_in)
            calls.append(replace(call, focus=step.index in focus))
        captures = names.captures
        used = set().union(*(references((call.target, call.headers, call.body)) for call in calls))
        calls = [
            replace(call, captures=tuple(one for one in captures.get(call.step, ()) if one.name in used))
            for call in calls
        ]
        return Script(tuple(calls), key)

    def _user(self, step: Step) -> str:
        principal = step.principal or self._guide.owners.get(step.index, "")
        return self._cast.users.get(principal, "")

    def _call(self, step: Step, before: Sequence[Step], names: _Names, client: int, logged_in: set[int]) -> Call:
        request = step.exchange.request
        user = self._user(step)
        texts: dict[int, Ref | Secret] = {}

        def mark(what: Ref | Secret) -> str:
            number = next((n for n, known in texts.items() if known == what), len(texts))
            texts[number] = what
            return f"zqVAR{number:04d}qz"

        replaced: dict[Slot, str] = {}
        bearer, login = "", ""
        cookies: list[tuple[str, str]] = []
        for slot in step.slots:
            credential = slot.location.startswith(("header.", "cookie."))
            secret = self._secrets.get((user, slot.text)) if slot.part is Part.BODY else None
            if secret is not None:
                replaced[slot] = mark(Secret(user, secret))
                continue
            if slot.location.startswith("cookie."):
                made = self._maker_of_cookie(slot, before)
                if made is None and slot.text in self._guide.proven and self._cast.gives(user, slot):
                    login = user if client not in logged_in else ""
                elif made is None:
                    cookies.append((slot.location[7:], slot.text))
                continue

            def lookup(suffix: str, text: str, slot: Slot = slot) -> str | None:
                location = consumer_key(request.method, step.route, slot.location, suffix)
                found = self._capture(location, text, before, names)
                if found is None:
                    return None
                name, leaf = found
                cast = ""
                if slot.encoding is Encoding.JSON_NUMBER and isinstance(leaf, str):
                    cast = "int"
                elif slot.encoding is Encoding.JSON_STRING and slot.text == text and not isinstance(leaf, str):
                    cast = "str"
                return mark(Ref(name, cast))

            text = rewrite(slot.text, lookup)
            if text != slot.text:
                replaced[slot] = text
            elif credential and slot.location == "header.authorization" and self._gives(user, slot):
                bearer = user
        if login:
            logged_in.add(client)
        changed = substitute(request, replaced)
        kind, body, media = _body(changed.body, changed.headers, texts, step.exchange)
        headers = tuple(
            (name, _text(value, texts))
            for name, value in changed.headers
            if name.lower() not in _SKIPPED_HEADERS
            and not (name.lower() == "accept" and value == "*/*")
            and not (name.lower() == "authorization" and bearer)
        )
        if request.method not in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
            raise Unwritable(f"no test client has a method {request.method}")
        target = _text(changed.target, texts)
        return Call(
            step.index, request.method, target, client, headers, bearer, kind, body, media, login, tuple(cookies),
            outside=tuple(_outside(step.exchange)),
        )  # fmt: skip

    def _gives(self, user: str, slot: Slot) -> bool:
        proven = any(value in self._guide.proven for _, value in atoms(slot.text))
        return proven and self._cast.gives(user, slot)

    def _maker_of_cookie(self, slot: Slot, before: Sequence[Step]) -> int | None:
        name = f"header:set-cookie[{slot.location[7:]}].value"
        for step in reversed(before):
            if any(path == name for path, _ in step.produced.headers):
                return step.index
        return None

    def _capture(self, location: str, text: str, before: Sequence[Step], names: _Names) -> tuple[str, object] | None:
        """The variable that stands for this value of a request, and its recorded value; None for a constant."""
        sort = self._flow.sorts.get(location)
        opaque = is_opaque(text)
        if not opaque and (sort is None or not text):
            return None
        created = self._flow.created.get((sort, text)) if sort is not None else None
        if not opaque and any(slot.text == text for step in before for slot in step.slots if slot.part is Part.BODY):
            return None  # the client's own word, which answers repeat
        for step in before:
            if step.index != created and not (opaque and self._flow.tokens.get(text) == step.index):
                continue
            found = self._place(step, text, sort)
            if found is not None:
                path, suffix = found
                capture = _captured(path, suffix)
                if capture is not None:
                    leaf = dict(step.produced.leaves())[path] if not suffix else text
                    return names.of(step, capture, location), leaf
        return None

    def _place(self, step: Step, text: str, sort: str | None) -> tuple[str, str] | None:
        """The best place of a step's answer that hands this value out: (path, suffix)."""
        if step.index not in self._produced:
            table: dict[str, list[tuple[str, str]]] = {}
            for path, leaf in step.produced.leaves():
                for suffix, value in atoms(leaf):
                    table.setdefault(value, []).append((path, suffix))
            self._produced[step.index] = table
        best: tuple[int, str, str] | None = None
        for path, suffix in self._produced[step.index].get(text, ()):
            if _captured(path, suffix) is None:
                continue
            key = location_key(step.exchange.request.method, step.route, step.status, path, suffix)
            if not is_opaque(text) and self._flow.sorts.get(key) != sort:
                continue
            rank = (10 if suffix else 0) + (5 if path.startswith("header:") else 0) + path.count(".") + path.count("[")
            if best is None or rank < best[0]:
                best = rank, path, suffix
        return (best[1], best[2]) if best else None


class _Names:
    """Names of variables, each once in a script."""

    def __init__(self) -> None:
        self.captures: dict[int, list[Capture]] = {}
        self._known: dict[tuple[int, str, Path, int | None], str] = {}
        self._taken: set[str] = set()

    def of(self, step: Step, capture: Capture, location: str) -> str:
        key = step.index, capture.source, capture.path, capture.segment
        if key not in self._known:
            name = base = _variable_name(step, capture, location)
            number = 1
            while name in self._taken:
                number += 1
                name = f"{base}_{number}"
            self._taken.add(name)
            self._known[key] = name
            self.captures.setdefault(step.index, []).append(replace(capture, name=name))
        return self._known[key]


_RESERVED = frozenset(
    "client app response credentials auth_headers make_client log_in exactly including database id type from class def"
    " import in is not or and pass return with as for while if else elif try except lambda global assert del raise"
    " async await break continue finally nonlocal yield none true false text rows".split()
)


def _variable_name(step: Step, capture: Capture, location: str) -> str:
    leaf = str(capture.path[-1]) if capture.path and isinstance(capture.path[-1], str) else ""
    name = leaf
    if leaf.lower() in ("", "id", "location", "code", "token", "uuid", "key", "number", "reference", "name"):
        noun = noun_of(location) or singular(leaf_name(location)) or singular(_last_word(step.route))
        suffix = leaf if leaf.lower() not in ("", "location") else "id"
        noun = re.sub(r"_(id|code|token|key|number)$", "", noun or "")
        name = noun if noun == suffix else f"{noun}_{suffix}"
    name = _WORD.sub("_", name).strip("_").lower() or "value"
    return f"the_{name}" if name in _RESERVED or name[0].isdigit() else name


def _last_word(route: str) -> str:
    words = [part for part in route.split("/") if part and "<" not in part and "{" not in part]
    return words[-1] if words else "value"


def _captured(path: str, suffix: str) -> Capture | None:
    """How a test gets at this place of an answer; None where it would take too much to be readable."""
    segment = None
    if suffix:
        match = re.fullmatch(r"~url\[(?:[^\]:]*:)?(\d+)\]", suffix)
        if match is None:
            return None
        segment = int(match[1])
    if path.startswith("header:set-cookie["):
        return Capture("", "cookie", (path[len("header:set-cookie[") : -len("].value")],), segment)
    if path.startswith("header:"):
        return Capture("", "header", ("-".join(word.capitalize() for word in path[7:].split("-")),), segment)
    if path.startswith(("$html.input.", "$html.meta.")):
        name = path.split(".", 2)[2]
        return None if "[" in name else Capture("", "field", (name,), segment)
    if path.startswith("$html") or path.startswith("$text"):
        return None
    keys: list[str | int] = []
    position = 1
    while position < len(path):
        match = _KEY.match(path, position)
        if match is None:
            return None
        keys.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
    return Capture("", "json", tuple(keys), segment)


def _text(text: str, texts: Mapping[int, Ref | Secret]) -> Text:
    parts: list[str | Ref | Secret] = []
    position = 0
    for match in _MARK.finditer(text):
        if match.start() > position:
            parts.append(text[position : match.start()])
        parts.append(texts[int(match[1])])
        position = match.end()
    if not parts:
        return text
    if position < len(text):
        parts.append(text[position:])
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], str) else Joined(tuple(parts))


def _value(value: object, texts: Mapping[int, Ref | Secret]) -> object:
    if isinstance(value, str):
        return _text(value, texts)
    if isinstance(value, dict):
        return {key: _value(child, texts) for key, child in value.items()}
    if isinstance(value, list):
        return [_value(child, texts) for child in value]
    return value


def _body(
    body: Body, headers: Sequence[tuple[str, str]], texts: Mapping[int, Ref | Secret], exchange: Exchange
) -> tuple[str, object, str]:
    """(kind, body, media type)."""
    if not body.data:
        return "", None, ""
    content_type = header(tuple(headers), "content-type")
    media = content_type.partition(";")[0].strip().lower()
    if header(tuple(headers), "content-encoding"):
        raise Unwritable("the request's body has a content coding")
    if media == "application/json":
        try:
            return "json", _value(orjson.loads(body.data), texts), ""
        except orjson.JSONDecodeError:
            pass
    elif media == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.data.decode("latin-1"), keep_blank_values=True)
        if len({name for name, _ in pairs}) == len(pairs) > 0:
            return "form", {name: _text(value, texts) for name, value in pairs}, ""
    elif media == "multipart/form-data":
        parts = _multipart(body.data, content_type, texts)
        if parts is not None:
            return "multipart", parts, "multipart/form-data"
    if len(body.data) > MAX_RAW:
        raise Unwritable(f"the request's body is {media or 'of no type'} and has {len(body.data)} bytes")
    if _MARK.search(body.data.decode("latin-1")):
        raise Unwritable(f"the request's body is {media or 'of no type'} and holds a value of an earlier answer")
    return "raw", body.data, content_type


def _multipart(data: bytes, content_type: str, texts: Mapping[int, Ref | Secret]) -> dict[str, object] | None:
    match = re.search(r'boundary="?([^";,]+)"?', content_type, re.I)
    if match is None:
        return None
    found: dict[str, object] = {}
    for piece in data.split(b"--" + match[1].encode("latin-1"))[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace")
        name = re.search(r'\bname="([^"]*)"', lines)
        filename = re.search(r'\bfilename="([^"]*)"', lines)
        kind = re.search(r"content-type:\s*(\S+)", lines, re.I)
        content = content.removesuffix(b"\r\n")
        if name is None or name[1] in found or len(content) > MAX_RAW:
            return None
        if filename is not None:
            found[name[1]] = Upload(content, filename[1], kind[1] if kind else "application/octet-stream")
        else:
            found[name[1]] = _text(content.decode("utf-8", "replace"), texts)
    return found


def _outside(exchange: Exchange) -> Iterator[OutsideAnswer]:
    for call in exchange.outbound or ():
        response = call.response
        if response is None:
            yield OutsideAnswer(call.request.method, call.request.target, 0, "", b"")
            continue
        try:
            response.body.data.decode()
        except UnicodeDecodeError:
            raise Unwritable("another system answered with bytes that are no text") from None
        media = header(response.headers, "content-type")
        yield OutsideAnswer(call.request.method, call.request.target, response.status, media, response.body.data)
