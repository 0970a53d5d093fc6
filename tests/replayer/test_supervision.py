"""A run under way, seen from the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from diffing.grouping import CONFIRMED, FLAKY, UNCONFIRMED
from replayer.rehearsal import Watcher
from replayer.store import Store
from replayer.summary import MOST_FOUND, FoundByNow, found_by_now, read_found
from replayer.supervision import TellingWatcher, supervised

from .test_report import COLOUR, PRICES

WITHOUT_VALUES = {"baseline": None, "candidate": None, "exemplars": (), "exchanges": (), "members": (), "detail": ""}


def test_what_is_found_is_there_as_soon_as_it_is_and_so_is_what_became_of_it(tmp_path: Path) -> None:
    findings = [replace(each, state=UNCONFIRMED) for each in (PRICES, COLOUR)]
    told: list[FoundByNow] = []
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        recording = store.create_recording("r", service="shop", release="1", key_id="k", source="")
        run = store.create_run(recording.id, candidate="next")
        watcher = TellingWatcher(Watcher())

        async def until(fits: Callable[[FoundByNow], bool]) -> None:
            """Each beat is a second."""
            while not fits(now := read_found(store.found(run))):
                await asyncio.sleep(0.05)
            told.append(now)

        async def work() -> None:
            await until(lambda now: now.count == 0)
            watcher.seen(findings)
            await until(lambda now: now.count == 2)
            watcher.confirmed([replace(PRICES, state=CONFIRMED)])
            await until(lambda now: now.confirmed == 1)
            watcher.seen([replace(PRICES, state=FLAKY), replace(COLOUR, state=CONFIRMED)])
            await until(lambda now: now.flaky == 1)

        asyncio.run(supervised(store, run, watcher, work()))
    shown = [replace(each, **WITHOUT_VALUES) for each in (PRICES, COLOUR)]
    assert [each.findings for each in told] == [
        (),
        tuple(replace(each, state=UNCONFIRMED) for each in shown),
        (shown[0], replace(shown[1], state=UNCONFIRMED)),
        (replace(shown[0], state=FLAKY), replace(shown[1], state=CONFIRMED)),
    ]


def test_a_run_that_found_very_much_tells_the_gravest() -> None:
    many = [replace(COLOUR, fingerprint=f"{number:016x}") for number in range(MOST_FOUND)]
    found = read_found(found_by_now([*many, PRICES]))
    assert (found.count, len(found.findings)) == (MOST_FOUND + 1, MOST_FOUND)
    assert found.findings[0].fingerprint == PRICES.fingerprint
