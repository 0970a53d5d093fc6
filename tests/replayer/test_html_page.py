"""The HTML report in a real browser: what it loads, what its filters do, whether it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from diffing.difference import Severity
from replayer.reports.html import to_html
from replayer.reports.model import RunReport

from .test_report import COLOUR, HOSTILE, PRICES, REPORT, hostile_report

NESTED = replace(
    PRICES,
    fingerprint="c" * 16,
    severity=Severity.MAJOR,
    route="/api/cart",
    baseline={"a": 1, "b": [1, 2]},
    candidate={"a": 2, "b": [1, 2], "c": 3},
    tags=("carts", "payments"),
)
THREE = replace(REPORT, findings=(PRICES, NESTED, COLOUR))

OPEN_ALL = "() => document.querySelectorAll('details').forEach((each) => { each.open = true; })"

CONTRAST = """() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (!color.startsWith("rgba(0, 0, 0, 0")) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(background(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) found.push(`${element.className} ${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""
"""Every text whose contrast is below that of WCAG 2.1, level AA: https://www.w3.org/TR/WCAG21/#contrast-minimum"""


@dataclass
class Opened:
    """A page, what it asked for, and what went wrong in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[str]:
        """The fingerprints of the findings that can be seen."""
        return [each.get_attribute("id") or "" for each in self.page.locator("details.finding:visible").all()]


@contextmanager
def opened(
    browser: Browser,
    folder: Path,
    report: RunReport,
    width: int = 1200,
    scheme: Literal["light", "dark"] = "light",
    script: bool = True,
    part: str = "",
) -> Iterator[Opened]:
    file = folder / "report.html"
    file.write_text(to_html(report), "utf-8")
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
    )
    page = context.new_page()
    found = Opened(page)
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("console", lambda message: found.errors.append(message.text))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    try:
        page.goto(f"{file.as_uri()}{part}")
        yield found
    finally:
        context.close()


@pytest.mark.parametrize("report", [THREE, hostile_report(HOSTILE), hostile_report("x" * 900)])
def test_it_loads_nothing_and_nothing_goes_wrong(browser: Browser, tmp_path: Path, report: RunReport) -> None:
    with opened(browser, tmp_path, report) as found:
        found.page.get_by_role("button", name="unfold").click()

        assert found.requests == [(tmp_path / "report.html").as_uri()]
        assert found.errors == []
        assert found.page.evaluate("performance.getEntriesByType('resource').length") == 0


def test_the_browser_refuses_whatever_else_would_be_in_it(browser: Browser, tmp_path: Path) -> None:
    page = to_html(THREE).replace(
        "</main>", "<img src='https://example.invalid/x.png'><script>hacked = 1</script></main>"
    )
    file = tmp_path / "changed.html"
    file.write_text(page, "utf-8")
    context = browser.new_context()
    opened_page = context.new_page()
    refused: list[str] = []
    opened_page.on("console", lambda message: refused.append(message.text))
    opened_page.goto(file.as_uri())

    assert opened_page.evaluate("typeof hacked") == "undefined"
    assert len(refused) == 2
    assert all("Content Security Policy" in text for text in refused)
    context.close()


def test_the_filters_show_what_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    prices, nested, colour = (each.fingerprint for each in THREE.findings)
    with opened(browser, tmp_path, THREE) as found:
        page = found.page
        assert found.shown == [prices, nested, colour]
        assert page.locator("#shown").inner_text() == "3 of 3 shown"

        page.get_by_label("breaking").uncheck()
        assert found.shown == [nested, colour]
        page.get_by_label("breaking").check()

        page.get_by_label("tag").select_option("carts")
        assert found.shown == [nested]
        assert page.locator("#shown").inner_text() == "1 of 3 shown"
        page.get_by_label("tag").select_option("any")

        for state, shown in {
            "blocks": [prices],
            "approved": [colour],
            "not approved": [prices, nested],
            "flaky": [colour],
        }.items():
            page.get_by_label("state").select_option(state)
            assert found.shown == shown, state
        page.get_by_label("state").select_option("any")

        for words, shown in {"CART price": [prices, nested], "tone": [colour], "nothing at all": []}.items():
            page.get_by_role("searchbox").fill(words)
            assert found.shown == shown, words


def test_what_is_folded_unfolds(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, THREE) as found:
        body = found.page.locator("details.finding .body")
        assert [each.is_visible() for each in body.all()] == [True, False, False]
        found.page.get_by_role("button", name="unfold").click()
        assert all(each.is_visible() for each in body.all())
        found.page.get_by_role("button", name="fold", exact=True).click()
        assert not any(each.is_visible() for each in body.all())


def test_a_link_to_a_finding_unfolds_it(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, THREE, part=f"#{COLOUR.fingerprint}") as found:
        assert found.page.locator(f"[id='{COLOUR.fingerprint}'] .body").is_visible()


def test_without_scripts_everything_is_there(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, THREE, script=False) as found:
        assert found.shown == [each.fingerprint for each in THREE.findings]
        assert not found.page.locator("#filters").is_visible()


@pytest.mark.parametrize("report", [THREE, hostile_report("x" * 900), hostile_report("wide " * 90)])
def test_it_fits_on_a_telephone(browser: Browser, tmp_path: Path, report: RunReport) -> None:
    with opened(browser, tmp_path, report, width=400) as found:
        found.page.evaluate(OPEN_ALL)

        assert found.page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_sides_are_told_apart_without_colours(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, THREE) as wide:
        wide.page.get_by_role("button", name="unfold").click()
        rows = wide.page.locator(f"[id='{NESTED.fingerprint}'] .values tr")
        assert rows.first.inner_text().split() == ["baseline", "candidate"]
        assert [text.split("\t")[0].strip() for text in rows.all_inner_texts()][1:4] == ["", "~", ""]
    with opened(browser, tmp_path, THREE, width=400) as narrow:
        narrow.page.get_by_role("button", name="unfold").click()
        row = narrow.page.locator(f"[id='{NESTED.fingerprint}'] .values tr.change").first
        signs = row.evaluate(
            "(row) => [...row.querySelectorAll('.a,.b')].map((e) => getComputedStyle(e, '::before').content)"
        )
        assert signs == ['"- "', '"+ "']


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    with opened(browser, tmp_path, THREE, scheme=scheme) as found:
        found.page.evaluate(OPEN_ALL)

        assert found.page.evaluate(CONTRAST) == []
        dark = found.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
