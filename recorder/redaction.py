"""What leaves the process: an exchange with its secrets replaced by keyed pseudonyms, and nothing else changed.

Two steps. First every place that can name a secret is read (headers, cookies, query, body) and each atom found is
replaced where it stands. Then whatever was found is looked for everywhere else in the same exchange, since a token is
often echoed in a path, a message or a page where nothing names it.

Whatever fails is kept as little as possible, never in clear: a body becomes `OPAQUE` (keyed digest and size), a field
or target a pseudonym of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .atoms import as_text, as_wire
from .called_target import redact_called
from .content_atoms import redact_content
from .content_coding import Coding, decode, encode
from .echoes import Echoes, Spelled, spelled
from .exchange import Body, BodyState, Exchange, Headers, OutboundCall, RecordedRequest, RecordedResponse
from .form_atoms import redact_target
from .header_atoms import redact_header
from .keys import Key
from .pseudonyms import Pseudonyms
from .remembered import TARGET, Remembered, described_body
from .secret_names import SecretNames

_BODY_PURPOSE = "opaque body"


class Redactor:
    """Redacts with one key. Safe to use from one thread at a time."""

    def __init__(self, key: Key, extra_names: Iterable[str] = ()) -> None:
        self._key = key
        self._names = SecretNames.with_extra(extra_names)
        self._pseudonyms = Pseudonyms(key)
        self._fields = Remembered[tuple[str, dict[str, str]]](self._work_out_field)
        self._spelled = Remembered[Spelled](lambda pair: spelled(*pair))

    def redact(self, exchange: Exchange) -> Exchange:
        """The exchange without its secrets. Never raises."""
        found = _Found(self._pseudonyms, self._names)
        request = self._open_request(exchange.request, found)
        response = self._open_response(exchange.response, found)
        calls = exchange.outbound or ()
        outbound = [(self._open_call(c.request, found), self._open_response(c.response, found)) for c in calls]
        echoes = self._echoes(found)
        return replace(
            exchange,
            request=self._close_request(exchange.request, request, echoes),
            response=self._close_response(exchange.response, response, echoes),
            sql=exchange.sql and tuple(replace(s, statement=echoes.replace(s.statement)) for s in exchange.sql),
            outbound=exchange.outbound
            and tuple(
                replace(
                    call,
                    request=self._close_request(call.request, opened_request, echoes),
                    response=self._close_response(call.response, opened_response, echoes),
                )
                for call, (opened_request, opened_response) in zip(calls, outbound, strict=True)
            ),
        )

    def redact_messages(
        self, request: RecordedRequest, response: RecordedResponse | None
    ) -> tuple[RecordedRequest, RecordedResponse | None]:
        """A request and its response, as `redact` does it for a whole exchange. Never raises."""
        found = _Found(self._pseudonyms, self._names)
        opened_request = self._open_request(request, found)
        opened_response = self._open_response(response, found)
        echoes = self._echoes(found)
        return (
            self._close_request(request, opened_request, echoes),
            self._close_response(response, opened_response, echoes),
        )

    def redact_request(self, request: RecordedRequest) -> RecordedRequest:
        """One request on its own: what only its response would show to be secret stays. Never raises."""
        found = _Found(self._pseudonyms, self._names)
        opened = self._open_request(request, found)
        return self._close_request(request, opened, self._echoes(found))

    def redact_response(self, response: RecordedResponse) -> RecordedResponse:
        """One response on its own: what only its request would show to be secret stays. Never raises."""
        found = _Found(self._pseudonyms, self._names)
        opened = self._open_message(response.headers, response.body, found)
        return self._close_message(response, opened, self._echoes(found))

    def redact_answer(self, response: RecordedResponse, recorded: Exchange) -> RecordedResponse:
        """A replayed response to a redacted exchange. Never raises.

        A replay sends the recording's pseudonyms, and an application gives back what it was sent: where the recording
        holds an atom as it stands in the response, it is a pseudonym already and stays.
        """
        known = _Found(self._pseudonyms, self._names)
        self._open_request(recorded.request, known)
        self._open_response(recorded.response, known)
        found = _Found(self._pseudonyms, self._names, kept=frozenset(known.replacements))
        opened = self._open_message(response.headers, response.body, found)
        return self._close_message(response, opened, self._echoes(found))

    def redact_calls(self, calls: Iterable[OutboundCall], recorded: Exchange) -> tuple[OutboundCall, ...]:
        """What a target called while it answered the replay of a redacted exchange. Never raises."""
        known = _Found(self._pseudonyms, self._names)
        self._open_request(recorded.request, known)
        self._open_response(recorded.response, known)
        for call in recorded.outbound or ():
            self._open_call(call.request, known)
            self._open_response(call.response, known)
        found = _Found(self._pseudonyms, self._names, kept=frozenset(known.replacements))
        opened = [
            (call, self._open_call(call.request, found), self._open_response(call.response, found)) for call in calls
        ]
        echoes = self._echoes(found)
        return tuple(
            replace(
                call,
                request=self._close_request(call.request, request, echoes),
                response=self._close_response(call.response, response, echoes),
            )
            for call, request, response in opened
        )

    def pseudonym(self, value: str) -> str:
        """What stands in a redacted exchange where `value` was the atom."""
        return self._pseudonyms.of(value)

    def _echoes(self, found: _Found) -> Echoes:
        return Echoes(found.replacements, self._spelled)

    def _open_request(self, request: RecordedRequest, found: _Found) -> _Opened:
        opened = self._open_message(request.headers, request.body, found)
        if found.names.searched.has_field(TARGET, request.target):
            opened.target = request.target
            return opened
        try:
            opened.target = as_wire(redact_target(as_text(request.target), found))
        except Exception:
            opened.target = self._whole(request.target)
        return opened

    def _open_call(self, request: RecordedRequest, found: _Found) -> _Opened:
        opened = self._open_message(request.headers, request.body, found)
        try:
            opened.target = as_wire(redact_called(as_text(request.target), found))
        except Exception:
            opened.target = self._whole(request.target)
        return opened

    def _open_response(self, response: RecordedResponse | None, found: _Found) -> _Opened | None:
        return None if response is None else self._open_message(response.headers, response.body, found)

    def _open_message(self, headers: Headers, body: Body, found: _Found) -> _Opened:
        harmless = found.names.searched
        opened = _Opened(
            tuple(
                [
                    (name, value) if harmless.has_field(name, value) else (name, self._field(name, value, found))
                    for name, value in headers
                ]
            ),
            body,
        )
        if not body.data:
            return opened
        content_type, encoding, cut = described_body(headers, body)
        try:
            opened.content, opened.codings = decode(body.data, encoding, cut=cut)
            if harmless.has_body(body.data, content_type, encoding, cut):
                opened.redacted = opened.content
            else:
                opened.redacted = redact_content(opened.content, content_type, found)
        except Exception:
            opened.redacted = None
        return opened

    def _field(self, name: str, value: str, found: _Found) -> str:
        if found.kept:  # what is remembered was worked out with nothing kept
            return self._redacted_field(name, value, found)
        new, replacements = self._fields.of(name, value)
        found.replacements.update(replacements)
        return new

    def _work_out_field(self, field: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        name, value = field
        found = _Found(self._pseudonyms, self._names)
        return self._redacted_field(name, value, found), found.replacements

    def _redacted_field(self, name: str, value: str, found: _Found) -> str:
        try:
            return redact_header(name, value, found)
        except Exception:
            return self._whole(value)

    def _close_request(self, request: RecordedRequest, opened: _Opened, echoes: Echoes) -> RecordedRequest:
        try:
            target = opened.target if not echoes else as_wire(echoes.replace(as_text(opened.target)))
        except Exception:
            target = self._whole(opened.target)
        headers, body = self._close(opened, echoes)
        return RecordedRequest(
            request.method, target, headers, body, request.scheme, request.protocol, request.target_exact
        )

    def _close_response(
        self, response: RecordedResponse | None, opened: _Opened | None, echoes: Echoes
    ) -> RecordedResponse | None:
        return response if response is None or opened is None else self._close_message(response, opened, echoes)

    def _close_message(self, response: RecordedResponse, opened: _Opened, echoes: Echoes) -> RecordedResponse:
        headers, body = self._close(opened, echoes)
        return RecordedResponse(response.status, response.reason, headers, body)

    def _close(self, opened: _Opened, echoes: Echoes) -> tuple[Headers, Body]:
        headers = opened.headers
        if echoes and echoes.may_be_in("\n".join(value for _, value in headers)):
            headers = tuple((name, self._field_echoes(value, echoes)) for name, value in headers)
        body = self._close_body(opened, echoes)
        if body.complete and len(body.data) != len(opened.body.data):
            headers = tuple(
                (name, str(len(body.data)) if name.lower() == "content-length" else value) for name, value in headers
            )
        return headers, body

    def _field_echoes(self, value: str, echoes: Echoes) -> str:
        try:
            return as_wire(echoes.replace(as_text(value)))
        except Exception:
            return self._whole(value)

    def _close_body(self, opened: _Opened, echoes: Echoes) -> Body:
        body = opened.body
        if not body.data:
            return body
        try:
            if opened.redacted is None:
                return self._opaque(body)
            content = echoes.replace_bytes(opened.redacted)
            if content == opened.content:
                return body
            data = encode(content, opened.codings)
        except Exception:
            return self._opaque(body)
        # A cut body's size is that of the whole, which is not known any better for having been redacted.
        return replace(body, data=data, size=len(data) if body.complete else max(body.size, len(data)))

    def _opaque(self, body: Body) -> Body:
        return Body(b"", body.size, BodyState.OPAQUE, self._key.digest(_BODY_PURPOSE, body.data))

    def _whole(self, value: str) -> str:
        try:
            return as_wire(self._pseudonyms.of(value))
        except Exception:
            return ""


class _Found:
    """The redactor's `Atoms`: answers with pseudonyms, and remembers what was replaced by what. `kept` stays."""

    def __init__(self, pseudonyms: Pseudonyms, names: SecretNames, kept: frozenset[str] = frozenset()) -> None:
        self.names = names
        self.replacements: dict[str, str] = {}
        self._pseudonyms = pseudonyms
        self.kept = kept

    def secret(self, name: str, value: str) -> str:
        if value in self.kept:
            return value
        new = self._pseudonyms.of(value)
        if value:
            self.replacements[value] = new
        return new

    def blob(self, value: str, new: str) -> str:
        self.replacements[value] = new
        return new


@dataclass(slots=True)
class _Opened:
    """A message between the two steps. `redacted` is None when the body could not be read."""

    headers: Headers
    body: Body
    target: str = ""
    content: bytes = b""
    codings: tuple[Coding, ...] = ()
    redacted: bytes | None = b""
