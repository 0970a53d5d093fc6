"""What is typed into the filter of a run: `severity:breaking route:/pay* !state:approved price`.

Every word narrows the list down. `key:value` asks one column, `*` standing for any text; `!` before a word turns it
round; a word without a key is looked for in everything that a line shows.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from diffing.approvals import Approval, Decision
from diffing.grouping import Finding
from diffing.standing import Standing
from replayer.review import RunReport, wording
from replayer.talk import SILENCE, Talked

from .errors import ApiError

KEYS = ("severity", "route", "method", "kind", "part", "path", "tag", "state", "by", "assignee", "mentions", "is")

ME = "me"
"""Whoever asks, as a value of the keys of OF_PEOPLE."""

OF_PEOPLE = ("by", "assignee", "mentions")

Says = Callable[[RunReport, Finding, Talked], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a filter."""

    key: str  # "" for one that is looked for everywhere
    value: str
    negated: bool

    def fits(self, report: RunReport, finding: Finding, talked: Talked) -> bool:
        says = _SAYS[self.key] if self.key else _everything
        values = [text.casefold() for text in says(report, finding, talked)]
        wanted = self.value.casefold()
        pattern = wanted if "*" in wanted and self.key else f"*{wanted}*" if not self.key else wanted
        return any(fnmatchcase(text, _literal(pattern)) for text in values) != self.negated


def parse(text: str, me: str = "") -> list[Word]:
    """The words of a filter; `me` is who asks. Raises ApiError with what is wrong with it."""
    try:
        parts = shlex.split(text)
    except ValueError:
        raise ApiError(422, "filter", "A quotation mark in the filter has no second one.") from None
    words = [_word(part) for part in parts]
    return [replace(each, value=me) if each.key in OF_PEOPLE and each.value == ME else each for each in words]


def narrowed(
    report: RunReport, findings: Iterable[Finding], words: Iterable[Word], talked: Talked = SILENCE
) -> list[Finding]:
    """The findings that every word fits."""
    asked = list(words)
    return [finding for finding in findings if all(word.fits(report, finding, talked) for word in asked)]


def states_of(report: RunReport, finding: Finding) -> list[str]:
    """What a finding is: `open` or `approved`, `blocks`, what people called it, and how sure it is."""
    standing = report.standing(finding)
    found = ["approved" if standing.approved else "open", finding.state]
    if finding.fingerprint in report.verdict.blocking and not standing.approved and not standing.aside:
        found.append("blocks")
    if standing.rejections:
        found.append("rejected")
    elif standing.environments:
        found.append("environment")
    elif not standing.approved:
        found.append("undecided")
        if standing.approvals and standing.needed > len(standing.people):
            found.append("waits")
    elif all(each.decision is Decision.NOISE for each in standing.approvals):
        found.append("noise")
    if standing.approved and all(each.created.timestamp() < report.started_at for each in standing.approvals):
        found.append("carried")
    return found


def decisions_on(standing: Standing) -> tuple[Approval, ...]:
    """Everything that counts or is asked to."""
    return (*standing.approvals, *standing.rejections, *standing.environments)


def talk_words(finding: Finding, talked: Talked) -> list[str]:
    """What is said of a finding beside decisions: `commented`, `unresolved`, `assigned` or `unassigned`."""
    found = ["commented"] * bool(talked.comments_on(finding)) + ["unresolved"] * bool(talked.unresolved(finding))
    return [*found, "assigned" if talked.assignee(finding) else "unassigned"]


def _word(part: str) -> Word:
    negated = part.startswith("!") and len(part) > 1
    word = part[1:] if negated else part
    key, mark, value = word.partition(":")
    if not mark or not key.isalpha():
        return Word("", word, negated)
    if key.lower() not in KEYS:
        raise ApiError(422, "filter", f"The filter has no {key}:. It has {', '.join(f'{each}:' for each in KEYS)}.")
    return Word(key.lower(), value, negated)


def _literal(pattern: str) -> str:
    """Everything but `*` means itself."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _everything(report: RunReport, finding: Finding, talked: Talked) -> Iterable[str]:
    yield f"{wording.route(finding)} {wording.change(finding)}"
    yield from (f"{wording.route(each)} {wording.change(each)}" for each in finding.members)
    yield finding.fingerprint
    yield finding.detail
    yield from wording.sides(finding)


_SAYS: dict[str, Says] = {
    "severity": lambda report, finding, talked: [finding.severity.value],
    "route": lambda report, finding, talked: {finding.route, *(each.route for each in finding.members)},
    "method": lambda report, finding, talked: {finding.method, *(each.method for each in finding.members)},
    "kind": lambda report, finding, talked: [finding.kind],
    "part": lambda report, finding, talked: [finding.location.part.value],
    "path": lambda report, finding, talked: {finding.location.path, *(each.location.path for each in finding.members)},
    "tag": lambda report, finding, talked: finding.tags,
    "state": lambda report, finding, talked: states_of(report, finding),
    "by": lambda report, finding, talked: [each.author for each in decisions_on(report.standing(finding))],
    "assignee": lambda report, finding, talked: [talked.assignee(finding)],
    "mentions": lambda report, finding, talked: talked.mentioned(finding),
    "is": lambda report, finding, talked: [*talk_words(finding, talked), *(["new"] * report.is_new(finding))],
}
