"""How batches reach a server, and the ways in which they do not."""

from __future__ import annotations

from typing import Protocol

from .batching import Batch


class Transport(Protocol):
    """One connection to one server, made when it is needed."""

    def send(self, batch: Batch, seconds: float) -> None:
        """Hands a batch over and returns when the server has it. Neither connecting nor asking takes longer than that.

        Raises `Undelivered` or `Refused`.
        """

    def close(self) -> None:
        """Lets go of the connection. Also called in the child of a fork, where nothing may be sent on it."""


class Undelivered(Exception):
    """The server did not take a batch, and may take it later. `reason` is a short fixed phrase.

    doubtful  it may have taken it all the same: its answer is missing
    stale     the connection had been used before, and was gone: as likely as not the server is well
    suspect   the server failed over this batch, and may not over another
    wait      seconds for which it asks to be left alone
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        doubtful: bool = False,
        stale: bool = False,
        suspect: bool = False,
        wait: float = 0.0,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.doubtful = doubtful
        self.stale = stale
        self.suspect = suspect
        self.wait = wait


class Refused(Exception):
    """The server will never take this batch. `too_large`: it may take the halves."""

    def __init__(self, reason: str, detail: str, *, too_large: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.too_large = too_large
