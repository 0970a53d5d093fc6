"""The secret that pseudonyms and identity hashes are made with, and where it is kept.

All workers of one service, and whoever compares recordings of several services, must hold the same key: equal values
then get equal pseudonyms. The key's id is public (each frame names it); the secret never leaves the process.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MINIMUM_BYTES = 32  # as many as the HMAC's own output: less would make the secret the weakest part
_MAXIMUM_BYTES = 65_536  # a key file larger than this is some other file
_DIGEST_DIGITS = 16  # 64 bits: one accidental collision is expected among four thousand million values


class InvalidKey(ValueError):
    """The configured key cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret for keyed hashes. Never shown: `repr` gives the public id only."""

    secret: bytes = field(repr=False)
    id: str = field(init=False)  # 8 hexadecimal digits that say nothing of the secret

    def __post_init__(self) -> None:
        if len(self.secret) < MINIMUM_BYTES:
            raise InvalidKey(
                f"the key has {len(self.secret)} bytes, at least {MINIMUM_BYTES} are needed: "
                "`python -c 'import secrets; print(secrets.token_hex(32))'` makes one"
            )
        object.__setattr__(self, "id", hmac.digest(self.secret, b"understudy key id", "sha256").hex()[:8])

    def digest(self, purpose: str, value: str | bytes) -> str:
        """16 hexadecimal digits; equal for equal purpose and value, unrelated between purposes."""
        data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        return self.raw(purpose, data).hex()[:_DIGEST_DIGITS]

    def raw(self, purpose: str, data: bytes) -> bytes:
        """The 32 bytes of HMAC-SHA256 over the purpose, a zero byte and the data."""
        return hmac.digest(self.secret, purpose.encode() + b"\0" + data, hashlib.sha256)


def load_key(key: str | None, key_file: str | None) -> Key:
    """The key given as text, else the one in the file named, else the one in this user's state folder, made if absent.

    Raises `InvalidKey` for a secret that is too short or a file that cannot be read or made.
    """
    if key:
        return Key(key.encode("utf-8", "surrogateescape"))
    if key_file:
        return _read(Path(key_file).expanduser())
    path = default_key_file()
    try:
        return _read(path) if path.exists() else _create(path)
    except OSError as error:
        raise InvalidKey(
            f"no key file can be kept at {path} ({error.strerror or error}): set UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE"
        ) from error


def default_key_file() -> Path:
    """`understudy/key` in the user's state folder (XDG base directory specification), outside every spool."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative values ignored.
    root = Path(state) if os.path.isabs(state) else Path("~/.local/state").expanduser()
    return root / "understudy" / "key"


def _read(path: Path) -> Key:
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidKey(f"the key file {path} is not a regular file")
            secret = file.read(_MAXIMUM_BYTES + 1).strip()
    except OSError as error:
        raise InvalidKey(f"the key file {path} cannot be read: {error.strerror or error}") from error
    if len(secret) > _MAXIMUM_BYTES:
        raise InvalidKey(f"the key file {path} has more than {_MAXIMUM_BYTES} bytes: this is not a key")
    try:
        return Key(secret)
    except InvalidKey as error:
        raise InvalidKey(f"the key file {path}: {error}") from None


def _create(path: Path) -> Key:
    """Make the file whole under another name, then link it into place: one worker wins, all read that one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".key.{os.getpid()}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(MINIMUM_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another worker was first
            os.link(draft, path)
    finally:
        draft.unlink()
    return _read(path)
