"""Settings, read from the environment once at start."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .changes import choose

DEFAULT_SECRET = "development-only"
DEFAULT_PROVIDER = "http://127.0.0.1:9"  # nothing listens there: payments answer 502
DEFAULT_PROVIDER_SECRET = "provider-shared-secret"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the data is, which secrets sign, which release this is."""

    database: Path
    secret: str = DEFAULT_SECRET
    provider_url: str = DEFAULT_PROVIDER
    provider_secret: str = DEFAULT_PROVIDER_SECRET
    release: int = 1
    changes: frozenset[str] = frozenset()
    noise: int = 1  # 2: turned up, see `noise`

    @property
    def signing_key(self) -> str:
        """A key of 64 characters whatever the length of the secret: HMAC-SHA256 wants at least 32 bytes."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Raises ValueError when a variable has no meaning."""
        release = environ.get("SHOP_RELEASE", "1")
        if release not in ("1", "2"):
            raise ValueError(f"SHOP_RELEASE is {release!r}; it must be 1 or 2")
        noise = environ.get("SHOP_NOISE") or "1"
        if noise not in ("1", "2"):
            raise ValueError(f"SHOP_NOISE is {noise!r}; it must be 1 or 2")
        return cls(
            database=Path(environ.get("SHOP_DATABASE", "shop.db")),
            secret=environ.get("SHOP_SECRET", DEFAULT_SECRET),
            provider_url=environ.get("SHOP_PROVIDER_URL", DEFAULT_PROVIDER).rstrip("/"),
            provider_secret=environ.get("SHOP_PROVIDER_SECRET", DEFAULT_PROVIDER_SECRET),
            release=int(release),
            changes=choose(int(release), names(environ.get("SHOP_FAULTS", "")), names(environ.get("SHOP_WITHOUT", ""))),
            noise=int(noise),
        )


def names(listed: str) -> list[str]:
    """The names of a comma-separated list."""
    return [name.strip() for name in listed.split(",") if name.strip()]
