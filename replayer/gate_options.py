"""What a gate is asked to do: as it was typed, and what that means with the settings at hand."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from diffing.gate import Policy
from diffing.noise import NoiseRule

from .alerts.ways import Ways, open_ways
from .approving import Book, approvals_path
from .errors import ConflictError, UsageError, nearest
from .judging import policy_of
from .kept_rules import rules_in_force
from .retrial import Again, Sought, sought
from .selection.recorded import Budget
from .settings import Settings, resolve_target
from .store import RunInfo, Store
from .target_settings import TargetSettings

EXECUTORS = ("local", "celery")


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What was asked on the command line, as text; the settings file fills in the rest."""

    recording: str
    candidate: str
    baselines: tuple[str, ...] = ()
    settings_path: Path | None = None
    database_url: str = ""
    disposable: bool = False
    passes: int = 3
    concurrency: int = 0  # of every target; 0: what each says
    rate: float = 0.0  # requests per second, of every target; 0.0: what each says
    ramp_up: float = 0.0  # seconds, of every target; 0.0: what each says
    speed: float = 0.0  # how many times as fast as recorded; 0.0: as fast as the targets answer
    correlate: bool = True
    self_test: bool = False
    relearn: bool = False  # learn what varies anew, even where it is known of this build
    budget: Budget = field(default_factory=Budget)
    branch: str = ""
    commit: str = ""
    executor: str = "local"  # or "celery"
    workers: int = 2  # how many are thought to be there, when it is celery
    alerts: bool = True  # tell the people whom the settings name
    again: Again | None = None  # replay one finding alone; None: judge a release

    def to_json(self) -> str:
        """What `from_json` reads; paths are made absolute. Where the run is kept is not said in it."""
        fields = asdict(self) | {
            "settings_path": None if self.settings_path is None else str(self.settings_path.absolute())
        }
        del fields["database_url"]
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str) -> GateOptions:
        fields = json.loads(text)
        path = fields.pop("settings_path")
        fields["baselines"] = tuple(fields["baselines"])
        fields["budget"] = Budget(**fields.get("budget", {}))
        if fields.get("again"):
            fields["again"] = Again(**fields["again"])
        return cls(**fields, settings_path=None if path is None else Path(path))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of a gate mean with the settings at hand."""

    candidate: TargetSettings
    baselines: tuple[TargetSettings, ...]
    stored: tuple[TargetSettings, ...]  # those of the baselines that are earlier runs
    policy: Policy
    rules: tuple[NoiseRule, ...]
    book: Book
    ways: Ways
    sought: Sought | None = None  # the finding that is replayed alone


def again_as(store: Store, run: RunInfo, again: Again | None = None) -> GateOptions:
    """What is to be asked so that a run is made again; with `again`, one finding of it alone.

    Of a run that replayed one finding alone, that is asked again. Nobody outside hears of a finding alone. Raises
    UsageError for a run of which it is not known any more how it was asked for.
    """
    if not run.asked or run.recording_id is None:
        raise ConflictError(
            f"It is not known any more how the run {run.id} was asked for, or its recording is gone.",
            "Start another one.",
        )
    options = GateOptions.from_json(run.asked)
    if again is None:
        return options
    if options.again is not None:
        again = replace(again, run=options.again.run)
    found = sought(store, again)
    return replace(options, again=replace(again, fingerprint=found.finding.fingerprint), alerts=False, self_test=False)


def as_asked(settings: Settings, store: Store, options: GateOptions) -> Asked:
    """Everything that can be wrong with settings and options is found here, before the work."""
    candidate = _target(options.candidate, settings, options)
    baselines = tuple(_target(text, settings, options) for text in options.baselines)
    if candidate.run:
        raise UsageError("A run that is over can be a baseline, not the candidate.", "Give a URL, wsgi: or a target.")
    stored = tuple(target for target in baselines if target.run)
    if stored and len(stored) < len(baselines):
        raise UsageError("An earlier run and a live target can not be baselines of one run.", "Give one of them.")
    if options.executor not in EXECUTORS:
        raise UsageError(f"There is no executor {options.executor!r}.", nearest(options.executor, EXECUTORS))
    if options.executor != "local" and store.is_private:
        raise UsageError("A database in memory can not be shared with workers.", "Name one with --db.")
    book = Book(store, approvals_path(settings), datetime.now(UTC))
    book.approvals()
    ways = open_ways(settings, os.environ) if options.alerts else Ways()
    rules = rules_in_force(settings, store)
    seeks = sought(store, options.again) if options.again else None
    return Asked(candidate, baselines, stored, policy_of(settings), rules, book, ways, seeks)


def _target(text: str, settings: Settings, options: GateOptions) -> TargetSettings:
    target = resolve_target(text, settings)
    return replace(
        target,
        disposable=options.disposable or target.disposable,
        concurrency=options.concurrency or target.concurrency,
        rate=options.rate or target.rate,
        ramp_up=options.ramp_up or target.ramp_up,
    )
