"""The door between a pass and its target, with requests that a test answers as it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from recorder.exchange import Headers
from replayer.breaker import MAX_FAILURES, Breaker
from replayer.client import FailureKind, Reply
from replayer.pacing import Pace
from replayer.protection import Protection

from .replies import answered, failed, step


def within(protection: Protection, steps: Callable[[Protection], Awaitable[None]]) -> None:
    async def main() -> None:
        protection.begin(0.0)
        await steps(protection)

    asyncio.run(main())


def replying(*replies: Reply) -> Callable[[], Awaitable[Reply]]:
    """Gives one reply after the other, the last again and again."""
    left = list(replies)

    async def send() -> Reply:
        return left.pop(0) if len(left) > 1 else left[0]

    return send


def test_a_reply_comes_back_as_it_is() -> None:
    reply = answered(404)

    async def steps(protection: Protection) -> None:
        assert await protection.send(step(0), replying(reply)) is reply

    within(Protection(), steps)


def test_requests_keep_the_rate() -> None:
    moments: list[float] = []

    async def send() -> Reply:
        moments.append(asyncio.get_running_loop().time())
        return answered()

    async def steps(protection: Protection) -> None:
        await asyncio.gather(*(protection.send(step(i), send) for i in range(30)))

    within(Protection(Pace(concurrency=8, rate=100.0)), steps)
    assert moments[-1] - moments[0] >= 0.15  # 29 gaps of 0.01 s, less what may follow at once


def test_no_more_than_the_ramp_allows_are_under_way() -> None:
    now = most = 0

    async def send() -> Reply:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return answered()

    async def steps(protection: Protection) -> None:
        await asyncio.gather(*(protection.send(step(i), send) for i in range(30)))

    within(Protection(Pace(concurrency=8, ramp_up=3600.0)), steps)
    assert most == 1


def test_all_who_wait_get_room_when_the_ramp_rises() -> None:
    gate = asyncio.Event()
    under_way = 0

    async def send() -> Reply:
        nonlocal under_way
        under_way += 1
        await gate.wait()
        return answered()

    async def steps(protection: Protection) -> None:
        waiting = [asyncio.ensure_future(protection.send(step(i), send)) for i in range(4)]
        while under_way < 4:
            await asyncio.sleep(0.01)
        gate.set()
        await asyncio.gather(*waiting)

    within(Protection(Pace(concurrency=4, ramp_up=0.2)), steps)


def test_what_is_under_way_when_the_pass_ends_is_given_up() -> None:
    async def never() -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def steps(protection: Protection) -> None:
        hanging = [asyncio.ensure_future(protection.send(step(100 + i), never)) for i in range(2)]
        await asyncio.sleep(0)
        for index in range(MAX_FAILURES):
            await protection.send(step(index), replying(failed(FailureKind.RESET)))
        assert protection.problem
        for each in await asyncio.gather(*hanging):
            assert isinstance(each, str)
            assert each == f"it was under way when the pass ended: {protection.problem}"
        assert await protection.send(step(200), never) == protection.problem

    within(Protection(Pace(concurrency=3)), steps)


def test_who_waits_for_room_is_told_of_the_end() -> None:
    async def steps(protection: Protection) -> None:
        async def never() -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

        async def fails() -> Reply:
            await asyncio.sleep(0)
            return failed(FailureKind.RESET)

        failing = [asyncio.ensure_future(protection.send(step(i), fails)) for i in range(MAX_FAILURES)]
        hanging = asyncio.ensure_future(protection.send(step(100), never))
        waiting = [asyncio.ensure_future(protection.send(step(101 + i), never)) for i in range(5)]
        await asyncio.gather(*failing)
        assert isinstance(await hanging, str)
        assert await asyncio.gather(*waiting) == [protection.problem] * 5

    within(Protection(Pace(concurrency=2)), steps)


def test_a_pass_that_is_cancelled_is_cancelled() -> None:
    async def never() -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def steps(protection: Protection) -> None:
        task = asyncio.ensure_future(protection.send(step(0), never))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await protection.send(step(1), replying(answered())) != ""

    within(Protection(Pace(concurrency=1)), steps)


def test_a_target_is_asked_once_whether_it_is_there_however_many_requests_fail() -> None:
    asked = 0

    async def probe() -> bool:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return False

    async def steps(protection: Protection) -> None:
        send = replying(failed(FailureKind.CONNECT))
        await asyncio.gather(*(protection.send(step(i), send) for i in range(50)))
        assert "nor does its ready path" in protection.problem

    within(Protection(Pace(concurrency=8), Breaker(8), probe), steps)
    assert asked == 1


def test_a_pause_holds_everybody_and_a_read_is_sent_again_after_it() -> None:
    told: Headers = (("Retry-After", "1"),)
    moments: list[float] = []

    async def other() -> Reply:
        moments.append(asyncio.get_running_loop().time())
        return answered()

    async def steps(protection: Protection) -> None:
        send = replying(answered(429, told), answered(200))
        began = asyncio.get_running_loop().time()
        first = asyncio.ensure_future(protection.send(step(0), send))
        await asyncio.sleep(0.05)
        await protection.send(step(1), other)
        assert moments[0] - began >= 1.0
        reply = await first
        assert isinstance(reply, Reply)
        assert reply.response is not None
        assert reply.response.status == 200

    within(Protection(), steps)


def test_a_write_that_was_shed_is_sent_once() -> None:
    sent = 0

    async def send() -> Reply:
        nonlocal sent
        sent += 1
        return answered(429)

    async def steps(protection: Protection) -> None:
        await protection.send(step(0, method="POST"), send)

    within(Protection(), steps)
    assert sent == 1
