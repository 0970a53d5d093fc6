"""The dashboard in a real browser: judged by keys alone, and with hostile values."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from dashboard.access import COOKIE
from replayer.accounts import Role
from replayer.settings import NoiseSetting, Settings, Tag
from replayer.store import Store
from tests.replayer.test_report import PRICES

from .desk import Desk, many, run_of
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
    browser: Browser,
    desk: Desk,
    address: str,
    role: Role = Role.REVIEWER,
    expected: str = "",
    name: str = "ann",
    **settings: object,
) -> Iterator[Page]:
    """A page of somebody with this role, on which nothing may go wrong and nothing be asked of others.

    A message that has `expected` in it is nothing that went wrong.
    """
    client = desk.client(role, name)
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
        for field in ("#reason", "[name=until]"):  # nothing was chosen by a key: Enter decides nothing
            page.locator("#reason").fill("no, not yet")
            page.locator(field).press("Enter")
            expect(page.locator("#which")).to_contain_text("Nothing is decided yet. Esc, and then Y, N, I or E decides")
        page.goto(f"{address}/runs/{run}?all=1")
        page.locator("#reason").fill("no, not yet")
        page.locator(".check").first.press("Enter")
        expect(page.locator("#which")).to_contain_text("Nothing is decided yet")
        page.goto(f"{address}/runs/{run}/findings/{0:016x}")
        for number in range(100):
            page.keyboard.press({3: "n", 5: "i", 7: "e"}.get(number % 10, "y"))
            page.keyboard.type("yes and no: jkfu/")  # keys that mean something elsewhere are text here
            press(page, "Enter")
        assert page.url.startswith(f"{address}/runs/{run}?decided=")
        press(page, "u")
        assert page.locator("a.go").count() == 50
    with Store.open(empty_database) as store:
        kept = store.approvals()
    assert [each.fingerprint for each in kept] == [f"{number:016x}" for number in range(100)]
    assert [each.decision.value for each in kept[:10]] == ["approve"] * 3 + [
        "reject", "approve", "noise", "approve", "environment", "approve", "approve",
    ]  # fmt: skip
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
    rules = tuple(NoiseSetting("* /**", f"$.x{number}", each, author=each) for number, each in enumerate(PAYLOADS))
    desk = Desk(empty_database, base=Settings(noise=rules, tags=tuple(Tag(each, (each,)) for each in PAYLOADS)))
    rule = f"/runs/{run}/findings/{0:016x}/rule"
    typed = [f"{rule}?{urlencode({'route': each, 'path': each})}" for each in PAYLOADS[:3]]
    pages = ("/", f"/runs/{run}", f"/runs/{run}/ledger", "/recordings", "/decisions", "/rules", "/settings", rule)
    with served(desk) as address, logged_in(browser, desk, address, Role.ADMIN) as page:
        for path in (*pages, *typed):
            page.goto(address + path)
            assert page.evaluate("window.hacked") is None
        for number in range(len(PAYLOADS)):
            page.goto(f"{address}/runs/{run}/findings/{number:016x}")
            foreign = "main :is(script, img, iframe, object, embed, svg, link, style, base, meta, video, math)"
            assert page.locator(foreign).count() == 0
            assert page.evaluate("window.hacked") is None
