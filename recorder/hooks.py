"""Which hooks this process has: they note SQL statements and outbound calls in the current request's observation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .observation import NOTHING, Observation
from .sql_hooks import SqlHook

if TYPE_CHECKING:
    from .config import RecorderConfig
    from .guard import Guard
    from .keys import Key
    from .outbound import OutboundHook


class Hooks:
    """Installs what the configuration asks for, once per process; a hook that fails is left out, and said so."""

    def __init__(self, config: RecorderConfig, guard: Guard) -> None:
        self._config = config
        self._guard = guard
        self._sql: SqlHook | None = None
        self._outbound: OutboundHook | None = None
        self._loaded = 0  # modules, when the libraries among them were last looked for
        self._wanted = NOTHING
        self.active = False
        """Whether there is anything that would note something."""

    def install(self, key: Key) -> None:
        """Called once recording or observing is sure to be on. Raises nothing."""
        if self._config.sql:
            self._sql = SqlHook(self._guard)
        if self._config.outbound:
            with self._guard.step("hooking HTTP clients"):
                from .outbound import OutboundHook

                self._outbound = OutboundHook(self._config, key, self._guard)
        self.active = self._sql is not None or self._outbound is not None

    def observation(self, run: str = "", tape: str = "") -> Observation:
        """A new one, ready for every hook. Runs in the request thread, before the application is called."""
        if len(sys.modules) != self._loaded:
            self._look()
        if self._sql is not None and self._sql.watches:
            self._sql.watch()
        made = Observation(run, tape, self._wanted)
        if tape and self._outbound is not None:
            self._outbound.answer(made)
        return made

    def _look(self) -> None:
        """Applications load libraries late: hooks the ones that have come since the last time."""
        self._loaded = len(sys.modules)
        self._wanted = NOTHING
        if self._sql is not None:
            self._wanted = self._wanted._replace(statements=self._sql.look())
        if self._outbound is not None:
            self._wanted = self._wanted._replace(calls=self._outbound.look())
