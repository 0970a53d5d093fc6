"""A Redis stream: one entry for each batch. The one module that knows the `redis` library.

A connection of its own is used, and no client: no pool, no retries, no lock that another thread could hold while the
process forks. `MAXLEN ~` bounds the stream; what it trims is lost, and shows as gaps in the producers' sequences.
"""

from __future__ import annotations

from typing import Any

import redis
from redis import exceptions
from redis.connection import Connection, SSLConnection

from ..batches import VERSION
from .address import RedisAddress
from .batching import Batch
from .transport import Undelivered

_CONNECT = 1.0  # seconds for the TCP connection alone
_LOGIN = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)
_LEAST = 0.01  # seconds


class RedisTransport:
    """Writes to one stream over one connection."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._connection: Any = None  # a connection's methods carry no types

    def send(self, batch: Batch, seconds: float) -> None:
        used = self._connection is not None
        connection = self._connection if used else self._connect(seconds)
        encoding, data = batch.packed()
        address = self._address
        entry = ("v", VERSION, "e", encoding, "d", data, "n", str(batch.exchanges))
        try:
            _set_timeout(connection, seconds)
            connection.send_command("XADD", address.stream, "MAXLEN", "~", address.maxlen, "*", *entry)
            connection.read_response()
        except redis.RedisError as error:
            self.close()
            raise self._undelivered(error, asked=True, used=used) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()  # sends nothing, and shuts nothing down in the child of a fork

    def _connect(self, seconds: float) -> Any:
        connection = _connection(self._address, min(_CONNECT, seconds), seconds)
        try:
            connection.connect()
        except redis.RedisError as error:
            connection.disconnect()
            raise self._undelivered(error, asked=False, used=False) from error
        except BaseException:
            connection.disconnect()
            raise
        self._connection = connection
        return connection

    def _undelivered(self, error: redis.RedisError, asked: bool, used: bool) -> Undelivered:
        """`asked`: whether the command may have reached the server."""
        reason, said = _refusal(error)
        if reason:  # the server answered, and did not do it
            return Undelivered(reason, f"{self._address.shown}: {said}")
        if isinstance(error, redis.TimeoutError):
            return Undelivered("sink_timeout", f"{self._address.shown} does not answer in time", doubtful=asked)
        detail = f"{self._address.shown} cannot be reached: {_first_line(error)}"
        return Undelivered("sink_unavailable", detail, doubtful=asked, stale=asked and used)


def _connection(address: RedisAddress, connect: float, answer: float) -> Any:
    settings: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "db": address.database,
        "username": address.username,
        "password": address.password,
        "socket_connect_timeout": connect,
        "socket_timeout": answer,
        "protocol": 2,
    }
    kind: Any = Connection
    if address.tls is not None:
        kind = SSLConnection
        settings |= {
            "ssl_ca_certs": address.tls.ca_certs,
            "ssl_certfile": address.tls.certfile,
            "ssl_keyfile": address.tls.keyfile,
            "ssl_cert_reqs": "required" if address.tls.verify else "none",
            "ssl_check_hostname": address.tls.check_hostname,
        }
    # What a new connection tells about the library costs two more round trips. Older releases name it otherwise.
    if hasattr(redis, "DriverInfo"):
        return kind(driver_info=None, **settings)
    return kind(lib_name=None, lib_version=None, **settings)


def _set_timeout(connection: Any, seconds: float) -> None:
    """For the next command alone: at the end of a process there may be less time than there was when it connected."""
    made = getattr(connection, "_sock", None)
    if made is not None:
        made.settimeout(max(seconds, _LEAST))


def _refusal(error: redis.RedisError) -> tuple[str, str]:
    """The reason and the server's words when it refused a command; empty when it may have followed it."""
    said = _first_line(error)
    if isinstance(error, _LOGIN) or "unauthenticated" in said:
        return "redis_login", f"the user, the password or their rights are refused: {said}"
    if isinstance(error, redis.ReadOnlyError):
        return "redis_read_only", f"it is a replica that takes no writes: {said}"
    if isinstance(error, redis.OutOfMemoryError):
        return "redis_full", f"it has no memory left (maxmemory): {said}"
    if isinstance(error, redis.BusyLoadingError):
        return "redis_loading", f"it is still loading its data: {said}"
    if isinstance(error, redis.ResponseError):
        if said.startswith("MISCONF"):
            return "redis_disk_full", f"it cannot write to its disk: {said}"
        if said.startswith("WRONGTYPE"):
            return "redis_wrong_type", f"the key of that name is no stream: {said}"
        return "redis_refused", f"it refuses: {said}"
    return "", said


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
