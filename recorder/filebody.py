"""The body of a file-wrapper response, read beside the server: the wrapper itself goes to it untouched (sendfile)."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import Any

_RAW_FILES = (io.BufferedReader, io.BufferedRandom, io.FileIO)


def file_body(wrapper: Any, announced: int | None, cap: int) -> tuple[bytes, int]:
    """The first `cap` bytes that the server will send of a file wrapper, and the size of the whole.

    `announced` is the response's Content-Length. No position that the server can see is moved: a regular file is read
    with pread, an in-memory one put back where it was. Of anything else only the size is told, where it is known.
    """
    filelike: Any = getattr(wrapper, "filelike", None)
    if filelike is None:
        filelike = getattr(wrapper, "file", None)  # werkzeug's name for it
    if _is_temporary_wrapper(filelike):
        filelike = filelike.file
    if isinstance(filelike, _RAW_FILES):
        return _regular_file(filelike, announced, cap)
    if isinstance(filelike, (io.BytesIO, *_spooled())):
        return _memory_file(filelike, announced, cap)
    return b"", announced or 0


def _regular_file(filelike: Any, announced: int | None, cap: int) -> tuple[bytes, int]:
    descriptor = filelike.fileno()
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return b"", announced or 0
    offset = filelike.tell()
    size = max(status.st_size - offset, 0)
    if announced is not None:
        size = min(size, announced)
    wanted = min(size, cap)
    pieces = []
    while wanted > 0:
        piece = os.pread(descriptor, wanted, offset)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
        wanted -= len(piece)
    return b"".join(pieces), size


def _memory_file(filelike: Any, announced: int | None, cap: int) -> tuple[bytes, int]:
    offset = filelike.tell()
    size = max(filelike.seek(0, os.SEEK_END) - offset, 0)
    if announced is not None:
        size = min(size, announced)
    filelike.seek(offset)
    data = filelike.read(min(size, cap))
    filelike.seek(offset)
    return data, size


def _is_temporary_wrapper(filelike: object) -> bool:
    """Whether it is `tempfile`'s wrapper; where the application has not loaded that module it cannot be."""
    module = sys.modules.get("tempfile")
    return module is not None and isinstance(filelike, module._TemporaryFileWrapper)


def _spooled() -> tuple[type, ...]:
    module = sys.modules.get("tempfile")
    return (module.SpooledTemporaryFile,) if module is not None else ()
