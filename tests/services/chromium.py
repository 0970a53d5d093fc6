"""Chromium for tests: `browser` is a real one, without a window, driven from this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "Chromium is needed, and none was found on the PATH. Install it (on Debian and Ubuntu: "
    "apt-get install --no-install-recommends chromium)."
)


@pytest.fixture(scope="module")  # no longer: while it is there, its event loop is the thread's
def browser() -> Iterator[Browser]:
    """The browser that the system has installed."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise RuntimeError(MISSING)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        yield opened
        opened.close()
