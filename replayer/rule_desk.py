"""Noise rules for people at pages: the door through which the dashboard comes to them."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from diffing.grouping import Finding
from diffing.noise import NoiseRule
from diffing.rule_evidence import RuleEvidence
from diffing.rule_hindsight import hidden_members
from diffing.rule_review import Problem, RuleHistory

from .approving import one_line
from .errors import ConflictError, UsageError
from .kept_rules import ListedRule, exported, find_rule, rules_in_force, withdraw_rule
from .reports.proposal_words import rule_toml as rule_toml
from .reports.rule_words import NEXT, caveats, sentence
from .reports.rule_words import listed_json as listed_json
from .rule_asking import DAYS as DAYS
from .rule_asking import KIND_WORDS as KIND_WORDS
from .rule_asking import Asked as Asked
from .rule_asking import Held, asked
from .rule_asking import RuleWish as RuleWish
from .rule_book import RuleBook, last_runs, read_evidence
from .service import Context
from .settings import Settings
from .store import KeptRule, RunInfo, Store

RUNS = 5
"""Runs of each recording that rules are held against."""
MAX_RUNS = 20
"""Runs of all recordings together, the newest first; also of one that somebody may ask for."""
MAX_ANSWERS = 5_000
"""Kept answers that are read, of the newest run of each recording as many: a page is waited for."""
MAX_DAYS = 366
"""Days that a kept rule may hold: somebody is to ask whether it is still needed."""


class Shelf:
    """What runs say of rules, kept for whoever asks again: runs that are over go on saying the same."""

    def __init__(self, most: int = 3) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[object, RuleEvidence] = {}

    def evidence(self, store: Store, runs: list[RunInfo]) -> RuleEvidence:
        """As `read_evidence`, of all routes."""
        key = (tuple(run.id for run in runs), store.profiled())
        most = MAX_ANSWERS // max(1, len({run.recording for run in runs}))
        with self._lock:  # who asks for the same meanwhile waits for it
            found = self._kept.pop(key, None) or read_evidence(store, runs, lambda method, route: True, most)
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
    """A rule, where it is kept, how it stands, and what is wrong with it."""

    listed: ListedRule
    history: RuleHistory
    remarks: tuple[Remark, ...]

    @property
    def rule(self) -> NoiseRule:
        return self.history.rule


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule; the runs that they were held against, and what could not be judged."""

    rows: tuple[RuleRow, ...]
    withdrawn: tuple[KeptRule, ...]  # the newest first
    runs: int
    caveats: tuple[str, ...]

    @property
    def to_file(self) -> bool:
        """Whether the store has rules that the settings file has not."""
        return any(row.listed.home == "store" for row in self.rows)


@dataclass(frozen=True, slots=True)
class Hiding:
    """A rule that would hide a finding."""

    rule: NoiseRule
    whole: bool  # or only some of its places

    @property
    def sentence(self) -> str:
        """For people."""
        what = "hides this" if self.whole else "hides this at some of its places"
        return f"The noise rule {self.rule.name} {what} in gates that begin now."


class RuleDesk:
    """The noise rules of one server."""

    def __init__(self, store: Store, settings: Settings, shelf: Shelf) -> None:
        self._store = store
        self._settings = settings
        self._shelf = shelf

    def rules(self) -> Rules:
        """Every rule beside the latest runs: those of the settings file in its order, then those of the store."""
        book = self._book(last_runs(self._store, last=RUNS)[:MAX_RUNS])
        problems = book.review()
        rows = (
            RuleRow(listed, told, tuple(_remark(each) for each in problems if each.rule is told.rule))
            for listed, told in zip(book.listed, book.history(), strict=True)
        )
        gone = tuple(each for each in self._store.kept_rules()[::-1] if each.withdrawn is not None)
        return Rules(tuple(rows), gone, len(book.evidence.runs), tuple(caveats(book.evidence)))

    def ask(self, run: str, fingerprint: str, wish: RuleWish, admin: bool, last: int = RUNS) -> Asked:
        """What the rule would do that somebody wishes for, by the `last` runs of the recording.

        `wish` may name no rule: the narrowest one is meant. UsageError for a run or a finding that is not there.
        """
        info = self._store.run(run)
        others = [
            each
            for each in self._store.runs()  # whose recording may be gone
            if each.is_judged and each.recording == info.recording and each.id != info.id
        ]
        book = self._book([info, *others[: max(1, min(last, MAX_RUNS)) - 1]])
        return asked(Held(book, self._settings, info, admin), fingerprint, wish)

    def hiding(self, finding: Finding) -> tuple[Hiding, ...]:
        """The rules in force by now that would hide a finding, or a part of it, in a gate that begins now."""
        rules = self._in_force()
        hidden = ((rule, len(hidden_members(rule, finding))) for rule in rules)
        return tuple(Hiding(rule, count == len(finding.places)) for rule, count in hidden if count)

    def keep(self, run: str, fingerprint: str, wish: RuleWish, author: str, admin: bool) -> KeptRule:
        """Keeps a rule in the store: gates that begin from now on hear of it.

        Raises UsageError for what `ask` objects to, and where it warns and the wish does not say `anyway`.
        """
        told = self.ask(run, fingerprint, wish, admin)
        if told.rule is None or told.refusals:
            there = told.rule is not None and told.rule.name in {each.name for each in self._in_force()}
            raise (ConflictError if there else UsageError)(told.problem or told.refusals[0])
        if told.warnings and not wish.anyway:
            raise UsageError(f"{told.warnings[0]} Say that it is to be kept all the same, if you know better.")
        today = date.today()
        until = wish.until or today + timedelta(days=wish.days)
        if not today <= until <= today + timedelta(days=MAX_DAYS):
            raise UsageError(f"A rule that is kept here ends within {MAX_DAYS} days, and not before today.")
        rule = replace(
            told.rule, reason=one_line(wish.reason, "reason"), author=one_line(author, "author"), until=until
        )
        kept = KeptRule(secrets.token_hex(6), rule, _now(), told.run.id, told.finding.fingerprint)
        self._store.add_rule(kept)
        return kept

    def withdraw(self, identity: str, author: str, reason: str = "") -> KeptRule:
        """Takes a rule of the store back; it stays on record. UsageError for one that is not there."""
        return withdraw_rule(self._store, identity, author, reason)

    def kept(self, identity: str) -> KeptRule:
        """One rule of the store, also one that was taken back. Raises UsageError."""
        return find_rule(self._store, identity)

    def toml(self) -> str:
        """What the store alone has, for the settings file."""
        return exported(self._settings, self._store)

    def _in_force(self) -> tuple[NoiseRule, ...]:
        return rules_in_force(self._settings, self._store)

    def _book(self, runs: list[RunInfo]) -> RuleBook:
        context = Context(self._settings, self._store)
        return RuleBook.of(context, self._shelf.evidence(self._store, runs), date.today())


def _remark(problem: Problem) -> Remark:
    return Remark(problem.fault.value, problem.fault.wrong, sentence(problem), NEXT[problem.fault])


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
