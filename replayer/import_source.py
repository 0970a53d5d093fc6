"""What a path that is to be imported holds, told by its content."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from recorder.frames import MAGIC
from recorder.wire import SUFFIX, spool_files

from .errors import UsageError

_CHUNK = 1 << 20  # bytes read at a time


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be imported."""

    kind: str  # "spool" or "har"
    path: Path
    files: tuple[Path, ...]
    name: str  # a recording's, made from the path's
    fingerprint: str  # 64 hexadecimal digits; equal for equal content
    origin: str = ""  # where it came from, for people; "": the path says it


def find_source(path: Path, host: str = "") -> Source:
    """What is at `path`; `host` is part of the fingerprint, as it chooses what is read. Raises UsageError."""
    try:
        path = Path(os.path.abspath(path))
        if path.is_dir():
            return _spool_folder(path)
        if not path.exists():
            raise UsageError(f"There is no file or folder {path}.")
        if not path.is_file():
            raise UsageError(f"{path} is neither a file nor a folder.")
        kind = _kind(path)
        return Source(kind, path, (path,), _name(path.stem), _fingerprint(kind, host, (path,)))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None


def _spool_folder(path: Path) -> Source:
    files = tuple(file for file in spool_files(path) if file.stat().st_size)
    if not files:
        found = [file.name for file in path.iterdir() if file.suffix == ".har"]
        hint = f"Import a file in it, such as {sorted(found)[0]}." if found else "Was anything recorded?"
        raise UsageError(f"The folder {path} holds no spool file (*{SUFFIX}) with anything in it.", hint)
    return Source("spool", path, files, _name(path.name), _fingerprint("spool", "", files))


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise UsageError(f"The file {path} is empty.")
    if start.startswith(MAGIC) or path.suffix == SUFFIX:
        return "spool"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "har"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UsageError(f"The file {path} is UTF-16 text.", "Convert it to UTF-8.")
    if start[:2] == b"\x1f\x8b":
        raise UsageError(f"The file {path} is compressed.", "Unpack it with gunzip first.")
    raise UsageError(f"The file {path} is neither a spool file nor a HAR.")


def _name(text: str) -> str:
    """A recording's name that can be typed, from a file's."""
    kept = "".join(character if character.isprintable() else "-" for character in text).strip()
    return kept[:150] or "recording"


def _fingerprint(kind: str, host: str, files: Iterable[Path]) -> str:
    """A digest of the content, and not of where it lies or when it was written."""
    digest = sha256(f"{kind}\0{host.lower()}\0".encode())
    for file in files:
        inner = sha256()
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                inner.update(chunk)
        digest.update(inner.digest())
    return digest.hexdigest()
