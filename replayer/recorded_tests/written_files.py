"""Files that are written for a user, and then belong to the user: one that was edited is not written again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

_FIRST = re.compile(r"# Written by understudy export pytest, ([0-9a-f]{16})\. An edited file is kept\.")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of each file, by name."""

    written: tuple[str, ...]
    kept: tuple[str, ...]  # edited
    removed: tuple[str, ...]


def marked(text: str) -> str:
    """The text with the line in front by which a later export knows it again."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"# Written by understudy export pytest, {digest}. An edited file is kept.\n{text}"


def is_ours(content: str) -> bool:
    """Whether a file is as an export has written it."""
    first, _, text = content.partition("\n")
    match = _FIRST.fullmatch(first)
    return match is not None and hashlib.sha256(text.encode()).hexdigest()[:16] == match[1]


def write_files(folder: Path, texts: Mapping[str, str], *, force: bool = False, clear: str = "") -> Written:
    """Writes what was not edited. Files that match `clear`, are ours and are not among them any more are removed.

    Raises UsageError where the folder cannot be written.
    """
    written, kept, removed = [], [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in sorted(texts.items()):
            path = folder / name
            if path.exists() and not force and not is_ours(path.read_text(encoding="utf-8")):
                kept.append(name)
                continue
            path.write_text(marked(text), encoding="utf-8")
            written.append(name)
        for path in sorted(folder.glob(clear)) if clear else ():
            if path.name not in texts and is_ours(path.read_text(encoding="utf-8")):
                path.unlink()
                removed.append(path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The tests cannot be written to {folder}: {error}", "Name another folder with -o.") from error
    return Written(tuple(written), tuple(kept), tuple(removed))
