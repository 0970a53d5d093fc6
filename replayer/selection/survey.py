"""One pass over a recording: what a selection needs of every exchange, in arrays of some forty bytes each.

Nothing of an exchange but numbers is kept: of its row in the store, its stratum, its session's hashes, and of the
things that it made or changed.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from diffing.media import Undecodable, decode_body, media_type
from recorder.exchange import Body, Headers, RecordedRequest, RecordedResponse

from ..safety import recorded_hosts
from .shapes import Shapes, form_names, parsed, size_class
from .things import Answered, Things, scalars

if TYPE_CHECKING:
    from ..store.survey import Glance

MAX_BODIES = 50_000
"""Bodies by number whose shape is remembered: most of what is equal comes again soon."""

MAX_BODY = 4 * 1024 * 1024
"""Bytes: a larger body is of the shape of its media type."""

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))

HOST_FIELDS = frozenset(("host", "x-forwarded-host", "forwarded"))
FIELDS = HOST_FIELDS | {"content-type", "content-encoding", "set-cookie", "location"}
"""Header fields that are looked at."""

ACTS = 1
"""Flag: a write that went well, or a read that may have acted: an exchange that others may depend on."""

HANDS_OUT = 2
"""Flag: hands out what later requests may need to be let in (a cookie, a page with a form)."""

LISTS = 4
"""Flag: a read that shows rows: what it shows may have come by itself, and has its identifier from there."""

Key = tuple[int, int, int, int, int, int]
"""Route, status, shape of the request, shape of the response, size class, whether the principal is known."""


@dataclass(slots=True)
class Survey:
    """What was seen. Exchanges are numbered from 0 in the order of the store."""

    shapes: Shapes = field(default_factory=Shapes)
    things: Things = field(default_factory=Things)
    routes: list[tuple[str, str]] = field(default_factory=list)  # method, template
    untemplated: Counter[int] = field(default_factory=Counter)  # route -> exchanges that the framework gave to none
    keys: list[Key] = field(default_factory=list)  # of the fine strata
    hosts: set[tuple[str, int]] = field(default_factory=set)  # that production was reached at
    numbers: array[int] = field(default_factory=lambda: array("q"))  # of rows in the store
    times: array[float] = field(default_factory=lambda: array("d"))  # by which a plan orders them
    fine: array[int] = field(default_factory=lambda: array("I"))  # fine stratum
    flags: array[int] = field(default_factory=lambda: array("B"))
    clients: array[int] = field(default_factory=lambda: array("I"))  # 0: not known
    principals: array[int] = field(default_factory=lambda: array("I"))  # 0: not known
    links: array[int] = field(default_factory=lambda: array("I"))  # of all exchanges, one after the other
    ends: array[int] = field(default_factory=lambda: array("I"))  # where the links of each end

    def __len__(self) -> int:
        return len(self.numbers)

    def links_of(self, index: int) -> array[int]:
        """The numbers of the cookies and tokens that an exchange carried."""
        return self.links[self.ends[index - 1] if index else 0 : self.ends[index]]


class Surveyor:
    """Makes the survey. `route_of` gives the template of (method, target, recorded template)."""

    def __init__(self, route_of: Callable[[str, str, str], str]) -> None:
        self.survey = Survey()
        self._route_of = route_of
        self._routes: dict[tuple[str, str], int] = {}
        self._keys: dict[Key, int] = {}
        self._bodies: dict[int, _Shaped] = {}
        self._older_bodies: dict[int, _Shaped] = {}
        self._names: dict[str, str] = {}  # field name as sent -> in small letters; "": not looked at
        self._asked_at: set[tuple[str, str, Headers]] = set()
        self._queries: dict[tuple[str, ...], int] = {}
        self._hashes: tuple[dict[int, int], ...] = ({}, {}, {})

    def known(self, body: int) -> bool:
        """Whether the bytes of the body with this number need not be read."""
        return body in self._bodies or body in self._older_bodies

    def run(self, glances: Iterable[Glance]) -> Survey:
        """Looks at every exchange."""
        for glance in glances:
            self._add(glance)
        self.survey.things.settle()
        return self.survey

    def _add(self, glance: Glance) -> None:
        survey = self.survey
        route = self._route(glance)
        well = 0 < glance.status < 400
        acts = well and (glance.method not in SAFE or glance.status >= 300)
        request, response = self._fields(glance.request_headers), self._fields(glance.response_headers)
        self._note_host(glance, request)
        sent, asked_value = self._body(glance.request_body, glance.request_data, request)
        asked = self._asked(glance.target, sent.shape)
        answer, value = self._body(glance.response_body, glance.response_data, response)
        if acts:
            texts = scalars(asked_value) if asked_value is not None else frozenset()
            answered = Answered(glance.status, glance.target, response, value)
            survey.things.note(len(survey.numbers), route, survey.routes[route], answered, texts)
        key = (route, glance.status, asked, answer.shape, answer.size, int(bool(glance.principal)))
        fine = self._keys.get(key)
        if fine is None:
            fine = self._keys[key] = len(survey.keys)
            survey.keys.append(key)
        survey.numbers.append(glance.number)
        survey.times.append(min(glance.ended, glance.started + 1.0))
        survey.fine.append(fine)
        hands_out = well and (answer.page or any(name == "set-cookie" for name, _ in response))
        lists = well and answer.size > 1 and not acts and bool(glance.principal)
        survey.flags.append(ACTS * acts | HANDS_OUT * hands_out | LISTS * lists)
        survey.clients.append(self._numbered(0, glance.client))
        survey.principals.append(self._numbered(1, glance.principal))
        survey.links.extend([self._numbered(2, link) for link in glance.links])
        survey.ends.append(len(survey.links))

    def _fields(self, headers: list[list[str]]) -> list[tuple[str, str]]:
        """The header fields that are looked at, their names in small letters."""
        names = self._names
        found = []
        for name, value in headers:
            known = names.get(name)
            if known is None:
                lowered = name.lower()
                known = lowered if lowered in FIELDS else ""
                if len(names) < MAX_BODIES:
                    names[name] = known
            if known:
                found.append((known, value))
        return found

    def _note_host(self, glance: Glance, fields: list[tuple[str, str]]) -> None:
        hosts = tuple([field for field in fields if field[0] in HOST_FIELDS])
        absolute = "" if glance.target.startswith("/") else glance.target.partition("?")[0]
        asked = (glance.scheme, absolute, hosts)
        if asked not in self._asked_at:
            self._asked_at.add(asked)
            request = RecordedRequest(glance.method, absolute or "/", hosts, scheme=glance.scheme)
            self.survey.hosts |= recorded_hosts(request)

    def _route(self, glance: Glance) -> int:
        template = glance.route or self._route_of(glance.method, glance.target, "")
        number = self._routes.get((glance.method, template))
        if number is None:
            number = self._routes[glance.method, template] = len(self.survey.routes)
            self.survey.routes.append((glance.method, template))
        if not glance.route:
            self.survey.untemplated[number] += 1
        return number

    def _numbered(self, kind: int, text: str) -> int:
        """A number from 1 on for each text; 0 for none."""
        if not text:
            return 0
        numbers = self._hashes[kind]
        return numbers.setdefault(hash(text), len(numbers) + 1)

    def _asked(self, target: str, shape: int) -> int:
        query = target.partition("?")[2]
        if not query:
            return shape
        names = tuple(form_names(query.encode("latin-1", "replace")))
        if len(self._queries) >= MAX_BODIES:
            self._queries.clear()
        if names not in self._queries:
            self._queries[names] = self.survey.shapes.of_names("query", names)
        return self.survey.shapes.joined(self._queries[names], shape)

    def _body(self, number: int | None, data: bytes | None, headers: list[tuple[str, str]]) -> tuple[_Shaped, object]:
        """What is known of a body, and its JSON value unless the body was known before."""
        if number is None:
            return _NO_BODY, None
        known = self._bodies.get(number) or self._older_bodies.get(number)
        if known is not None or data is None:
            return known or _NO_BODY, None
        shaped, value = self._shaped(data, headers)
        if len(self._bodies) >= MAX_BODIES:
            self._older_bodies, self._bodies = self._bodies, {}
        self._bodies[number] = shaped
        return shaped, value

    def _shaped(self, data: bytes, headers: list[tuple[str, str]]) -> tuple[_Shaped, object]:
        shapes = self.survey.shapes
        fields = dict(headers)
        if "content-encoding" in fields:
            try:
                coded = (("content-encoding", fields["content-encoding"]),)
                data = decode_body(RecordedResponse(200, "", coded, Body.of(data)))
            except Undecodable:
                data = b""
        media = media_type(fields.get("content-type", ""))
        value = parsed(data) if len(data) <= MAX_BODY else None
        if value is not None:
            return _Shaped(shapes.of_json(value), size_class(value)), value
        if media == "application/x-www-form-urlencoded":
            return _Shaped(shapes.of_names("form", form_names(data))), None
        return _Shaped(shapes.of_text(media), page=data[:64].lstrip()[:1] == b"<"), None


class _Shaped(NamedTuple):
    shape: int
    size: int = 0
    page: bool = False


_NO_BODY = _Shaped(0)
