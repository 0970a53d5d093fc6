"""Noise rules for people at pages: the door through which the dashboard comes to them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date

from diffing.noise import NoiseRule
from diffing.rule_evidence import RuleEvidence
from diffing.rule_review import Problem, RuleHistory

from .reports.rule_words import NEXT, caveats, sentence
from .reports.rule_words import history_json as history_document
from .rule_book import RuleBook, last_runs, read_evidence
from .service import Context
from .settings import Settings
from .store import RunInfo, Store

__all__ = ["Remark", "RuleDesk", "RuleRow", "Rules", "Shelf", "history_document"]

RUNS = 5
"""Runs of each recording that rules are held against."""
MAX_RUNS = 20
"""Runs of all recordings together, the newest first."""
MAX_ANSWERS = 5_000
"""Kept answers of one run that are read: a page is waited for."""


class Shelf:
    """What runs say of rules, kept for whoever asks again: runs that are over go on saying the same."""

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[object, RuleEvidence] = {}

    def evidence(self, store: Store, runs: list[RunInfo]) -> RuleEvidence:
        """As `read_evidence`, of all routes."""
        key = (tuple(run.id for run in runs), store.profiled())
        with self._lock:  # who asks for the same meanwhile waits for it
            found = self._kept.pop(key, None) or read_evidence(store, runs, lambda method, route: True, MAX_ANSWERS)
            self._kept[key] = found
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return found


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of a rule, and what to do about it."""

    fault: str
    wrong: bool
    sentence: str
    hint: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule, how it stands, and what is wrong with it."""

    history: RuleHistory
    remarks: tuple[Remark, ...]

    @property
    def rule(self) -> NoiseRule:
        return self.history.rule


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule; the runs that they were held against, and what could not be judged."""

    rows: tuple[RuleRow, ...]
    runs: int
    caveats: tuple[str, ...]


class RuleDesk:
    """The noise rules of one server."""

    def __init__(self, store: Store, settings: Settings, shelf: Shelf) -> None:
        self._store = store
        self._settings = settings
        self._shelf = shelf

    def rules(self) -> Rules:
        """Every rule beside the latest runs, in the order of the settings file."""
        book = self._book(last_runs(self._store, last=RUNS)[:MAX_RUNS])
        problems = book.review()
        rows = (
            RuleRow(told, tuple(_remark(each) for each in problems if each.rule is told.rule))
            for told in book.history()
        )
        return Rules(tuple(rows), len(book.evidence.runs), tuple(caveats(book.evidence)))

    def _book(self, runs: list[RunInfo]) -> RuleBook:
        context = Context(self._settings, self._store)
        return RuleBook.of(context, self._shelf.evidence(self._store, runs), date.today())


def _remark(problem: Problem) -> Remark:
    return Remark(problem.fault.value, problem.fault.wrong, sentence(problem), NEXT[problem.fault])
