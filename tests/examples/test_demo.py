"""The demo, as far as it can be had in seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

SHOP = Path(__file__).parents[2] / "examples" / "shop"


@pytest.mark.e2e
def test_the_dashboard_stays_when_the_demo_is_to_serve_and_ends_by_the_key_that_ends_it(tmp_path: Path) -> None:
    few = ("--requests", "40", "--users", "8", "--only", "record", "--serve", "--folder", str(tmp_path / "demo"))
    demo = subprocess.Popen(
        [sys.executable, "-m", "shop.demo", *few],
        env={**os.environ, "PYTHONPATH": str(SHOP)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert demo.stdout is not None
    try:
        link = next((line.split()[2] for line in demo.stdout if line.startswith("understudy: open ")), "")
        with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as client:
            client.get(link)
            assert ">shop</td>" in client.get(httpx.URL(link).join("/recordings")).text
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does
        output = demo.stdout.read()
        assert (demo.wait(30), "Traceback" in output) == (0, False), output
    finally:
        with suppress(ProcessLookupError):  # all of them are gone
            os.killpg(demo.pid, signal.SIGKILL)
        demo.wait()
        demo.stdout.close()
