"""What people decided, held against what a run found.

A finding is approved when every member that would fail the gate is. A member is approved by its own fingerprint, or
when more than half of the members with the very same change are: a thirteenth route does not lose an approval, and
twelve harmless members do not carry a grave one through. Noise counts as an approval does. A finding is set aside when
every member that would fail the gate is approved, or was put down to the environment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .approvals import Approval, Approvals, Decision, Scope
from .gate import Policy
from .grouping import Finding, Member
from .ledger import Ledger
from .routes import canonical
from .severity import leaf_of


@dataclass(frozen=True, slots=True)
class Standing:
    """What people have said of one finding, and whether that lets it pass."""

    approved: bool = False
    approvals: tuple[Approval, ...] = ()  # and noise, that cover some of its members; of an approved one, what counts
    rejections: tuple[Approval, ...] = ()  # each overrules all approvals
    environments: tuple[Approval, ...] = ()  # put some of its members down to the environment
    aside: bool = False  # it neither fails the gate nor lets it pass: another run has to tell
    expired: tuple[Approval, ...] = ()  # that would cover some of its members
    needed: int = 1  # people who must approve; from 2 on only what the store holds counts
    questioned: bool = False  # a comment on it is not resolved, and its route is tagged: it does not pass
    uncovered: tuple[Member, ...] = ()  # members for which the approvals do not suffice; empty without approvals

    @property
    def people(self) -> frozenset[str]:
        """Who has approved, as `Approval.person`."""
        return frozenset(each.person for each in self.approvals)


SILENT = Standing()
"""Nobody has said anything."""


def standings(findings: Sequence[Finding], approvals: Approvals, policy: Policy) -> dict[str, Standing]:
    """The standing of each finding that somebody has said something of, by its fingerprint."""
    by_mark = _by_mark(approvals.held)
    found = {}
    for finding in findings:
        said = _distinct(each for mark in marks(finding) for each in by_mark.get(mark, ()))
        if said:
            found[finding.fingerprint] = _standing(finding, said, approvals, policy)
    return found


def approved_fingerprints(found: Mapping[str, Standing]) -> frozenset[str]:
    """The findings that are approved."""
    return frozenset(fingerprint for fingerprint, standing in found.items() if standing.approved)


def aside_fingerprints(found: Mapping[str, Standing]) -> frozenset[str]:
    """The findings that are set aside."""
    return frozenset(fingerprint for fingerprint, standing in found.items() if standing.aside)


def unseen(findings: Sequence[Finding], approvals: Approvals, ledger: Ledger) -> tuple[Approval, ...]:
    """The approvals whose change this run did not show any more, though it compared the route."""
    seen = {mark for finding in findings for mark in marks(finding)}
    compared = looked_at(ledger)
    return tuple(
        each
        for each in approvals.held
        if each.decision is Decision.APPROVE
        and each.scope is not Scope.RUN
        and not approvals.is_over(each)
        and not each.covers & seen
        and (each.subject.method.upper(), canonical(each.subject.route)) in compared
    )


def looked_at(ledger: Ledger) -> set[tuple[str, str]]:
    """(method, canonical route) of every route of which a run learned something."""
    return {
        (each.method.upper(), canonical(each.route))
        for each in ledger.routes
        if each.tally.compared or each.tally.errored
    }


def marks(finding: Finding) -> tuple[str, ...]:
    """The fingerprints of a finding and of its members."""
    return tuple(dict.fromkeys((finding.fingerprint, *(member.fingerprint for member in finding.members))))


def _standing(finding: Finding, said: Sequence[Approval], approvals: Approvals, policy: Policy) -> Standing:
    current = [each for each in said if not approvals.is_over(each)]
    holding = tuple(each for each in current if each.decision.lets_pass)
    rejections = tuple(each for each in current if each.decision is Decision.REJECT)
    needed = policy.reviewers(finding.tags)
    environments = tuple(each for each in current if each.decision is Decision.ENVIRONMENT and _counts(each, needed))
    members = finding.places
    by_mark = _by_mark(each for each in holding if _counts(each, needed))
    approved = {each.fingerprint for each in members if _is_approved(each, by_mark.get(each.fingerprint, ()), needed)}
    failing = policy.lightest_failing(finding.tags)
    grave = [each for each in members if each.severity.rank <= failing.rank]
    covered = approved | _riding(members, approved)
    uncovered = tuple(each for each in grave if each.fingerprint not in covered)
    if grave:
        passes = not uncovered
    else:  # nothing of it fails the gate; it is a matter of display
        passes = members[0].fingerprint in approved or 2 * len(approved) > len(members)
    questioned = bool(finding.tags) and not approvals.unresolved.isdisjoint(marks(finding))
    passes = passes and not rejections and not environments and not questioned
    blamed = frozenset(mark for each in environments for mark in each.covers)
    return Standing(
        approved=passes,
        approvals=tuple(each for each in holding if _counts(each, needed) or not passes),
        rejections=rejections,
        environments=environments,
        aside=bool(environments) and not rejections and all(each.fingerprint in blamed for each in uncovered),
        expired=tuple(each for each in said if approvals.is_over(each) and each.decision.lets_pass),
        needed=needed,
        questioned=questioned,
        uncovered=uncovered if holding else (),
    )


def _by_mark(approvals: Iterable[Approval]) -> dict[str, list[Approval]]:
    """Who covers each fingerprint."""
    found: dict[str, list[Approval]] = {}
    for approval in approvals:
        for mark in approval.covers:
            found.setdefault(mark, []).append(approval)
    return found


def _is_approved(member: Member, approvals: Iterable[Approval], needed: int) -> bool:
    """Whether enough people approved this very place, as grave as it is now."""
    return len({each.person for each in approvals if each.subject.severity.rank <= member.severity.rank}) >= needed


def _counts(approval: Approval, needed: int) -> bool:
    """Whether its author can not be the one who proposes the change, where policy asks for that."""
    return approval.stored or needed < 2


def _riding(members: Sequence[Member], approved: set[str]) -> set[str]:
    """Members that most of those with the same change carry: approved ones, none of them lighter."""
    twins = Counter(_change(each) for each in members)
    agreed = Counter((_change(each), each.severity.rank) for each in members if each.fingerprint in approved)
    return {
        each.fingerprint
        for each in members
        if 2 * sum(agreed[_change(each), rank] for rank in range(each.severity.rank + 1)) > twins[_change(each)]
    }


def _change(member: Member) -> tuple[str, str, str, str]:
    """What changed, wherever: the part, the key that the place ends in, the kind and the transition."""
    part, path = member.location.part, member.location.path
    return part.value, leaf_of(part, path), member.kind, member.transition


def _distinct(approvals: Iterable[Approval]) -> tuple[Approval, ...]:
    return tuple({each.id: each for each in approvals}.values())
