"""The example shop, recorded once: production behind a tap with the recorder on, a staging snapshot, an import.

Whatever is asserted about it goes through what a user has: the command line, its settings file, its JSON report, and
the store where no command shows enough.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder.exchange import Exchange
from replayer.store import Store

from .servers import KEY, ROOT, Tap, clean_environment, recording_to, understudy
from .wire_messages import WireExchange, read_conversation

SHOP = ROOT / "examples" / "shop"
USERS = 10  # the fewest with whom every endpoint succeeds at least once
PREFIX = 700  # exchanges of the shorter recording
READY_SECONDS = 30


@dataclass(frozen=True)
class Gate:
    """What one run of the gate came to. `report` is empty when it wrote none."""

    status: int
    output: str
    errors: str
    seconds: float
    report: dict[str, Any]

    @property
    def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = self.report["ledger"]
        return found

    @property
    def findings(self) -> list[str]:
        """One line for each finding, for messages of tests that fail."""
        return [
            f"{f['severity']} {f['state']} {f['method']} {f['route']} {f['location']['part']} {f['location']['path']} "
            f"{f['kind']} {f['transition']} {f['count']}/{f['out_of']}"
            for f in self.report["findings"]
        ]


@dataclass(frozen=True)
class Shop:
    """`shop` is the whole recording, `prefix` the exchanges that began first, with all that they depend on."""

    folder: Path
    settings: Path
    environ: Mapping[str, str]
    wallet: Mapping[str, Any]
    traffic: Sequence[WireExchange]  # in clear, as the clients saw it

    @property
    def database(self) -> str:
        return self.environ["UNDERSTUDY_DATABASE_URL"]

    def exchanges(self, recording: str) -> list[Exchange]:
        with Store.open(self.database) as store:
            return list(store.exchanges(store.recording(recording).id))

    def gate(self, recording: str, *arguments: str, seconds: float = 400) -> Gate:
        report = self.folder / f"report-{time.monotonic_ns()}.json"
        began = time.monotonic()
        done = understudy(
            "gate", recording, "--policy", str(self.settings), "--json", str(report), *arguments,
            cwd=self.folder, environ=self.environ, seconds=seconds,
        )  # fmt: skip
        content = json.loads(report.read_text()) if report.exists() else {}
        return Gate(done.returncode, done.stdout, done.stderr, time.monotonic() - began, content)

    def score(self, gate: Gate) -> dict[str, Any]:
        """What the shop's own score says about the report."""
        report = self.folder / "scored.json"
        report.write_text(json.dumps(gate.report))
        command = [sys.executable, "-m", "shop.score", "--report", str(report), "--json"]
        done = subprocess.run(command, env=clean_environment(self.environ), capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextlib.contextmanager
def recorded_shop(folder: Path, users: int = USERS, requests: int = 100) -> Iterator[Shop]:
    """Records the shop; its payment provider answers until the block ends."""
    environ = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(SHOP)]),
        "UNDERSTUDY_KEY": KEY,
        "UNDERSTUDY_DATABASE_URL": f"sqlite:///{folder / 'understudy.db'}",
        "SHOP_SNAPSHOT": str(folder / "staging.db"),
        "SHOP_SECRET": "secret-of-production",
    }
    with _serving(environ, "provider", "--port") as provider:
        environ["SHOP_PROVIDER_URL"] = f"http://127.0.0.1:{provider}"
        production, wallet = str(folder / "production.db"), str(folder / "wallet.json")
        _shop(environ, "seed", "--database", production, "--wallet", wallet, "--secret", environ["SHOP_SECRET"])
        recording = {**environ, **recording_to(folder / "spool"), "UNDERSTUDY_TRUSTED_PROXIES": "1"}
        with (
            _serving(recording, "serve", "--snapshot", production, "--release", "1", "--port") as port,
            Tap(port).listening() as tap,
        ):
            url = f"http://127.0.0.1:{tap.port}"
            size = ("--users", str(users), "--requests", str(requests))
            _shop(environ, "traffic", "--url", url, "--wallet", wallet, *size)
        _shop(environ, "snapshot", "--source", production, "--target", environ["SHOP_SNAPSHOT"])
        settings = folder / "understudy.toml"
        settings.write_text(_settings())
        shop = Shop(folder, settings, environ, json.loads(Path(wallet).read_text()), _traffic(tap))
        _import(shop)
        yield shop


def _settings() -> str:
    """The settings that the shop comes with, of an absolute folder; and the targets that only these tests need."""
    text = (SHOP / "understudy.toml").read_text()
    text = text.replace('cwd = "."', f"cwd = {json.dumps(str(SHOP))}").replace(
        '["python",', f"[{json.dumps(sys.executable)},"
    )
    tomllib.loads(text)
    start = f'[{json.dumps(sys.executable)}, "-m", "shop.serve", "--port", "{{port}}", "--release", "1"]'
    common = f'start = {start}\ncwd = {json.dumps(str(SHOP))}\nready = "/health"\nenv = {{ SHOP_SECRET = "staging" }}\n'
    return f"{text}\n[targets.strangers]\n{common}disposable = true\n\n[targets.precious]\n{common}"


def _import(shop: Shop) -> None:
    spool = str(shop.folder / "spool")
    done = understudy("recordings", "import", spool, "--name", "shop", cwd=shop.folder, environ=shop.environ)
    assert done.returncode == 0, done.stderr
    with Store.open(shop.database) as store:
        whole = store.recording("shop")
        ended = sorted(store.exchanges(whole.id), key=lambda exchange: exchange.ended)
        info = store.create_recording(
            "prefix", service=whole.service, release=whole.release, key_id=whole.key_id, source="a part of shop"
        )
        store.add_exchanges(info.id, ended[:PREFIX])
        store.close_recording(info.id)


def _traffic(tap: Tap) -> list[WireExchange]:
    return [each for sent, got in tap.conversations for each in read_conversation(bytes(sent), bytes(got))]


def _shop(environ: Mapping[str, str], module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", f"shop.{module}", *arguments]
    done = subprocess.run(command, env=clean_environment(environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def _serving(environ: Mapping[str, str], module: str, *arguments: str) -> Iterator[int]:
    """The port at which a module of the shop answers; it is given as the last argument."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", f"shop.{module}", *arguments, str(port)]
    with subprocess.Popen(command, env=clean_environment(environ)) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/health", process)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server for {url} ended at once"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError as answered:
            answered.close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer")
