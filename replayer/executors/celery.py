"""The executor whose workers are reached through Celery."""

from __future__ import annotations

from functools import partial

from recorder.keys import Key

from ..store import Store
from ..worker import hand_out, make_app
from .shared import SharedExecutor

DEFAULT_PARALLEL = 2


def celery_executor(store: Store, key: Key, broker_url: str, parallel: int = DEFAULT_PARALLEL) -> SharedExecutor:
    """An executor that hands batches out to the workers of a broker. Raises UsageError for a URL that is no Redis."""
    return SharedExecutor(store, key, partial(hand_out, make_app(broker_url)), name="celery", parallel=parallel)
