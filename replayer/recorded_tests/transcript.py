"""From chosen steps of a plan to a script: recorded values that an earlier answer handed out become variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from diffing.atoms import atoms, is_opaque, location_key, rewrite

from ..admissions import field_name, holds_secret
from ..flow import Step, consumed, consumer_key
from ..guide import Guide
from ..nouns import leaf_name, noun_of, singular
from ..plan import Plan
from ..spans import Encoding, Part, Slot, substitute
from .sayings import Unwritable, body_of, mark_of, outside_answers, text_of
from .script import Call, Capture, Path, Ref, Script, Secret, references

_SKIPPED_HEADERS = frozenset(
    "host connection keep-alive user-agent accept-encoding accept-language content-length content-type cookie te"
    " transfer-encoding trailer upgrade via forwarded x-forwarded-for x-forwarded-proto x-forwarded-host"
    " x-forwarded-port x-real-ip dnt expect pragma cache-control content-encoding".split()
)
_KEY = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_WORD = re.compile(r"\W+")


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
            return mark_of(number)

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
        kind, body, media = body_of(changed.body, changed.headers, texts, step.exchange)
        headers = tuple(
            (name, text_of(value, texts))
            for name, value in changed.headers
            if name.lower() not in _SKIPPED_HEADERS
            and not (name.lower() == "accept" and value == "*/*")
            and not (name.lower() == "authorization" and bearer)
        )
        if request.method not in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
            raise Unwritable(f"no test client has a method {request.method}")
        target = text_of(changed.target, texts)
        return Call(
            step.index, request.method, target, client, headers, bearer, kind, body, media, login, tuple(cookies),
            outside=tuple(outside_answers(step.exchange)),
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
        if not opaque and _was_said(text, before if created is None else [s for s in before if s.index <= created]):
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


def _was_said(text: str, steps: Sequence[Step]) -> bool:
    """Whether the body of a request held this value."""
    return any(slot.text == text for step in steps for slot in step.slots if slot.part is Part.BODY)


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
