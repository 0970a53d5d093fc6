"""Every screen in a real browser: it can be read and used by everybody, and loads and runs nothing but what is ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from diffing.approvals import Decision
from diffing.difference import Severity
from replayer.accounts import Role
from replayer.reports.json_report import to_json
from replayer.reports.model import Came, Retrial
from replayer.review import Review, Verdict
from replayer.rule_desk import RuleDesk, RuleWish, Shelf
from replayer.settings import NoiseSetting, Settings
from replayer.store import Store, UserRecord
from replayer.summary import summary_of
from replayer.talk import Talk
from replayer.target_settings import TargetSettings
from tests.replayer.test_html_page import CONTRAST
from tests.replayer.test_report import COLOUR, PRICES, REPORT

from .desk import Desk, begin, log, many, run_of
from .test_access import routes
from .test_browser import logged_in, served

pytestmark = pytest.mark.e2e

NO_PAGES = {
    "/health",
    "/ready",
    "/metrics",
    "/static/{name}",
    "/welcome",
    "/rules.toml",
    "/runs/{run}/events",
    "/runs/{run}/export",
    "/runs/{run}/findings/{fingerprint}/raw",
}
"""GET routes outside of the API that answer with no page."""

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
VIOLATIONS = """async () => (await axe.run({resultTypes: ["violations"]})).violations
  .map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).join(", ")}`)"""

INLINE = """() => [...document.querySelectorAll("*")].filter((each) => each.matches("script:not([src]), style, [style]")
  || [...each.attributes].some((one) => one.name.startsWith("on"))).map((each) => each.outerHTML)"""
"""Script and style that stand in the page itself."""

UNNAMED = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((each) => !each.labels.length && !each.getAttribute("aria-label")).map((each) => each.outerHTML)"""


class Screens:
    """A database in which there is something of everything, and the address of every page."""

    def __init__(self, url: str) -> None:
        rules = (
            NoiseSetting("GET /api/**", "$.items[*].seen_at", "when it was asked", "timestamp", author="kim"),
            NoiseSetting("GET /api/nowhere", "$.id", "was needed once"),
        )
        self.desk = Desk(url, targets=(TargetSettings("old", url="http://old.example"),), base=Settings(noise=rules))
        self.other = run_of(url, [replace(PRICES, severity=Severity.MINOR), *many(1)])
        self.run = run_of(url, [PRICES, COLOUR, *many(60)])
        self.live = begin(url)
        found = Retrial(self.run, PRICES.fingerprint, "GET /a", Came.UNTOLD, 0, 5, 0, 2, 3, 9, ("It was flaky then.",))
        data = to_json(replace(REPORT, findings=(), retrial=found))
        with Store.open(url) as store:
            recording = store.run(self.run).recording_id or 0
            self.alone = store.create_run(recording, candidate="next", finding=PRICES.fingerprint)
            store.finish_run(self.alone, "", None, data, summary_of(data))
            Review(store, self.desk.settings).decide(
                self.run, COLOUR.fingerprint, Verdict(Decision.REJECT, "no"), "ann"
            )
            Review(store, self.desk.settings).decide_all(
                self.run, [each.fingerprint for each in many(9)[5:]], Verdict(Decision.NOISE, "they vary"), "ann"
            )
            store.add_user(UserRecord("ann", Role.ADMIN.value, "", 0.0))
            talk = Talk(store)
            talk.resolve(talk.comment(self.other, PRICES, "Why a text?", "bob").id, "ann")
            talk.comment(self.run, PRICES, "And who reads it, @ann?", "ann")
            talk.assign(PRICES, "ann", "ann")
            desk = RuleDesk(store, self.desk.settings, Shelf())
            wish = RuleWish(reason="it is edited all day", anyway=True)
            self.rule = desk.keep(self.run, many(1)[0].fingerprint, wish, "ann", admin=True).id
        log(self.run, "recording: 7 of 9\n" * 30)

    def __iter__(self) -> Iterator[str]:
        known = {"run": self.run, "other": self.other, "fingerprint": PRICES.fingerprint}
        for method, path, _ in routes(self.desk):
            if method == "GET" and not path.startswith("/api/") and path not in NO_PAGES:
                yield re.sub(r"\{(\w+)\}", lambda name: known[name[1]], path) + QUERIES.get(path, "")
        yield f"/runs/{self.live}"
        yield f"/runs/{self.alone}"
        yield f"/runs/{self.run}?all=1"
        yield f"/runs/{self.run}?q={quote('severity:minor')}"  # nothing fits
        yield f"/runs/{self.run}/findings/{COLOUR.fingerprint}?whole=1"
        yield f"/runs/{self.run}/findings/{COLOUR.fingerprint}/rule"  # can be kept
        yield f"/runs/{self.run}/findings/{COLOUR.fingerprint}/rule?route=x&path=*"
        yield f"/rules?kept={self.rule}"
        yield "/start?recording=r0"


QUERIES = {"/trends": "?recording=r0"}


def look_at(page: Page, path: str) -> None:
    """What holds of every page, whatever is on it."""
    assert page.evaluate(CONTRAST) == [], path
    assert page.evaluate(INLINE) == [], path
    assert page.evaluate(UNNAMED) == [], path
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert page.locator("h1").count() == 1, path


def judged_by_axe(page: Page) -> list[str]:
    """What axe-core finds. The debugger puts it into the page: the page's policy would not."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(VIOLATIONS)
    return found


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 400)])
def test_everybody_can_use_every_screen(
    browser: Browser, empty_database: str, scheme: str, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    screens = Screens(empty_database)
    looks = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    with served(screens.desk) as address, logged_in(browser, screens.desk, address, Role.ADMIN, **looks) as page:
        for path in screens:
            answer = page.goto(address + path)
            assert answer is not None
            assert answer.status == 200, path
            look_at(page, path)
            assert judged_by_axe(page) == [], path
            page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
            assert page.evaluate(CONTRAST) == [], path
            page.emulate_media(color_scheme=scheme)


def test_a_screen_with_nothing_on_it_can_be_used(browser: Browser, empty_database: str) -> None:
    desk = Desk(empty_database)
    gone = "the server responded with a status of 404"
    with served(desk) as address, logged_in(browser, desk, address, Role.ADMIN, gone) as page:
        for path in ("/", "/recordings", "/decisions", "/rules", "/trends?recording=none", "/start", "/runs/none"):
            page.goto(address + path)
            look_at(page, path)
            assert judged_by_axe(page) == [], path
