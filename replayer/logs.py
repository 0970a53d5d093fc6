"""What long-running commands say, for those who collect it: `UNDERSTUDY_LOG=json` or `text`, one line each.

Without the variable commands speak to people, and nothing here is used. Everything goes through standard logging; what
the lines are about (a run, a pass, a recording, a worker) is set around the work by `about`.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import UsageError, nearest

FORMATS = ("json", "text")
FIELDS = ("run", "recording", "pass", "batch", "worker")
"""What a line may be about, in this order."""

_about: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("about", default=())
_handlers: list[logging.Handler] = []


def set_up(chosen: str) -> None:
    """Let every logger of this process write in the chosen format, to standard error. UsageError for another one."""
    if chosen not in FORMATS:
        hint = nearest(chosen, FORMATS) or f"It is one of {' and '.join(FORMATS)}, or not set."
        raise UsageError(f"UNDERSTUDY_LOG is {chosen!r}, which is no format of logs.", hint)
    take_down()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if chosen == "json" else _Text())
    handler.addFilter(_note_what_about)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("understudy").setLevel(logging.INFO)
    logging.getLogger("celery").setLevel(logging.INFO)
    logging.captureWarnings(True)
    _handlers.append(handler)


def take_down() -> None:
    """Let nothing more be written."""
    logging.captureWarnings(False)
    while _handlers:
        logging.getLogger().removeHandler(_handlers.pop())


def collected() -> bool:
    """Whether somebody collects what is said."""
    return bool(_handlers)


def told(text: str, level: int = logging.INFO) -> bool:
    """Write what was meant for a person, if somebody collects that; whether it was written."""
    if not _handlers:
        return False
    for line in text.strip().splitlines():
        logging.getLogger("understudy.command").log(level, "%s", line.strip().removeprefix("understudy: "))
    return True


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """What the lines of this work are about; names as in `FIELDS`, `pass_` for the pass."""
    known = dict(_about.get()) | {name.rstrip("_"): str(value) for name, value in fields.items()}
    token = _about.set(tuple((name, known[name]) for name in FIELDS if name in known))
    try:
        yield
    finally:
        _about.reset(token)


def _note_what_about(record: logging.LogRecord) -> bool:
    record.about = dict(_about.get())  # in the thread and the task that says it
    return True


def _time(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **vars(record).get("about", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        words = "".join(f" {name}={value}" for name, value in vars(record).get("about", {}).items())
        message = record.getMessage().replace("\n", "\\n")  # one line each, whatever is said
        line = f"{_time(record)} {record.levelname:<7} {record.name}{words}: {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
