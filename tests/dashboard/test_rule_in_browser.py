"""From a finding to a noise rule in a real browser, and the gate that begins after it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from replayer.accounts import Role
from replayer.settings import Settings, Tag
from tests.e2e.test_shared_gate import gate
from tests.e2e.tiny_home import database, home

from .desk import Desk
from .test_browser import logged_in, press, served

__all__ = ["home"]
pytestmark = pytest.mark.e2e


def test_a_rule_is_narrowed_until_it_can_be_kept_and_the_next_gate_knows_it(browser: Browser, home: Path) -> None:
    first = gate(home, "first", "--passes", "2")
    root = first["findings"][0]["members"][0]
    assert (root["method"], root["route"]) == ("POST", "/orders")
    desk = Desk(database(home), base=replace(Settings(), tags=(Tag("payments", ("POST /orders",)),)))
    leave = {"permissions": ["clipboard-read", "clipboard-write"]}
    with served(desk) as address, logged_in(browser, desk, address, Role.ADMIN, **leave) as page:
        page.goto(f"{address}/runs/{first['run']['id']}")
        page.keyboard.press("j")
        press(page, "Enter")
        press(page, "p")
        page.get_by_role("link", name="This field on every route").click()
        preview = page.locator("#preview")
        expect(preview).to_contain_text("did not vary between passes of the baseline")
        expect(preview).to_contain_text("routes with the tag 'payments'")
        assert page.get_by_label("Why").count() == 0
        shown = page.url
        page.get_by_label("Route").fill("POST /orders")  # and the preview follows
        expect(preview).not_to_contain_text("✗")
        expect(preview.locator(".warning").first).to_contain_text("It may hide changes on routes with the tag")
        assert page.url != shown
        page.get_by_label("Why").fill("the new client takes texts")
        page.get_by_label("as long as it is").select_option("str")  # another preview, and what was typed stays
        expect(page.locator("#keep input[name=kind]")).to_have_value("str")
        expect(page.get_by_label("Why")).to_have_value("the new client takes texts")
        page.locator("select[name=days]").select_option("7")
        page.get_by_label("I have read the warning").check()
        with page.expect_navigation():
            page.get_by_role("button", name="Keep").click()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert tomllib.loads(page.evaluate("navigator.clipboard.readText()"))["noise"][0]["kind"] == "str"
        rule = page.locator("main table tr").nth(1)
        expect(rule).to_contain_text("POST /orders $.quantity str")
        expect(rule).to_contain_text("the new client takes texts")

        second = gate(home, "second", "--passes", "2")
        places = [(m["method"], m["route"]) for each in second["findings"] for m in each["members"]]
        assert ("POST", "/orders") not in places
        assert places
        (used,) = second["rules"]
        assert (used["author"], used["hid"]) == ("ann", root["count"])
        page.goto(f"{address}/rules")
        expect(rule).to_contain_text("active")
        with page.expect_navigation():
            rule.get_by_role("button", name="Take back").click()
        expect(page.locator("main")).to_contain_text("There are no rules")
