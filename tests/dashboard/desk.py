"""A dashboard with a run in it, asked in process; and people who are logged in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import httpx
from fastapi import FastAPI

from dashboard.access import COOKIE, csrf_of
from dashboard.app import create_app
from diffing.gate import Outcome, Verdict
from diffing.grouping import Finding
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.accounts import Accounts, Person, Role
from replayer.first_seen import noted
from replayer.reports.json_report import to_json
from replayer.reports.model import RunReport
from replayer.settings import Settings
from replayer.starting import LOGS
from replayer.store import Store, StoredAnswer, UserRecord
from replayer.summary import summary_of
from replayer.target_settings import TargetSettings
from replayer.tokens import Tokens, TokenScope
from tests.replayer.test_report import PRICES, REPORT

EXCHANGE = PRICES.exemplars[0]
PASSWORD = "correct horse battery staple"
PAGE = {"Accept": "text/html"}
BODY = b'{"items": [{"price": 1999}]}'


class InProcess(httpx.BaseTransport):
    """Asks an application of this process, one request after the other."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def asked() -> httpx.Response:
            sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
            answer = await self._transport.handle_async_request(sent)
            return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

        return asyncio.run(asked())


@dataclass
class Desk:
    """One database and the application on it."""

    url: str
    first_link: str = ""
    targets: tuple[TargetSettings, ...] = ()
    base: Settings = field(default_factory=Settings)
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = replace(self.base, database_url=self.url, targets=self.targets or self.base.targets)
        self.app = create_app(self.settings, self.first_link, "ann")

    def client(self, role: Role | None = None, name: str = "ann") -> httpx.Client:
        """A browser, in which somebody of this role is logged in."""
        client = httpx.Client(transport=InProcess(self.app), base_url="http://dashboard.example", headers=PAGE)
        if role is not None:
            with Store.open(self.url) as store:
                client.cookies.set(COOKIE, Accounts(store).admit(Person(name, role)))
        return client

    def add_user(self, name: str, role: Role, password: str = PASSWORD) -> None:
        with Store.open(self.url) as store:
            Accounts(store).add(name, role.value, password)

    def token(self, *scopes: TokenScope, name: str = "token", owner: str = "owner") -> str:
        """The secret of a token that acts for an admin."""
        with Store.open(self.url) as store:
            if store.user(owner) is None:
                store.add_user(UserRecord(owner, Role.ADMIN.value, "", 0.0))
            return Tokens(store).add(name, [scope.value for scope in scopes], owner)


def csrf(client: httpx.Client) -> dict[str, str]:
    """What a form of this client's login carries."""
    return {"csrf": csrf_of(client.cookies.get(COOKIE) or "")}


def run_of(
    url: str,
    findings: Sequence[Finding] = REPORT.findings,
    body: bytes = BODY,
    candidate: bytes = b'{"items": [{"price": "1999"}]}',
    report: RunReport = REPORT,
) -> str:
    """A finished run with these findings, and an exemplar; its id."""
    return finish(url, begin(url, body), findings, body, candidate, report)


def begin(url: str, body: bytes = BODY) -> str:
    """A run that is under way, of a recording with one exchange; its id."""
    request = RecordedRequest("GET", "/api/orders/7?page=2", (("Host", "shop.example"),), Body.of(b""))
    exchange = Exchange(id=EXCHANGE, request=request, response=_response(body), started=1.0, ended=2.0)
    with Store.open(url) as store:
        info = store.create_recording(f"r{len(store.recordings())}", service="shop", release="1", key_id="k", source="")
        store.add_exchanges(info.id, [exchange])
        return store.create_run(info.id, candidate="next", baselines=("prod",), branch="main", commit="abc")


def finish(
    url: str,
    run: str,
    findings: Sequence[Finding] = REPORT.findings,
    body: bytes = BODY,
    candidate: bytes = b'{"items": [{"price": "1999"}]}',
    report: RunReport = REPORT,
) -> str:
    """Ends a run with these findings; its id."""
    response = _response(body)
    with Store.open(url) as store:
        other = replace(response, body=Body.of(candidate))
        store.add_answers(run, "baseline 1", [StoredAnswer(EXCHANGE, response)])
        store.add_answers(run, "candidate", [StoredAnswer(EXCHANGE, other)])
        blocking = tuple(each.fingerprint for each in findings if each.tags)
        verdict = Verdict(Outcome.FAIL, ("Findings that policy fails on.",), 1, blocking)
        made = replace(report, run_id=run, findings=tuple(findings), verdict=verdict, standings={})
        data = to_json(noted(store, "shop", made))
        store.finish_run(run, "fail", 1, data, summary_of(data))
    return run


def _response(body: bytes) -> RecordedResponse:
    return RecordedResponse(200, "OK", (("Content-Type", "application/json"),), Body.of(body))


def log(run: str, text: str) -> None:
    """As if the run had been started from a page of this server."""
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"{run}.log").write_text(text)


def many(count: int) -> list[Finding]:
    """Findings of as many routes."""
    return [
        replace(PRICES, fingerprint=f"{number:016x}", route=f"/api/things{number}", members=(), tags=("payments",))
        for number in range(count)
    ]


def shown_in(text: str) -> list[str]:
    """The fingerprints of the findings that a run's page lists."""
    return re.findall(r'class="go" href="/runs/\w+/findings/(\w+)', text)
