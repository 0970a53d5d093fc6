"""An ingest endpoint: one POST for each batch, over a connection that is kept. Standard library only.

The application's own calls are recorded where they leave through http.client; these are not, since the thread that
makes them has no request (`pipeline.py` sees to it).
"""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING

from ..batches import MEDIA_TYPE
from ..guard import logger
from .address import HttpAddress, Tls
from .batching import Batch
from .transport import Refused, Undelivered

if TYPE_CHECKING:
    from ssl import SSLContext

_CONNECT = 1.0  # seconds for one address of the host
_LONGEST_ANSWER = 64 * 1024  # bytes
_SHOWN = 120  # characters of an answer that are shown
_ANSWERED_EARLY = 0.05  # seconds for an answer that must be there already
_LOGIN_WAIT = 30.0  # seconds: a token that is refused is seldom accepted a moment later


class HttpTransport:
    """Posts to one URL over one connection."""

    def __init__(self, address: HttpAddress) -> None:
        self._address = address
        self._connection: HTTPConnection | None = None
        self._context: SSLContext | None = None

    def send(self, batch: Batch, seconds: float) -> None:
        used = self._connection is not None
        connection = self._connection or self._connect(seconds)
        encoding, data = batch.packed()
        headers = {"Content-Type": MEDIA_TYPE, "Content-Encoding": encoding}
        if self._address.token:
            headers["Authorization"] = f"Bearer {self._address.token}"
        try:
            whole = _asked(connection, self._address.path, data, headers, seconds)
            response = connection.getresponse()
            body = response.read(_LONGEST_ANSWER + 1)
        except TimeoutError as error:
            self.close()
            raise Undelivered(
                "sink_timeout", f"{self._address.shown} does not answer in time", doubtful=True
            ) from error
        except (OSError, HTTPException) as error:
            self.close()
            raise Undelivered("sink_unavailable", self._unreachable(error), doubtful=True, stale=used) from error
        except BaseException:
            self.close()
            raise
        if response.will_close or len(body) > _LONGEST_ANSWER or not whole:
            self.close()
        self._judge(response, body, batch)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connect(self, seconds: float) -> HTTPConnection:
        address = self._address
        patience = min(_CONNECT, seconds)
        connection: HTTPConnection
        try:
            if address.tls is None:
                connection = HTTPConnection(address.host, address.port, timeout=patience)
            else:
                if self._context is None:
                    self._context = _context(address.tls)
                connection = HTTPSConnection(address.host, address.port, timeout=patience, context=self._context)
            connection.connect()
        except TimeoutError as error:
            raise Undelivered("sink_timeout", f"{address.shown} cannot be reached in time") from error
        except OSError as error:
            raise Undelivered("sink_unavailable", self._unreachable(error)) from error
        self._connection = connection
        return connection

    def _unreachable(self, error: BaseException) -> str:
        said = (str(error).splitlines() or [""])[0][:_SHOWN] or type(error).__name__
        return f"{self._address.shown} cannot be reached: {said}"

    def _judge(self, response: HTTPResponse, body: bytes, batch: Batch) -> None:
        """Returns when the batch was taken; raises what became of it otherwise."""
        status = response.status
        said = f"{self._address.shown} answers {status}"
        if status == 202:
            taken = _taken(body)
            if taken is None:
                raise Undelivered("not_ingest", f"{said}, but not as an ingest endpoint does")
            if taken != batch.exchanges:
                logger.warning("understudy: %s, and read %d exchanges of %d", said, taken, batch.exchanges)
            return
        if status == 413:
            raise Refused("too_large", f"{said}: a batch is too large for it", too_large=True)
        if status in (400, 422):
            raise Refused("batch_refused", f"{said}: {_words(body)}")
        if status in (401, 403):
            raise Undelivered("token_refused", f"{said}: the token is refused", wait=_LOGIN_WAIT)
        if status in (429, 503):
            raise Undelivered("ingest_busy", f"{said}: later", wait=_retry_after(response))
        if status == 408:
            raise Undelivered("sink_timeout", f"{said}: the batch did not arrive in time")
        if status in (502, 504):
            raise Undelivered("ingest_failed", f"{said}: nothing answers behind it", doubtful=True)
        if status >= 500:
            raise Undelivered("ingest_failed", f"{said}: {_words(body)}", suspect=True)
        raise Undelivered("not_ingest", f"{said}: this is no address of an ingest endpoint")


def _asked(connection: HTTPConnection, path: str, data: bytes, headers: dict[str, str], seconds: float) -> bool:
    """Sends a request. False when not all of it could be sent: 413 may be answered before everything was read."""
    connection.sock.settimeout(seconds)
    try:
        connection.request("POST", path, data, headers)
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        connection.sock.settimeout(_ANSWERED_EARLY)
        return False
    return True


def _taken(body: bytes) -> int | None:
    """How many exchanges the endpoint says were in the batch."""
    try:
        found = json.loads(body)["exchanges"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) else None


def _retry_after(response: HTTPResponse) -> float:
    """Seconds, from a number of them or a date (RFC 9110 §10.2.3); 0 without either."""
    value = (response.getheader("Retry-After") or "").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


def _words(body: bytes) -> str:
    return " ".join(body[:_SHOWN].decode("utf-8", "replace").split()) or "(no words)"


def _context(tls: Tls) -> SSLContext:
    import ssl

    context = ssl.create_default_context(cafile=tls.ca_certs)
    context.check_hostname = tls.check_hostname
    if not tls.verify:
        context.verify_mode = ssl.CERT_NONE
    if tls.certfile is not None:
        context.load_cert_chain(tls.certfile, tls.keyfile)
    return context
