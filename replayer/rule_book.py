"""The noise rules that there are, beside what the last runs of the recordings say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from diffing.noise import NoiseRule
from diffing.profile import NoiseProfile
from diffing.routes import RouteTable, matches
from diffing.rule_evidence import PastRun, RuleEvidence, Spot, observe, varied_spots
from diffing.rule_proposals import Proposals, propose
from diffing.rule_review import Problem, RuleHistory, Tags, history, review
from recorder.exchange import RecordedResponse

from .errors import UsageError
from .kept_rules import ListedRule, listed_rules, rules_in_force
from .past_runs import past_run
from .service import Context
from .settings import Settings
from .store import Store
from .store.records import RunInfo

MAX_ANSWERS = 20_000
"""Kept answers of one run that are read: places show up early, and a review is to take seconds."""

LOOKED_UP = 500
"""Exchanges looked up at a time."""

Wanted = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules and everything that they are judged by."""

    listed: tuple[ListedRule, ...]
    tags: Tags
    evidence: RuleEvidence
    today: date

    @classmethod
    def of(cls, context: Context, evidence: RuleEvidence, today: date) -> RuleBook:
        """The rules that there are, beside this evidence."""
        return cls(listed_rules(context.settings, context.store), tags_of(context.settings), evidence, today)

    @property
    def rules(self) -> tuple[NoiseRule, ...]:
        """As they are judged."""
        return tuple(each.rule for each in self.listed)

    def history(self) -> list[RuleHistory]:
        """How every rule stands."""
        return history(self.rules, self.evidence, self.today)

    def review(self) -> list[Problem]:
        """What is wrong with the rules. That one of the store alone has expired is no fault: nobody can remove it."""
        over = {id(each.rule) for each in self.listed if not each.filed and not each.rule.active(self.today)}
        found = review(self.rules, self.tags, self.evidence, self.today)
        return [each for each in found if id(each.rule) not in over]


def open_book(context: Context, recording: str = "", last: int = 5) -> RuleBook:
    """The rules beside the `last` finished runs of every recording, or of one. UsageError for one that is not there."""
    store = context.store
    book = RuleBook.of(context, RuleEvidence(), date.today())
    patterns = [*(rule.route for rule in book.rules), *(route for _, routes in book.tags for route in routes)]

    def wanted(method: str, route: str) -> bool:
        return any(matches(pattern, method, route) for pattern in patterns)

    chosen = last_runs(store, recording, last)
    return replace(book, evidence=read_evidence(store, chosen, wanted))


def propose_rules(
    context: Context, run_id: str = "", findings: Sequence[str] = (), last: int = 5
) -> tuple[str, Proposals]:
    """Rules for what the run with this id, or the newest one, saw vary; and that run's id.

    `findings` are fingerprints, or beginnings of them; without any, the flaky ones are meant. The `last` runs of the
    same recording tell what the rules would have hidden. UsageError for a run or a finding that is not there.
    """
    store, settings = context.store, context.settings
    run = chosen_run(store, run_id)
    told = past_run(store.run_report(run.id))
    asked = {_finding_of(told, text) for text in findings}
    others = [other for other in last_runs(store, run.recording, last) if other.id != run.id]
    evidence = read_evidence(store, [run, *others[: last - 1]], _any)
    candidate = observe(_answers(store, run, _any, candidate=True), _profile(store, run.recording_id) or NoiseProfile())
    rules = rules_in_force(settings, store)
    return run.id, propose(told, evidence, candidate, rules, tags_of(settings), asked)


def tags_of(settings: Settings) -> Tags:
    """The tags of the settings file, each with its routes."""
    return tuple((tag.name, tag.routes) for tag in settings.tags)


def _any(method: str, route: str) -> bool:
    return True


def _finding_of(run: PastRun, text: str) -> str:
    found = {finding.fingerprint for finding in run.findings if text and finding.fingerprint.startswith(text)}
    if len(found) == 1:
        return found.pop()
    what = "Several findings" if found else "No finding"
    raise UsageError(
        f"{what} of the run {run.run!r} {'have' if found else 'has'} a fingerprint that begins with {text!r}.",
        f"`understudy findings list {run.run}` shows them.",
    )


def last_runs(store: Store, recording: str = "", last: int = 5) -> list[RunInfo]:
    """The newest finished runs of each recording, or of one, the newest first."""
    if recording:
        store.recording(recording)
    counts: dict[str, int] = {}
    chosen = []
    for run in store.runs():
        if not run.is_judged or (recording and run.recording != recording):
            continue
        counts[run.recording] = counts.get(run.recording, 0) + 1
        if counts[run.recording] <= last:
            chosen.append(run)
    return chosen


def chosen_run(store: Store, text: str) -> RunInfo:
    """The run with this id, or the newest finished one. UsageError when there is none."""
    if text:
        return store.run(text)
    finished = [run for run in store.runs() if run.is_judged]
    if not finished:
        raise UsageError("There is no finished run to learn from.", "Run `understudy gate` first.")
    return finished[0]


def read_evidence(store: Store, runs: Sequence[RunInfo], wanted: Wanted, most: int = MAX_ANSWERS) -> RuleEvidence:
    """What the runs say, and the places and variations of each recording, by `most` answers of wanted routes."""
    told: list[PastRun] = [past_run(store.run_report(run.id)) for run in runs]
    values: dict[Spot, list[object]] = {}
    varied: set[Spot] = set()
    measured = False
    newest: dict[int, RunInfo] = {}
    for run in runs:
        if run.recording_id is not None:
            newest.setdefault(run.recording_id, run)
    for recording_id, run in newest.items():
        profile = _profile(store, recording_id)
        measured = measured or profile is not None
        varied |= varied_spots(profile or NoiseProfile())
        for spot, seen in observe(_answers(store, run, wanted, most=most), profile or NoiseProfile()).items():
            values.setdefault(spot, []).extend(seen)
    return RuleEvidence(tuple(told), values, frozenset(varied), measured)


def _profile(store: Store, recording_id: int | None) -> NoiseProfile | None:
    """What the baseline's passes taught last; None when that was not kept, or by another version."""
    stored = store.profile(recording_id) if recording_id is not None else None
    if stored is None:
        return None
    try:
        return NoiseProfile.from_json(stored.data)
    except (ValueError, KeyError):
        return None


def _answers(
    store: Store, run: RunInfo, wanted: Wanted, candidate: bool = False, most: int = MAX_ANSWERS
) -> Iterator[tuple[str, str, RecordedResponse]]:
    """(method, route, response) of what the run kept of the candidate, or else of the baseline where it has one."""
    names = [name for name in store.pass_names(run.id) if name.startswith("candidate") is candidate]
    if not names and not candidate:
        names = list(store.pass_names(run.id))  # compared with the recording: the candidate's own places
    if not names or run.recording_id is None:
        return
    templates = ((total.method, "", total.route) for total in store.route_totals(run.recording_id) if total.route)
    table = RouteTable([*templates, *store.unrouted(run.recording_id)])
    kept = islice(store.answers(run.id, names[0]), most)
    while part := list(islice(kept, LOOKED_UP)):
        asked = store.exchanges_named(run.recording_id, [exchange_id for exchange_id, _ in part])
        for exchange_id, answer in part:
            exchange = asked.get(exchange_id)
            if exchange is None or answer.response is None:
                continue
            method = exchange.request.method
            route = table.route(method, exchange.request.target, exchange.route)
            if wanted(method, route):
                yield method, route, answer.response
