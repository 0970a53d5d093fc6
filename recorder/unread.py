"""The request body that an application left unread, fetched after the response, and only where that cannot block.

An application that answers 401 without looking at the body still got one, and a replay needs it. The server would
read and throw it away, or close the connection; either way these bytes are nobody's any more.
"""

from __future__ import annotations

import array
import io
import sys
from typing import Any

from .capture import InputTee

LIMIT = 64 * 1024  # bytes; more than this is not worth a moment of the worker's time


def fetch_unread(tee: InputTee, environ: dict[str, Any], declared: int | None) -> None:
    """Lets the tee see the rest of a body of `declared` bytes, if that is known, when all of it has already arrived."""
    if declared is None:
        return
    missing = declared - tee.tally.size
    if missing <= 0 or tee.gap or declared > min(LIMIT, tee.tally.cap) or "HTTP_EXPECT" in environ:
        return
    stream: Any = tee.stream
    if _is_in_memory(stream):
        position = stream.tell()
        if tee.position == tee.tally.size:
            tee.read(missing)
        stream.seek(position)
    elif _arrived(stream, environ, missing):
        tee.read(missing)


def _is_in_memory(stream: object) -> bool:
    module = sys.modules.get("tempfile")
    return isinstance(stream, io.BytesIO) or (module is not None and isinstance(stream, module.SpooledTemporaryFile))


def _arrived(stream: Any, environ: dict[str, Any], missing: int) -> bool:
    """Whether gunicorn holds the rest, in its own buffer or in the socket's: reading it then cannot wait.

    Asked of gunicorn's own objects; where one of them is not what it is today, the answer is no.
    """
    connection = environ.get("gunicorn.socket")
    if connection is None:
        return False
    try:
        reader = stream.reader
        if reader.length < missing - stream.buf.tell():
            return False
        held = stream.buf.tell() + reader.unreader.buf.getbuffer().nbytes
        return bool(held + _in_socket(connection) >= missing)
    except (AttributeError, TypeError, ValueError, OSError):
        return False


def _in_socket(connection: Any) -> int:
    """Bytes that the kernel holds for a plain socket. Those of a TLS one are not the body's: none."""
    if hasattr(connection, "getpeercert"):
        return 0
    import fcntl
    import termios

    count = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.FIONREAD, count)
    return count[0]
