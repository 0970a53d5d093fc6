"""Credentials for principals whose login the recording does not hold, made by the target's own code."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import recorder
from recorder.keys import Key

from .errors import UnderstudyError
from .process import GuardedProcess, environment, interpreter
from .target_settings import TargetSettings

MINT_SECONDS = 30.0
"""For one principal: the function may log in at the target, which may hash a password slowly."""

_CHILD = Path(__file__).with_name("instances") / "mint_child.py"
_LINE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What takes the place of the recorded credentials of one principal; pairs of name and value."""

    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    body: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MintFailure:
    """Why there are no credentials, in one sentence for the ledger."""

    message: str


Minted = Credentials | MintFailure | None
"""None: the function knows no such principal."""


class Mint:
    """Asks `mint` of one target, each principal once. The child process starts with the first question."""

    def __init__(self, target: TargetSettings, key: Key | None, base_url: str, timeout: float = MINT_SECONDS) -> None:
        self._target = target
        self._key = key
        self._base_url = base_url
        self._timeout = timeout
        self._known: dict[str, Minted] = {}
        self._lock = asyncio.Lock()
        self._child: _Child | None = None
        self._broken: MintFailure | None = None

    async def credentials(self, digest: str) -> Minted:
        """What the principal with this digest needs; errors and timeouts are values."""
        if not self._target.mint:
            return MintFailure(f"target {self._target.name} has no `mint`")
        if self._key is None:
            return MintFailure("principals are keyed hashes, and there is no key to match them with")
        async with self._lock:
            if digest not in self._known:
                self._known[digest] = await self._ask(self._key, digest)
            return self._known[digest]

    async def aclose(self) -> None:
        """End the child process."""
        child, self._child = self._child, None
        if child is not None:
            await child.aclose()

    async def _ask(self, key: Key, digest: str) -> Minted:
        if self._broken is not None:
            return self._broken
        try:
            if self._child is None:
                self._child = await _Child.start(self._target)
                await self._child.ask({"secret": key.secret.hex()}, self._timeout)
            reply = await self._child.ask({"digest": digest, "base_url": self._base_url}, self._timeout)
        except _Unusable as error:
            # A child that hangs or died is replaced for the next principal; one that cannot be loaded is not.
            await self.aclose()
            failure = MintFailure(error.message)
            self._broken = failure if error.lasting else None
            return failure
        except UnderstudyError as error:
            self._broken = MintFailure(error.message)
            return self._broken
        if "error" in reply:
            return MintFailure(str(reply["error"]))
        return _credentials(reply.get("credentials"))


class _Unusable(Exception):
    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.lasting = lasting


class _Child:
    """The process and its socket."""

    def __init__(
        self, process: GuardedProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, spec: str
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._spec = spec

    @classmethod
    async def start(cls, target: TargetSettings) -> _Child:
        ours, theirs = socket.socketpair()
        folder = str(Path(recorder.__file__).absolute().parent.parent)
        argv = [interpreter(target), str(_CHILD), str(theirs.fileno()), target.mint, folder]
        try:
            with theirs:
                process = GuardedProcess(argv, env=environment(target), cwd=target.cwd, pass_fds=[theirs.fileno()])
        except BaseException:
            ours.close()
            raise
        reader, writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
        return cls(process, reader, writer, target.mint)

    async def ask(self, message: dict[str, str], timeout: float) -> dict[str, Any]:
        """The answer to one line. Raises _Unusable when the child hangs, has died, or could not load the function."""
        try:
            async with asyncio.timeout(timeout):
                self._writer.write(json.dumps(message).encode() + b"\n")
                await self._writer.drain()
                line = await self._reader.readline()
        except TimeoutError:
            raise _Unusable(f"{self._spec} did not answer within {timeout:g} s") from None
        except (OSError, ValueError) as error:
            raise _Unusable(f"the process of {self._spec} cannot be talked to: {error}") from error
        if not line:
            last = self._process.tail().rpartition("\n")[2] or "no output"
            raise _Unusable(f"the process of {self._spec} ended: {last}")
        reply = json.loads(line)
        if "secret" in message and "error" in reply:
            raise _Unusable(reply["error"], lasting=True)
        return dict(reply)

    async def aclose(self) -> None:
        self._writer.close()
        await self._process.aclose()


def _credentials(fields: dict[str, list[list[str]]] | None) -> Credentials | None:
    if fields is None:
        return None

    def pairs(part: str) -> tuple[tuple[str, str], ...]:
        return tuple((name, value) for name, value in fields.get(part, ()))

    return Credentials(pairs("headers"), pairs("cookies"), pairs("body"))
