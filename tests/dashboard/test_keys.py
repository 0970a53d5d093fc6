"""What keys do beside deciding, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from replayer.accounts import Role
from tests.replayer.test_report import PRICES

from .desk import Desk, many, run_of
from .test_browser import logged_in, press, served

pytestmark = pytest.mark.e2e


def test_keys_move_over_pages_through_a_diff_and_between_views(browser: Browser, empty_database: str) -> None:
    run = run_of(empty_database, [*many(60), PRICES])
    desk = Desk(empty_database)
    with served(desk) as address, logged_in(browser, desk, address, Role.VIEWER) as page:
        page.goto(f"{address}/runs/{run}")
        for _ in range(50):
            page.keyboard.press("j")
        press(page, "j")
        expect(page.locator("a.go").first).to_be_focused()
        press(page, "k")
        expect(page.locator("a.go").last).to_be_focused()

        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("j")  # behind it nothing moves
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("a.go").last).to_be_focused()

        page.locator("#q").fill("!state:approved tag:pay")
        proposed = page.locator("#keys option").evaluate_all("(all) => all.map((each) => each.value)")
        assert proposed == ["!state:approved tag:payments"]
        page.locator("#q").press("Escape")
        press(page, "3")
        assert "/findings/" in page.url

        page.goto(f"{address}/runs/{run}/findings/{PRICES.fingerprint}")
        page.keyboard.press("J")
        expect(page.locator("tr:focus")).to_contain_text("1999")
        press(page, "s")
        expect(page.locator("table.unified tr.plus").last).to_contain_text('"1999"')
        press(page, "f")
        assert page.url.endswith("view=unified&exemplar=0&whole=1")
        page.keyboard.press("g")
        expect(page.locator("#places")).not_to_have_attribute("open", "")
        page.keyboard.press(".")
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
