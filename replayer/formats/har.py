"""HTTP Archive 1.2 (HAR), as browsers and proxies export it, to exchanges.

What comes out holds every secret that the file holds, in clear: whoever stores it redacts it first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

import orjson

from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse, header

from ..errors import UsageError
from .har_bodies import request_body, response_body
from .har_fields import HINT, HarObject, WrongHar
from .har_oddities import answered_by_the_browser, entries_until_torn

MAXIMUM_BYTES = 512 * 1024 * 1024
"""A larger file would not fit in memory several times over, which parsing it takes."""

MAXIMUM_ENTRIES = 1_000_000

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*)(?P<target>[^#]*))?", re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2; the names of HTTP/2's pseudo headers are none
_BODILESS = (204, 304)
_UNWRITABLE = "".join(map(chr, range(0x21))) + "\x7f"


@dataclass(frozen=True, slots=True)
class HarContent:
    """What a HAR holds: exchanges by start time, not redacted, and how many entries were left out and why."""

    exchanges: tuple[Exchange, ...]
    host: str  # host, and port unless it is the scheme's own
    skipped: tuple[tuple[str, int], ...]
    torn: tuple[tuple[int, str], ...] = ()  # entries that are none, by number, and what is wrong with each
    notes: tuple[str, ...] = ()  # sentences


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry's URL leads."""

    scheme: str
    host: str
    target: str
    exact: bool


def parse_har(data: bytes, host: str = "") -> HarContent:
    """The exchanges with one host: `host`, or else the one that most entries are about.

    An entry that is wrong is left out and named. Raises UsageError for whatever is no HAR; and when no entry is left.
    """
    log, notes = _log(data)
    creator = log.data.get("creator")
    browser = str(creator.get("name", "")) if isinstance(creator, dict) else ""
    skipped: Counter[str] = Counter()
    torn: list[tuple[int, str]] = []
    kept: list[tuple[_Place, Exchange]] = []
    prefix, started, timeless = sha256(data).digest(), 0.0, 0
    for number, raw in enumerate(log.data["entries"], 1):
        try:
            entry = HarObject(raw, f"entry {number}:")
            reason, place = _placed(entry, browser)
            if place is None:
                skipped[reason] += 1
                continue
            timeless += not entry.has("startedDateTime")
            started = entry.moment("startedDateTime") if entry.has("startedDateTime") else started
            kept.append((place, _exchange(entry, place, prefix, started)))
        except WrongHar as wrong:
            torn.append((number, wrong.what))
    chosen = host.lower() or _most_frequent(place.host for place, _ in kept)
    skipped["another host"] += sum(place.host != chosen for place, _ in kept)
    exchanges = [exchange for place, exchange in kept if place.host == chosen]
    if not exchanges:
        raise _empty(host, skipped, torn)
    exchanges.sort(key=lambda exchange: exchange.started)
    counts = tuple((reason, count) for reason, count in sorted(skipped.items()) if count)
    notes += [f"{timeless} entries have no time: they were taken for following the one before."] * bool(timeless)
    return HarContent(tuple(exchanges), chosen, counts, tuple(torn), (*notes, *_not_whole(exchanges)))


def _empty(host: str, skipped: Counter[str], torn: list[tuple[int, str]]) -> UsageError:
    if len(torn) == 1 and not skipped.total():
        return WrongHar(torn[0][1])
    found = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()) if count)
    found += f"{', ' if found else ''}{len(torn)} not valid, the first: {torn[0][1]}" if torn else ""
    about = f" with the host {host}" if host else ""
    return UsageError(f"The HAR holds no exchange{about} that could be replayed ({found or 'it has no entries'}).")


def _not_whole(exchanges: list[Exchange]) -> list[str]:
    """What the file says was there, and does not hold."""
    sent = sum(not each.request.body.complete for each in exchanges)
    got = sum(each.response is not None and not each.response.body.complete for each in exchanges)
    return [
        f"{count} {what} bodies are cut, left out, or of another length than the HAR says: {follows}."
        for count, what, follows in (
            (sent, "request", "they are not sent"),
            (got, "response", "they are not compared"),
        )
        if count
    ]


def _log(data: bytes) -> tuple[HarObject, list[str]]:
    """The log with its entries, as far as a file that was cut holds them, and what is to be said of that."""
    notes: list[str] = []
    try:
        parsed = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        whole = entries_until_torn(data)
        if not whole:
            raise UsageError(f"The HAR is not valid JSON: {error}.", HINT) from None
        notes.append(f"The file is torn after entry {len(whole)}: {error}.")
        parsed = {"log": {"entries": whole}}
    log = HarObject(parsed, "the file").object("log")
    entries = log.data.get("entries")
    if not isinstance(entries, list):
        log.wrong("entries", "an array")
    if len(entries) > MAXIMUM_ENTRIES:
        raise UsageError(f"The HAR has {len(entries):,} entries, more than {MAXIMUM_ENTRIES:,}.", "Split it.")
    return log, notes


def _placed(entry: HarObject, browser: str) -> tuple[str, _Place | None]:
    """Where an entry leads; or why it is left out. `browser` is what wrote the file."""
    request = entry.object("request")
    match = _URL.match(request.text("url"))
    if match is None:
        request.wrong("url", "an absolute URL")
    scheme = match["scheme"].lower()
    if scheme in ("ws", "wss"):
        return "websocket", None
    if scheme not in ("http", "https"):
        return "not http", None
    if not match["authority"]:
        request.wrong("url", "an absolute URL")
    if answered := answered_by_the_browser(entry, browser):
        return answered, None
    status = entry.object("response").whole("status", 0) if entry.has("response") else 0
    if status <= 0:
        return "no response", None
    if status == 101 or entry.has("_webSocketMessages") or entry.data.get("_resourceType") == "websocket":
        return "websocket", None
    if request.text("method").upper() == "CONNECT":
        return "tunnel", None
    host = match["authority"].rpartition("@")[2].lower().removesuffix(":80" if scheme == "http" else ":443")
    target, exact = _writable(match["target"])
    return "", _Place(scheme, host, target, exact)


def _writable(target: str) -> tuple[str, bool]:
    """A request target that can be sent, and whether it is the URL's own text."""
    rooted = target if target.startswith("/") else "/" + target
    if rooted.isascii() and not any(character in _UNWRITABLE for character in rooted):
        return rooted, True
    escaped = quote(rooted, safe="%/:?#[]@!$&'()*+,;=-._~\"<>\\^`{|}", errors="surrogatepass")
    return escaped, False


def _most_frequent(hosts: Iterable[str]) -> str:
    """The commonest host; of equally common ones the first."""
    ranked = Counter(hosts).most_common(1)
    return ranked[0][0] if ranked else ""


def _exchange(entry: HarObject, place: _Place, prefix: bytes, started: float) -> Exchange:
    return Exchange(
        id=sha256(prefix + entry.place.encode()).hexdigest()[:32],
        request=_request(entry.object("request"), place),
        response=_response(entry.object("response"), entry.object("request").text("method")),
        started=started,
        ended=started + entry.milliseconds("time"),
        producer="har",
    )


def _request(request: HarObject, place: _Place) -> RecordedRequest:
    method = request.text("method")
    if not _TOKEN.fullmatch(method):
        request.wrong("method", "an HTTP method")
    headers = _headers(request)
    body = request_body(request, headers)
    headers = _with_length(headers, body, add=True)
    if not header(headers, "host"):
        headers = (("Host", place.host), *headers)  # HTTP/2 has it as a pseudo header
    protocol = "HTTP/1.0" if request.text("httpVersion", "").upper() == "HTTP/1.0" else "HTTP/1.1"
    return RecordedRequest(method, place.target, headers, body, place.scheme, protocol, place.exact)


def _response(response: HarObject, method: str) -> RecordedResponse:
    status = response.whole("status")
    if not 100 <= status <= 999:
        response.wrong("status", "a status code from 100 to 999")
    headers = _headers(response)
    bodiless = method.upper() == "HEAD" or status in _BODILESS
    body = response_body(response.object("content")) if response.has("content") and not bodiless else Body()
    if not bodiless:
        coded = ("content-encoding", "transfer-encoding")  # a HAR's content has been decoded
        headers = tuple((name, value) for name, value in headers if name.lower() not in coded)
        headers = _with_length(headers, body, add=False)
    return RecordedResponse(status, _native(response.text("statusText", "")), headers, body)


def _headers(message: HarObject) -> Headers:
    """The header fields in order. Browsers write fields of one name as lines of one value: they are parted again."""
    fields = []
    for item in message.objects("headers"):
        name = item.text("name")
        if _TOKEN.fullmatch(name):
            lines = item.text("value", "").replace("\r", "\n").replace("\0", "").split("\n")
            fields += [(name, _native(line.strip())) for line in lines if line.strip() or len(lines) == 1]
    return tuple(fields)


def _native(text: str) -> str:
    """One character per byte, as everything that came over the wire is kept."""
    try:
        text.encode("latin-1")
    except UnicodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text


def _with_length(headers: Headers, body: Body, *, add: bool) -> Headers:
    """The headers with a Content-Length that is the body's, where one stood; `add`: also where none did."""
    length = str(body.size)
    if any(name.lower() == "content-length" for name, _ in headers):
        return tuple((name, length if name.lower() == "content-length" else value) for name, value in headers)
    if add and body.size and not header(headers, "transfer-encoding"):
        return (*headers, ("Content-Length", length))
    return headers
