"""A Redis stream of batches, read as a member of a consumer group. The one module of the replayer that knows redis.

Entries belong to the member that they were handed to until it acknowledges them, which is done when they are in the
store; those of a member that died are claimed by another one after a while. Every failure of Redis that may pass is a
`StreamUnavailable`: nothing is lost by asking again.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from recorder.batches import VERSION

from .errors import InconclusiveError, UsageError
from .intake import Batch

DEFAULT_STREAM = "understudy"
GROUP = "understudy-ingest"

ENTRIES = 16
"""Entries asked for at a time: about a thousand exchanges, and never more than sixteen batches in memory."""

ANSWER_SECONDS = 10.0
"""How long Redis may take to answer, beside what it is asked to wait."""


LONGEST_WAIT = 5.0
"""Seconds that `read` waits at most."""


class StreamUnavailable(InconclusiveError):
    """Redis cannot be used now; asking again later may help."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream: its id, and the batch that it is or should be."""

    id: str
    batch: Batch


class Stream:
    """One stream, as one member of the group that drains it. `claim_after` is in seconds."""

    def __init__(self, url: str, *, claim_after: float = 30.0) -> None:
        self._address, self.name = _parse(url)
        self.claim_after = claim_after
        self._member = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._claim_from = "0-0"
        self._joined = False
        try:
            self._client = redis.Redis.from_url(
                self._address,
                protocol=2,
                socket_connect_timeout=ANSWER_SECONDS,
                socket_timeout=ANSWER_SECONDS + LONGEST_WAIT,
                socket_keepalive=True,
                retry=Retry(NoBackoff(), 0),  # whoever asks decides when to ask again
            )
            self._client.response_callbacks.clear()  # answers as Redis gives them: versions make other things of them
        except ValueError as error:
            raise UsageError(f"{self.shown} is not the URL of a Redis: {error}.", _EXAMPLE) from None

    @property
    def shown(self) -> str:
        """The stream's address, without its password."""
        parts = urlsplit(self._address)
        place = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{'***@' if '@' in parts.netloc else ''}{place}{parts.path}?stream={self.name}"

    def ping(self) -> None:
        """Asks whether Redis is there, and joins nothing. Raises as everything here does when it is not."""
        try:
            self._execute("PING")
        except RedisError as error:
            raise self._refused(error) from error
        finally:
            self._client.close()

    def read(self, seconds: float) -> list[Entry]:
        """New entries, which are ours from now on; none when nothing came within the time."""
        milliseconds = max(int(min(seconds, LONGEST_WAIT) * 1000), 1)
        command = ("XREADGROUP", "GROUP", GROUP, self._member, "COUNT", ENTRIES, "BLOCK", milliseconds)
        asked = self._ask(*command, "STREAMS", self.name, ">")
        return [self._entry(*pair) for _, pairs in asked or () for pair in pairs]

    def claim(self) -> list[Entry]:
        """Entries that another member, or we before, has had for too long; they are ours from now on."""
        idle = max(int(self.claim_after * 1000), 1)
        asked = self._ask("XAUTOCLAIM", self.name, GROUP, self._member, idle, self._claim_from, "COUNT", ENTRIES)
        self._claim_from = asked[0].decode()
        # an entry that was trimmed before it was read is given as None, by servers before version 7
        return [self._entry(*pair) for pair in asked[1] if pair is not None and pair[1] is not None]

    def settle(self, ids: Iterable[str], *, keep: bool = False) -> None:
        """Acknowledge entries, and remove them from the stream unless they are to be kept for others."""
        given = list(ids)
        if given:
            commands: list[tuple[Any, ...]] = [("XACK", self.name, GROUP, *given)]
            if not keep:
                commands.append(("XDEL", self.name, *given))
            self._ask(*commands)

    def waiting(self) -> int:
        """Entries that nobody has acknowledged yet: not read, or read and not kept."""
        for group in self._ask("XINFO", "GROUPS", self.name):
            found = dict(zip(group[::2], group[1::2], strict=True))
            if found[b"name"] == GROUP.encode():
                lag = found.get(b"lag")
                unread = int(lag) if lag is not None else int(self._ask("XLEN", self.name)) - int(found[b"pending"])
                return int(found[b"pending"]) + max(unread, 0)
        return 0

    def leave(self) -> None:
        """Leave the group, unless some entries are still ours: those are for the others to claim."""
        try:
            if not self._ask("XPENDING", self.name, GROUP, "-", "+", 1, self._member):
                self._ask("XGROUP", "DELCONSUMER", self.name, GROUP, self._member)
        except (StreamUnavailable, UsageError):
            pass
        self._client.close()

    def _entry(self, entry_id: bytes, flat: Any) -> Entry:
        fields: Mapping[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=False))
        identity = entry_id.decode()
        name, size, fault = f"stream {self.name} entry {identity}", sum(map(len, fields.values())), ""
        if fields.get(b"v") != VERSION.encode():
            said = fields.get(b"v", b"none").decode("utf-8", "replace")[:20]
            fault = f"an entry of version {said}; this release reads version {VERSION}"
        elif b"d" not in fields or b"e" not in fields:
            fault = "an entry without a batch"
        encoding, data = fields.get(b"e", b"").decode("utf-8", "replace"), fields.get(b"d", b"")
        return Entry(identity, Batch(name, encoding, data, fault, size))

    def _ask(self, *command: Any) -> Any:
        """What Redis answers to a command, or to several that are given as tuples and done together."""
        try:
            if not self._joined:
                self._join()
            if isinstance(command[0], str):
                return self._execute(*command)
            together = self._client.pipeline(transaction=True)
            for each in command:
                together.execute_command(*each)  # type: ignore[no-untyped-call]
            return together.execute()
        except ResponseError as error:
            if "NOGROUP" not in str(error) and "no such key" not in str(error):
                raise self._refused(error) from error
            self._joined = False  # Redis was emptied, or the stream deleted
            raise StreamUnavailable(f"The stream {self.shown} has gone, and is made again.") from error
        except RedisError as error:
            raise self._refused(error) from error

    def _join(self) -> None:
        try:
            self._execute("XGROUP", "CREATE", self.name, GROUP, "0", "MKSTREAM")
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._joined = True

    def _execute(self, *command: Any) -> Any:
        return self._client.execute_command(*command)  # type: ignore[no-untyped-call]

    def _refused(self, error: RedisError) -> InconclusiveError | UsageError:
        """What to tell of an error of Redis: what asking again cannot help is a UsageError."""
        reason = " ".join(str(error).split()).removesuffix(".")[:300]
        if isinstance(error, AuthenticationError | NoPermissionError) or reason.startswith(("NOAUTH", "WRONGPASS")):
            return UsageError(f"Redis at {self.shown} refuses us: {reason}.", "Check user and password in the URL.")
        if "WRONGTYPE" in reason:
            return UsageError(f"{self.name!r} at {self.shown} is no stream.", "Name another one: ?stream=NAME")
        if "unknown command" in reason.lower():
            return UsageError(f"Redis at {self.shown} is too old: {reason}.", "XAUTOCLAIM needs Redis 6.2 or newer.")
        return StreamUnavailable(
            f"Redis at {self.shown} cannot be used: {reason}.", "Is the server running, and is the URL right?"
        )


_EXAMPLE = "For example: redis://HOST:6379/0?stream=understudy"


def _parse(url: str) -> tuple[str, str]:
    """A sink's URL as the address of a Redis, and the stream's name."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise UsageError(f"{url.rpartition('@')[2][:80]!r} is not the URL of a Redis.", _EXAMPLE)
    query = parse_qsl(parts.query, keep_blank_values=True)
    name = next((value for key, value in query if key == "stream"), "") or DEFAULT_STREAM
    ours = ("stream", "maxlen", "policy", "spill")  # what a recorder's sink reads
    rest = urlencode([(key, value) for key, value in query if key not in ours])
    return urlunsplit(parts._replace(query=rest)), name
