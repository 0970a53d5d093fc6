"""An application that we did not write: all of httpbin's endpoints, recorded under gunicorn and rehearsed.

A tap between client and server keeps what really went over the wire; the spool has to hold the same bytes.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import brotli
import pytest
from werkzeug.routing import Map

from recorder.exchange import BodyState, Exchange, Headers, Outcome, ProducerReport, RecordedResponse, header
from recorder.keys import load_key
from recorder.wire import read_spool
from replayer.rehearsal import Request, rehearse
from replayer.settings import load_settings, resolve_target
from replayer.target_settings import TargetSettings
from tests.apps import httpbin_traffic
from tests.apps.httpbin_app import httpbin

from .servers import KEY, ROOT, Tap, gunicorn, recording_to, understudy
from .wire_messages import OF_THE_CONNECTION, Fields, WireExchange, read_conversation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

THREADED = ("-k", "gthread", "--threads", "4")

REDACTED: dict[str, set[str]] = {
    "/post": {"request body", "response body"},
    "/cookies": {"request cookie", "response body"},
    "/cookies/set": {"target", "response set-cookie"},
    "/cookies/set/flavour/oatmeal": {"request cookie", "response set-cookie"},
    "/cookies/delete": {"request cookie"},
    "/anything": {"request cookie", "request authorization", "response body"},
    "/basic-auth/ada/secret": {"request authorization"},
    "/hidden-basic-auth/ada/secret": {"request authorization"},
    "/bearer": {"request authorization", "response body"},
    "/digest-auth/auth/ada/secret": {"request authorization", "request cookie", "response set-cookie"},
    "/digest-auth/auth/ada/secret/SHA-256": {"request authorization", "request cookie", "response set-cookie"},
    "/digest-auth/auth/ada/secret/MD5/2": {"request authorization", "request cookie", "response set-cookie"},
    "/digest-auth/auth-int/ada/secret/SHA-512": {"request cookie", "response set-cookie"},
    "/digest-auth/auth/ada/other": {"request authorization", "request cookie", "response set-cookie"},
}
"""Where the traffic holds secrets: path -> what may differ from the wire, and does in one exchange at least."""

NOBODY_READS = ("/status/", "/redirect-to", "/b'/anything'")
"""Where httpbin answers without a look at the request's body: what had not arrived by then, nobody has seen."""


@dataclass(frozen=True)
class Recorded:
    """What went over the wire and what the spool holds of it, in the same order."""

    spool: Path
    wire: list[WireExchange]
    exchanges: list[Exchange]
    reports: list[ProducerReport]
    damage: list[object]


def record(app: str, folder: Path) -> Recorded:
    spool = folder / "spool"
    with (
        gunicorn(f"tests.apps.httpbin_app:{app}()", folder, *THREADED, environ=recording_to(spool)) as port,
        Tap(port).listening() as tap,
    ):
        httpbin_traffic.drive(f"http://127.0.0.1:{tap.port}")
    wire = [one for sent, got in tap.conversations for one in read_conversation(bytes(sent), bytes(got))]
    items = list(read_spool(spool))
    latest = {item.producer: item for item in items if isinstance(item, ProducerReport)}
    exchanges = sorted((item for item in items if isinstance(item, Exchange)), key=lambda exchange: exchange.started)
    damage: list[object] = [item for item in items if not isinstance(item, (Exchange, ProducerReport))]
    return Recorded(spool, wire, exchanges, list(latest.values()), damage)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record("recorded", tmp_path_factory.mktemp("httpbin"))


@pytest.fixture(scope="module")
def recorded_without_brotli(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record("recorded_without_brotli", tmp_path_factory.mktemp("without-brotli"))


def test_the_traffic_reaches_every_endpoint_with_every_method(recorded: Recorded) -> None:
    url_map: Map = httpbin.url_map
    known = {(m, rule.rule) for rule in url_map.iter_rules() for m in (rule.methods or ()) if m not in _IMPLIED}
    seen = {(exchange.request.method, exchange.route) for exchange in recorded.exchanges}
    assert known - seen == set()


_IMPLIED = ("HEAD", "OPTIONS")  # Flask answers these by itself; some of them are driven, too


def test_nothing_is_torn_dropped_or_out_of_order(recorded: Recorded) -> None:
    exchanges = recorded.exchanges
    assert recorded.damage == []
    # numbers are given when the server closes a response, which the client has read by then, and may have asked on
    assert sorted(exchange.sequence for exchange in exchanges) == list(range(len(recorded.wire)))
    for earlier, later in pairwise(exchanges):  # the client asks one thing at a time
        assert earlier.started <= earlier.ended <= later.started, (earlier.request.target, later.request.target)
    assert {exchange.outcome for exchange in exchanges} == {Outcome.COMPLETE}
    (report,) = recorded.reports
    counts = Counter[str]()
    for count in report.counts:
        counts.update(seen=count.seen, sampled_out=count.sampled_out, dropped=count.dropped)
    assert counts == {"seen": len(exchanges), "sampled_out": 0, "dropped": 0}
    assert report.losses == ()


def test_the_spool_holds_what_went_over_the_wire_secrets_apart(recorded: Recorded) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for wire, exchange in zip(recorded.wire, recorded.exchanges, strict=True):
        for place, sent, kept in differences(wire, exchange):
            found[wire.target.partition("?")[0]].add(place)
            assert len(kept) == len(sent), (wire.target, place, sent, kept)
    assert dict(found) == REDACTED


def test_no_secret_is_in_the_spool(recorded: Recorded) -> None:
    raw = b"".join(path.read_bytes() for path in recorded.spool.iterdir())
    assert b"driver/1.0" in raw  # it is not compressed: what is looked for could be found
    assert [secret for secret in httpbin_traffic.SECRETS if secret.encode() in raw] == []


def test_without_a_brotli_library_brotli_bodies_are_opaque_and_all_else_is_the_same(
    recorded_without_brotli: Recorded,
) -> None:
    key = load_key(KEY, None)
    opaque = []
    for wire, exchange in zip(recorded_without_brotli.wire, recorded_without_brotli.exchanges, strict=True):
        response = exchange.response
        assert response is not None
        if response.body.state is BodyState.OPAQUE:
            opaque.append((wire.method, wire.target))
            assert (response.body.data, response.body.size) == (b"", len(wire.response_body))
            assert response.body.digest == key.digest("opaque body", wire.response_body)
            continue
        allowed = REDACTED.get(wire.target.partition("?")[0], set())
        assert {place for place, _, _ in differences(wire, exchange)} <= allowed
    assert opaque == [("GET", "/brotli")]
    assert recorded_without_brotli.damage == []


def differences(wire: WireExchange, exchange: Exchange) -> Iterator[tuple[str, str | bytes, str | bytes]]:
    """Where what was kept is not what went over the wire: place, the wire's, the spool's.

    A random identifier may hold a payment card's number by chance, which is redacted wherever it stands.
    """
    for place, sent, kept in all_differences(wire, exchange):
        if not may_hold_a_card(sent, kept):
            yield place, sent, kept


def may_hold_a_card(sent: str | bytes, kept: str | bytes) -> bool:
    """Whether the two differ in digits only, and have as many in a row as a card's number has."""
    texts = [text if isinstance(text, str) else text.decode("latin-1") for text in (sent, kept)]
    without = [re.sub(r"\d", "0", text) for text in texts]
    return without[0] == without[1] and re.search(r"\d(?:[ -]?\d){12}", texts[0]) is not None


def all_differences(wire: WireExchange, exchange: Exchange) -> Iterator[tuple[str, str | bytes, str | bytes]]:
    request, response = exchange.request, exchange.response
    assert response is not None
    assert (request.method, request.protocol) == (wire.method, wire.protocol)
    assert (response.status, response.reason) == (wire.status, wire.reason)
    if request.target != wire.target:
        yield "target", wire.target, request.target
    sent, kept = by_environ_name(wire.headers), by_environ_name(request.headers)
    assert sent.keys() == kept.keys()
    yield from ((f"request {name}", sent[name], kept[name]) for name in sent if sent[name] != kept[name])
    if request.body.state is BodyState.UNREAD:
        assert wire.target.startswith(NOBODY_READS)
        assert wire.body.startswith(request.body.data)
    elif request.body.data != wire.body:
        yield "request body", wire.body, request.body.data
    got, given = of_the_application(wire.response_headers), of_the_application(response.headers)
    assert [name for name, _ in got] == [name for name, _ in given]
    for (name, value), (_, recorded_value) in zip(got, given, strict=True):
        if value != recorded_value:
            yield f"response {name.lower()}", value, recorded_value
    if response.body.data != wire.response_body:
        yield "response body", wire.response_body, response.body.data


def by_environ_name(headers: Fields | Headers) -> dict[str, str]:
    """Request fields as far as WSGI knows them: without the case of names, and repeated ones joined."""
    joined: dict[str, list[str]] = defaultdict(list)
    for name, value in headers:
        joined[name.lower().replace("_", "-")].append(value)
    return {name: ",".join(values) for name, values in joined.items()}


def of_the_application(headers: Fields | Headers) -> list[tuple[str, str]]:
    """Response fields without those that belong to the connection or that the server adds."""
    return [(name, value) for name, value in headers if name.lower() not in OF_THE_CONNECTION]


# -- rehearsing it ----------------------------------------------------------------------------------------------------

SETTINGS = """
[targets.{name}]
start = ["{python}", "-m", "gunicorn", "--no-control-socket", "-k", "gthread", "--threads", "4",
         "-b", "127.0.0.1:{{port}}", "tests.apps.httpbin_app:bare"]
cwd = "{root}"
ready = "/get"
disposable = true
"""

RANDOM = {
    "/uuid",
    "/cache",
    "/bytes/<int:n>",
    "/stream-bytes/<int:n>",
    "/digest-auth/<qop>/<user>/<passwd>",
    "/digest-auth/<qop>/<user>/<passwd>/<algorithm>",
    "/digest-auth/<qop>/<user>/<passwd>/<algorithm>/<stale_after>",
}
"""Routes that answer something else every time: identifiers, bytes without a seed, the nonces of challenges."""

ABOUT_THE_REPLAY = re.compile(rb"127\.0\.0\.1:\d+|[0-9a-f]+\.\d{10}\.[0-9a-f]{64}")
"""What httpbin tells a client of itself, and is another in each pass: the instance's address, the run's signature."""


@pytest.fixture(scope="module")
def report(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON report of httpbin against itself."""
    return gate(recorded.spool, tmp_path_factory.mktemp("gate"), "--baseline", "baseline")


def write_settings(folder: Path) -> None:
    lines = [SETTINGS.format(name=name, python=sys.executable, root=ROOT) for name in ("baseline", "candidate")]
    (folder / "understudy.toml").write_text("".join(lines), encoding="utf-8")


def gate(spool: Path, folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON report of a gate on a recording, the candidate being httpbin itself; its exit code is in it."""
    write_settings(folder)
    keyed = {"UNDERSTUDY_KEY": KEY, **(environ or {})}
    done = understudy(
        "gate", str(spool), "--candidate", "candidate", *arguments, "--json", "-", cwd=folder, environ=keyed
    )
    assert "Traceback" not in done.stderr
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["exit_code"] == done.returncode
    return report


def test_httpbin_passes_against_itself(report: dict[str, Any], recorded: Recorded) -> None:
    ledger = report["ledger"]
    assert (report["verdict"], report["exit_code"], report["findings"]) == ("pass", 0, [])
    assert (ledger["differed"], ledger["errored"]) == (0, 0)
    assert report["fidelity"] == 1.0
    assert ledger["seen"] == ledger["recorded"] == len(recorded.exchanges)


def test_the_ledger_balances_in_total_and_for_every_route(report: dict[str, Any]) -> None:
    ledger = report["ledger"]
    for row in (ledger, *ledger["routes"]):
        ended = row["matched"] + row["differed"] + row["errored"]
        ended += sum(row["not_compared"].values()) + sum(row["skipped"].values())
        assert row["recorded"] == ended, row
        assert row["seen"] == row["recorded"] + row["sampled_out"] + row["dropped"], row
    for count in ("seen", "recorded", "matched"):
        assert ledger[count] == sum(row[count] for row in ledger["routes"])


def test_what_no_replay_can_compute_is_named_with_its_reason(report: dict[str, Any], recorded: Recorded) -> None:
    unread = sum(exchange.request.body.state is BodyState.UNREAD for exchange in recorded.exchanges)
    reasons: dict[str, dict[str, int]] = defaultdict(dict)
    for row in report["ledger"]["routes"]:
        for reason, count in {**row["not_compared"], **row["skipped"]}.items():
            reasons[reason][row["route"]] = count
    assert sum(reasons.pop("request body incomplete", {}).values()) == unread
    assert reasons == {
        # Digest answers (RFC 7616) are made of the password and of a nonce that is new every time.
        "needs a signature that nobody can compute": {
            "/digest-auth/<qop>/<user>/<passwd>": 1,
            "/digest-auth/<qop>/<user>/<passwd>/<algorithm>": 1,
            "/digest-auth/<qop>/<user>/<passwd>/<algorithm>/<stale_after>": 1,
        },
        # Right passwords, which a recording does not hold; the wrong ones are wrong under their pseudonyms, too.
        "credentials could not be had": {
            "/anything": 1,
            "/basic-auth/<user>/<passwd>": 1,
            "/hidden-basic-auth/<user>/<passwd>": 1,
        },
    }


def test_only_what_is_random_in_httpbin_varies(recorded: Recorded, tmp_path: Path) -> None:
    write_settings(tmp_path)
    rehearsal = asyncio.run(
        rehearse(
            Request(
                recording="httpbin",
                exchanges=recorded.exchanges,
                candidate=target("candidate", tmp_path),
                baselines=(target("baseline", tmp_path),) * 2,
                key=load_key(KEY, None),
            )
        )
    )
    one, other = (made.result.answers for made in rehearsal.baselines)
    varied = {
        step.route
        for step, a, b in zip(rehearsal.plan.steps, one, other, strict=True)
        if a.response is not None and b.response is not None and answered(a.response) != answered(b.response)
    }
    assert varied == RANDOM
    found = [(f.method, f.route, f.location, f.baseline, f.candidate) for f in rehearsal.report.findings]
    assert found == []
    assert rehearsal.report.verdict.exit_code == 0


def test_against_the_recording_alone_the_same_release_is_not_condemned(recorded: Recorded, tmp_path: Path) -> None:
    report = gate(recorded.spool, tmp_path)
    assert report["exit_code"] in (0, 3)
    assert [finding for finding in report["findings"] if finding["severity"] == "breaking"] == []
    assert report["ledger"]["errored"] == 0


def target(name: str, folder: Path) -> TargetSettings:
    return resolve_target(name, load_settings(folder / "understudy.toml"))


def answered(response: RecordedResponse) -> tuple[int, list[tuple[str, bytes]], bytes]:
    """What a target answered, without what names the target and the run, and without the order of a set.

    A coded body's length tells nothing after that.
    """
    coding, body = header(response.headers, "content-encoding"), response.body.data
    if coding and body:
        body = DECODERS[coding](body)
    fields = [
        (name, ABOUT_THE_REPLAY.sub(b"-", ", ".join(sorted(value.split(", "))).encode("latin-1")))
        for name, value in of_the_application(response.headers)
        if not (coding and name == "Content-Length")
    ]
    return response.status, fields, ABOUT_THE_REPLAY.sub(b"-", body)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
}
