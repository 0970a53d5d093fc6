"""A gate that waits in a shell, and somebody who approves in a browser."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from replayer.store import Store
from tests.e2e.test_shared_gate import finish, start
from tests.e2e.tiny_home import database, home

from .desk import Desk
from .test_browser import logged_in, press, served

__all__ = ["home"]
pytestmark = pytest.mark.e2e


@pytest.fixture
def gate(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A gate that has to find something."""
    process = start(home, "gate", "tiny", "--candidate", "new", "--baseline", "old", "--passes", "2", "--wait", "120")
    yield process
    process.kill()
    process.communicate()


def test_a_gate_that_waits_turns_green_when_its_findings_are_approved_by_keys(
    browser: Browser, home: Path, gate: subprocess.Popen[str]
) -> None:
    desk = Desk(database(home))
    assert gate.stdout is not None
    with served(desk) as address, logged_in(browser, desk, address) as page:
        assert any("waiting for approval of 1 finding" in line for line in gate.stdout)
        page.goto(address)
        page.keyboard.press("j")
        press(page, "Enter")
        assert "FAIL" in page.locator("h1").inner_text()
        page.keyboard.press("j")
        press(page, "Enter")
        page.keyboard.press("y")
        page.keyboard.type("the new price is meant")
        press(page, "Enter")
        code, output = finish(gate)
        assert code == 0, output
        assert "Traceback" not in output
        page.reload()
        assert "PASS" in page.locator("h1").inner_text()
    with Store.open(desk.url) as store:
        assert [(each.author, each.reason) for each in store.approvals()] == [("ann", "the new price is meant")]
