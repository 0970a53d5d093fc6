"""Text that a command writes to a file or to standard output"""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import UsageError
from .report_files import STANDARD_OUTPUT


def write_text(path: str, text: str) -> None:
    """Write to a file, or with "-" to standard output, as UTF-8. Raises UsageError for what can not be written."""
    data = text.encode("utf-8", "backslashreplace")
    if path == STANDARD_OUTPUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(path).write_bytes(data)
    except OSError as failure:
        raise UsageError(f"{path!r} can not be written: {failure.strerror}.") from failure
