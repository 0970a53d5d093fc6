"""The one Celery task: a number in, and the worker of this process does the rest."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import Celery

from .errors import UnderstudyError
from .worker import SEND_BATCH

if TYPE_CHECKING:
    from .executors.shift import Worker

logger = logging.getLogger("understudy.worker")


def register(app: Celery, make: Callable[[], Worker]) -> None:
    """Gives the application its task; `make` makes the worker of a process, when its first batch comes."""
    workers: dict[int, Worker] = {}  # by process: what a parent has opened is not its child's

    def send_batch(batch_id: int) -> None:
        try:
            worker = workers.get(os.getpid())
            if worker is None:
                worker = workers[os.getpid()] = make()
            if not worker.send(batch_id):
                logger.info("batch %d was another worker's", batch_id)
        except UnderstudyError as error:  # the coordinator hands it out again
            logger.error("batch %d: %s %s", batch_id, error.message, error.hint)

    app.task(name=SEND_BATCH)(send_batch)
