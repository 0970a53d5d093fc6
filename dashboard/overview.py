"""What the page of a run shows beside its findings: figures, the first of each sort, and words for the filter."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from diffing.difference import DifferenceKind, Part, Severity
from diffing.grouping import FLAKY, Finding
from replayer.review import RunReport, wording
from replayer.talk import Talked

from .filters import states_of

MOST_WORDS = 400
"""Words that the filter proposes."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A run in figures."""

    severities: tuple[tuple[str, int], ...]  # the gravest first, without those of which there is none
    differences: int  # places of exchanges: what findings gather
    tags: tuple[tuple[str, int], ...]  # routes of each tag on which something was found
    replayed: int
    skipped: int
    noise: int  # differences that were taken for noise, or for a renamed identifier
    rules: int  # differences that noise rules hid


@dataclass(frozen=True, slots=True)
class Jump:
    """The first finding of a sort, and the number of the key that leads there."""

    key: int
    name: str
    count: int
    fingerprint: str


def overview(report: RunReport) -> Overview:
    """The figures of a finished run."""
    severities = Counter(each.severity for each in report.findings)
    routes = {
        (tag, place.method, place.route) for each in report.findings for tag in each.tags for place in each.places
    }
    tags = Counter(tag for tag, *_ in routes)
    rules = sum(count for name, count in report.suppressed.items() if name.startswith("rule "))
    total = report.ledger.total
    return Overview(
        severities=tuple((each.value, severities[each]) for each in Severity if severities[each]),
        differences=sum(place.count for each in report.findings for place in each.places),
        tags=tuple(sorted(tags.items())),
        replayed=total.replayed,
        skipped=sum(total.skipped.values()),
        noise=sum(report.suppressed.values()) - rules,
        rules=rules,
    )


def jumps(report: RunReport, findings: Sequence[Finding]) -> list[Jump]:
    """What the keys 1 to 7 lead to, of findings in the order in which they are shown."""
    found = []
    for key, (name, fits) in enumerate(_SORTS.items(), 1):
        fitting = [each for each in findings if fits(report, each)]
        if fitting:
            found.append(Jump(key, name, len(fitting), fitting[0].fingerprint))
    return found


def mine(report: RunReport, talked: Talked, me: str) -> list[Jump]:
    """What of a run is whoever's that asks: findings to look after, and such that somebody mentions them at."""
    sorts = {
        "assignee": [each for each in report.findings if talked.assignee(each) == me],
        "mentions": [each for each in report.findings if me in talked.mentioned(each)],
    }
    return [Jump(0, name, len(found), found[0].fingerprint) for name, found in sorts.items() if found]


def words(report: RunReport) -> list[str]:
    """What the filter may be made of, as it is typed."""
    findings = report.findings
    found = [f"severity:{each.value}" for each in Severity]
    found += [f"state:{each}" for each in sorted({each for f in findings for each in states_of(report, f)})]
    found += ["assignee:me", "mentions:me", "is:new", "is:unassigned", "is:unresolved"]
    found += _words("tag", (tag for each in findings for tag in each.tags))
    found += _words("part", (each.location.part.value for each in findings))
    found += _words("kind", (each.kind for each in findings))
    found += _words("method", (each.method for each in findings))
    found += _words("route", (place.route for each in findings for place in each.places))
    found += _words("path", (place.location.path for each in findings for place in each.places))
    return found[:MOST_WORDS]


def _words(key: str, values: Iterable[str]) -> list[str]:
    kept = sorted({value for value in values if value and value.isprintable() and len(value) < 200})
    return [f"{key}:{shlex.quote(value)}" for value in kept]


def _state(name: str) -> Callable[[RunReport, Finding], bool]:
    return lambda report, finding: name in states_of(report, finding)


_SORTS: dict[str, Callable[[RunReport, Finding], bool]] = {
    "blocks": _state("blocks"),
    "undecided": _state("undecided"),
    "tagged": lambda report, finding: bool(finding.tags),
    "status": lambda report, finding: finding.location.part is Part.STATUS,
    "missing": lambda report, finding: finding.kind == DifferenceKind.MISSING.value,
    "flaky": _state(FLAKY),
    "approved": _state("approved"),
}


def reason_parts(reason: str) -> tuple[str, str]:
    """A reason in one sentence, and the findings that a long one goes on to name."""
    head, mark, rest = reason.partition(": ")
    return (
        (wording.visible(head), wording.visible(rest)) if mark and len(reason) > 200 else (wording.visible(reason), "")
    )
