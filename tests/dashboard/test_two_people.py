"""Two people approve what one may not: two browsers, and a run that turns green by the second."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.app import create_app
from replayer.accounts import Role
from replayer.policy_settings import PolicySettings, Tag, TagPolicy
from replayer.store import Store
from tests.replayer.test_report import REPORT

from .desk import Desk, csrf, many, run_of, shown_in
from .test_browser import logged_in, press, served

MARK = f"{0:016x}"


@pytest.fixture
def desk(empty_database: str) -> Desk:
    """One whose policy asks for two people at payments."""
    desk = Desk(empty_database)
    policy = PolicySettings(tags=(("payments", TagPolicy(reviewers=2)),))
    desk.settings = replace(desk.settings, tags=(Tag("payments", ("* /api/**",)),), policy=policy)
    desk.app = create_app(desk.settings)
    return desk


def decide(client: httpx.Client, run: str, number: int) -> str:
    form = {"decision": "approve", "reason": "as agreed", **csrf(client)}
    answer = client.post(f"/runs/{run}/findings/{number:016x}", data=form)
    return str(answer.headers["location"])


def test_what_waits_for_somebody_else_is_not_the_next_one_but_found_by_that(desk: Desk) -> None:
    run = run_of(desk.url, many(2))
    ann, bob = desk.client(Role.REVIEWER, "ann"), desk.client(Role.REVIEWER, "bob")
    assert decide(ann, run, 0).startswith(f"/runs/{run}/findings/{1:016x}?")
    assert decide(ann, run, 1).startswith(f"/runs/{run}?")
    assert decide(bob, run, 1).startswith(f"/runs/{run}/findings/{0:016x}?")
    assert shown_in(bob.get(f"/runs/{run}", params={"q": "state:waits !by:me"}).text) == [MARK]


def test_what_was_approved_before_a_run_says_where(desk: Desk) -> None:
    run = run_of(desk.url, many(2))
    for name in ("ann", "bob"):
        decide(desk.client(Role.REVIEWER, name), run, 0)
    with Store.open(desk.url) as store:
        later = max(each.created for each in store.approvals()).timestamp() + 60
    other = run_of(desk.url, many(2), report=replace(REPORT, started_at=later))
    client = desk.client(Role.VIEWER)
    assert shown_in(client.get(f"/runs/{other}", params={"q": "state:carried"}).text) == [MARK]
    assert shown_in(client.get(f"/runs/{run}", params={"q": "state:carried"}).text) == []
    text = client.get(f"/runs/{other}/findings/{MARK}").text
    assert "approved by ann, bob: as agreed" in text
    assert len(re.findall(rf'in run <a href="/runs/{run}/findings/{MARK}">', text)) == 2


def approve(page: Page, reason: str) -> None:
    page.keyboard.press("y")
    page.keyboard.type(reason)
    press(page, "Enter")


@pytest.mark.e2e
def test_the_first_one_waits_the_same_person_can_not_be_the_second_and_another_one_turns_it_green(
    browser: Browser, desk: Desk
) -> None:
    run = run_of(desk.url, many(1))
    with (
        served(desk) as address,
        logged_in(browser, desk, address, name="ann") as ann,
        logged_in(browser, desk, address, name="bob") as bob,
    ):
        finding = f"{address}/runs/{run}/findings/{MARK}"
        for page, people in ((ann, "0 of 2"), (bob, "0 of 2")):
            page.goto(finding)
            expect(page.locator("#people")).to_have_text(f"{people} people have approved.")
        for reason in ("as agreed", "and once more"):
            approve(ann, reason)
            ann.goto(finding)
            expect(ann.locator("#people")).to_have_text("1 of 2 people have approved: somebody else has to.")
        expect(ann.locator(".state.waits")).to_have_count(1)
        bob.goto(f"{address}/runs/{run}")
        expect(bob.get_by_text("Everything that blocked is approved by now")).to_have_count(0)
        bob.goto(finding)
        expect(bob.locator("#people")).to_have_text("1 of 2 people have approved.")
        approve(bob, "checked with accounting")
        expect(bob.get_by_text("Everything that blocked is approved by now")).to_have_count(1)
        press(bob, "u")
        expect(bob.get_by_text("Everything that blocked is approved by now")).to_have_count(0)
