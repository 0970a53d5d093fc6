"""What is told to somebody who wants a finding to count as noise: rules that would do it, and what speaks against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from diffing.grouping import FLAKY, Finding, Member
from diffing.kinds import KINDS
from diffing.noise import NoiseRule
from diffing.rule_hindsight import hidden_members
from diffing.rule_preview import Preview, preview, suggestion
from diffing.rule_proposals import Refusal
from diffing.rule_review import Fault, is_exact

from .errors import UsageError
from .kept_rules import typed_rule
from .reports.proposal_words import SENTENCES
from .reports.rule_words import NEXT, named, sentence
from .rule_book import RuleBook
from .settings import Settings
from .store import RunInfo

DAYS = (7, 30, 180)
"""How long a rule may be kept from a page: a week, a month, half a year."""
EVERYWHERE = "* /**"
"""The pattern of every route."""

KIND_WORDS = ("", *sorted(KINDS))
_HINTED = frozenset({Fault.OVER_BROAD, Fault.TAGGED})


@dataclass(frozen=True, slots=True)
class RuleWish:
    """A rule as somebody wishes for it; what is left out is that of the narrowest one for a place of the finding."""

    route: str = ""
    path: str = ""
    kind: str = ""
    at: int = -1  # which place of the finding; below 0: the first one that no rule hides yet
    reason: str = ""
    days: int = DAYS[-1]
    until: date | None = None  # instead of days
    anyway: bool = False  # warnings were read


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the rules that suggest themselves, held against the run at hand."""

    words: str
    rule: NoiseRule
    objection: str  # why it can not be kept; "" when it can


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that is to be known before a rule is kept. Without a rule, `problem` says why there is none."""

    run: RunInfo
    finding: Finding
    at: int
    runs: int  # that the rule was held against
    choices: tuple[Choice, ...]
    route: str  # as it was typed, or suggested
    path: str
    kind: str
    rule: NoiseRule | None = None
    preview: Preview | None = None
    problem: str = ""
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What a wish is held against, and who has it."""

    book: RuleBook
    settings: Settings
    run: RunInfo
    admin: bool

    @property
    def here(self) -> Held:
        """The same with the run of the finding as the only one."""
        evidence = self.book.evidence
        runs = tuple(run for run in evidence.runs if run.run == self.run.id)
        return replace(self, book=replace(self.book, evidence=replace(evidence, runs=runs)))

    def preview(self, rule: NoiseRule) -> Preview:
        """The rule as if it were signed, beside those that are in force."""
        signed = replace(rule, reason="-", author="-", until=self.book.today + timedelta(days=1))
        others = [each for each in self.book.rules if each.active(self.book.today)]
        return preview(signed, others, self.book.tags, self.book.evidence, self.book.today)


def asked(held: Held, fingerprint: str, wish: RuleWish) -> Asked:
    """What is told of a wish. Raises UsageError for a finding that the run has not."""
    finding = _finding(held, fingerprint)
    places = finding.places
    at = wish.at if 0 <= wish.at < len(places) else _first_left(held, finding)
    narrowest = suggestion(finding, places[at])
    told = Asked(
        run=held.run, finding=finding, at=at, runs=len(held.book.evidence.runs), choices=(),
        route=wish.route, path=wish.path, kind=wish.kind,
    )  # fmt: skip
    if narrowest is None:
        return replace(told, problem=SENTENCES[Refusal.NEVER])
    choices = tuple(_choices(held.here, finding, places[at], narrowest))
    if wish.route or wish.path or wish.kind:
        try:
            rule = typed_rule(wish.route.strip() or narrowest.route, wish.path.strip() or narrowest.path, wish.kind)
        except UsageError as error:
            return replace(told, choices=choices, problem=f"{error.message} {error.hint}".strip())
    else:
        rule = narrowest
    found = held.preview(rule)
    return replace(
        told,
        choices=choices,
        route=rule.route,
        path=rule.path,
        kind=rule.kind,
        rule=rule,
        preview=found,
        refusals=tuple(_refusals(held, finding, found)),
        warnings=tuple(_warnings(found)),
    )


def _finding(held: Held, fingerprint: str) -> Finding:
    here = next(run for run in held.book.evidence.runs if run.run == held.run.id)
    found = next((each for each in here.findings if each.fingerprint == fingerprint), None)
    if found is None:
        raise UsageError(f"The run {held.run.id} has no finding {fingerprint!r}.")
    return found


def _first_left(held: Held, finding: Finding) -> int:
    """The first place of a finding that no rule hides by now; its root when all are hidden."""
    active = [rule for rule in held.book.rules if rule.active(held.book.today)]
    hidden = {place for rule in active for place in hidden_members(rule, finding)}
    return next((number for number, place in enumerate(finding.places) if place not in hidden), 0)


def _choices(held: Held, finding: Finding, place: Member, narrowest: NoiseRule) -> Iterator[Choice]:
    wanted = [("This field on this route", narrowest)]
    others = {(each.method, each.route) for each in finding.places if each.location == place.location}
    if len(others) > 1 or any(run.routes for run in held.book.evidence.runs):
        wanted.append(("This field on every route", replace(narrowest, route=EVERYWHERE)))
    if narrowest.kind:
        wanted.append(("This field here, any value of its type", replace(narrowest, kind="")))
    for words, rule in wanted:
        found = held.preview(rule)
        if _hides(held, finding, found):
            yield Choice(words, rule, next(_refusals(held, finding, found), ""))


def _hides(held: Held, finding: Finding, found: Preview) -> bool:
    """Whether a rule would have hidden something of the finding at hand."""
    return any(each.run == held.run.id and each.finding.fingerprint == finding.fingerprint for each in found.hides)


def _refusals(held: Held, finding: Finding, found: Preview) -> Iterator[str]:
    """Why a rule can not be kept, in sentences."""
    if not _hides(held, finding, found):
        yield "It would hide nothing of this finding."
    if not found.measured and not is_exact(found.rule):
        yield (
            "What varies between passes of the baseline is not known: only a rule for one place of one route can be"
            " kept, without * but for [*]."
        )
    for problem in found.problems:
        hint = f" {NEXT[problem.fault]}" if problem.fault in _HINTED else ""
        yield sentence(problem) + hint
    for tag in found.tags:
        if held.settings.policy.for_tag(tag).reviewers > 1:
            yield (
                f"Two people decide on routes with the tag {tag!r}, and a rule would take that from them: write it into"
                " the settings file, where it is reviewed."
            )
        elif not held.admin:
            yield f"Only an admin keeps a rule that may hide changes on routes with the tag {tag!r}."


def _warnings(found: Preview) -> Iterator[str]:
    """What is to be read before a rule is kept, in sentences."""
    if found.tags:
        yield f"It may hide changes on routes with the tag {' and '.join(repr(tag) for tag in found.tags)}."
    if found.steady:
        yield (
            f"The baseline did not vary there, and the change was not flaky: {named(found.steady)}. That is a change:"
            " fix it, or approve it if it is intended."
        )
    elif any(each.finding.state != FLAKY for each in found.hides):
        yield "Not all that it would have hidden was flaky: what came again when it was repeated is a change."
