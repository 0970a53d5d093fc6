"""Plays scripts where the tests will run: in the application's own pytest, with the fixtures of `conftest.py`."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import recorder
from recorder.keys import Key

from ..errors import InconclusiveError
from .script import Script, Seen, to_json

_STAGEHAND = Path(__file__).with_name("copied") / "stagehand.py"
SECONDS = 1800.0
"""For all scripts of one round together."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a script got: one `Seen` for each call that was made, and what stopped it, if anything did."""

    seen: tuple[Seen, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A user as the application knows them, and what the function that logs them in gives."""

    identity: str
    headers: bool
    cookies: bool
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder with `conftest.py`, and the interpreter that its tests are run with."""

    folder: Path
    python: str = sys.executable

    def principals(self, digests: Sequence[str], key: Key) -> dict[str, Login]:
        """Principal -> the login of each whom the application knows."""
        asked = {"digests": list(digests), "secret": key.secret.hex(), "recorder": str(_recorder_folder())}
        lines = self._run([{"key": "who", "who": asked}])
        found: dict[str, Login] = {}
        for line in lines:
            if line["problem"]:
                raise InconclusiveError(f"The mint hook failed: {line['problem']}")
            found |= {
                digest: Login(one["id"], bool(one["headers"]), bool(one["cookies"]), frozenset(one["body"]))
                for digest, one in line["users"].items()
            }
        return found

    def play(self, scripts: Sequence[Script], *, backwards: bool = False) -> dict[str, Played]:
        """Plays each script on a database of its own; by the script's key. Raises InconclusiveError."""
        if not scripts:
            return {}
        jobs = [{"key": script.key, "calls": [to_json(call) for call in script.calls]} for script in scripts]
        lines = self._run(list(reversed(jobs)) if backwards else jobs)
        return {line["key"]: Played(tuple(map(_seen, line["seen"])), line["problem"]) for line in lines}

    def run_tests(self, *arguments: str) -> tuple[int, str]:
        """Runs the tests of the folder: exit status of pytest, and what it says."""
        return self._pytest([str(self.folder), *arguments], {})

    def _run(self, jobs: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
        script = self.folder / f"test_rehearsal_{os.getpid()}.py"
        with tempfile.TemporaryDirectory(prefix="understudy-") as scratch:
            asked, got = Path(scratch, "jobs"), Path(scratch, "answers")
            asked.write_text("".join(json.dumps(job) + "\n" for job in jobs), encoding="utf-8")
            script.write_text(_STAGEHAND.read_text(encoding="utf-8"), encoding="utf-8")
            try:
                environ = {"REHEARSAL_JOBS": str(asked), "REHEARSAL_ANSWERS": str(got)}
                status, output = self._pytest([str(script)], environ)
            finally:
                script.unlink(missing_ok=True)
            lines = got.read_text(encoding="utf-8").splitlines() if got.exists() else []
        found = [json.loads(line) for line in lines]
        if len(found) < len(jobs):
            raise InconclusiveError(
                f"pytest played {len(found)} of {len(jobs)} scripts and ended with status {status}: {_last(output)}",
                f"Run `pytest {self.folder}` to see what is wrong with the fixtures of its conftest.py.",
            )
        return found

    def _pytest(self, arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
        command = [self.python, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:randomly"]
        command += ["--tb=short", "-o", "timeout=0"]
        path = os.pathsep.join([os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")]), str(_recorder_folder())])
        inherited = {name: value for name, value in os.environ.items() if name != "UNDERSTUDY_SINK"}
        try:
            done = subprocess.run(
                [*command, *arguments],
                env={**inherited, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environ},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InconclusiveError(f"The tests could not be run: {error}") from error
        return done.returncode, done.stdout + done.stderr


def _recorder_folder() -> Path:
    return Path(recorder.__file__).absolute().parent.parent


def _seen(fields: Mapping[str, Any]) -> Seen:
    headers = tuple((str(name), str(value)) for name, value in fields["headers"])
    return Seen(fields["status"], headers, base64.b64decode(fields["body"]), dict(fields.get("variables") or {}))


def _last(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith("E  ") or "Error" in line]
    return (lines[0] if lines else output.strip().rpartition("\n")[2]).strip().removeprefix("E").strip()
