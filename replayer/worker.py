"""The Celery application: how the numbers of batches reach workers, and the process that works on them.

Celery carries numbers and nothing else. What it loses is handed out again by the coordinator, and what it delivers
twice is refused by the store, so that its own guarantees need not be good.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from celery import Celery
from celery.signals import setup_logging
from kombu.exceptions import OperationalError

from recorder.sinks.address import shown

from .errors import InconclusiveError, UsageError
from .logs import collected

if TYPE_CHECKING:
    from recorder.keys import Key

    from .executors.shift import Worker
    from .store import Store
    from .tally import Tally

logger = logging.getLogger("understudy.worker")

RESTART_SECONDS = 1.0
STEADY_SECONDS = 10.0
"""Who has worked for so long is replaced soon; who ends at once, later."""
SEND_BATCH = "understudy.send_batch"
QUEUE = "understudy"
CONNECT_SECONDS = 3.0
VISIBILITY_SECONDS = 60
"""After which a number is delivered once more that nobody has confirmed; the store refuses it while it is worked on."""


def make_app(broker_url: str) -> Celery:
    """The Celery application on a broker. Raises UsageError for a URL that is no Redis."""
    if urlsplit(broker_url).scheme not in ("redis", "rediss", "redis+socket"):
        raise UsageError(
            f"The broker {shown(broker_url)} is no Redis.",
            "For example: UNDERSTUDY_BROKER_URL=redis://localhost:6379/0",
        )
    app = Celery("understudy", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": 30.0,
            "socket_keepalive": True,
            # never `retry_on_timeout`: a client that reconnects by itself waits for the answer to what nobody has asked
        },
        # Early: a worker with unconfirmed messages does not survive the loss of its Redis (kombu 5.7), and what is
        # lost after it was confirmed is handed out again by the coordinator all the same.
        task_acks_late=False,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_serializer="json",
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )
    return app


def hand_out(app: Celery, batch_id: int) -> None:
    """Tell some worker of a batch. Raises InconclusiveError when the broker can not be reached."""
    try:
        app.send_task(SEND_BATCH, [batch_id], retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        raise InconclusiveError(
            f"The broker {shown(str(app.conf.broker_url))} can not be reached: {error}.",
            "Is Redis running there? UNDERSTUDY_BROKER_URL, or broker_url in the settings file, says where.",
        ) from error


def serve(
    app: Celery, database_url: str, key: Key, processes: int, loglevel: str = "WARNING", tally: Tally | None = None
) -> int:
    """Work until stopped; the exit status. SIGTERM lets batches in hand be finished, SIGQUIT does not.

    Celery works in a child process, which is replaced when it ends by itself: it gives up at some losses of its Redis.
    """
    supervisor = _Supervisor()
    status = 0
    while not supervisor.stopping:
        began = time.monotonic()
        status = supervisor.run(partial(_celery, app, database_url, key, processes, loglevel, tally))
        if status == 0:
            break
        pause = RESTART_SECONDS * (1 if time.monotonic() - began > STEADY_SECONDS else 3)
        logger.warning("the workers ended with status %d; others begin in %g s", status, pause)
        supervisor.wait(pause)
    return 0 if supervisor.stopping else status


class _Supervisor:
    """Runs one child process at a time, and passes on to it what it is told."""

    def __init__(self) -> None:
        self.stopping = False
        self._child = 0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._stop)

    def run(self, work: Callable[[], int]) -> int:
        """The exit status of a child that did the work."""
        self._child = os.fork()
        if self._child == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            status = 1
            try:
                status = work()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)  # nothing of the parent's is to be cleaned up here
        _, status = os.waitpid(self._child, 0)
        self._child = 0
        return os.waitstatus_to_exitcode(status)

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < deadline:
            time.sleep(0.05)

    def _stop(self, number: int, _: object) -> None:
        self.stopping = True
        if self._child:
            with suppress(ProcessLookupError):
                os.kill(self._child, number)


def _celery(app: Celery, database_url: str, key: Key, processes: int, loglevel: str, tally: Tally | None) -> int:
    from .tasks import register

    register(app, partial(_worker, database_url, key, tally))
    options = [
        "worker",
        "--concurrency",
        str(processes),
        "--loglevel",
        loglevel,
        "--without-gossip",
        "--without-mingle",
    ]
    if collected():
        setup_logging.connect(_leave_loggers, weak=False)
        options.insert(0, "--quiet")  # no banner
    app.worker_main([*options, "--queues", QUEUE])
    return 0


def _leave_loggers(**_: object) -> None:
    """Connected, this keeps Celery from setting up loggers of its own."""


def _worker(database_url: str, key: Key, tally: Tally | None) -> Worker:
    """The worker of one process, with a store of its own: connections do not survive a fork."""
    from .executors.shift import Worker
    from .store import Store

    store: Store = Store.open(database_url)
    return Worker(store, key, tally)
