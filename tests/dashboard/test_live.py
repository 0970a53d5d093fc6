"""A run under way, and those who follow it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Browser, expect

from dashboard.access import COOKIE
from dashboard.live import HEARTBEAT_SECONDS, MOST_STREAMS, STREAM_SECONDS, Seen, Streams, event, seen, told
from diffing.grouping import CONFIRMED, UNCONFIRMED
from replayer.accounts import Role
from replayer.service import UsageError
from replayer.store import Store
from replayer.summary import found_by_now
from tests.replayer.test_report import PRICES

from .conftest import Serve
from .desk import Desk, begin, finish
from .test_browser import logged_in

READING = Seen("running", "It is running: reading.")
COMPARING = Seen("running", "It is running: comparing.")
OVER = Seen("finished", "It is finished.")


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def said(sights: Sequence[Seen | UsageError | None], last: str = "", ending: bool = False) -> list[str]:
    """What a stream says while a run looks like this, once a second; the last stays."""
    looks = list(sights)

    async def look() -> Seen | None:
        now = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(now, UsageError):
            raise now
        return now

    async def at_once(_: float) -> None:
        return

    async def all_of_it() -> list[str]:
        return [text async for text in told(look, last, lambda: ending, at_once)]

    return asyncio.run(all_of_it())[1:]


def id_of(text: str) -> str:
    found = re.match(r"id: (\w+)\n", text)
    assert found
    return found[1]


def test_only_changes_are_told_until_the_run_is_over() -> None:
    assert said([READING, READING, None, READING, COMPARING, OVER]) == [event(READING), event(COMPARING), event(OVER)]


def test_who_comes_back_is_told_what_is_new_and_nothing_twice() -> None:
    last = id_of(event(READING))
    assert said([READING, COMPARING, OVER], last) == [event(COMPARING), event(OVER)]
    assert said([OVER], id_of(event(OVER))) == [event(OVER)]  # the end is never left out: it is what ends the following


def test_silence_is_broken_by_comments_and_a_stream_ends_by_itself() -> None:
    assert said([READING]) == [event(READING)] + [": alive\n\n"] * int(STREAM_SECONDS / HEARTBEAT_SECONDS - 1)


def test_a_run_that_was_deleted_and_a_server_that_ends_end_the_stream() -> None:
    assert said([READING, UsageError("There is no such run.")])[1:] == [event(Seen("deleted", "It was deleted."))]
    assert said([READING], ending=True) == [event(READING)]


def test_what_a_run_says_of_itself_is_one_line(desk: Desk) -> None:
    run = begin(desk.url)
    with Store.open(desk.url) as store:
        store.beat_run(run, "reading\n\ndata: {}\u2028")
        info = store.run(run)
    assert seen(info, time.time()).text == "It is running: reading\\n\\ndata: {}\\u2028."
    assert event(seen(info, time.time())).count("\n") == 4
    assert "no sign of life" in seen(info, time.time() + 60).text


def test_the_page_of_a_run_under_way_follows_it_and_one_of_a_run_that_is_over_does_not(desk: Desk) -> None:
    run = begin(desk.url)
    client = desk.client(Role.VIEWER)
    text = client.get(f"/runs/{run}").text
    assert f'data-events="/runs/{run}/events"' in text
    assert "/static/live.js" in text
    assert f'<a href="/runs/{run}">Look again</a>' in text
    with Store.open(desk.url) as store:
        store.set_run_state(run, "cancelled")
    text = client.get(f"/runs/{run}").text
    assert "It is cancelled." in text
    assert "live.js" not in text


def test_events_of_a_run_that_is_over_and_of_one_that_is_not_there(desk: Desk) -> None:
    client = desk.client(Role.VIEWER)
    answer = client.get(f"/runs/{finish(desk.url, begin(desk.url))}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert '"over": true' in answer.text
    assert client.get("/runs/nothing/events").status_code == 404


def test_there_is_room_for_so_many_and_no_more(desk: Desk) -> None:
    address = f"/runs/{begin(desk.url)}/events"
    client = desk.client(Role.VIEWER)
    streams: Streams = desk.app.state.streams
    streams.end()  # each says what it sees, and ends
    with ExitStack() as stack:
        for _ in range(MOST_STREAMS - 1):
            stack.enter_context(streams.one())
        assert [client.get(address).status_code for _ in range(2)] == [200, 200]  # one after the other
        stack.enter_context(streams.one())
        refused = client.get(address, headers={"Accept": "text/event-stream"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
    assert client.get(address).status_code == 200


def test_a_server_that_is_asked_to_end_does_not_cut_off_who_follows(desk: Desk, serve: Serve) -> None:
    run = begin(desk.url)
    with httpx.Client(cookies={COOKIE: desk.client(Role.VIEWER).cookies[COOKIE]}) as client:
        with serve(desk.url) as address:
            answer = client.send(client.build_request("GET", f"{address}/runs/{run}/events"), stream=True)
            lines = answer.iter_lines()
            assert next(line for line in lines if line.startswith("data: "))
        list(lines)  # raises when the server had to cut it off
        answer.close()


@pytest.mark.e2e
def test_a_page_follows_over_a_restart_of_the_server_and_leads_to_the_result(
    browser: Browser, desk: Desk, serve: Serve
) -> None:
    run = begin(desk.url)
    with Store.open(desk.url) as store, ExitStack() as stack:
        with serve(desk.url) as address:
            page = stack.enter_context(logged_in(browser, desk, address, Role.VIEWER, expected="net::ERR_"))
            page.goto(f"{address}/runs/{run}")
            store.beat_run(run, "baseline 1: 7 of 9")
            expect(page.get_by_role("status")).to_have_text("It is running: baseline 1: 7 of 9.")
            found = replace(PRICES, state=UNCONFIRMED)
            store.beat_run(run, "confirming", found_by_now([found]))
            expect(page.get_by_role("listitem")).to_contain_text("GET /api/orders/<int:id>")
            expect(page.get_by_role("listitem")).to_contain_text("to be confirmed")
        store.beat_run(run, "candidate: 3 of 9", found_by_now([replace(found, state=CONFIRMED)]))
        with serve(desk.url, port=int(address.rpartition(":")[2])):
            expect(page.get_by_role("status")).to_have_text("It is running: candidate: 3 of 9.", timeout=30_000)
            expect(page.get_by_role("region", name="Findings")).to_contain_text("1 confirmed", timeout=30_000)
            expect(page.get_by_role("listitem")).not_to_contain_text("to be confirmed")
            finish(desk.url, run)
            expect(page.get_by_role("heading", level=1)).to_contain_text("FAIL", timeout=30_000)
            page.goto("about:blank")
