"""What a run of the gate says, read from its JSON report, and how it is held against what was to be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """A regression that a candidate can be started with.

    Places are patterns (as of a shell, `[` stands for itself) of `METHOD route part path`, as a finding's root is
    written here. The fault is found when a confirmed finding is at one of `places`; a finding that is at none of
    `places` and of `consequences` is a false alarm.
    """

    name: str
    what: str
    places: tuple[str, ...]
    consequences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    place: str  # METHOD route part path
    transition: str
    kind: str
    severity: str
    state: str
    count: int
    out_of: int
    baseline: str
    candidate: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateRun:
    """One run of `understudy gate`."""

    exit_code: int
    verdict: str  # "" when there was no report
    recorded: int
    compared: int  # exchanges: matched, differed or errored
    downstream: int  # not compared because an earlier difference explains them
    not_compared: Mapping[str, int]  # the other reasons, those of skipped exchanges among them
    findings: tuple[Finding, ...]
    problem: str
    seconds: float

    @property
    def share(self) -> float:
        """Of the recorded exchanges, those that were compared, or that follow from a reported difference."""
        return (self.compared + self.downstream) / self.recorded if self.recorded else 0.0


@dataclass(frozen=True, slots=True)
class Control:
    """The same version judged against itself."""

    seed: int
    concurrency: int
    exit_code: int
    verdict: str
    recorded: int
    share: float
    not_compared: Mapping[str, int]
    false_alarms: tuple[str, ...]
    problem: str
    seconds: float

    @property
    def clean(self) -> bool:
        return self.exit_code == 0 and not self.false_alarms and self.share >= 0.98

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "clean": self.clean}


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault, judged."""

    name: str
    what: str
    exit_code: int
    verdict: str
    share: float
    found: tuple[str, ...]  # confirmed, where it was to be
    consequences: tuple[str, ...]
    elsewhere: tuple[str, ...]  # where nothing was changed
    problem: str
    seconds: float
    not_compared: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


DOWNSTREAM = "downstream of a difference"


def read_report(report: Mapping[str, Any] | None, exit_code: int, errors: str, seconds: float) -> GateRun:
    """A gate's JSON report (None: there was none)."""
    if report is None:
        return GateRun(exit_code, "", 0, 0, 0, {}, (), errors.strip()[-600:], seconds)
    ledger = report["ledger"]
    reasons = {**ledger["not_compared"], **ledger["skipped"]}
    downstream = reasons.pop(DOWNSTREAM, 0)
    return GateRun(
        exit_code,
        report["verdict"],
        ledger["recorded"],
        ledger["matched"] + ledger["differed"] + ledger["errored"],
        downstream,
        {reason: count for reason, count in reasons.items() if count},
        tuple(_finding(each) for each in report["findings"]),
        "; ".join(report["problems"]),
        seconds,
    )


def control_row(seed: int, concurrency: int, run: GateRun) -> Control:
    alarms = tuple(describe(finding) for finding in run.findings)
    return Control(
        seed,
        concurrency,
        run.exit_code,
        run.verdict,
        run.recorded,
        run.share,
        run.not_compared,
        alarms,
        run.problem,
        run.seconds,
    )


def fault_row(fault: Fault, run: GateRun) -> FaultRow:
    """Each finding under the first heading that fits; one that is not confirmed finds nothing."""
    found, consequences, elsewhere = [], [], []
    for finding in run.findings:
        told = describe(finding)
        if finding.state == "confirmed" and is_at(finding.place, fault.places):
            found.append(told)
        elif is_at(finding.place, fault.places + fault.consequences):
            consequences.append(told)
        else:
            elsewhere.append(told)
    return FaultRow(
        fault.name,
        fault.what,
        run.exit_code,
        run.verdict,
        run.share,
        tuple(found),
        tuple(consequences),
        tuple(elsewhere),
        run.problem,
        run.seconds,
        run.not_compared,
    )


def mixture_rows(faults: Sequence[Fault], run: GateRun) -> list[FaultRow]:
    """A row for each of the faults that the candidate had together; what fits none of them stands in the first row."""
    explained = {
        finding
        for finding in run.findings
        if any(is_at(finding.place, fault.places + fault.consequences) for fault in faults)
    }
    unexplained = tuple(describe(finding) for finding in run.findings if finding not in explained)
    rows = [replace(fault_row(fault, run), elsewhere=()) for fault in faults]
    return [replace(row, elsewhere=unexplained if number == 0 else ()) for number, row in enumerate(rows)]


def is_at(place: str, patterns: tuple[str, ...]) -> bool:
    """`*` is any text; a path's brackets stand for themselves."""
    return any(fnmatchcase(place, pattern.replace("[", "[[]")) for pattern in patterns)


def describe(finding: Finding) -> str:
    """One line: where, what, how often, and whether it was seen again."""
    values = f"{_cut(finding.baseline)} -> {_cut(finding.candidate)}"
    state = "" if finding.state == "confirmed" else f", {finding.state}"
    return f"{finding.place}: {finding.kind} {values} ({finding.severity}, {finding.count}/{finding.out_of}{state})"


def _finding(each: Mapping[str, Any]) -> Finding:
    return Finding(
        _place(each),
        each["transition"],
        each["kind"],
        each["severity"],
        each["state"],
        each["count"],
        each["out_of"],
        str(each["baseline"]),
        str(each["candidate"]),
        tuple(_place(member) for member in each["members"]),
    )


def _place(each: Mapping[str, Any]) -> str:
    location = each["location"]
    return f"{each['method']} {each['route']} {location['part']} {location['path']}".rstrip()


def _cut(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
