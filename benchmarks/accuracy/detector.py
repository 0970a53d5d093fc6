"""The product, as its gate would run it: the traffic is recorded once, the baseline replayed once, each mutant judged.

Nothing of the comparison is done here. The passes of the baseline are kept and handed to every rehearsal that follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from diffing.gate import Policy
from diffing.grouping import CONFIRMED
from recorder.keys import load_key
from replayer.confirmation import MAX_ROUNDS
from replayer.errors import InconclusiveError, UsageError
from replayer.ingest import import_path
from replayer.passes import Pass
from replayer.rehearsal import Rehearsal, Request
from replayer.settings import load_settings, resolve_target
from replayer.store import Store
from replayer.target_settings import TargetSettings

from .draw import SHOP
from .policies import Asked
from .pool import FromSupply, Lessons, Supply, rehearsed

SECRET = "production-secret-of-the-benchmark"
READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Traffic:
    """How the shop is driven; the same for the recording and for the oracle's tape."""

    seed: int = 7
    users: int = 16
    requests: int = 1600


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says of one candidate."""

    verdict: str  # pass, fail or inconclusive
    places: tuple[str, ...]  # of confirmed findings, each by its root
    unconfirmed: int
    seconds: float
    problem: str = ""
    asked: tuple[Asked, ...] = field(default=(), repr=False)  # for the reference policies

    @property
    def found(self) -> bool:
        return bool(self.places)


class Bench:
    """A folder with a recording of the unmutated shop, and what is needed to rehearse with it."""

    def __init__(self, folder: Path, traffic: Traffic, passes: int, noise: int = 1) -> None:
        self.folder = folder
        self.traffic = traffic
        self.passes = passes
        self.snapshot = folder / "staging.db"
        self._lessons = Lessons()
        self._prepared: FromSupply | None = None
        self._baselines: list[Pass] = []
        self._environment = {**os.environ, "PYTHONPATH": str(SHOP), "SHOP_SNAPSHOT": str(self.snapshot)}
        self._environment["SHOP_NOISE"] = str(noise)

    def record(self, provider: str) -> None:
        """Seeds, serves with the recorder on, drives, imports; in a folder that was kept, only opens what is there."""
        key_file = self.folder / "key"
        if self.snapshot.exists():
            self._environment |= {"SHOP_PROVIDER_URL": provider, "UNDERSTUDY_KEY_FILE": str(key_file)}
            self._open(key_file)
            return
        key_file.touch(0o600)
        key_file.write_text(secrets.token_hex(32))
        self._environment |= {"SHOP_PROVIDER_URL": provider, "UNDERSTUDY_KEY_FILE": str(key_file)}
        self.seed(self.folder, SECRET)
        recording = {
            "UNDERSTUDY_SINK": f"file://{self.folder / 'spool'}",
            "UNDERSTUDY_SERVICE": "shop",
            "UNDERSTUDY_RELEASE": "1",
            "UNDERSTUDY_TRUSTED_PROXIES": "1",
            "SHOP_SECRET": SECRET,
        }
        arguments = ("serve", "--snapshot", str(self.folder / "production.db"), "--release", "1")
        with self.serving(*arguments, more=recording) as url:
            self.drive(url, self.folder)
        self.run("snapshot", "--source", str(self.folder / "production.db"), "--target", str(self.snapshot))
        self._open(key_file)

    def _open(self, key_file: Path) -> None:
        self._key = load_key(None, str(key_file))
        with Store.open(f"sqlite:///{self.folder / 'understudy.db'}") as store:
            kept = store.recordings()
            recorded = kept[0] if kept else import_path(store, self.folder / "spool").recording
            self._exchanges = tuple(store.exchanges(recorded.id))
            self._counts = store.route_counts(recorded.id)

    async def prepare(self) -> None:
        """The plan, and the baseline's passes: those that are learned from, and one for each round of a confirmation.

        They are handed to every rehearsal that follows, so that a mutant costs its own passes alone. A round then
        replays all of the candidate, not only what the findings need: the baseline's passes are of all, too.
        """
        request = self.request(SHOP)
        self._prepared = FromSupply(request)
        while len(self._baselines) < self.passes + MAX_ROUNDS:
            self._baselines.append(await self._prepared.fresh(request.baselines[0]))

    def judge(self, package_folder: Path) -> Judgement:
        """The gate on one candidate: a pass, comparison, grouping, and the confirmation of what was found."""
        if self._prepared is None:
            asyncio.run(self.prepare())
        assert self._prepared is not None
        began = time.monotonic()
        request = self.request(package_folder)
        supply = Supply(self._baselines)
        try:
            rehearsal = asyncio.run(rehearsed(self._prepared, request, supply, self._lessons))
        except (InconclusiveError, UsageError) as error:
            return Judgement("inconclusive", (), 0, time.monotonic() - began, str(error).splitlines()[0])
        return _judgement(rehearsal, time.monotonic() - began)

    def request(self, package_folder: Path) -> Request:
        """What is asked of the product about the package in that folder."""
        settings = load_settings(SHOP / "understudy.toml")
        baseline = self._target(resolve_target("baseline", settings), SHOP)
        return Request(
            recording="shop",
            exchanges=self._exchanges,
            candidate=replace(self._target(baseline, package_folder), name="candidate"),
            baselines=(baseline,),
            route_counts=self._counts,
            passes=self.passes,
            policy=Policy(min_fidelity=settings.policy.min_fidelity),
            key=self._key,
        )

    def _target(self, target: TargetSettings, package_folder: Path) -> TargetSettings:
        env = dict(target.env) | {
            name: self._environment[name] for name in ("SHOP_SNAPSHOT", "SHOP_PROVIDER_URL", "SHOP_NOISE")
        }
        env["PYTHONPATH"] = str(package_folder)
        env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return replace(target, cwd=str(package_folder), env=tuple(env.items()))

    # -- running the shop -------------------------------------------------------------------------------------------

    def seed(self, folder: Path, secret: str) -> None:
        """Makes `production.db` and the wallet, whose tokens are good for a quarter of an hour."""
        files = ("--database", str(folder / "production.db"), "--wallet", str(folder / "wallet.json"))
        self.run("seed", *files, "--secret", secret)

    def drive(self, url: str, folder: Path) -> None:
        seed, users, requests = self.traffic.seed, self.traffic.users, self.traffic.requests
        figures = ("--seed", str(seed), "--users", str(users), "--requests", str(requests))
        self.run("traffic", "--url", url, "--wallet", str(folder / "wallet.json"), *figures)

    def run(self, name: str, *arguments: str) -> None:
        argv = [sys.executable, "-m", f"shop.{name}", *arguments]
        done = subprocess.run(argv, env=self._environment, cwd=self.folder, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"shop.{name} failed: {(done.stdout + done.stderr).decode(errors='replace')[-2000:]}")

    @contextlib.contextmanager
    def serving(self, name: str, *arguments: str, more: Mapping[str, str] | None = None) -> Iterator[str]:
        """A module of the shop that serves, ready, at the URL that is yielded."""
        port = free_port()
        argv = [sys.executable, "-m", f"shop.{name}", "--port", str(port), *arguments]
        process = subprocess.Popen(argv, env={**self._environment, **(more or {})}, cwd=self.folder)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _judgement(rehearsal: Rehearsal, seconds: float) -> Judgement:
    report = rehearsal.report
    confirmed = [finding for finding in report.findings if finding.state == CONFIRMED]
    places = tuple(
        f"{f.method} {f.route} {f.location.path or f.location.part.value} {f.transition} ({f.severity.value})"
        for f in confirmed
    )
    return Judgement(
        report.verdict.outcome.value,
        places,
        len(report.findings) - len(confirmed),
        seconds,
        "; ".join(report.problems),
        _asked(rehearsal),
    )


def _asked(rehearsal: Rehearsal) -> tuple[Asked, ...]:
    """What was compared, with the answers of each baseline's pass and of the candidate's; what was not sent is not."""
    passes = (*rehearsal.baselines, rehearsal.candidates[0])
    asked = ((step, [one.result.answers[step.index] for one in passes]) for step in rehearsal.plan.steps)
    return tuple(
        (f"{step.exchange.request.method} {step.route}", answers)
        for step, answers in asked
        if all(answer.reason is None for answer in answers)
    )


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers at {url}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
