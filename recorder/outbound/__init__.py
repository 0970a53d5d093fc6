"""Outbound HTTP calls: what an application asks of other systems while it answers, noted per request."""

from __future__ import annotations

from ..guard import Guard
from ..observation import Observation
from .calls import CallLog, guard_with
from .clients import wrap_loaded_clients


def install(guard: Guard) -> None:
    """Wraps the HTTP clients that are loaded in this process; later ones are found as requests come in."""
    guard_with(guard)
    wrap_loaded_clients()


def equip(observation: Observation) -> None:
    """Gives an observation its log of calls."""
    wrap_loaded_clients()
    observation.calls = CallLog()
