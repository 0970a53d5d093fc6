"""How long to wait between looks at what another process writes."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest

from replayer.executors.lookout import HEARD_FIRST_SECONDS, HEARD_LAST_SECONDS, Lookout
from replayer.store.bell import Bell


def bell(live: bool, rung: bool = False) -> Mock:
    return Mock(spec=Bell, live=live, rings=3, wait=AsyncMock(return_value=rung))


def pauses(given: Mock) -> list[float]:
    return [call.args[0] for call in given.wait.await_args_list]


async def look(lookout: Lookout, times: int) -> None:
    for _ in range(times):
        await lookout.wait()


@pytest.mark.parametrize(
    ("live", "expected"),
    [(False, [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]), (True, [HEARD_FIRST_SECONDS, 0.5] + [HEARD_LAST_SECONDS] * 5)],
    ids=["not heard", "heard"],
)
def test_looks_become_rarer_until_something_is_found(live: bool, expected: list[float]) -> None:
    given = bell(live)
    lookout = Lookout(given, 0.02, 0.5)
    asyncio.run(look(lookout, 7))
    assert pauses(given) == expected
    lookout.found()
    asyncio.run(look(lookout, 1))
    assert pauses(given)[-1] == expected[0]


def test_a_wait_of_hours_goes_on() -> None:
    given = bell(live=False)
    asyncio.run(look(Lookout(given, 0.02, 0.5), 3000))
    assert pauses(given)[-1] == 0.5


def test_what_is_found_without_a_ring_was_missed_but_not_at_the_first_look() -> None:
    given = bell(live=True)
    lookout = Lookout(given, 0.02, 0.5)
    lookout.found()
    assert given.missed.call_count == 0
    asyncio.run(look(lookout, 1))
    lookout.found()
    assert given.missed.call_count == 1
    given.wait.return_value = True
    asyncio.run(look(lookout, 1))
    lookout.found()
    assert given.missed.call_count == 1
