"""Passes shared among real worker processes, over a real Redis and both databases."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen

import httpx
import pytest

from diffing.difference import Reason
from recorder.exchange import RecordedRequest
from replayer.engine import PassResult
from replayer.errors import InconclusiveError
from replayer.executors import shared as shared_module
from replayer.executors.celery import celery_executor
from replayer.store import Store
from tests.processes import end_with_parent
from tests.replayer.sharing import SECRET, Stage, Target, key, recorded, replay
from tests.services.redis import RedisServer, free_port

pytestmark = pytest.mark.e2e


@contextmanager
def worker(
    database: str, broker: str, log: Path, processes: int = 2, more: Sequence[str] = ()
) -> Iterator[Popen[bytes]]:
    """`understudy worker` in a session of its own, ready; everything of it is gone afterwards."""
    argv = [str(Path(sys.executable).with_name("understudy")), "worker", "--db", database, "--broker", broker]
    environ = {**os.environ, "UNDERSTUDY_KEY": SECRET}
    with log.open("ab") as out:
        process = Popen(
            [*argv, "--processes", str(processes), "--verbose", *more],
            env=environ,
            stdin=DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    try:
        deadline = time.monotonic() + 60
        while b" ready." not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process
    finally:
        kill(process)


def kill(process: Popen[bytes]) -> None:
    """The worker and its children at once, as a machine that is switched off ends them."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as opened:
        yield opened


@pytest.fixture
def stage(store: Store, database_url: str) -> Stage:
    return Stage.set_up(store, database_url, recorded(users=8, rounds=12))


def check(result: PassResult, stage: Stage, target: Target) -> None:
    """Every step has an answer, or nobody knows whether it was sent; and no write was sent twice."""
    assert target.twice() == []
    assert result.problem == ""
    uncertain = {i for i, answer in enumerate(result.answers) if answer.reason is Reason.UNCERTAIN}
    assert result.uncertain == len(uncertain)
    assert all(answer.response or i in uncertain for i, answer in enumerate(result.answers))
    assert not any(stage.plan.depends[i] & uncertain for i, a in enumerate(result.answers) if a.response)


def at_request(number: int, act: Callable[[], None], target: Target) -> threading.Event:
    """Does something once, in the middle of the given request."""
    done, lock, seen = threading.Event(), threading.Lock(), [0]

    def before(request: RecordedRequest) -> None:
        with lock:
            seen[0] += 1
            due = seen[0] == number
        if due:
            act()
            done.set()

    target.before = before
    return done


def test_workers_answer_as_one_process_does(
    stage: Stage, target: Target, redis_server: RedisServer, tmp_path: Path
) -> None:
    with worker(stage.url, redis_server.url, tmp_path / "log"):
        result = replay(celery_executor(stage.store, key(), redis_server.url), stage.job(target.url))
    check(result, stage, target)
    assert result.uncertain == 0
    assert [a.response.status for a in result.answers if a.response] == [step.status for step in stage.plan.steps]


def test_a_worker_that_is_killed_is_followed_by_another(
    stage: Stage, target: Target, redis_server: RedisServer, tmp_path: Path
) -> None:
    with worker(stage.url, redis_server.url, tmp_path / "one") as first:
        killed = at_request(40, lambda: kill(first), target)

        def replace() -> None:
            killed.wait(60)
            with worker(stage.url, redis_server.url, tmp_path / "two"):
                over.wait(120)

        over = threading.Event()
        replacing = threading.Thread(target=replace)
        replacing.start()
        try:
            result = replay(celery_executor(stage.store, key(), redis_server.url), stage.job(target.url))
        finally:
            over.set()
            replacing.join()
    check(result, stage, target)
    assert killed.is_set()


def test_a_redis_that_forgets_everything_loses_no_batch(
    stage: Stage, target: Target, redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_module, "AGAIN_SECONDS", 2.0)

    def restart() -> None:
        redis_server.kill()
        redis_server.start()

    with worker(stage.url, redis_server.url, tmp_path / "log"):
        restarted = at_request(30, restart, target)
        executor = shared_module.SharedExecutor(
            stage.store, key(), celery_executor(stage.store, key(), redis_server.url)._hand_out, name="celery", size=20
        )
        result = replay(executor, stage.job(target.url))
    check(result, stage, target)
    assert restarted.is_set()
    assert result.uncertain == 0


def test_a_broker_that_is_not_there_ends_the_run_with_its_name(
    stage: Stage, target: Target, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_module, "PATIENCE_SECONDS", 1.0)
    redis_server.kill()
    with pytest.raises(InconclusiveError, match=rf"127\.0\.0\.1:{redis_server.port}.*can not be reached"):
        replay(celery_executor(stage.store, key(), redis_server.url), stage.job(target.url))
    assert target.arrived == {}


def test_a_pass_that_is_given_up_is_sent_no_further(
    stage: Stage, target: Target, redis_server: RedisServer, tmp_path: Path
) -> None:
    executor = celery_executor(stage.store, key(), redis_server.url)
    job = stage.job(target.url)

    async def run() -> None:
        from replayer.client import Client
        from replayer.signature import Signature

        async with Client(target.url) as client:
            pass_ = asyncio.ensure_future(executor.replay(job, client, Signature(key(), job.run_id), None))
            await asyncio.to_thread(begun.wait, 60)
            pass_.cancel()
            await asyncio.gather(pass_, return_exceptions=True)

    begun = at_request(20, lambda: None, target)
    with worker(stage.url, redis_server.url, tmp_path / "log"):
        asyncio.run(run())
        time.sleep(2.5)  # more than a worker's sign of life
        arrived = sum(target.arrived.values())
        time.sleep(1.0)
        assert sum(target.arrived.values()) == arrived
    assert target.twice() == []


def test_what_all_processes_of_a_worker_sent_is_scraped(
    stage: Stage, target: Target, redis_server: RedisServer, tmp_path: Path
) -> None:
    port = free_port()
    with worker(stage.url, redis_server.url, tmp_path / "log", more=("--metrics-port", str(port))):
        result = replay(celery_executor(stage.store, key(), redis_server.url), stage.job(target.url))
        lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    check(result, stage, target)
    found = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}
    assert found['understudy_worker_requests_total{outcome="answered"}'] == len(result.answers)
    assert found["understudy_worker_request_seconds_count"] == len(result.answers)
    assert found['understudy_worker_batches_total{outcome="sent"}'] >= 1
    assert found['understudy_worker_batches_total{outcome="failed"}'] == 0
