"""Which clients are recorded: a share of them, chosen by a keyed hash so that a client's whole session is kept."""

from __future__ import annotations

from collections.abc import Callable

_REMEMBERED = 4096  # clients whose decision is kept, so that a busy one is hashed once
_HASH_DIGITS = 8  # hexadecimal digits of the hash that decide: 2**32 steps


class Sampler:
    """Decides by client. `client_hash` gives a hexadecimal keyed hash of a client's address and agent."""

    def __init__(self, share: float, client_hash: Callable[[str, str], str]) -> None:
        self._share = share
        self._bound = round(share * 16**_HASH_DIGITS)
        self._client_hash = client_hash
        self._decided: dict[tuple[str, str], bool] = {}

    def keeps(self, remote_addr: str, user_agent: str) -> bool:
        """Whether this client's requests are recorded; the same answer in every process that has the same key."""
        if self._share >= 1.0:
            return True
        client = (remote_addr, user_agent)
        kept = self._decided.get(client)
        if kept is None:
            if len(self._decided) >= _REMEMBERED:
                self._decided = {}
            kept = int(self._client_hash(remote_addr, user_agent)[:_HASH_DIGITS], 16) < self._bound
            self._decided[client] = kept
        return kept
