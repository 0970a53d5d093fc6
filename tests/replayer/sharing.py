"""A target that counts what reaches it, and executors of both kinds with workers in this process."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import ThreadingHTTPServer
from typing import Any

from recorder.exchange import Exchange, RecordedRequest, header
from recorder.keys import Key, load_key
from replayer.client import Client
from replayer.engine import Mint, PassResult, Progress
from replayer.executors import Executor, Job
from replayer.executors.shared import SharedExecutor
from replayer.executors.shift import Worker
from replayer.guide import make_guide
from replayer.pacing import Pace
from replayer.plan import Plan, make_plan
from replayer.signature import Signature
from replayer.store import Store
from replayer.target_settings import TargetSettings

from .tiny import TinyApp, record, route_of
from .tiny_http import TinyHandler

SECRET = "a secret of these tests that is long enough"
STEP = "X-Step"
"""Says in each request which step of the plan it is: what a step sends twice is seen at the target."""


def key() -> Key:
    return load_key(SECRET, None)


def recorded(users: int = 6, rounds: int = 8) -> list[Exchange]:
    """Traffic of the small API whose requests say which they are."""
    exchanges = record(users=users, rounds=rounds).exchanges
    return [
        replace(each, request=replace(each.request, headers=(*each.request.headers, (STEP, str(number)))))
        for number, each in enumerate(exchanges)
    ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Connections that were reset are what some tests are about."""


class Target:
    """The small API behind a real port; counts the requests of each step."""

    def __init__(self, offset: int = 41) -> None:
        self.offset = offset
        self.app = TinyApp(offset=offset, seed=2, users=1000)
        self.arrived: Counter[tuple[str, str]] = Counter()  # method and step
        self.before: Callable[[RecordedRequest], None] = lambda request: None
        lock = threading.Lock()

        class Handler(TinyHandler):
            def do_GET(handler) -> None:
                request = handler.received()
                self.before(request)
                with lock:
                    self.arrived[handler.command, header(request.headers, STEP)] += 1
                    response = self.app.handle(request)
                handler.respond(response)

            do_POST = do_DELETE = do_GET

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        """As it was in the beginning, for another pass."""
        self.app = TinyApp(offset=self.offset, seed=2, users=1000)
        self.arrived.clear()

    def total(self) -> int:
        """Requests that have arrived."""
        return self.arrived.total()

    def twice(self) -> list[tuple[str, str]]:
        """Writes that reached the target more than once."""
        return [each for each, count in self.arrived.items() if count > 1 and each[0] != "GET"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Crew:
    """Worker threads that send the batches they are told of, each with a store and a worker of its own."""

    url: str
    size: int = 2
    make: Callable[[Store], Worker] = field(default=lambda store: Worker(store, key()))
    told: queue.Queue[int] = field(default_factory=queue.Queue)
    failures: list[BaseException] = field(default_factory=list)

    def hand_out(self, batch_id: int) -> None:
        self.told.put(batch_id)

    def _work(self) -> None:
        with Store.open(self.url) as store:
            worker = self.make(store)
            while (number := self.told.get()) >= 0:
                try:
                    worker.send(number)
                except BaseException as error:
                    self.failures.append(error)
                    worker = self.make(store)  # another process

    @contextmanager
    def working(self) -> Iterator[Crew]:
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.size)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            for _ in threads:
                self.told.put(-1)
            for thread in threads:
                thread.join(timeout=20)


@dataclass
class Stage:
    """A recording in a store, its plan, and a run of it."""

    store: Store
    url: str
    exchanges: list[Exchange]
    plan: Plan
    run_id: str

    @classmethod
    def set_up(cls, store: Store, url: str, exchanges: Sequence[Exchange], name: str = "traffic") -> Stage:
        info = store.create_recording(name, service="tiny", release="1", key_id=key().id, source="tests")
        store.add_exchanges(info.id, exchanges)
        store.close_recording(info.id)
        kept = list(store.exchanges(info.id))
        return cls(store, url, kept, make_plan(kept, route_of), store.create_run(info.id, candidate="tiny"))

    def job(self, base_url: str, **changes: Any) -> Job:
        given = Job(
            name="a pass",
            plan=self.plan,
            guide=make_guide(self.plan),
            base_url=base_url,
            target=TargetSettings(name="tiny", url=base_url, disposable=True),
            run_id=self.run_id,
            key=key(),
            pace=Pace(4),
        )
        return replace(given, **changes)


def replay(executor: Executor, job: Job, progress: Progress | None = None) -> PassResult:
    """The job, done by an executor in a loop of its own."""

    async def run() -> PassResult:
        signature = Signature(job.key, job.run_id, job.spare)
        async with Client(job.base_url, timeout=10.0, extra_headers=signature.headers) as client:
            return await executor.replay(job, client, signature, progress)

    return asyncio.run(run())


def shared(store: Store, crew: Crew, size: int = 20) -> SharedExecutor:
    return SharedExecutor(store, key(), crew.hand_out, name="threads", parallel=crew.size, size=size)


__all__ = ["STEP", "Crew", "Mint", "Stage", "Target", "key", "recorded", "replay", "shared"]
