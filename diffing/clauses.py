"""Evidence and policy -> every clause of the policy with what it asks, what was measured and whether it held."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .difference import Severity
from .grouping import CONFIRMED, FLAKY, UNCONFIRMED, Finding
from .ledger import Ledger, RouteTally
from .policy import Clause, Holding, Policy, TagRule, counted, listed, percent
from .routes import matches

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class NewRoutes:
    """The routes that the candidate has and the baseline has not, as "METHOD /template"."""

    replayed: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()  # without any traffic
    unknown: str = ""  # why nobody can tell which are new; a sentence


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run found, and what stands against believing it."""

    ledger: Ledger
    findings: Sequence[Finding]
    fidelity: float | None  # None: there is no baseline to measure it with
    routes_known: int
    routes_replayed: int
    mode: str = "baseline"  # or "recording"
    problems: tuple[str, ...] = ()  # sentences; each makes the run inconclusive
    limits: tuple[str, ...] = ()  # what this mode cannot tell; sentences, for the report
    tags: Sequence[tuple[str, tuple[str, ...]]] = ()  # name, route patterns
    unconfirmable: str = ""  # why no finding was replayed again; a sentence
    sensitivity: float | None = None  # share of planted faults that were caught; None: there was no self-test
    routes_from: str = "recording"  # who says which routes there are, in a word or two
    routes_unknown: str = ""  # why those routes could not be had; a sentence
    unreplayed: tuple[str, ...] = ()  # known routes that were not replayed
    new_routes: NewRoutes | None = None  # None: not asked for
    age: float | None = None  # seconds between the last recorded exchange and the run; None: not known
    budgets: tuple[Clause, ...] = ()  # what became of the budgets


def open_findings(evidence: Evidence, policy: Policy, approved: Container[str]) -> list[Finding]:
    """Those that are grave enough to fail, and that nobody has approved."""
    return [
        finding
        for finding in evidence.findings
        if finding.severity.rank <= policy.lightest_failing(finding.tags).rank and finding.fingerprint not in approved
    ]


def parted(findings: Sequence[Finding], aside: Container[str]) -> tuple[list[Finding], list[Finding]]:
    """Those that are set aside, and the others. A flaky one counts for nothing, whatever is said of it."""
    blamed = [each for each in findings if each.fingerprint in aside and each.state != FLAKY]
    return blamed, [each for each in findings if each not in blamed]


def stands(finding: Finding, evidence: Evidence) -> bool:
    """Whether the finding is confirmed, or could not be: then no finding of the run was replayed again."""
    if finding.state == UNCONFIRMED:
        return all(each.state == UNCONFIRMED for each in evidence.findings)
    return finding.state == CONFIRMED


def clauses(
    evidence: Evidence, policy: Policy, approved: Container[str] = (), aside: Container[str] = ()
) -> tuple[Clause, ...]:
    """Everything that decides on a release, also what no setting switches off; in the order of the reasons."""
    found = open_findings(evidence, policy, approved)
    return (
        _passes(evidence),
        _compared(evidence, policy),
        _coverage(evidence, policy),
        _per_route("policy.min_per_route", evidence.ledger.routes, policy.min_per_route),
        *_tags(evidence, policy),
        _new(evidence, policy),
        _fidelity(evidence, policy),
        _sensitivity(evidence, policy),
        _errored(evidence, policy),
        _age(evidence, policy),
        *evidence.budgets,
        _balance(evidence),
        _severity("policy.fail_on", policy.fail_on, found, evidence, aside),
        *(
            _severity(f"policy.tags.{name}.fail_on", _rule(policy, name).fail_on, found, evidence, aside, name)
            for name, _ in evidence.tags
        ),
    )


def _passes(evidence: Evidence) -> Clause:
    return Clause(
        "every run",
        "every pass begins in the right state and comes to its end",
        counted(len(evidence.problems), "problem"),
        Holding.UNTOLD if evidence.problems else Holding.HELD,
        tuple(evidence.problems),
    )


def _compared(evidence: Evidence, policy: Policy) -> Clause:
    total = evidence.ledger.total
    sentence = ""
    if not total.compared:
        sentence = f"Nothing was compared: {total.recorded} exchanges recorded, {total.replayed} replayed, 0 compared."
    elif total.compared < policy.min_replayed:
        sentence = f"Only {total.compared} exchanges were compared; policy asks for {policy.min_replayed}."
    asked = f"at least {counted(max(1, policy.min_replayed), 'exchange')} compared"
    return _clause("policy.min_replayed", asked, f"{total.compared:,}", sentence)


def _coverage(evidence: Evidence, policy: Policy) -> Clause:
    key = "policy.min_route_coverage"
    asked = f"{percent(policy.min_route_coverage)} of the routes of the {evidence.routes_from} replayed"
    share = evidence.routes_replayed / evidence.routes_known if evidence.routes_known else 0.0
    measured = f"{evidence.routes_replayed} of {evidence.routes_known} routes ({percent(share)})"
    if not policy.min_route_coverage:
        return Clause(key, asked, measured, Holding.OFF, evidence=evidence.unreplayed)
    sentence = ""
    if evidence.routes_unknown:
        sentence = f"Route coverage can not be told: {evidence.routes_unknown}"
    elif share < policy.min_route_coverage:
        sentence = (
            f"{evidence.routes_replayed} of {evidence.routes_known} known routes were replayed ({percent(share)});"
            f" policy asks for {percent(policy.min_route_coverage)}."
        )
    return _clause(key, asked, measured, sentence, evidence.unreplayed)


def _per_route(key: str, routes: Iterable[RouteTally], least: int, tag: str = "") -> Clause:
    """Routes that the recorder saw without keeping anything of them are too thin as well."""
    of = [each for each in routes if each.route]
    thin = [each for each in of if each.tally.compared < least]
    asked = f"at least {counted(least, 'exchange')} compared on each route"
    fewest = min((each.tally.compared for each in of), default=0)
    measured = f"{fewest:,} on the thinnest of {counted(len(of), 'route')}, {counted(len(thin), 'route')} too thin"
    names = tuple(f"{each.method} {each.route}" for each in thin)
    if not least:
        return Clause(key, asked, measured, Holding.OFF, tag=tag)
    sentence = ""
    if thin:
        shown = listed([f"{each.method} {each.route} ({each.tally.compared})" for each in thin])
        where = f" of the tag {tag}" if tag else ""
        sentence = f"Fewer than {least} exchanges were compared on {counted(len(thin), 'route')}{where}: {shown}."
    return _clause(key, asked, measured, sentence, names, tag)


def _tags(evidence: Evidence, policy: Policy) -> Iterator[Clause]:
    for name, patterns in evidence.tags:
        rule = _rule(policy, name)
        routes = tagged(evidence.ledger, patterns)
        compared = sum(each.tally.compared for each in routes)
        key, asked = f"policy.tags.{name}", f"at least {counted(rule.min_compared, 'exchange')} compared"
        measured = f"{compared:,} on {counted(len(routes), 'route')}"
        if rule.min_compared:
            sentence = (
                f"Only {compared} exchanges were compared on routes of the tag {name}; policy asks for"
                f" {rule.min_compared}."
                if compared < rule.min_compared
                else ""
            )
            yield _clause(f"{key}.min_compared", asked, measured, sentence, tag=name)
        if rule.min_per_route and not routes:
            sentence = f"No route of the tag {name} was recorded; policy asks for {rule.min_per_route} exchanges each."
            yield _clause(f"{key}.min_per_route", asked, measured, sentence, tag=name)
        elif rule.min_per_route:
            yield _per_route(f"{key}.min_per_route", routes, rule.min_per_route, name)


def tagged(ledger: Ledger, patterns: Iterable[str]) -> list[RouteTally]:
    """The routes of the ledger that any of the patterns names."""
    wanted = tuple(patterns)
    return [each for each in ledger.routes if any(matches(pattern, each.method, each.route) for pattern in wanted)]


def _new(evidence: Evidence, policy: Policy) -> Clause:
    key, asked = "policy.min_new", f"{percent(policy.min_new)} of the candidate's new routes replayed"
    new = evidence.new_routes or NewRoutes(unknown="Nobody was asked which routes there are.")
    count = len(new.replayed) + len(new.untouched)
    share = len(new.replayed) / count if count else 1.0
    measured = f"{len(new.replayed)} of {count} new routes ({percent(share)})" if count else "no new route"
    if new.unknown:
        measured = "not known"
    if not policy.min_new:
        return Clause(key, asked, measured, Holding.OFF, evidence=new.untouched)
    sentence = ""
    if new.unknown:
        sentence = f"What is new can not be told: {new.unknown}"
    elif share < policy.min_new:
        sentence = (
            f"{len(new.replayed)} of {counted(count, 'new route')} had traffic ({percent(share)}); policy asks for"
            f" {percent(policy.min_new)}. Without any: {listed(new.untouched)}."
        )
    return _clause(key, asked, measured, sentence, new.untouched)


def _fidelity(evidence: Evidence, policy: Policy) -> Clause:
    key, asked = "policy.min_fidelity", f"{percent(policy.min_fidelity)} get the recorded status from the baseline"
    if evidence.fidelity is None:
        return Clause(key, asked, "no baseline", Holding.OFF)
    sentence = ""
    if evidence.fidelity < policy.min_fidelity:
        sentence = (
            f"The baseline gave the recorded status to {percent(evidence.fidelity)} of the replayed exchanges;"
            f" policy asks for {percent(policy.min_fidelity)}."
        )
    return _clause(key, asked, percent(evidence.fidelity), sentence)


def _sensitivity(evidence: Evidence, policy: Policy) -> Clause:
    key, asked = "policy.min_sensitivity", f"{percent(policy.min_sensitivity)} of the planted faults caught"
    if evidence.sensitivity is None:
        return Clause(key, asked, "no self-test", Holding.OFF)
    measured = percent(evidence.sensitivity)
    if not policy.min_sensitivity:
        return Clause(key, asked, measured, Holding.OFF)
    sentence = ""
    if evidence.sensitivity < policy.min_sensitivity:
        sentence = (
            f"The comparison caught {percent(evidence.sensitivity)} of the faults that were planted to test it;"
            f" policy asks for {percent(policy.min_sensitivity)}."
        )
    return _clause(key, asked, measured, sentence)


def _errored(evidence: Evidence, policy: Policy) -> Clause:
    total = evidence.ledger.total
    share = total.errored / total.replayed if total.replayed else 0.0
    sentence = ""
    if total.replayed and total.errored > policy.max_errored * total.replayed:
        sentence = (
            f"{total.errored} of {total.replayed} replayed exchanges got no answer"
            f" ({percent(share)}; {percent(policy.max_errored)} may)."
        )
    asked = f"at most {percent(policy.max_errored)} of the replayed exchanges without an answer"
    return _clause("policy.max_errored", asked, f"{total.errored:,} of {total.replayed:,} ({percent(share)})", sentence)


def _age(evidence: Evidence, policy: Policy) -> Clause:
    key, asked = "policy.max_age", f"a recording of the last {_days(policy.max_age)}"
    measured = "not known" if evidence.age is None else f"{_days(evidence.age)} old"
    if not policy.max_age:
        return Clause(key, "a recording of any age", measured, Holding.OFF)
    sentence = ""
    if evidence.age is None:
        sentence = "The age of the recording is not known, and policy asks for it."
    elif evidence.age > policy.max_age:
        sentence = (
            f"The recording has expired: its last exchange is {_days(evidence.age)} old, and policy takes none that is"
            f" older than {_days(policy.max_age)}. Record anew."
        )
    return _clause(key, asked, measured, sentence)


def _balance(evidence: Evidence) -> Clause:
    balanced = evidence.ledger.balanced
    sentence = "" if balanced else f"The ledger does not balance: {listed(evidence.ledger.imbalance)}."
    measured = "balanced" if balanced else counted(len(evidence.ledger.imbalance), "fault")
    return _clause("every ledger", "every exchange that was seen is accounted for", measured, sentence)


def _severity(
    key: str,
    fail_on: Severity,
    found: Sequence[Finding],
    evidence: Evidence,
    aside: Container[str],
    tag: str | None = None,
) -> Clause:
    """What of the open findings one limit of severity holds back; the joint sentence is the verdict's."""
    mine = [
        finding for finding in found if finding.severity.rank <= fail_on.rank and (tag is None or tag in finding.tags)
    ]
    blamed, mine = parted(mine, aside)
    standing = [finding for finding in mine if stands(finding, evidence)]
    unsure = [finding for finding in mine if finding.state == UNCONFIRMED and finding not in standing]
    holding = Holding.FAILS if standing else Holding.UNTOLD if unsure or blamed else Holding.HELD
    worse = "" if fail_on is Severity.BREAKING else " or worse"
    return Clause(
        key,
        f"no {fail_on.value}{worse} finding that is not approved",
        counted(len(standing), "finding")
        + (f", {len(unsure)} neither confirmed nor refuted" if unsure else "")
        + (f", {len(blamed)} put down to the environment" if blamed else ""),
        holding,
        evidence=tuple(finding.fingerprint for finding in standing or [*unsure, *blamed]),
        tag=tag or "",
    )


def _rule(policy: Policy, tag: str) -> TagRule:
    return policy.tags.get(tag, TagRule())


def _clause(
    key: str, asked: str, measured: str, sentence: str, evidence: tuple[str, ...] = (), tag: str = ""
) -> Clause:
    """Held without a sentence, else inconclusive."""
    holding = Holding.UNTOLD if sentence else Holding.HELD
    return Clause(key, asked, measured, holding, (sentence,) if sentence else (), evidence, tag)


def _days(seconds: float) -> str:
    """An age that never rounds down to a limit that it is beyond."""
    unit, name = (DAY, "day") if seconds >= 2 * DAY else (3600.0, "hour")
    value = seconds / unit
    shown = f"{int(value * 100 + 0.9999) / 100:g}"
    return f"{shown} {name}" if shown == "1" else f"{shown} {name}s"
