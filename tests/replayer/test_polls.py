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
from replayer.polls import last_polls, poll_gaps


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
    asked, _ = replayed(["queued", "done"])
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 0.0625


def replayed(says: Sequence[str]) -> tuple[list[float], list[str]]:
    """When a target was asked that says one after the other (the last from then on); the answers that were kept."""
    asked: list[float] = []

    class Noting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(asyncio.get_running_loop().time())
            return httpx.Response(200, json=job(says[min(len(asked), len(says)) - 1]))

    async def run() -> list[str]:
        plan = polled([job("queued"), job("done")], 0.0625)
        async with Client("http://127.0.0.1:9", transport=Noting()) as client:
            found = await run_pass(plan, client, PassOptions(disposable=True))
        return [json.loads(each.response.body.data)["status"] for each in found.answers if each.response]

    return asked, asyncio.run(run())


def test_the_last_poll_is_asked_again_while_it_says_what_the_first_one_said() -> None:
    asked, kept = replayed(["queued", "queued", "queued", "done"])
    assert (len(asked), kept) == (4, ["queued", "done"])
    assert len(replayed(["queued", "failed"])[0]) == 2  # whatever it says instead is an answer


def test_nobody_waits_for_ever() -> None:
    (waiting,) = last_polls(polled([job("queued"), job("done")], 0.25).steps).values()
    assert (waiting.gap, waiting.times, waiting.before) == (0.25, 12, frozenset({("$.status", "queued")}))
    (slow,) = last_polls(polled([job("queued"), job("done")], 60.0).steps).values()
    assert (slow.gap, slow.times) == (2.0, 1)
    assert last_polls(polled([job("done"), job("done")]).steps) == {}
