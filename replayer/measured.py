"""The metrics of a database, for a server that is scraped."""

from __future__ import annotations

from threading import Lock

from .settings import Settings
from .store import Store


class Measured:
    """The metrics of a database, which is opened when they are asked for first. In any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None
        self._lock = Lock()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """What a scraper reads, and its media type. Errors as in `replayer.errors` when the database cannot be used."""
        from .metrics import exposition, of_store  # for those who are scraped

        with self._lock:
            if self._store is None:
                self._store = Store.open(self._settings.database_url)
            return exposition(of_store(self._store), accept)

    def close(self) -> None:
        """Let go of the database."""
        if self._store is not None:
            self._store.close()
