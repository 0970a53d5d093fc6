"""A seeded shop, in this process and behind a real server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
sys.path.insert(0, str(SHOP))

from shop import provider_client  # noqa: E402 - the shop is not installed, it lies beside the tests
from shop.provider import Provider  # noqa: E402
from shop.seed import seed  # noqa: E402

SECRET = "a-secret-of-the-tests"


@dataclass(frozen=True, slots=True)
class Seeded:
    """A snapshot that tests copy, and who is in it."""

    database: Path
    wallet: dict[str, Any]
    wallet_file: Path


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    folder = tmp_path_factory.mktemp("shop")
    wallet = seed(folder / "shop.db", SECRET)
    (folder / "wallet.json").write_text(json.dumps(wallet))
    return Seeded(folder / "shop.db", wallet, folder / "wallet.json")


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    server = Provider(0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    provider_client.close()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True, slots=True)
class Served:
    """`shop.serve` in a process of its own; `home` is where it keeps its temporary files."""

    url: str
    process: subprocess.Popen[bytes]
    home: Path


@pytest.fixture(scope="module")
def served(seeded: Seeded, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "shop.serve", "--snapshot", str(seeded.database), "--port", str(port)]
    command += ["--secret", SECRET, "--provider", provider.url]
    process = subprocess.Popen(command, cwd=SHOP, env=os.environ | {"TMPDIR": str(home)})
    try:
        _wait_for(port, process)
        yield Served(f"http://127.0.0.1:{port}", process, home)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, "shop.serve ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("shop.serve did not start")
