"""The heat map in a real browser: what it loads, and whether it can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from replayer.coverage.html import to_html

from ..test_html_page import CONTRAST
from .test_report import REPORT


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 390)])
def test_it_loads_nothing_and_can_be_read(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    file = tmp_path / "coverage.html"
    file.write_text(to_html(REPORT), "utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    try:
        page.goto(file.as_uri())

        assert (requests, errors) == ([file.as_uri()], [])
        assert page.locator(".figure").inner_text() == "50 %"
        assert page.locator("tbody tr:visible").count() == len(REPORT.routes) + 2  # and the files of new lines
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()
