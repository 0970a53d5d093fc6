"""The report as JUnit XML, which CI servers list as tests: a suite for each route, a case for each finding there.

JUnit has no standard. This is accepted by the schema of Jenkins' xUnit plugin and by the stricter one of Ant:
no attributes of `testsuites`, one outcome at most in a case, a time stamp without zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from diffing.gate import Outcome
from diffing.grouping import Finding, Member
from diffing.ledger import Tally
from diffing.policy import Clause, Holding

from .model import RunReport
from .remarks import remarks
from .retrial_wording import outcome
from .wording import change, counted, number, reason_sentence, route, sides, visible

GATE = "gate"
"""The suite of what concerns the run as a whole."""

FINDINGS_KEY = ".fail_on"
"""How the keys of the policy end that say which findings fail."""

MAX_VALUE = 2000  # characters of each side's value in a failure


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case. `outcome` is "", "failure", "error" or "skipped"; `said` goes to the suite's output."""

    name: str
    outcome: str = ""
    type: str = ""
    message: str = ""
    text: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class _Suite:
    name: str
    cases: Sequence[_Case]


def to_junit(report: RunReport) -> str:
    """The whole report. Skipped means not run: nothing of the route was compared. Values hold no illegal character."""
    root = ElementTree.Element("testsuites")
    for index, suite in enumerate(_suites(report)):
        root.append(_element(report, suite, index))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suites(report: RunReport) -> Iterator[_Suite]:
    asked = [each for each in report.verdict.clauses if each.holding is not Holding.OFF]
    conditions = [_clause(report, each) for each in asked if not each.key.endswith(FINDINGS_KEY)]
    yield _Suite(GATE, [_verdict(report), *conditions])
    shown: dict[tuple[str, str], list[_Case]] = {}
    for finding in report.findings:
        seen = set()
        for member in finding.places:
            if (place := (member.method, member.route)) not in seen:  # the first one names the case
                seen.add(place)
                shown.setdefault(place, []).append(_found(report, finding, member))
    ledger = {(each.method, each.route): each.tally for each in report.ledger.routes}
    unknown = [(each.method, each.route) for each in report.coverage.routes]
    for place in sorted({*shown, *ledger, *unknown}, key=lambda each: (each[1], each[0])):
        name = visible(f"{place[0]} {place[1] if place[1].strip() else '(no route)'}")
        yield _Suite(name, shown.get(place) or [_route(ledger.get(place, Tally()))])


def _verdict(report: RunReport) -> _Case:
    """Whether there was evidence enough. Findings that stand against the candidate have cases of their own."""
    verdict = report.verdict
    reasons = visible("\n".join(verdict.reasons), keep="\n")
    first = visible(verdict.reasons[0]) if verdict.reasons else ""
    if report.retrial is not None and report.exit_code == 1:
        return _Case("verdict", "failure", outcome(report), first, reasons)
    if verdict.outcome is Outcome.INCONCLUSIVE and report.exit_code:
        return _Case("verdict", "error", outcome(report), first, reasons)
    if verdict.outcome is Outcome.FAIL and not verdict.blocking:
        return _Case("verdict", "failure", "policy", first, reasons)
    return _Case("verdict", said=f"{outcome(report)}: {reasons}")


def _clause(report: RunReport, clause: Clause) -> _Case:
    """One thing that policy asks for beside findings, which have cases of their own."""
    told = visible(f"{clause.holding.value}: asked {clause.asked}; measured {clause.measured}")
    text = visible("\n".join(clause.sentences), keep="\n")
    if clause.holding is Holding.FAILS and report.verdict.exit_code:
        return _Case(visible(clause.key), "failure", "policy", told, text)
    if clause.holding is Holding.UNTOLD and report.verdict.exit_code:
        return _Case(visible(clause.key), "error", "inconclusive", told, text)
    return _Case(visible(clause.key), said=told)


def _found(report: RunReport, finding: Finding, member: Member) -> _Case:
    name = change(member)
    baseline, candidate = sides(finding)
    text = "\n".join(
        [
            f"{finding.severity.value}: {route(finding)} {change(finding)}",
            f"baseline   {baseline[:MAX_VALUE]}",
            f"candidate  {candidate[:MAX_VALUE]}",
            f"{finding.count} of {counted(finding.out_of, 'exchange')}, {finding.state}, {finding.fingerprint}",
            *(f"tag {visible(tag)}" for tag in finding.tags),
            *([visible(finding.detail)] if finding.detail else []),
            *map(visible, remarks(report, finding)),
        ]
    )
    if finding.fingerprint not in report.verdict.blocking:
        return _Case(name, said=f"does not fail the gate: {text}")
    elsewhere = "" if (member.method, member.route) == (finding.method, finding.route) else f", as {route(finding)}"
    message = f"{finding.severity.value}: {name} in {counted(member.count, 'exchange')}{elsewhere}"
    return _Case(name, "failure", visible(finding.kind), message, text)


def _route(tally: Tally) -> _Case:
    """A route at which nothing was found."""
    name = "answers as the baseline does"
    left_out = [
        (count, f"{what}: {visible(reason)}" + (f" ({sentence})" if (sentence := reason_sentence(reason)) else ""))
        for what, reasons in (("not compared", tally.not_compared), ("skipped", tally.skipped))
        for reason, count in sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    ]
    words = "; ".join(f"{number(count)} {reason}" for count, reason in left_out)
    if tally.compared or tally.errored:
        said = f"{number(tally.compared)} of {counted(tally.recorded, 'exchange')} compared" + (words and f"; {words}")
        return _Case(name, said=said)
    return _Case(name, "skipped", message=words or "no traffic of it was replayed")


def _element(report: RunReport, suite: _Suite, index: int) -> ElementTree.Element:
    count = {kind: sum(case.outcome == kind for case in suite.cases) for kind in ("failure", "error", "skipped")}
    element = ElementTree.Element(
        "testsuite",
        {
            "name": suite.name,
            "package": visible(report.recording).strip() or "recording",
            "id": str(index),
            "tests": str(len(suite.cases)),
            "failures": str(count["failure"]),
            "errors": str(count["error"]),
            "skipped": str(count["skipped"]),
            "time": f"{report.seconds if suite.name == GATE else 0:.3f}",
            "timestamp": report.started.partition("+")[0] or "1970-01-01T00:00:00",
            "hostname": "localhost",
        },
    )
    properties = ElementTree.SubElement(element, "properties")
    if suite.name == GATE:
        for name, value in _properties(report):
            ElementTree.SubElement(properties, "property", {"name": name, "value": value})
    for case in suite.cases:
        _add(element, suite.name, case)
    said = "\n".join(f"{case.name}: {case.said}" for case in suite.cases if case.said)
    ElementTree.SubElement(element, "system-out").text = said
    ElementTree.SubElement(element, "system-err")
    return element


def _properties(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "run", visible(report.run_id)
    yield "verdict", outcome(report)
    yield "candidate", visible(report.candidate)
    yield "baselines", visible(", ".join(report.baselines))
    yield "branch", visible(report.branch)
    yield "commit", visible(report.commit)


def _add(suite: ElementTree.Element, class_name: str, case: _Case) -> None:
    element = ElementTree.SubElement(suite, "testcase", {"name": case.name, "classname": class_name, "time": "0"})
    if case.outcome == "skipped":
        ElementTree.SubElement(element, "skipped", {"message": case.message})
    elif case.outcome:
        found = ElementTree.SubElement(element, case.outcome, {"type": case.type, "message": case.message})
        found.text = case.text
