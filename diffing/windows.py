"""When each pass answered what: the windows that times in its answers are read against."""

from __future__ import annotations

from .difference import Answer, Case
from .times import Window


class PassClock:
    """Keeps the moment at which every pass began, over the cases seen so far."""

    def __init__(self) -> None:
        self._opened: dict[tuple[bool, int], float] = {}
        self._recorded: float | None = None

    def see(self, case: Case) -> None:
        """Takes note of a case's times; call it before asking for its windows."""
        for in_baseline, side in ((True, case.baseline), (False, case.candidate)):
            for i, answer in enumerate(side):
                if answer.ended > 0.0:
                    known = self._opened.get((in_baseline, i))
                    self._opened[in_baseline, i] = answer.started if known is None else min(known, answer.started)
        started = case.exchange.started
        if case.exchange.ended > 0.0:
            self._recorded = started if self._recorded is None else min(self._recorded, started)

    def window(self, case: Case, number: int, in_baseline: bool) -> Window:
        """The window of one pass's answer."""
        answer: Answer = (case.baseline if in_baseline else case.candidate)[number]
        return Window(self._opened.get((in_baseline, number), 0.0), answer.started, answer.ended)

    def recorded(self, case: Case) -> Window:
        """The window of the recorded answer."""
        return Window(self._recorded or 0.0, case.exchange.started, case.exchange.ended)
