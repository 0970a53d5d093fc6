"""Outbound HTTP calls: what an application asks of other systems while it answers, noted per request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..guard import Guard
from ..observation import Observation
from .calls import CallLog, guard_with
from .clients import wrap_loaded_clients

if TYPE_CHECKING:
    from ..config import RecorderConfig
    from ..keys import Key


class OutboundHook:
    """Wraps the HTTP clients of this process; libraries that are loaded later are found as requests come in."""

    def __init__(self, config: RecorderConfig, key: Key, guard: Guard) -> None:
        self._key = key
        self._config = config
        guard_with(guard)
        wrap_loaded_clients()
        if config.observe:
            from . import guard_socket, tape, tape_header

            self._read_tape = tape_header.read_tape
            self._make_tape = tape.Tape
            self._allowed = tape.AllowedHosts(config.allow_hosts, config.egress == "block")
            guard_socket.install()

    def look(self) -> Callable[[], CallLog]:
        """Wraps what has been loaded since the last time; how what calls are noted in is made."""
        wrap_loaded_clients()
        return CallLog

    def answer(self, observation: Observation) -> None:
        """Has the calls of a request answered from the tape that a replay gave along.

        A tape that cannot be read, cut by a proxy maybe, is an empty one: what was to be answered must not go out.
        """
        calls = self._read_tape(self._key, observation.run, observation.tape)
        observation.calls = CallLog(self._make_tape(calls or (), self._allowed))
