"""Installs an application, records it, and runs the gate on it as its owner would: every step through a command line.

A module that knows one application fills an `Application` in and calls `main`. Nothing of the application is kept in
this repository: it is installed by name, with pinned versions, into a virtual environment of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .instance import COPIES, STATE
from .outcome import Control, Fault, FaultRow, GateRun, control_row, fault_row, mixture_rows, read_report
from .settings_file import settings_file
from .table import line, markdown

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
RESULTS = HERE / "results"
FAULT = "APPLICATION_FAULT"  # the name of the fault that an instance is to switch on; empty or not set: none
READY_SECONDS = 60
GATE_SECONDS = 3600
TIMED_OUT = 124  # as the command `timeout` says it

Run = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Application:
    """What the harness has to know of an application."""

    name: str
    requirements: str  # a file beside this one: every package with its version, one a line
    wsgi: str  # "module:callable", imported in the application's environment; it wraps itself with the recorder
    prepare: Callable[[Path, Run], None]  # (state folder, run): makes an empty database, by run("-m", "module", …)
    seed: Callable[[str], None]  # what was there before the recording, made over HTTP at this base URL
    drive: Callable[[str, int], None]  # (base URL, seed of the traffic): what is recorded
    faults: tuple[Fault, ...]
    mixtures: tuple[tuple[str, ...], ...] = ()  # names of faults that one candidate can have together
    ready: str = "/"
    mint: str = ""  # "module:function"
    env: tuple[tuple[str, str], ...] = ()  # for every process of the application


class Bench:
    """A folder with one application's environment, its state before the recording, and recordings."""

    def __init__(self, application: Application, folder: Path) -> None:
        self.application = application
        self.folder = folder
        self.python = str(folder / "venv" / "bin" / "python")
        self.snapshot = folder / "snapshot"
        self.settings = folder / "understudy.toml"
        key_file = folder / "key"
        (folder / "copies").mkdir(parents=True, exist_ok=True)
        if not key_file.exists():
            key_file.touch(0o600)
            key_file.write_text(secrets.token_hex(32))
        self._environment = {
            **os.environ,
            **dict(application.env),
            "PYTHONPATH": str(REPOSITORY),
            COPIES: str(folder / "copies"),
            "UNDERSTUDY_KEY_FILE": str(key_file),
        }

    # -- making it ready --------------------------------------------------------------------------------------------

    def install(self) -> None:
        """The virtual environment, kept between runs while the requirements stay the same."""
        requirements = HERE / self.application.requirements
        digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
        marker = self.folder / "venv" / "requirements.sha256"
        if marker.exists() and marker.read_text() == digest:
            return
        shutil.rmtree(self.folder / "venv", ignore_errors=True)
        self._command(sys.executable, "-m", "venv", str(self.folder / "venv"))
        self._command(self.python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(requirements))
        marker.write_text(digest)

    def make_snapshot(self) -> None:
        """The state before the recording, and the settings file that restores it for every pass."""
        shutil.rmtree(self.snapshot, ignore_errors=True)
        self.snapshot.mkdir(parents=True)
        self._environment[STATE] = str(self.snapshot)
        self.application.prepare(self.snapshot, lambda *argv: self._command(self.python, *argv))
        with self._serving(in_place=self.snapshot) as url:
            self.application.seed(url)
        self.settings.write_text(
            settings_file(
                start=(self.python, "-m", "benchmarks.applications.instance", str(self.snapshot), "{port}"),
                wsgi=self.application.wsgi,
                cwd=self.folder,
                env={
                    "PYTHONPATH": str(REPOSITORY),
                    COPIES: str(self.folder / "copies"),
                    "APPLICATION_SNAPSHOT": str(self.snapshot),
                    **dict(self.application.env),
                },
                ready=self.application.ready,
                mint=self.application.mint,
                python=self.python,
                faults=[fault.name for fault in self.application.faults],
                mixtures=self.application.mixtures,
                fault_variable=FAULT,
                build=hashlib.sha256((HERE / self.application.requirements).read_bytes()).hexdigest()[:12],
            )
        )

    def record(self, seed: int) -> Path:
        """The spool folder of one recording, made from the snapshot with this seed's traffic."""
        spool = self.folder / f"spool-{seed}"
        shutil.rmtree(spool, ignore_errors=True)
        recording = {"UNDERSTUDY_SINK": f"file://{spool}", "UNDERSTUDY_SERVICE": self.application.name}
        with self._serving(recording | {"UNDERSTUDY_TRUSTED_PROXIES": "1"}) as url:
            self.application.drive(url, seed)
        return spool

    # -- judging ----------------------------------------------------------------------------------------------------

    def gate(self, spool: Path, candidate: str, concurrency: int, passes: int = 3) -> GateRun:
        """One `understudy gate`, as it is typed; the baseline is the application without a fault."""
        baseline = "baseline" if candidate == "same" else "kept"
        name = f"{spool.name}-{candidate}-{concurrency}"
        report = self.folder / f"{name}.json"
        report.unlink(missing_ok=True)
        argv = [str(Path(sys.executable).parent / "understudy"), "gate", str(spool)]
        argv += ["--policy", str(self.settings), "--baseline", baseline, "--candidate", candidate]
        argv += ["--passes", str(passes), "--concurrency", str(concurrency), "--json", str(report)]
        argv += ["--html", str(report.with_suffix(".html")), "--db", f"sqlite:///{self.folder / 'understudy.db'}"]
        began = time.monotonic()
        with (self.folder / f"{name}.txt").open("w+") as told:
            try:
                done = subprocess.run(
                    argv, env=self._environment, cwd=self.folder, stdout=told, stderr=told, timeout=GATE_SECONDS
                )
                exit_code = done.returncode
            except subprocess.TimeoutExpired:
                exit_code = TIMED_OUT
            told.seek(0)
            said = told.read()
        shutil.rmtree(self.folder / "copies", ignore_errors=True)
        (self.folder / "copies").mkdir()
        found: dict[str, Any] | None = json.loads(report.read_text()) if report.exists() else None
        return read_report(found, exit_code, said, time.monotonic() - began)

    # -- processes --------------------------------------------------------------------------------------------------

    def _command(self, *argv: str) -> None:
        done = subprocess.run(argv, env=self._environment, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv[:4])} … failed: {(done.stdout + done.stderr)[-2000:]}")

    @contextlib.contextmanager
    def _serving(self, more: Mapping[str, str] | None = None, in_place: Path | None = None) -> Iterator[str]:
        """The application without a fault on a copy of the snapshot (or on a folder itself), ready at this URL."""
        port = free_port()
        argv = [self.python, "-m", "benchmarks.applications.instance"]
        argv += ["--in-place"] if in_place else []
        argv += [str(in_place or self.snapshot), str(port), self.application.wsgi]
        with (self.folder / "server.txt").open("ab") as log:
            environment = self._environment | dict(more or {})
            process = subprocess.Popen(argv, env=environment, cwd=self.folder, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(url + self.application.ready, process)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def main(application: Application, module: str, argv: Sequence[str] | None = None) -> int:
    """The command line of every application's module: 0 when nothing was missed and nothing reported falsely."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=__doc__)
    parser.add_argument("--seeds", default="7,11,23", help="one recording for each seed of the traffic")
    parser.add_argument("--concurrency", default="1,4,8", help="how the same version is judged against itself")
    parser.add_argument("--only", choices=["same", "faults", "both"], default="both")
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in application.faults])
    parser.add_argument("--mixed", action="store_true", help="several faults in one candidate, instead of one by one")
    parser.add_argument("--folder", type=Path, default=Path(".understudy") / "applications" / application.name)
    parser.add_argument("--keep-recordings", action="store_true", help="use the snapshot and recordings that are there")
    options = parser.parse_args(argv)
    bench = Bench(application, options.folder.resolve())
    bench.install()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    if not options.keep_recordings or not bench.settings.exists():
        bench.make_snapshot()
    spools = {}
    for seed in seeds:
        spool = bench.folder / f"spool-{seed}"
        spools[seed] = spool if options.keep_recordings and spool.exists() else bench.record(seed)
    controls: list[Control] = []
    rows: list[FaultRow] = []
    if options.only != "faults":
        for seed in seeds:
            for concurrency in map(int, options.concurrency.split(",")):
                controls.append(control_row(seed, concurrency, bench.gate(spools[seed], "same", concurrency)))
                print(line(controls[-1]), flush=True)
                write_results(application.name, module, controls, rows)
    if options.only != "same" and options.mixed:
        for number, names in enumerate(application.mixtures):
            run = bench.gate(spools[seeds[0]], f"mixed-{number}", 4)
            rows += mixture_rows([fault for fault in application.faults if fault.name in names], run)
            print("\n".join(map(line, rows[-len(names) :])), flush=True)
            write_results(application.name, module, controls, rows)
    elif options.only != "same":
        for fault in application.faults:
            if not options.fault or fault.name in options.fault:
                rows.append(fault_row(fault, bench.gate(spools[seeds[0]], f"fault-{fault.name}", 4)))
                print(line(rows[-1]), flush=True)
                write_results(application.name, module, controls, rows)
    clean = all(control.clean for control in controls) and all(row.found and not row.elsewhere for row in rows)
    return 0 if clean else 1


def write_results(name: str, module: str, controls: Sequence[Control], rows: Sequence[FaultRow]) -> None:
    """The table and every figure in it, below `results/`; a part that was not run keeps what an earlier run wrote."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"controls": [], "faults": []}
    told = {
        "command": f"python -m {module}",
        "controls": _merged([control.as_json() for control in controls], kept["controls"], "seed", "concurrency"),
        "faults": _merged([row.as_json() for row in rows], kept["faults"], "name"),
    }
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(markdown(told))


def _merged(new: list[dict[str, Any]], kept: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """In the order of the first run; what was judged again takes its old row's place."""
    rows = {tuple(row[key] for key in keys): row for row in [*kept, *new]}
    return list(rows.values())


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as answer:
            if answer.code < 500:
                return
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
