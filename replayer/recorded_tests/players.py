"""A process of the application's pytest that plays scripts one after the other, for as long as it is needed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import recorder

from ..errors import InconclusiveError

PLUGIN = "understudy_stagehand"
SECONDS = 300.0
"""For one script, and for pytest to start."""

_STAGEHAND = Path(__file__).with_name("copied") / "stagehand.py"


class Player:
    """One process of pytest. What it prints goes to a file, from which errors are told."""

    def __init__(self, connection: socket.socket, printed: Path, folder: Path) -> None:
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8")
        self._printed = printed
        self._folder = folder

    def play(self, job: Mapping[str, object]) -> dict[str, Any]:
        """What came of one job. Raises InconclusiveError."""
        try:
            self._connection.sendall(json.dumps(job).encode() + b"\n")
            line = self._lines.readline()
        except TimeoutError:
            raise InconclusiveError(f"The script {job['key']} took longer than {SECONDS:.0f} s.") from None
        except OSError:
            line = ""
        if not line:
            raise InconclusiveError(
                f"pytest ended before it had played a script: {_last(self._printed.read_text('utf-8', 'replace'))}",
                f"Run `pytest {self._folder}` to see what is wrong with the fixtures of its conftest.py.",
            )
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def playing(python: str, script: Path, seed: int) -> Iterator[Player]:
    """A player for the folder in which `script` lies, with the hashes of `seed`. It ends with the context."""
    with tempfile.TemporaryDirectory(prefix="understudy-") as scratch:
        Path(scratch, f"{PLUGIN}.py").write_text(_STAGEHAND.read_text(encoding="utf-8"), encoding="utf-8")
        printed = Path(scratch, "printed")
        mine, theirs = socket.socketpair()
        mine.settimeout(SECONDS)
        with mine, printed.open("wb") as output:
            with theirs:
                try:
                    process = subprocess.Popen(
                        _command(python, script, scratch),
                        env=_environ(scratch, theirs.fileno(), seed),
                        pass_fds=[theirs.fileno()],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                    )
                except OSError as error:
                    raise InconclusiveError(f"The tests could not be run: {error}") from error
            try:
                yield Player(mine, printed, script.parent)
                mine.shutdown(socket.SHUT_WR)
                process.wait(SECONDS)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _command(python: str, script: Path, scratch: str) -> list[str]:
    command = [python, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:randomly"]
    return [*command, "--tb=short", "-o", "timeout=0", "-p", PLUGIN, f"--basetemp={scratch}/files", str(script)]


def _environ(scratch: str, descriptor: int, seed: int) -> dict[str, str]:
    ours = str(Path(recorder.__file__).absolute().parent.parent)
    path = os.pathsep.join([os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")]), scratch, ours])
    inherited = {name: value for name, value in os.environ.items() if name != "UNDERSTUDY_SINK"}
    more = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "REHEARSAL_SOCKET": str(descriptor)}
    return {"PYTHONHASHSEED": str(seed), **inherited, **more}


def _last(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith("E  ") or "Error" in line]
    return (lines[0] if lines else output.strip().rpartition("\n")[2]).strip().removeprefix("E").strip()
