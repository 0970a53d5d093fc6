"""Whether a mutant can be seen in a response at all: asked of the shop itself, without the product.

The same requests are played in the same order to the unmutated shop and to the mutant, each alone in a process in which
clock and randomness are fixed (`oracle_child.py`). The answers are compared byte by byte.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("oracle_child.py")
PLAY_SECONDS = 180
SECRET = "secret-of-the-oracle"


class DoesNotStart(Exception):
    """The mutated package can not be imported, served, or played to the end."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """What the tape shows of a mutant."""

    differing: int  # responses
    played: int
    first: str  # the first response that differs, "" when none does
    places: tuple[str, ...]  # "METHOD /path" of those that differ, at most MAX_PLACES
    calls_differ: bool  # what was sent to the payment provider

    @property
    def exercised(self) -> bool:
        return self.differing > 0


MAX_PLACES = 12


@dataclass(frozen=True, slots=True)
class Oracle:
    """A tape, and what the unmutated shop answers to it."""

    tape: Path
    snapshot: Path
    requests: list[Any]
    told: dict[str, Any]

    def ask(self, package_folder: Path, work: Path) -> Exercise:
        """Raises DoesNotStart."""
        told = play(self.tape, self.snapshot, package_folder, work)
        pairs = zip(self.told["answers"], told["answers"], strict=True)
        differing = [number for number, (left, right) in enumerate(pairs) if left != right]
        first = ""
        if differing:
            number = differing[0]
            first = (
                f"{_named(self.requests[number])}: {_difference(self.told['answers'][number], told['answers'][number])}"
            )
        places = tuple(dict.fromkeys(_named(self.requests[number]) for number in differing))[:MAX_PLACES]
        return Exercise(len(differing), len(told["answers"]), first, places, self.told["calls"] != told["calls"])


def play(tape: Path, snapshot: Path, package_folder: Path, work: Path) -> dict[str, Any]:
    """The answers of the package in that folder. Raises DoesNotStart."""
    out = work / "told.json"
    argv = [sys.executable, str(CHILD), "play", str(tape), str(snapshot), str(out)]
    try:
        done = subprocess.run(
            argv, env=environment(package_folder), cwd=work, capture_output=True, timeout=PLAY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise DoesNotStart(f"not done within {PLAY_SECONDS} s") from None
    if done.returncode != 0:
        raise DoesNotStart(done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200])
    told: dict[str, Any] = json.loads(out.read_text())
    return told


def environment(package_folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(package_folder), "PYTHONHASHSEED": "0", "SHOP_SECRET": SECRET}


class TapeServer:
    """The unmutated shop, serving the traffic that becomes the tape."""

    def __init__(self, tape: Path, snapshot: Path, package_folder: Path, work: Path, port: int) -> None:
        argv = [sys.executable, str(CHILD), "make", str(tape), str(snapshot), str(work / "made.json"), str(port)]
        self.process = subprocess.Popen(argv, env=environment(package_folder), cwd=work, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def open_oracle(tape: Path, snapshot: Path, package_folder: Path, work: Path) -> Oracle:
    """Plays the tape to the unmutated shop twice. Raises RuntimeError when the two do not answer alike."""
    told = play(tape, snapshot, package_folder, work)
    oracle = Oracle(tape, snapshot, json.loads(tape.read_text())["requests"], told)
    again = oracle.ask(package_folder, work)
    made = json.loads((work / "made.json").read_text())["answers"]
    if again.differing or again.calls_differ or made != told["answers"]:
        off = [n for n, (left, right) in enumerate(zip(made, told["answers"], strict=True)) if left != right]
        raise RuntimeError(f"the unmutated shop does not answer itself alike: {again.first or off[:5]}")
    return oracle


def _named(request: list[Any]) -> str:
    environ = request[0]
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{query}"


def _difference(left: list[Any], right: list[Any]) -> str:
    if left[0] != right[0]:
        return f"{left[0]} -> {right[0]}"
    if left[2] == right[2]:
        gone, new = ([each for each in a[1] if each not in b[1]] for a, b in ((left, right), (right, left)))
        return f"headers {gone} -> {new}"
    pairs = enumerate(zip(left[2], right[2], strict=False))
    shared = next((number for number, (a, b) in pairs if a != b), min(len(left[2]), len(right[2])))
    begin = max(0, shared - 30)
    return f"…{left[2][begin : shared + 50]!r} -> …{right[2][begin : shared + 50]!r}"
