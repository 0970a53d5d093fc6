"""What targets produced is kept sealed while a pass is under way: tokens in it are live, and a database has readers."""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from recorder.keys import Key

_NONCE = 12
_PURPOSE = b"understudy shared pass 1"


class Sealer:
    """AES-256-GCM (NIST SP 800-38D) with a key that is derived from the recording's; for one process."""

    def __init__(self, key: Key) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(hmac.digest(key.secret, _PURPOSE, sha256))

    def seal(self, data: bytes) -> bytes:
        """The bytes, unreadable and unchangeable without the key."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, None)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises UsageError where it was sealed with another key, or changed."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (InvalidTag, ValueError):
            raise UsageError(
                "What another process has sealed can not be opened: its key is another one.",
                "Give every worker the UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE of the recording.",
            ) from None
