"""The report that is read at three in the morning: the verdict first, then what changed, then what is not known."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from diffing.approvals import Approval
from diffing.gate import Outcome
from diffing.grouping import Finding

from . import policy_wording, selection_wording, self_test_wording
from .approval_wording import (
    EXPIRED_NEXT,
    EXPIRED_TITLE,
    UNSEEN_NEXT,
    UNSEEN_TITLE,
    approval_line,
)
from .model import RunReport
from .remarks import remarks
from .retrial_wording import outcome
from .wording import (
    change,
    clipped,
    clipped_sides,
    columns,
    counted,
    figures,
    in_order,
    number,
    reason_sentence,
    route,
    share,
    visible,
)

MAX_FINDINGS = 40  # shown in full; the other reports hold all of them
MAX_PLACES = 3  # further places of one finding
MAX_LISTED = 8  # lines of one list
SHORT_ID = 12
"""Characters of a run id: all of ours, and enough of any other."""
_MIN_WIDTH = 40
_LABEL = 12  # columns of the left margin

_RESET = "\x1b[0m"
_STYLES = {
    "pass": "\x1b[1;32m",
    "fail": "\x1b[1;31m",
    "inconclusive": "\x1b[1;33m",
    "breaking": "\x1b[31m",
    "major": "\x1b[33m",
    "minor": "\x1b[36m",
    "info": "\x1b[2m",
    "heading": "\x1b[1m",
}
_ESCAPES = re.compile(r"\x1b\[[\d;]*m")


def to_text(report: RunReport, width: int = 80, color: bool = False) -> str:
    """The whole report as lines of at most `width` columns, without a trailing newline.

    Recorded and replayed values are shown with their control characters escaped. With `color`, a few words are
    coloured; nothing is said by colour alone.
    """
    lines = list(_Text(report, max(width, _MIN_WIDTH)).lines())
    return "\n".join(lines) if color else _ESCAPES.sub("", "\n".join(lines))


def _styled(text: str, style: str) -> str:
    return f"{_STYLES[style]}{text}{_RESET}"


class _Text:
    """One report being written; every method yields finished lines."""

    def __init__(self, report: RunReport, width: int) -> None:
        self._report = report
        self._width = width

    def lines(self) -> Iterator[str]:
        yield from self._verdict()
        yield from self._findings()
        yield from self._approved()
        yield from self._approvals(UNSEEN_TITLE, self._report.unseen, UNSEEN_NEXT)
        yield from self._approvals(EXPIRED_TITLE, self._report.expired, EXPIRED_NEXT)
        yield from self._policy()
        yield from self._ledger()
        yield from self._coverage()
        yield from self._selection()
        yield from self._self_test()
        yield from self._list("Could not tell", [*self._report.problems, *self._report.limits])
        yield from self._list("Notes", self._notes())
        yield from self._next_steps()

    def _verdict(self) -> Iterator[str]:
        report, verdict = self._report, self._report.verdict
        word = outcome(report).upper()
        first, *others = verdict.reasons or ("",)
        for index, line in enumerate(self._wrapped(first, len(word) + 2)):
            yield (_styled(word, verdict.outcome.value) if not index else " " * len(word)) + "  " + line
        for reason in others:
            for line in self._wrapped(reason, len(word) + 2):
                yield " " * (len(word) + 2) + line
        against = ", ".join(report.baselines) or "the recording alone"
        facts = (
            f"{report.recording}: {report.candidate} against {against}. Run {report.run_id},"
            f" {report.seconds:.1f} s, exit code {report.exit_code}."
        )
        yield ""
        yield from self._wrapped(facts, 0)

    def _findings(self) -> Iterator[str]:
        findings = self._report.findings
        yield ""
        if not findings:
            yield _styled("No findings", "heading")
            return
        blocking, approved = len(self._report.verdict.blocking), len(self._report.approved)
        known = f", {approved} approved" if approved else ""
        yield _styled(f"{counted(len(findings), 'finding')}, {blocking} blocking{known}", "heading")
        for finding in self._report.open[:MAX_FINDINGS]:
            yield ""
            yield from self._finding(finding)
        yield from self._more(len(self._report.open))

    def _more(self, count: int) -> Iterator[str]:
        if count > MAX_FINDINGS:
            yield ""
            more = count - MAX_FINDINGS
            yield f"… and {more} more: understudy findings list {visible(self._report.run_id)}"

    def _approved(self) -> Iterator[str]:
        """What is intended, apart from the rest and in fewer words."""
        approved = self._report.approved
        if not approved:
            return
        yield ""
        yield _styled("Approved", "heading")
        for finding in approved[:MAX_FINDINGS]:
            yield ""
            yield self._head(finding)
            yield from self._indented(change(finding))
            yield from self._indented("; ".join((finding.fingerprint, *map(visible, remarks(self._report, finding)))))
        yield from self._more(len(approved))

    def _approvals(self, title: str, approvals: Sequence[Approval], hint: str) -> Iterator[str]:
        if approvals:
            yield from self._list(title, [*map(approval_line, approvals)][:MAX_LISTED])
            if len(approvals) > MAX_LISTED:
                yield f"  - and {len(approvals) - MAX_LISTED} more"
            yield from self._wrapped(hint, 2, indent=True)

    def _head(self, finding: Finding) -> str:
        mark = "!" if finding.fingerprint in self._report.verdict.blocking else " "
        label = f"{mark} {finding.severity.value.upper()}".ljust(_LABEL - 1) + " "
        tail = f"  {finding.count}/{finding.out_of}" + "".join(f" [{visible(tag)}]" for tag in finding.tags)
        head = clipped(route(finding), max(8, self._width - _LABEL - len(tail)))
        gap = " " * max(0, self._width - _LABEL - columns(head) - columns(tail))
        return _styled(label, finding.severity.value) + head + clipped(gap + tail, self._width - _LABEL - columns(head))

    def _finding(self, finding: Finding) -> Iterator[str]:
        yield self._head(finding)
        baseline, candidate = clipped_sides(finding, self._width - _LABEL - 11)
        yield from self._indented(change(finding))
        yield f"{' ' * _LABEL}baseline   {baseline}"
        yield f"{' ' * _LABEL}candidate  {candidate}"
        if finding.detail:
            yield from self._indented(visible(finding.detail), most=2)
        others = finding.members[1:]
        for member in others[:MAX_PLACES]:
            yield from self._indented(f"also {route(member)} {change(member)} ({member.count})", most=2)
        if len(others) > MAX_PLACES:
            yield from self._indented(f"and {len(others) - MAX_PLACES} more places")
        exemplar = f", e.g. exchange {visible(finding.exemplars[0])}" if finding.exemplars else ""
        yield from self._indented(
            f"{finding.fingerprint}{exemplar}" + "".join(f"; {n}" for n in map(visible, remarks(self._report, finding)))
        )

    def _policy(self) -> Iterator[str]:
        found = self._report.verdict.clauses
        if found:
            yield ""
            yield _styled(policy_wording.TITLE, "heading")
            run = visible(self._report.run_id[:SHORT_ID])
            yield from self._wrapped(policy_wording.summary(found, run), 2, indent=True)
            yield from self._items([*policy_wording.broken(found)], "")

    def _ledger(self) -> Iterator[str]:
        total = self._report.ledger.total
        yield ""
        yield _styled("Exchanges", "heading")
        yield from self._wrapped(
            f"{number(total.recorded)} recorded = {number(total.matched)} matched + {number(total.differed)} differed"
            f" + {number(total.errored)} errored + {number(sum(total.not_compared.values()))} not compared"
            f" + {number(sum(total.skipped.values()))} skipped",
            2,
            indent=True,
        )
        if total.seen != total.recorded:
            yield from self._wrapped(
                f"{number(total.seen)} seen in production: {number(total.sampled_out)} sampled out,"
                f" {number(total.dropped)} dropped",
                2,
                indent=True,
            )
        yield from self._reasons("not compared", total.not_compared.items())
        yield from self._reasons("skipped", total.skipped.items())
        yield from self._items(self._report.ledger.imbalance, "does not balance: ")

    def _reasons(self, what: str, reasons: Iterable[tuple[str, int]]) -> Iterator[str]:
        for reason, count in sorted(reasons, key=lambda each: (-each[1], each[0])):
            sentence = reason_sentence(reason)
            text = f"{number(count)} {what}: {visible(reason)}" + (f" ({sentence})" if sentence else "")
            yield from self._wrapped(text, 4, indent=True)

    def _coverage(self) -> Iterator[str]:
        report = self._report
        fidelity = "" if report.fidelity is None else f"; {share(report.fidelity)} got the recorded status (fidelity)"
        yield ""
        yield _styled("Coverage", "heading")
        known, replayed = report.coverage.routes_known, report.coverage.routes_replayed
        yield from self._wrapped(f"{replayed} of {known} routes replayed{fidelity}", 2, indent=True)
        yield from self._items(report.coverage.missing, "not replayed: ")
        if report.unchecked:
            text = f"{share(report.unchecked_share)} of all values could not be checked:"
            yield from self._wrapped(text, 2, indent=True)
            yield from self._items(report.unchecked, "")
        if report.suppressed:
            text = f"differences that do not count: {', '.join(figures(report.suppressed))}"
            yield from self._wrapped(text, 2, indent=True)

    def _selection(self) -> Iterator[str]:
        found = self._report.selection
        if found is None:
            return
        yield ""
        yield _styled(selection_wording.TITLE, "heading")
        yield from self._wrapped(selection_wording.summary(found), 2, indent=True)
        yield from self._items([words] if (words := selection_wording.cut(found)) else [], "")
        yield from self._items(
            [selection_wording.route_line(each) for each in selection_wording.worst_first(found)], ""
        )
        yield from self._items([selection_wording.uncovered_line(each) for each in found.uncovered], "not compared: ")

    def _self_test(self) -> Iterator[str]:
        found = self._report.self_test
        if found is None:
            return
        yield ""
        yield _styled(self_test_wording.TITLE, "heading")
        yield from self._wrapped(self_test_wording.summary(found), 2, indent=True)
        if found.total.planted:
            yield from self._items([*self_test_wording.breakdown(found)], "")
        unexplained = [self_test_wording.blind_spot(spot) for spot in found.blind_spots if not spot.explained]
        explained = [self_test_wording.blind_spot(spot) for spot in found.blind_spots if spot.explained]
        yield from self._items(unexplained, "unexplained: ", most=2 * MAX_LISTED)
        yield from self._items(explained, "explained: ")
        yield from self._items([f"{method} {route}" for method, route in found.untested], "no fault could be planted: ")

    def _notes(self) -> list[str]:
        report = self._report
        titled = (("Noise", report.noise), ("Correlation", report.correlation), ("Confirmation", report.confirmations))
        summaries = [f"{title}: {', '.join(in_order(values))}" for title, values in titled if values]
        return [*report.notes, *summaries]

    def _list(self, title: str, items: Sequence[str]) -> Iterator[str]:
        if items:
            yield ""
            yield _styled(title, "heading")
            yield from self._items(items, "", most=4 * MAX_LISTED)

    def _items(self, items: Sequence[str], prefix: str, most: int = MAX_LISTED) -> Iterator[str]:
        for item in items[:most]:
            for index, line in enumerate(self._wrapped(f"{prefix}{item}", 4)):
                yield ("    " if index else "  - ") + line
        if len(items) > most:
            yield f"  - and {len(items) - most} more"

    def _next_steps(self) -> Iterator[str]:
        report = self._report
        if report.verdict.outcome is Outcome.PASS or report.retrial:
            return
        yield ""
        yield _styled("Next", "heading")
        blocking = report.blocking
        if blocking:
            yield from self._wrapped("Fix what is not intended, and run the gate again. All findings:", 2, indent=True)
            yield f"    understudy findings list {visible(report.run_id[:SHORT_ID])}"
            yield from self._wrapped("Approve what is, e.g.:", 2, indent=True)
            yield f"    understudy findings approve {visible(blocking[0].fingerprint)} --reason WHY"
        if not blocking:
            text = "Put right what the verdict names, and run the gate again; no finding holds the release back."
            yield from self._wrapped(text, 2, indent=True)

    def _indented(self, text: str, most: int = 4) -> Iterator[str]:
        lines = self._wrapped(text, _LABEL)
        for index, line in enumerate(lines[:most]):
            cut = index == most - 1 and len(lines) > most
            yield " " * _LABEL + (clipped(line + " …", self._width - _LABEL) if cut else line)

    def _wrapped(self, text: str, margin: int, indent: bool = False) -> list[str]:
        """Lines that leave `margin` columns free at the left, with those columns filled when `indent` is set."""
        width = self._width - margin
        lines = textwrap.wrap(visible(text), width, break_on_hyphens=False) or [""]
        lines = [clipped(line, width) for line in lines]
        return [" " * margin + line for line in lines] if indent else lines
