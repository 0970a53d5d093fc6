"""Where users leave things for one another."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from typing import Any


class Board:
    """Named mailboxes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boxes: defaultdict[str, queue.Queue[Any]] = defaultdict(queue.Queue)

    def _box(self, topic: str) -> queue.Queue[Any]:
        with self._lock:
            return self._boxes[topic]

    def give(self, topic: str, value: Any) -> None:
        self._box(topic).put(value)

    def take(self, topic: str, seconds: float = 0.0) -> Any:
        """What was left there first, or None when nothing comes in that time."""
        try:
            return self._box(topic).get(block=seconds > 0, timeout=seconds or None)
        except queue.Empty:
            return None
