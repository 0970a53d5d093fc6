"""Plays scripts where the tests will run: in the application's own pytest, with the fixtures of `conftest.py`."""

from __future__ import annotations

import base64
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder.keys import Key

from ..errors import InconclusiveError
from .players import PLUGIN, Player, playing
from .script import Script, Seen, to_json

_TEST = f"""from {PLUGIN} import rehearse


def test_rehearsal(request):
    rehearse(request)
"""


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


class Stage:
    """The folder with `conftest.py`, and processes of the interpreter that its tests are run with.

    They are started when the first script is played, and end with the stage. More than one are for fixtures that
    give each test a database of its own. `seed` is that of their hashes: sets have one order in all of them.
    """

    def __init__(self, folder: Path, python: str = "", players: int = 1, seed: int = 1) -> None:
        self.folder = folder
        self.python = python or sys.executable
        self._script = folder / f"test_rehearsal_{os.getpid()}.py"
        self._most = players
        self._seed = seed
        self._players: list[Player] = []
        self._ending = ExitStack()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.close()
        self._players.clear()

    def principals(self, digests: Sequence[str], key: Key) -> dict[str, Login]:
        """Principal -> the login of each whom the application knows."""
        asked = {"digests": list(digests), "secret": key.secret.hex()}
        found: dict[str, Login] = {}
        for line in self._run([{"key": "who", "who": asked, "fresh": True}]):
            if line["problem"]:
                raise InconclusiveError(f"The mint hook failed: {line['problem']}")
            found |= {
                digest: Login(one["id"], bool(one["headers"]), bool(one["cookies"]), frozenset(one["body"]))
                for digest, one in line["users"].items()
            }
        return found

    def play(self, scripts: Sequence[Script], *, fresh: bool = False, backwards: bool = False) -> dict[str, Played]:
        """Plays each script on a database of its own; by the script's key. Raises InconclusiveError.

        `fresh` makes the fixtures for each script, all in one process, as the tests will. Else what the application is
        when it has just been made is copied, where that can be done.
        """
        jobs = [
            {"key": script.key, "calls": [to_json(call) for call in script.calls], "fresh": fresh} for script in scripts
        ]
        lines = self._run(list(reversed(jobs)) if backwards else jobs)
        return {line["key"]: Played(tuple(map(_seen, line["seen"])), line["problem"]) for line in lines}

    def _run(self, jobs: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
        if not jobs:
            return []
        waiting = deque(jobs)
        while len(self._players) < min(self._most, len(jobs)):
            self._players.append(self._ending.enter_context(self._started()))

        def lines_of(player: Player) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            with suppress(IndexError):  # none is left
                while True:
                    found.append(player.play(waiting.popleft()))
            return found

        with ThreadPoolExecutor(len(self._players)) as threads:
            return [line for lines in threads.map(lines_of, self._players) for line in lines]

    @contextmanager
    def _started(self) -> Iterator[Player]:
        self._script.write_text(_TEST, encoding="utf-8")
        try:
            with playing(self.python, self._script, self._seed) as player:
                yield player
        finally:
            self._script.unlink(missing_ok=True)


def _seen(fields: Mapping[str, Any]) -> Seen:
    headers = tuple((str(name), str(value)) for name, value in fields["headers"])
    return Seen(fields["status"], headers, base64.b64decode(fields["body"]), dict(fields.get("variables") or {}))
