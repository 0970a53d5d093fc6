"""Prepared steps that a worker keeps from one pass of a run to the next: preparing one costs as much as sending it."""

from __future__ import annotations

from collections import OrderedDict

from ..flow import Step

STEPS = 20_000
"""Those of the example shop take some 70 MB."""
BODY_BYTES = 64 * 1024 * 1024
"""Of the bodies in them."""


class KeptSteps:
    """The steps of the latest runs. Where there are too many for one run, the first ones stay.

    A pass goes through them in one order, so that of the latest ones none would be there when it is needed again.
    """

    def __init__(self, steps: int = STEPS, body_bytes: int = BODY_BYTES) -> None:
        self._room = steps
        self._bytes = body_bytes  # there is still room for
        self._runs: OrderedDict[str, dict[int, Step]] = OrderedDict()

    def get(self, run_id: str, index: int) -> Step | None:
        """The step of a run with this index, if it was kept."""
        if run_id not in self._runs:
            return None
        self._runs.move_to_end(run_id)
        return self._runs[run_id].get(index)

    def keep(self, run_id: str, step: Step) -> None:
        """Keep a step, if there is room for it; other runs make room."""
        kept = self._runs.setdefault(run_id, {})
        self._runs.move_to_end(run_id)
        before = kept.pop(step.index, None)
        if before is not None:
            self._drop(before)
        size = _body_bytes(step)
        while len(self._runs) > 1 and not self._has_room(size):
            _, oldest = self._runs.popitem(last=False)
            for each in oldest.values():
                self._drop(each)
        if self._has_room(size):
            kept[step.index] = step
            self._room -= 1
            self._bytes -= size

    def _has_room(self, size: int) -> bool:
        return self._room > 0 and self._bytes >= size

    def _drop(self, step: Step) -> None:
        self._room += 1
        self._bytes += _body_bytes(step)


def _body_bytes(step: Step) -> int:
    response = step.exchange.response
    return len(step.exchange.request.body.data) + (len(response.body.data) if response is not None else 0)
