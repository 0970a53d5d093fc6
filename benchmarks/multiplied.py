"""A recording of any size, made of a real one: copies later in time, in which all that was made has another name.

What the recording's plan knows to have been made (orders, sessions, tokens, newcomers and their addresses) is called
otherwise in every copy, consistently, so that values flow within a copy as they did; what was there before (products,
the staff) keeps its name and goes through all copies. A few answers get a field more, or fail, by a seed, so that rare
strata exist.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from urllib.parse import quote

from diffing.atoms import is_integer, is_opaque, location_key, rewrite
from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse
from replayer.admissions import holds_secret
from replayer.flow import Step, consumer_key
from replayer.plan import Plan
from replayer.spans import Encoding, Slot, body_text, json_slots, substitute

STEP = 1_000_000
"""What the numbers of one copy are larger by than those of the one before."""

DAYS = 28 * 86_400.0
RARE = 0.01
"""Share of the answers that get a field more."""

FAILED = 0.0001
"""Share of the reads that fail."""

_MARK = re.compile(r'"ZQ(\d+)NQ"|ZQ(\d+)QZ|ZQ(\d+)PQ')
_TOKEN = re.compile(r"[\w.+~-]{8,}", re.ASCII)
_EMAIL = re.compile(r"[\w.+-]+@[\w.-]+\.\w+", re.ASCII)

Pieces = tuple[str | int, ...]
"""Text as it is, and the numbers of what has another name in each copy; negative: in an address or a form."""


@dataclass(frozen=True, slots=True)
class _Template:
    exchange: Exchange
    target: Pieces
    headers: tuple[tuple[str, Pieces], ...]
    body: Pieces
    answer_headers: tuple[tuple[str, Pieces], ...]
    answer: Pieces
    newcomer: bool


class Multiplied:
    """Copies of a recording. `kept` says of a token, an address or a principal that it was there before."""

    def __init__(self, plan: Plan, kept: Callable[[str], bool], *, seed: int = 1) -> None:
        self._plan = plan
        self._kept = kept
        self._seed = seed
        self._names: dict[str, int] = {}
        self._texts = [""]  # 0 has no negative
        known = {step.exchange.client for step in plan.steps if step.principal and kept(step.principal)}
        self._newcomers = {step.exchange.client for step in plan.steps} - known
        self._places = {step.exchange.id: step.index for step in plan.steps}
        self._templates = [self._template(step) for step in plan.steps]
        starts = [step.exchange.started for step in plan.steps]
        self._first, self._last = min(starts), max(starts)

    def exchanges(self, count: int) -> Iterator[Exchange]:
        """About `count` exchanges over four weeks, in whole copies, in the order of time within each."""
        copies = max(1, round(count / len(self._templates)))
        shift = max(DAYS / copies, self._last - self._first + 60)
        for copy in range(copies):
            named = self._named(copy)
            dice = random.Random(f"{self._seed}:{copy}")
            for template in self._templates:
                yield self._copied(template, copy, shift * copy, named, dice)

    def original(self, exchange: Exchange) -> Exchange:
        """The exchange of the real recording that one of a copy was made of."""
        return self._plan.steps[int(exchange.id[-8:], 16)].exchange

    # -- templates --------------------------------------------------------------------------------------------------

    def _template(self, step: Step) -> _Template:
        exchange, response = step.exchange, step.exchange.response
        method = exchange.request.method
        asked = self._marked_request(step)
        answer = RecordedRequest("POST", "/", (), Body())
        headers: list[tuple[str, Pieces]] = []
        if response is not None:
            for name, value in response.headers:
                key = f"header:{name.lower()}"

                def lookup(suffix: str, text: str, key: str = key) -> str | None:
                    return self._mark(location_key(method, step.route, step.status, key, suffix), text)

                headers.append((name, self._pieces(rewrite(value, lookup))))
            answer = self._marked_answer(step, response)
        return _Template(
            exchange,
            self._pieces(asked.target),
            tuple((name, self._pieces(value)) for name, value in asked.headers),
            self._pieces(asked.body.data.decode("latin-1")),
            tuple(headers),
            self._pieces(answer.body.data.decode("latin-1")),
            bool(exchange.principal) and not self._kept(exchange.principal),
        )

    def _marked_request(self, step: Step) -> RecordedRequest:
        method = step.exchange.request.method
        found: dict[Slot, str] = {}
        for slot in step.slots:
            if holds_secret(slot) and step.exchange.client in self._newcomers:
                found[slot] = f"ZQ{self._name(slot.text)}{'PQ' if slot.encoding is Encoding.FORM else 'QZ'}"
                continue

            def lookup(suffix: str, text: str, slot: Slot = slot) -> str | None:
                location = consumer_key(method, step.route, slot.location, suffix)
                coded = slot.encoding in (Encoding.FORM, Encoding.PERCENT)
                return self._mark(location, text, slot.encoding is Encoding.JSON_NUMBER, coded)

            if (text := rewrite(slot.text, lookup)) != slot.text:
                found[slot] = text
        return substitute(step.exchange.request, found)

    def _marked_answer(self, step: Step, response: RecordedResponse) -> RecordedRequest:
        shown = RecordedRequest("POST", "/", (("Content-Type", "application/json"),), response.body)
        text = body_text(shown)
        if text is None or step.produced.root != "$":
            return shown
        found: dict[Slot, str] = {}
        for slot in json_slots(text):

            def lookup(suffix: str, text: str, slot: Slot = slot) -> str | None:
                location = location_key(step.exchange.request.method, step.route, step.status, slot.location, suffix)
                return self._mark(location, text, slot.encoding is Encoding.JSON_NUMBER)

            if (new := rewrite(slot.text, lookup)) != slot.text:
                found[slot] = new
        return substitute(shown, found)

    def _mark(self, location: str, text: str, number: bool = False, coded: bool = False) -> str | None:
        sort = self._plan.flow.sorts.get(location)
        made = sort is not None and is_integer(text) and (sort, text) in self._plan.flow.created
        if made or (coded and self._renames(text)):
            return f"ZQ{self._name(text)}{'NQ' if number else 'PQ' if coded else 'QZ'}"
        return None

    def _renames(self, text: str) -> bool:
        """Whether a text is an address or a token that was not there before."""
        if _EMAIL.fullmatch(text) is None and not (is_opaque(text) and text in self._plan.flow.tokens):
            return False
        return not self._kept(text)

    def _pieces(self, text: str) -> Pieces:
        """The text with marks taken out, and with what needs no place to be known by its looks."""
        marked = _EMAIL.sub(self._token, text) if "@" in text else text
        marked = _TOKEN.sub(self._token, marked)
        pieces: list[str | int] = []
        end = 0
        for found in _MARK.finditer(marked):
            number = int(found[1] or found[2] or found[3])
            pieces += [marked[end : found.start()], -number if found[3] else number]
            end = found.end()
        return (*pieces, marked[end:])

    def _token(self, found: re.Match[str]) -> str:
        text = found[0]
        escaped = found.string[: found.start()].endswith("\\")  # the text begins within a JSON escape
        return f"ZQ{self._name(text)}QZ" if "ZQ" not in text and not escaped and self._renames(text) else text

    def _name(self, text: str) -> int:
        if text not in self._names:
            self._names[text] = len(self._texts)
            self._texts.append(text)
        return self._names[text]

    # -- copies -----------------------------------------------------------------------------------------------------

    def _named(self, copy: int) -> Sequence[str]:
        if copy == 0:
            return self._texts
        return ["", *(self._renamed(text, copy) for text in self._texts[1:])]

    def _renamed(self, text: str, copy: int) -> str:
        if is_integer(text):
            return str(int(text) + copy * STEP)
        if "@" in text:
            return f"c{copy}.{text}"
        digest = blake2b(f"{self._seed}:{copy}:{text}".encode(), digest_size=64).digest()
        return "".join(_of_class(c, digest[place % 64] + place) for place, c in enumerate(text))

    def _copied(
        self, template: _Template, copy: int, shift: float, named: Sequence[str], dice: random.Random
    ) -> Exchange:
        old = template.exchange
        body = _written(template.body, named)
        response = old.response
        if response is not None:
            answer = _written(template.answer, named)
            chance = dice.random()
            if chance < FAILED and old.request.method == "GET":
                response = RecordedResponse(503, "Service Unavailable", (("Content-Length", "0"),), Body())
            else:
                if chance > 1 - RARE and answer[:1] == "{" and len(answer) > 2:
                    answer = f'{{"variant_{_letters(int(dice.paretovariate(0.6)) % 997)}": 1, {answer[1:]}'
                data = answer.encode("latin-1")
                response = replace(
                    response,
                    headers=_headers(template.answer_headers, named, len(data), response.body.size),
                    body=replace(response.body, data=data, size=max(len(data), response.body.size)),
                )
        data = body.encode("latin-1")
        return replace(
            old,
            id=f"{copy:08x}{old.id[8:24]}{self._place(old):08x}",
            request=replace(
                old.request,
                target=_written(template.target, named),
                headers=_headers(template.headers, named, len(data), old.request.body.size),
                body=replace(old.request.body, data=data, size=len(data)) if data else old.request.body,
            ),
            response=response,
            started=old.started + shift,
            ended=old.ended + shift,
            client=_hashed(old.client, copy),
            links=tuple(_hashed(link, copy) for link in old.links),
            principal=_hashed(old.principal, copy) if template.newcomer else old.principal,
            producer=f"{old.producer}-{copy}",
        )

    def _place(self, exchange: Exchange) -> int:
        return self._places[exchange.id]


def _written(pieces: Pieces, named: Sequence[str]) -> str:
    if len(pieces) == 1:
        return str(pieces[0])
    return "".join(
        [piece if isinstance(piece, str) else named[piece] if piece >= 0 else quote(named[-piece]) for piece in pieces]
    )


def _headers(templates: tuple[tuple[str, Pieces], ...], named: Sequence[str], size: int, recorded: int) -> Headers:
    return tuple(
        (name, str(size) if name.lower() == "content-length" and recorded else _written(pieces, named))
        for name, pieces in templates
    )


def _hashed(text: str, copy: int) -> str:
    return f"{copy:x}.{text}"[: len(text)] if text and copy else text


def _letters(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number))


def _of_class(c: str, number: int) -> str:
    if c.isdigit():
        return chr(48 + number % 10)
    if "a" <= c <= "f":
        return chr(97 + number % 6)
    if c.islower():
        return chr(97 + number % 26)
    return chr(65 + number % 26) if c.isupper() else c
