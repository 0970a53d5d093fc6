"""The whole loop on the shop: `python -m shop.demo`. Production is recorded, and two releases are rehearsed with it.

Everything that is told to the product is what a user would tell it: the commands are printed as they are run.
"""

from __future__ import annotations

import argparse
import contextlib
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
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
READY_SECONDS = 30
PRODUCTION_SECRET = "production-secret-of-the-shop-demo"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1600, help="about how many to record")
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--passes", type=int, default=3, help="passes of the baseline")
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path(".understudy") / "demo", help="emptied first")
    parser.add_argument("--only", choices=["same", "next", "both", "record"], default="both", help="which to rehearse")
    parser.add_argument("--recording-only", action="store_true", help="give the gate no baseline")
    parser.add_argument("--serve", action="store_true", help="leave the dashboard running on what came of it")
    options = parser.parse_args()
    return Demo(options).run()


class Demo:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._started = time.monotonic()
        self._folder: Path = options.folder.resolve()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        key_file = self._folder / "key"
        key_file.touch(0o600)
        key_file.write_text(secrets.token_hex(32))
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "UNDERSTUDY_KEY_FILE": str(key_file),
            "UNDERSTUDY_DATABASE_URL": f"sqlite:///{self._folder / 'understudy.db'}",
            "SHOP_SNAPSHOT": str(self._folder / "staging.db"),
        }

    def run(self) -> int:
        status = self._rehearsed()
        if self._options.serve:
            self._serve()
        return status

    def _rehearsed(self) -> int:
        with self._provider() as provider:
            self._environment["SHOP_PROVIDER_URL"] = provider
            self._say("1. production: a snapshot of its data, eight and more people at once, the recorder on")
            self._shop("seed", "--database", "production.db", "--wallet", "wallet.json", "--secret", PRODUCTION_SECRET)
            self._record()
        self._say("2. staging: the same snapshot, its ids counted from elsewhere, and no payment provider any more")
        self._shop("snapshot", "--source", "production.db", "--target", "staging.db")
        if self._options.only == "record":
            self._settings("understudy.toml")
            return 0
        status = 0
        if self._options.only in ("same", "both"):
            self._say("3. the same release against itself: nothing may be found")
            status |= self._gate("baseline", "same", expected=0)
        if self._options.only in ("next", "both"):
            self._say("4. the next release: what changed?")
            status |= self._gate("candidate", "next", expected=1)
            self._say("5. the score: what was found against what was done to the next release")
            status |= self._shop("score", "--report", "next.json", check=False)
        self._say(f"reports are in {os.path.relpath(self._folder)}: same.html, next.html and the JSON beside them")
        if status == 0:
            self._say("exit status 0: the same release passed, the next one was held back, and the score is clean")
        else:
            self._say(f"exit status {status}: see above for what did not come out as it should")
        return status

    def _record(self) -> None:
        recording = {
            "UNDERSTUDY_SINK": f"file://{self._folder / 'spool'}",
            "UNDERSTUDY_SERVICE": "shop",
            "UNDERSTUDY_RELEASE": "1",
            "UNDERSTUDY_TRUSTED_PROXIES": "1",
            "SHOP_SECRET": PRODUCTION_SECRET,
        }
        port = free_port()
        argv = self._module("serve", "--snapshot", "production.db", "--port", str(port), "--release", "1")
        with self._serving(argv, f"http://127.0.0.1:{port}/health", recording):
            users, requests = str(self._options.users), str(self._options.requests)
            self._shop(
                "traffic", "--url", f"http://127.0.0.1:{port}", "--wallet", "wallet.json",
                "--seed", str(self._options.seed), "--users", users, "--requests", requests,
            )  # fmt: skip
        self._understudy("recordings", "import", str(self._folder / "spool"), "--name", "shop")

    def _gate(self, candidate: str, name: str, expected: int) -> int:
        settings = self._settings(f"understudy-{name}.toml")
        baseline = () if self._options.recording_only else ("--baseline", "baseline")
        status = self._understudy(
            "gate", "shop", *baseline, "--candidate", candidate, "--policy", str(settings),
            "--passes", str(self._options.passes), "--concurrency", str(self._options.concurrency),
            *(("--self-test",) if name == "same" else ()),  # a pass is worth what the gate would have seen
            "--json", str(self._folder / f"{name}.json"), "--html", str(self._folder / f"{name}.html"),
            check=False,
        )  # fmt: skip
        if status != expected:
            self._say(f"the gate ended with {status}, and {expected} was expected")
            return 1
        return 0

    def _serve(self) -> None:
        self._settings("understudy.toml")
        self._say("the dashboard, until Ctrl-C: open the link that works once")
        signal.signal(signal.SIGINT, lambda *_: None)  # it ends by the same key, and we after it
        self._understudy("serve", "--port", "0", check=False)

    def _settings(self, name: str) -> Path:
        """The shop's settings, usable from another folder."""
        settings = self._folder / name
        text = (HERE / "understudy.toml").read_text(encoding="utf-8")
        settings.write_text(text.replace('cwd = "."', f'cwd = "{HERE}"'), encoding="utf-8")
        return settings

    # -- running things ---------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        print(f"\n==> [{time.monotonic() - self._started:5.1f} s] {text}", flush=True)

    def _module(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", f"shop.{name}", *arguments]

    def _shop(self, name: str, *arguments: str, check: bool = True) -> int:
        return self._call(self._module(name, *arguments), check)

    def _understudy(self, *arguments: str, check: bool = True) -> int:
        return self._call([str(Path(sys.executable).with_name("understudy")), *arguments], check)

    def _call(self, argv: list[str], check: bool) -> int:
        shown = [Path(argv[0]).name, *(a.replace(str(self._folder) + os.sep, "") for a in argv[1:])]
        print("$ " + " ".join(shown), flush=True)
        status = subprocess.run(argv, cwd=self._folder, env=self._environment, check=False).returncode
        if check and status != 0:
            sys.exit(f"{shown[1]} failed with status {status}")
        return status

    @contextlib.contextmanager
    def _provider(self) -> Iterator[str]:
        port = free_port()
        argv = self._module("provider", "--port", str(port))
        with self._serving(argv, f"http://127.0.0.1:{port}/health", {}):
            yield f"http://127.0.0.1:{port}"

    @contextlib.contextmanager
    def _serving(self, argv: list[str], ready: str, more: Mapping[str, str]) -> Iterator[None]:
        process = subprocess.Popen(argv, cwd=self._folder, env={**self._environment, **more}, start_new_session=True)
        try:
            wait_until_ready(ready, process)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when anything answers at the URL; exits with a sentence when nothing does."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"the server for {url} ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{url} did not answer within {READY_SECONDS} s")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
