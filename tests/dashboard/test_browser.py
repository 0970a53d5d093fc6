"""The dashboard in a real browser: judged by keys alone, with hostile values, and whether it can be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from dashboard.access import COOKIE
from diffing.difference import Severity
from replayer.accounts import Role
from replayer.store import Store
from replayer.target_settings import TargetSettings
from tests.replayer.test_html_page import CONTRAST
from tests.replayer.test_report import COLOUR, PRICES

from .desk import Desk, begin, log, many, run_of
from .payloads import PAYLOADS

pytestmark = pytest.mark.e2e


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The application behind a real server of this process."""
    server = uvicorn.Server(uvicorn.Config(desk.app, port=0, log_level="warning"))
    started = threading.Event()
    startup = server.startup

    async def starting(sockets: object = None) -> None:
        await startup(sockets)  # type: ignore[arg-type]
        started.set()

    server.startup = starting  # type: ignore[assignment]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(30)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        desk.app.state.streams.end()
        server.should_exit = True
        thread.join(30)


@contextmanager
def logged_in(
    browser: Browser, desk: Desk, address: str, role: Role = Role.REVIEWER, expected: str = "", **settings: object
) -> Iterator[Page]:
    """A page of somebody with this role, on which nothing may go wrong and nothing be asked of others.

    A message that has `expected` in it is nothing that went wrong.
    """
    client = desk.client(role)
    context = browser.new_context(**settings)  # type: ignore[arg-type]
    context.add_cookies([{"name": COOKIE, "value": client.cookies[COOKIE], "url": address}])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
    page.on("request", lambda asked: None if asked.url.startswith(address) else wrong.append(asked.url))
    try:
        yield page
        assert [text for text in wrong if not expected or expected not in text] == []
    finally:
        context.close()


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait for that."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_hundred_findings_are_judged_by_keys_alone(browser: Browser, empty_database: str) -> None:
    run = run_of(empty_database, many(100))
    desk = Desk(empty_database)
    with served(desk) as address, logged_in(browser, desk, address) as page:
        page.goto(address)
        page.keyboard.press("j")
        press(page, "Enter")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        press(page, "Enter")
        assert page.url.startswith(f"{address}/runs/{run}/findings/{0:016x}")
        for number in range(100):
            page.keyboard.press("n" if number % 10 == 3 else "y")
            page.keyboard.type("yes and no: jkfu/")  # keys that mean something elsewhere are text here
            press(page, "Enter")
        assert page.url.startswith(f"{address}/runs/{run}?decided=")
        press(page, "u")
        assert page.locator("a.go").count() == 50
    with Store.open(empty_database) as store:
        kept = store.approvals()
    assert [each.fingerprint for each in kept] == [f"{number:016x}" for number in range(100)]
    assert [each.decision.value for each in kept].count("reject") == 10
    assert {each.reason for each in kept} == {"yes and no: jkfu/"}
    assert [each.withdrawn is not None for each in kept] == [False] * 99 + [True]


def test_hostile_values_neither_run_nor_show_as_markup(browser: Browser, empty_database: str) -> None:
    findings = [
        replace(
            PRICES, fingerprint=f"{number:016x}", route=payload, transition=payload, detail=payload, baseline=payload,
            candidate={payload: payload}, members=(), tags=(payload,),
        )
        for number, payload in enumerate(PAYLOADS)
    ]  # fmt: skip
    body = "\n".join(PAYLOADS)
    run = run_of(empty_database, findings, body=body.encode(), candidate=f"<html>{body}".encode())
    desk = Desk(empty_database)
    with served(desk) as address, logged_in(browser, desk, address) as page:
        for path in ("/", f"/runs/{run}", f"/runs/{run}/ledger", "/recordings", "/decisions"):
            page.goto(address + path)
        for number in range(len(PAYLOADS)):
            page.goto(f"{address}/runs/{run}/findings/{number:016x}")
            foreign = "main :is(script, img, iframe, object, embed, svg, link, style, base, meta, video, math)"
            assert page.locator(foreign).count() == 0
            assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 400])
def test_every_page_can_be_read(
    browser: Browser, empty_database: str, scheme: str, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = run_of(empty_database, [replace(PRICES, severity=Severity.MINOR), *many(1)])
    run, live = run_of(empty_database, [PRICES, COLOUR]), f"/runs/{begin(empty_database)}"
    desk = Desk(empty_database, targets=(TargetSettings("old", url="http://old.example"),))
    log(run, "recording: 7 of 9\n" * 30)
    looks = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    finding = f"/runs/{run}/findings/{PRICES.fingerprint}"
    with served(desk) as address, logged_in(browser, desk, address, Role.ADMIN, **looks) as page:
        of_run = (f"/runs/{run}{part}" for part in ("", "/ledger", "/log", "/routes", "/compare", f"/compare/{other}"))
        for path in (
            "/",
            *of_run,
            finding,
            live,
            "/start",
            "/trends?recording=r0",
            "/recordings",
            "/decisions",
            "/login",
        ):
            page.goto(address + path)
            assert page.evaluate(CONTRAST) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            assert page.locator("h1").count() == 1, path
            unnamed = "input:not([type=hidden]):not([aria-label]), select:not([aria-label])"
            named = "(fields) => fields.filter((each) => !each.labels.length).map((each) => each.outerHTML)"
            assert page.locator(unnamed).evaluate_all(named) == [], path
