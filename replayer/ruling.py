"""What is to be done about a reply, beside taking it for an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ruling:
    """Seconds, and requests under way at once."""

    again: bool = False  # the request is to be sent once more: a read that was not processed
    wait: float = 0.0  # before that
    pause: float = 0.0  # nothing is sent to the target for so long
    most: int = 0  # no more requests under way at once from now on; 0: as many as before
    ask: bool = False  # whether the target is there at all is to be asked before anything else is sent


GO_ON = Ruling()
