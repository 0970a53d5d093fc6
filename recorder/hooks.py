"""Which hooks this process has: they note SQL statements and outbound calls in the current request's observation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .observation import Observation
from .sql_hooks import SqlHook

if TYPE_CHECKING:
    from .capture import Capture
    from .config import RecorderConfig
    from .guard import Guard
    from .keys import Key

Equip = Callable[[Observation], None]
"""Gives a new observation the place where one kind of hook notes what it sees."""


class Hooks:
    """Installs what the configuration asks for, once per process; a hook that fails is left out, and said so."""

    def __init__(self, config: RecorderConfig, guard: Guard) -> None:
        self._config = config
        self._guard = guard
        self._equip: tuple[Equip, ...] = ()

    def install(self, key: Key) -> None:
        """Called once recording or observing is sure to be on. Raises nothing."""
        if self._config.sql:
            self._equip += (SqlHook(self._guard).equip,)
        if self._config.outbound:
            with self._guard.step("hooking HTTP clients"):
                from .outbound import OutboundHook

                self._equip += (OutboundHook(self._config, key, self._guard).equip,)

    @property
    def active(self) -> bool:
        """Whether there is anything that would note something."""
        return bool(self._equip)

    def observation(self, run: str = "", tape: str = "") -> Observation:
        """A new one, ready for every hook."""
        made = Observation(run, tape)
        for equip in self._equip:
            equip(made)
        return made

    def begun(self, capture: Capture) -> Observation:
        """A new one for a request that is recorded."""
        made = capture.observation = self.observation()
        return made
