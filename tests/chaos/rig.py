"""A shared replay with everything real about it, and a hand that breaks one part of it at a chosen moment.

PostgreSQL and Redis are reached through proxies of their own by the workers and by the coordinator, so that the network
between any two of them can be cut. The target counts what reaches it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url

from diffing.difference import Reason, Status
from diffing.profile import learn
from diffing.trial import Trial
from recorder.exchange import Exchange
from replayer.cases import CaseMaker, teaching
from replayer.engine import PassResult
from replayer.errors import InconclusiveError
from replayer.executors import LocalExecutor
from replayer.executors.celery import celery_executor
from replayer.pacing import Pace
from replayer.passes import CanaryRead, Pass
from replayer.store import Store
from tests.processes import end_with_parent
from tests.replayer.sharing import SECRET, Stage, Target, key, replay
from tests.services.postgres import Cluster, disks_can_be_made
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer

READY_SECONDS = 60.0
DISK = 400
"""MiB that the database has to itself."""
COMMAND = str(Path(sys.executable).with_name("understudy"))


class WorkerProcess:
    """`understudy worker` with two processes, in a session of its own."""

    def __init__(self, database: str, broker: str, log: Path, secret: str = SECRET) -> None:
        self._secret = secret
        self._argv = [COMMAND, "worker", "--db", database, "--broker", broker, "--processes", "2", "--verbose"]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, wait: bool = True) -> None:
        seen = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv,
                env={**os.environ, "UNDERSTUDY_KEY": self._secret},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        deadline = time.monotonic() + READY_SECONDS
        while wait and b" ready." not in self._log.read_bytes()[seen:]:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self._log.read_text("utf-8", "replace")[-4000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """All of it at once, as a machine that is switched off ends it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def cpu(self) -> float:
        """Seconds of CPU of all its processes, those that have ended included once they are waited for."""
        assert self._process is not None
        processes = [self._process.pid, *descendants(self._process.pid)]
        return sum(map(_ticks, processes)) / os.sysconf("SC_CLK_TCK")

    def kill_one(self) -> None:
        """The process that has worked most, which is likely to be in the middle of a batch; Celery replaces it."""
        assert self._process is not None
        leaves = [process for process in descendants(self._process.pid) if not _children(process)]
        os.kill(max(leaves, key=_ticks), signal.SIGKILL)


def _ticks(process: int) -> int:
    """CPU of a process and of those of its children that were waited for; proc(5): utime, stime, cutime, cstime."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def _children(process: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def descendants(process: int) -> list[int]:
    """A process' children, and theirs."""
    found = _children(process)
    return found + [each for child in found for each in descendants(child)]


@dataclass
class Rig:
    """Everything that can be broken."""

    postgres: Cluster
    redis: RedisServer
    workers: WorkerProcess
    worker_database: Proxy
    worker_broker: Proxy
    coordinator_database: Proxy
    coordinator_broker: Proxy
    worker_target: Proxy
    target: Target
    stage: Stage
    undisturbed: list[Pass] = field(default_factory=list)


@contextmanager
def rig(folder: Path, exchanges: list[Exchange]) -> Iterator[Rig]:
    """A recording in a PostgreSQL, a Redis, a target, and no worker yet."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Cluster(disk=DISK if disks_can_be_made() else 0, max_wal_size="64MB"))
        redis = stack.enter_context(RedisServer(persistent=True))
        socket = str(postgres.folder / ".s.PGSQL.5432")
        worker_database, coordinator_database = stack.enter_context(Proxy(socket)), stack.enter_context(Proxy(socket))
        worker_broker, coordinator_broker = (stack.enter_context(Proxy(redis.address)) for _ in range(2))
        target = stack.enter_context(Target())
        host, _, port = target.url.removeprefix("http://").partition(":")
        worker_target = stack.enter_context(Proxy((host, int(port))))
        name = make_url(postgres.create_database()).database or ""
        workers = WorkerProcess(
            _postgres(worker_database, name), f"redis://127.0.0.1:{worker_broker.port}/0", folder / "workers.log"
        )
        stack.callback(workers.kill)
        store = stack.enter_context(Store.open(_postgres(coordinator_database, name)))
        stage = Stage.set_up(store, "", exchanges)
        yield Rig(
            postgres,
            redis,
            workers,
            worker_database,
            worker_broker,
            coordinator_database,
            coordinator_broker,
            worker_target,
            target,
            stage,
        )


def _postgres(proxy: Proxy, database: str) -> str:
    return f"postgresql://understudy@127.0.0.1:{proxy.port}/{database}"


Fault = Callable[[Rig], None]


def _workers_killed(parts: Rig) -> None:
    parts.workers.kill()
    parts.workers.start(wait=False)


def _redis_emptied(parts: Rig) -> None:
    parts.redis.kill()
    parts.redis.wipe()
    parts.redis.start()


def _redis_restarted(parts: Rig) -> None:
    parts.redis.kill()
    parts.redis.start()


def _postgres_killed(parts: Rig) -> None:
    parts.postgres.kill()
    parts.postgres.start()


def _disk_full(parts: Rig) -> None:
    parts.postgres.fill_disk()
    time.sleep(3.0)
    parts.postgres.empty_disk()


def _cut(name: str, seconds: float = 2.0) -> Fault:
    def fault(parts: Rig) -> None:
        proxy: Proxy = getattr(parts, name)
        proxy.refuse()
        proxy.cut()
        time.sleep(seconds)
        proxy.heal()

    return fault


def _silent(name: str, seconds: float = 3.0) -> Fault:
    """Packets vanish, for a while, and connections stay."""

    def fault(parts: Rig) -> None:
        proxy: Proxy = getattr(parts, name)
        proxy.black_hole = True
        time.sleep(seconds)
        proxy.cut()  # nothing of what was swallowed arrives later
        proxy.heal()

    return fault


FAULTS: dict[str, Fault] = {
    "a worker process is killed": lambda parts: parts.workers.kill_one(),
    "all workers are killed, and started": _workers_killed,
    "Redis is killed, and comes back empty": _redis_emptied,
    "Redis is killed, and comes back with its data": _redis_restarted,
    "PostgreSQL is killed, and recovers": _postgres_killed,
    "workers are cut from PostgreSQL": _cut("worker_database"),
    "workers are cut from Redis": _cut("worker_broker"),
    "the coordinator is cut from PostgreSQL": _cut("coordinator_database"),
    "the coordinator is cut from Redis": _cut("coordinator_broker"),
    "workers are cut from the target": _cut("worker_target", 0.5),
    "packets between workers and PostgreSQL vanish": _silent("worker_database"),
    "packets between workers and Redis vanish": _silent("worker_broker"),
}


if disks_can_be_made():
    FAULTS["the disk of PostgreSQL is full"] = _disk_full


@dataclass
class Shown:
    """What came of one disturbed pass."""

    fault: str
    moment: int  # requests that had reached the target
    struck: bool = False  # before the pass was over
    seconds: float = 0.0
    uncertain: int = 0
    problem: str = ""
    wrong: list[str] = field(default_factory=list)  # what must not be, in words


def disturbed(parts: Rig, fault: str, moment: int) -> Shown:
    """One pass with one fault at the moment at which so many requests have reached the target, held against everything
    that has to be true of it.
    """
    failures: list[BaseException] = []
    shown, due, over = Shown(fault, moment), threading.Event(), threading.Event()

    def break_it() -> None:
        due.wait()
        if over.is_set():
            return
        shown.struck = True
        try:
            FAULTS[fault](parts)
        except BaseException as error:
            failures.append(error)

    def arrives(_: object) -> None:
        if parts.target.total() >= moment:
            due.set()

    parts.target.reset()
    parts.target.before = arrives
    hand = threading.Thread(target=break_it)
    began = time.monotonic()
    job = parts.stage.job(f"http://127.0.0.1:{parts.worker_target.port}")
    executor = celery_executor(parts.stage.store, key(), f"redis://127.0.0.1:{parts.coordinator_broker.port}/0")
    hand.start()
    result: PassResult | None = None
    problem = ""
    try:
        result = replay(executor, job)
        problem = result.problem
    except InconclusiveError as error:
        problem = error.message
    finally:
        over.set()
        due.set()
        hand.join()
    shown.seconds, shown.problem = time.monotonic() - began, problem
    shown.wrong += [f"the fault itself failed: {error!r}" for error in failures]
    shown.wrong += [f"sent twice: {each}" for each in parts.target.twice()]
    if result is not None:
        shown.uncertain = result.uncertain
        shown.wrong += _unbalanced(parts, result)
    return shown


def undisturbed(parts: Rig) -> list[Pass]:
    """Passes that nothing disturbs, one after the other: what the comparison learns from."""
    passes = []
    for concurrency in (1, 4, 4):
        parts.target.reset()
        result = replay(LocalExecutor(), parts.stage.job(parts.target.url, pace=Pace(concurrency)))
        assert result.problem == ""
        passes.append(_pass(parts, result))
    return passes


def _pass(parts: Rig, result: PassResult) -> Pass:
    return Pass("a pass", parts.stage.job(parts.target.url).target, result, CanaryRead({}, {}, frozenset()))


def _differences(parts: Rig, result: PassResult) -> Iterator[tuple[int, str]]:
    """(step, what differs) of everything that the comparison does not take for the same."""
    plan = parts.stage.plan
    cases = CaseMaker(plan).cases(parts.undisturbed, [_pass(parts, result)])
    trial = Trial(learn(teaching(cases), parts.undisturbed[0].result.sorts), ())
    index = {step.exchange.id: step.index for step in plan.steps}
    for comparison in trial.first(cases):
        if comparison.status is Status.DIFFERED:
            first = comparison.differences[0]
            yield index[comparison.exchange_id], f"{first.location.shape} {first.transition} {first.candidate}"


def _unbalanced(parts: Rig, result: PassResult) -> list[str]:
    """What is not as it would have been, and does not say so."""
    steps, wrong = parts.stage.plan.steps, []
    if len(result.answers) != len(steps):
        wrong.append(f"{len(result.answers)} answers for {len(steps)} steps")
    uncertain = {i for i, answer in enumerate(result.answers) if answer.reason is Reason.UNCERTAIN}
    if len(uncertain) != result.uncertain and not result.problem:
        wrong.append(f"{result.uncertain} are called uncertain, {len(uncertain)} are")
    for index, answer in enumerate(result.answers):
        name = f"{index} {steps[index].exchange.request.method} {steps[index].exchange.request.target}"
        if answer.response is None and not answer.failure and answer.reason is None:
            wrong.append(f"nothing is said of {name}")
        if answer.reason is Reason.OVER_BUDGET:
            wrong.append(f"the answer to {name} was lost")
        if answer.response is not None and parts.stage.plan.depends[index] & uncertain:
            wrong.append(f"{name} works on something uncertain")
    for index, what in _differences(parts, result) if not result.problem else ():
        if not _after_failure(parts, result, index):
            wrong.append(f"{steps[index].exchange.request.target} differs without a reason: {what}")
    return wrong


def _after_failure(parts: Rig, result: PassResult, index: int) -> bool:
    """Whether an answer may differ since something that it works on was left without one, as its ledger says."""
    seen, stack = set[int](), [index]
    while stack:
        for other in parts.stage.plan.depends[stack.pop()]:
            if result.answers[other].failure:
                return True
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return False
