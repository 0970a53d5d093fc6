"""A job is asked after as its client did: with time in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import httpx
import pytest

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.client import Client
from replayer.engine import PassOptions, run_pass
from replayer.plan import Plan, make_plan
from replayer.polls import poll_gaps


def polled(answers: Sequence[dict[str, object]], gap: float = 0.25, path: str = "/jobs/7") -> Plan:
    exchanges = [
        Exchange(
            id=f"{number:032x}",
            request=RecordedRequest("GET", path, ()),
            response=RecordedResponse(
                200, "", (("Content-Type", "application/json"),), Body(json.dumps(answer).encode())
            ),
            started=number * (gap + 0.125),
            ended=number * (gap + 0.125) + 0.125,
            client="ann",
        )
        for number, answer in enumerate(answers)
    ]
    return make_plan(exchanges, lambda one: path)


def job(status: str, progress: int = 0, at: str = "") -> dict[str, object]:
    return {"status": status, "progress": progress, "at": at}


@pytest.mark.parametrize(
    ("answers", "gap", "expected"),
    [
        ([job("queued"), job("running", 40), job("running", 80), job("done", 100)], 0.25, {1: 0.25, 2: 0.25, 3: 0.25}),
        ([job("done", 100, "10:01"), job("done", 99, "10:02")], 0.25, {}),
        ([job("queued")], 0.25, {}),
        ([job("queued"), job("done")], 60.0, {1: 2.0}),
        ([job("queued"), *[job("running")] * 8, job("done")], 60.0, dict.fromkeys(range(1, 6), 2.0)),
    ],
)
def test_polls_keep_the_gaps_that_were_left(
    answers: list[dict[str, object]], gap: float, expected: dict[int, float]
) -> None:
    assert poll_gaps(polled(answers, gap).steps) == expected


def test_a_pass_waits_between_polls() -> None:
    asked: list[float] = []

    class Noting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(asyncio.get_running_loop().time())
            return httpx.Response(200, json=job("queued"))

    async def run() -> None:
        async with Client("http://127.0.0.1:9", transport=Noting()) as client:
            await run_pass(polled([job("queued"), job("done")], 0.0625), client, PassOptions(disposable=True))

    asyncio.run(run())
    assert asked[1] - asked[0] >= 0.0625
