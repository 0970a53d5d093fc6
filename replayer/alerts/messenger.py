"""What every way to people does with a message, and what can come of it: outcomes are values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from .message import Message


class Outcome(Enum):
    """What came of sending one message."""

    DELIVERED = "delivered"
    LATER = "later"  # not now: it may be sent again
    REFUSED = "refused"  # the message itself was not taken: sending it again does not help


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way."""

    message: Message
    number: int  # of the message in the store: the same in every attempt
    destination: str  # a channel; "" where there is only one
    edits: str = ""  # the `ref` of the message that it takes the place of
    thread: str = ""  # the `ref` of the message that it belongs below


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of it. `said` is a short sentence without secrets."""

    outcome: Outcome
    said: str = ""
    ref: str = ""  # by which a delivered message can be edited and answered; "" where that can not be
    after: float | None = None  # seconds that were asked for before anything is sent this way again
    way_is_shut: bool = False  # other messages would fare no better now


class Messenger(Protocol):
    """One way to people."""

    def send(self, letter: Letter) -> Receipt:
        """Sends one message, within a bounded time. Raises nothing that a server or a network can cause."""
        ...

    def close(self) -> None:
        """Ends connections."""
        ...
