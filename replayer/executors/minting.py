"""Credentials that the coordinator makes. A worker asks for each by itself, and one look is for all who wait."""

from __future__ import annotations

import asyncio

from ..mint import Minted
from ..sealing import Sealer
from ..store import Store
from ..store.bell import Bell
from .lookout import Lookout
from .parcels import unpack_minted

FIRST_POLL_SECONDS = 0.05
LAST_POLL_SECONDS = 0.25


class Minting:
    """Credentials for one batch. `minted` holds those that are known already, and takes in what is learned."""

    def __init__(self, store: Store, pass_id: int, bell: Bell, sealer: Sealer, minted: dict[str, bytes]) -> None:
        self._store = store
        self._pass_id = pass_id
        self._sealer = sealer
        self._minted = minted
        self._wanted: set[str] = set()
        self._lookout = Lookout(bell, FIRST_POLL_SECONDS, LAST_POLL_SECONDS)
        self._looking: asyncio.Future[None] | None = None

    async def of(self, principal: str) -> Minted:
        """A principal's credentials, or why there are none."""
        if principal not in self._minted:
            await self._ask(principal)
        while principal not in self._minted:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(self._look())
            await asyncio.shield(self._looking)
        return unpack_minted(self._minted[principal], self._sealer)

    async def _ask(self, principal: str) -> None:
        minted = await asyncio.to_thread(self._store.ask_mint, self._pass_id, principal)
        if minted is None:
            self._wanted.add(principal)
        else:
            self._minted[principal] = minted

    async def _look(self) -> None:
        await self._lookout.wait()
        found = await asyncio.to_thread(self._store.minted, self._pass_id, sorted(self._wanted))
        if found:
            self._lookout.found()
        self._minted |= found
        self._wanted -= found.keys()
