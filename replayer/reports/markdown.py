"""The report as Markdown, for a comment on a pull request and for the summary of a CI step.

Both have limits: 65,536 characters a comment, 1 MiB a summary. What is within the first is within the second, since a
character has four bytes at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from diffing.gate import Outcome
from diffing.grouping import Finding

from .gfm import code, prose, size
from .model import RunReport
from .remarks import remarks
from .retrial_wording import outcome
from .wording import change, clipped, clipped_sides, counted, number, reason_sentence, route, share, visible

MAX_CHARACTERS = 65_000  # of 65,536: whoever posts it may add a line
MAX_REASONS = 10
MAX_REASON = 1200  # characters
MAX_PLACES = 5  # further places of one finding
MAX_ROUTE = 300
MAX_VALUE = 160  # characters of each side
_ENDING = 8_000  # characters that are kept free for what follows the findings

_SIGNS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "⚠️"}
_MARKER = re.compile(r"<!-- understudy:([\w.-]+) -->\n")


def to_markdown(report: RunReport) -> str:
    """The whole report. Its first line is a comment that `marker_of` reads; recorded values stand in code spans.

    Findings on routes with a tag come first, then the others, each by importance; approved ones last and in one line.
    What is another in every run is the last paragraph.
    """
    head = [*_verdict(report)]
    tail = [*_account(report), *_doubts(report), *_approved(report)]
    text = "\n".join(tail)
    while size(text) > _ENDING:
        tail = tail[: len(tail) * 3 // 4]
        text = "\n".join([*tail, "", "…"])
    body = "\n".join([*head, *_fitting(report, MAX_CHARACTERS - _ENDING - size("\n".join(head)) - 400), text])
    name = re.sub(r"[^\w.-]", "_", report.recording, flags=re.ASCII)[:80] or "_"
    name += f".{report.retrial.fingerprint}" if report.retrial else ""  # no comment on a release gives way to it
    return f"<!-- understudy:{name} -->\n{body}\n\n{_run(report)}\n"


def marker_of(text: str) -> str:
    """The recording whose report a text is; "" for another text."""
    found = _MARKER.match(_plain(text))
    return found[1] if found else ""


def says_the_same(one: str, other: str) -> bool:
    """Whether two reports differ at most in which run they are of."""
    return _plain(one).rpartition("\n\n")[0] == _plain(other).rpartition("\n\n")[0]


def _plain(text: str) -> str:
    """The text as it was written: whoever keeps a comment may change its ends of lines."""
    return text.replace("\r\n", "\n").strip() + "\n"


def _verdict(report: RunReport) -> Iterator[str]:
    verdict = report.verdict
    word = outcome(report).upper()
    yield f"## {_SIGNS[verdict.outcome]} Understudy: {word}"
    yield ""
    against = ", ".join(report.baselines) or "the recording alone"
    yield (
        f"{code(clipped(report.recording, MAX_ROUTE))}: {code(clipped(report.candidate, MAX_ROUTE))} against"
        f" {code(clipped(against, MAX_ROUTE))}."
        f" {counted(len(report.findings), 'finding')}, {len(verdict.blocking)} blocking,"
        f" {len(report.approved)} approved."
    )
    yield ""
    for reason in verdict.reasons[:MAX_REASONS]:
        yield f"- {prose(_cut(reason, MAX_REASON))}"
    if len(verdict.reasons) > MAX_REASONS:
        yield f"- and {len(verdict.reasons) - MAX_REASONS} more reasons"


def _fitting(report: RunReport, room: int) -> Iterator[str]:
    """As many of the open findings as there is room for, and how many more there are."""
    findings = [*(each for each in report.open if each.tags), *(each for each in report.open if not each.tags)]
    if not findings:
        return
    yield ""
    yield "### Findings"
    for index, finding in enumerate(findings):
        lines = ["", *finding_markdown(report, finding)]
        room -= size("\n".join(lines)) + 1
        if room < 0:
            yield ""
            yield f"**and {len(findings) - index} more**: see the HTML report."
            return
        yield from lines


def finding_markdown(report: RunReport, finding: Finding) -> Iterator[str]:
    """The lines of one finding."""
    blocks = " **blocks**" if finding.fingerprint in report.verdict.blocking else ""
    tags = "".join(f" \\[{prose(_cut(tag, 60))}\\]" for tag in finding.tags[:MAX_PLACES])
    yield f"#### {finding.severity.value.upper()} {code(_cut(route(finding), MAX_ROUTE))}{tags}{blocks}"
    yield ""
    baseline, candidate = clipped_sides(finding, MAX_VALUE)
    yield f"- {code(_cut(change(finding), MAX_ROUTE))}, {finding.count} of {counted(finding.out_of, 'exchange')}"
    yield f"- baseline {code(baseline)}"
    yield f"- candidate {code(candidate)}"
    if finding.detail:
        yield f"- {prose(_cut(finding.detail, MAX_ROUTE))}"
    others = finding.members[1:]
    for member in others[:MAX_PLACES]:
        yield f"- also {code(_cut(f'{route(member)} {change(member)}', MAX_ROUTE))} ({member.count})"
    if len(others) > MAX_PLACES:
        yield f"- and {len(others) - MAX_PLACES} more places"
    words = "".join(f"; {prose(_cut(each, MAX_ROUTE))}" for each in remarks(report, finding, lasting=True))
    yield f"- {code(finding.fingerprint)}, {finding.state}{words}"


def _approved(report: RunReport) -> Iterator[str]:
    if report.approved:
        yield ""
        yield "### Approved"
        yield ""
        yield from _listed(
            [
                f"{code(_cut(f'{route(each)} {change(each)}', MAX_ROUTE))}:"
                f" {prose(_cut('; '.join(remarks(report, each, lasting=True)), MAX_ROUTE))}"
                for each in report.approved
            ],
            20,
        )


def _doubts(report: RunReport) -> Iterator[str]:
    doubts = [*report.problems, *report.limits]
    if doubts:
        yield ""
        yield "### Could not tell"
        yield ""
        yield from _listed([prose(_cut(each, MAX_ROUTE)) for each in doubts], MAX_REASONS)


def _account(report: RunReport) -> Iterator[str]:
    total = report.ledger.total
    yield ""
    yield "### Exchanges"
    yield ""
    yield (
        f"{number(total.recorded)} recorded = {number(total.matched)} matched + {number(total.differed)} differed +"
        f" {number(total.errored)} errored + {number(sum(total.not_compared.values()))} not compared +"
        f" {number(sum(total.skipped.values()))} skipped. {report.coverage.routes_replayed} of"
        f" {report.coverage.routes_known} routes replayed."
        + ("" if report.fidelity is None else f" Fidelity {share(report.fidelity)}.")
    )
    reasons = [
        f"{number(count)} {what}: {prose(reason)}"
        + (f" ({prose(words)})" if (words := reason_sentence(reason)) else "")
        for what, counts in (("not compared", total.not_compared), ("skipped", total.skipped))
        for reason, count in counts.items()
    ]
    if reasons:
        yield ""
        yield from _listed(reasons, 20)
    if report.blocking:
        yield ""
        yield (
            "Approve what is intended: "
            + code(f"understudy findings approve {report.blocking[0].fingerprint} --reason WHY")
        )


def _run(report: RunReport) -> str:
    """What is another in every run."""
    commit = f", commit {code(report.commit[:12])}" if report.commit else ""
    return f"Run {code(report.run_id)}{commit}, {report.seconds:.1f} s."


def _listed(items: Sequence[str], most: int) -> Iterable[str]:
    yield from (f"- {item}" for item in items[:most])
    if len(items) > most:
        yield f"- and {len(items) - most} more"


def _cut(text: str, most: int) -> str:
    shown = visible(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"
