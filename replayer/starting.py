"""Gates that are started from a page: each in a process of its own that outlives whoever started it, one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import ConflictError, UnderstudyError, UsageError
from .gate_options import GateOptions, again_as, as_asked
from .retrial import Again
from .settings import Settings
from .store import Store
from .supervision import STARTING, state_of

LOGS = Path(".understudy") / "started"
"""Where the output of what was started is kept, in the server's folder."""

KEPT_LOGS = 50
LOG_END = 64 * 1024
"""Bytes of a log that a page shows."""

PASSES = range(2, 21)

_PROGRAM = "from replayer.cli.main import script; script()"


@dataclass(frozen=True, slots=True)
class GateWish:
    """What somebody wants to have judged; targets by their names in the settings file."""

    recording: str
    candidate: str
    baselines: tuple[str, ...] = ()
    passes: int = 3


class Starter:
    """Starts gates on the database of one server, and knows which of them are its own."""

    def __init__(self, settings: Settings, store: Callable[[], Store], logs: Path = LOGS) -> None:
        self._settings = settings
        self._store = store
        self._logs = logs.absolute()
        self._lock = threading.Lock()

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of all targets that there are."""
        return tuple(target.name for target in self._settings.targets)

    def start(self, wish: GateWish, by: str) -> str:
        """Begins a run; its id. Raises UsageError for what cannot be run, and while another one is under way."""
        store = self._store()
        return self._begin(store, self._options(store, wish), by)

    def again(self, run: str, by: str, finding: str = "") -> str:
        """Begins a run as another one was asked for, here and now; its id. Raises ConflictError where that can not be.

        With a `finding` of that run, it is replayed alone. What was declared of targets on a command line is not taken
        over: that they are disposable is for the settings file to say.
        """
        store = self._store()
        given = store.run(run)
        try:
            before = again_as(store, given, Again(given.id, finding) if finding else None)
            wish = GateWish(before.recording, before.candidate, before.baselines, before.passes)
            here = self._options(store, wish).settings_path
            wanted = replace(before, settings_path=here, disposable=False, executor="local")
            return self._begin(store, wanted, by, given.id)
        except UsageError as error:  # nobody typed what is wrong here: targets, settings or the recording have changed
            raise ConflictError(error.message, error.hint) from None

    def _begin(self, store: Store, options: GateOptions, by: str, like: str = "") -> str:
        asked = as_asked(self._settings, store, options)
        info = store.recording(options.recording)
        with self._lock:
            if busy := self.under_way():
                raise ConflictError(
                    f"This server runs one gate at a time, and {busy} is under way.", "Wait, or cancel it."
                )
            run = store.create_run(
                info.id,
                candidate=asked.candidate.name,
                baselines=tuple(target.name for target in asked.baselines),
                branch=options.branch,
                commit=options.commit,
                state=STARTING,
                asked=options.to_json(),
                finding=options.again.fingerprint if options.again else "",
            )
            alone = f", the finding {options.again.fingerprint} alone" if options.again else ""
            why = f"again, as {like}{alone}" if like else ""
            store.note(by, "run.started", run, after=f"{options.recording}: {options.candidate}", reason=why)
            try:
                process = self._spawn(run, by)
            except OSError as error:
                store.set_run_state(run, "failed")
                raise UsageError(
                    f"The gate cannot be started: {error.strerror}.", f"Is {self._logs} writable?"
                ) from None
        threading.Thread(target=self._reap, args=(process, run), daemon=True).start()
        return run

    def under_way(self) -> str:
        """The id of the run that was started here, by this process or one before it, and is not over; "" for none."""
        now = time.time()
        alive = (run for run in self._store().runs() if state_of(run, now) in (STARTING, "running"))
        return next((run.id for run in alive if self.has_log(run.id)), "")

    def has_log(self, run: str) -> bool:
        """Whether a run was started here, and what it said is still kept."""
        return self._log(run).exists()

    def log_end(self, run: str) -> str | None:
        """The last lines of what a run said; None for one that was not started here."""
        try:
            with self._log(run).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_END))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return None

    def _options(self, store: Store, wish: GateWish) -> GateOptions:
        if store.is_private:
            raise UsageError("A database in memory can not be shared with another process.", "Name one with --db.")
        for name in (wish.candidate, *wish.baselines):
            if name not in self.targets:
                raise UsageError(f"The settings file names no target {name!r}.", "Add it there, and serve again.")
        if wish.passes not in PASSES:
            raise UsageError(f"A baseline is passed {PASSES[0]} to {PASSES[-1]} times, not {wish.passes}.")
        return GateOptions(
            recording=wish.recording,
            candidate=wish.candidate,
            baselines=wish.baselines,
            settings_path=self._settings.source,
            passes=wish.passes,
        )

    def _spawn(self, run: str, by: str) -> subprocess.Popen[bytes]:
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in _oldest(self._logs, KEPT_LOGS - 1):
            old.unlink(missing_ok=True)
        descriptor = os.open(self._log(run), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as log:
            log.write(f"Started from a page by {by}.\n".encode())
            log.flush()
            return subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, "runs", "resume", run],
                env=os.environ | {"UNDERSTUDY_DATABASE_URL": self._settings.database_url},  # may hold a password
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _reap(self, process: subprocess.Popen[bytes], run: str) -> None:
        """Waits for the process; a run that it did not even begin has failed."""
        process.wait()
        with suppress(UnderstudyError):
            store = self._store()
            if store.run(run).state == STARTING:
                store.set_run_state(run, "failed")

    def _log(self, run: str) -> Path:
        return self._logs / f"{run}.log"


def _oldest(folder: Path, keep: int) -> Sequence[Path]:
    """All logs but the newest."""
    return sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)[:-keep]
