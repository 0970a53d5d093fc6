from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from diffing.approvals import Approval, Approvals, Decision, Scope, Subject, Withdrawal
from diffing.difference import Location, Part, Severity
from diffing.gate import Policy, TagRule
from diffing.grouping import CONFIRMED, Finding, Member
from diffing.ledger import Ledger, RouteTally, Tally
from diffing.standing import SILENT, Standing, approved_fingerprints, aside_fingerprints, standings, unseen

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PRICE = Location(Part.BODY, "$.price")
STATUS = Location(Part.STATUS)
PAYMENTS = Policy(tags={"payments": TagRule(fail_on=Severity.MINOR, reviewers=2)})


def member(mark: str, severity: Severity = Severity.BREAKING, **others: object) -> Member:
    plain = Member(mark, "GET", f"/{mark}", PRICE, 1, "type", "int -> str", severity)
    return replace(plain, **others)  # type: ignore[arg-type]


def finding(*members: Member, tags: tuple[str, ...] = ()) -> Finding:
    root = members[0]
    return Finding(
        fingerprint=root.fingerprint,
        severity=min((each.severity for each in members), key=lambda each: each.rank),
        kind=root.kind,
        method=root.method,
        route=root.route,
        location=root.location,
        transition=root.transition,
        baseline=1,
        candidate="1",
        count=10,
        out_of=100,
        state=CONFIRMED,
        members=members,
        story=None,
        tags=tags,
        exemplars=("x1",),
        exchanges=("x1",),
    )


def approval(*marks: str, severity: Severity = Severity.BREAKING, **others: object) -> Approval:
    subject = Subject("GET", f"/{marks[0]}", PRICE, "type", "int -> str", severity)
    plain = Approval(
        f"id of {marks[0]}", marks[0], Scope.ALWAYS, "ann", "wanted", NOON, subject, members=tuple(sorted(marks))
    )
    return replace(plain, **others)  # type: ignore[arg-type]


def standing(found: Finding, *said: Approval, policy: Policy | None = None, today: date = date.min) -> Standing:
    known = standings([found], Approvals(said, today=today), policy or Policy())
    return known.get(found.fingerprint, SILENT)


def test_nobody_has_said_anything() -> None:
    assert standing(finding(member("a")), approval("z")) == SILENT


def test_a_finding_is_approved_by_its_fingerprint() -> None:
    yes = approval("a")
    found = standings([finding(member("a")), finding(member("b"))], Approvals((yes,)), Policy())

    assert found == {"a": Standing(approved=True, approvals=(yes,))}
    assert approved_fingerprints(found) == {"a"}


def test_another_transition_at_the_same_place_is_not_approved() -> None:
    assert standing(finding(member("another fingerprint, for another transition")), approval("a")) == SILENT


def test_a_thirteenth_route_does_not_lose_the_approval_even_as_the_root() -> None:
    marks = [f"m{number:02}" for number in range(12)]
    grown = finding(member("new"), *(member(mark) for mark in marks))

    assert standing(grown, approval(*marks)).approved
    assert standing(finding(*grown.members[1:], member("new")), approval(*marks)).approved


def test_the_approval_of_one_route_is_none_of_twelve() -> None:
    found = finding(*(member(f"m{number}") for number in range(12)))
    one = approval("m0")

    assert standing(found, one) == Standing(approvals=(one,), uncovered=found.members[1:])


def test_a_grave_root_is_not_approved_by_its_harmless_members() -> None:
    light = [member(f"m{number}", Severity.MINOR) for number in range(12)]
    found = finding(member("root"), *light)
    yes = approval(*(each.fingerprint for each in light), severity=Severity.MINOR)

    assert standing(found, yes) == Standing(approvals=(yes,), uncovered=(found.members[0],))


def test_what_has_grown_graver_is_not_approved() -> None:
    yes = approval("a", severity=Severity.MAJOR)

    assert not standing(finding(member("a")), yes).approved
    assert standing(finding(member("a", Severity.MAJOR)), yes, policy=Policy(fail_on=Severity.MAJOR)).approved


def test_a_member_with_another_change_needs_a_word_of_its_own() -> None:
    known = [member(f"m{number}") for number in range(12)]
    yes = approval(*(each.fingerprint for each in known))
    for other in (
        member("new", location=STATUS, kind="status", transition="2xx -> 5xx"),
        member("new", transition="int -> null"),
        member("new", kind="null"),
        member("new", location=Location(Part.BODY, "$.total")),
        member("new", location=Location(Part.HEADER, "price")),
    ):
        assert standing(finding(*known, other), yes).uncovered == (other,)
        assert not standing(finding(*known, other), yes).approved
        assert standing(finding(*known, other), yes, approval("new")).approved


def test_what_would_not_fail_by_itself_needs_no_word() -> None:
    found = finding(member("a"), member("b", Severity.MINOR, kind="value"))

    assert standing(found, approval("a")).approved
    assert not standing(found, approval("a"), policy=Policy(fail_on=Severity.MINOR)).approved


def test_a_finding_that_fails_nothing_is_shown_as_approved_by_its_root_or_most_members() -> None:
    light = finding(*(member(f"m{number}", Severity.INFO, kind=f"{number}") for number in range(3)))

    assert standing(light, approval("m0")).approved
    assert standing(light, approval("m1", "m2")).approved
    assert not standing(light, approval("m2")).approved


def test_a_rejection_overrules_every_approval_until_it_is_withdrawn() -> None:
    yes, no = approval("a", "b"), approval("b", id="no", author="bob", decision=Decision.REJECT)
    found = finding(member("a"), member("b"))

    assert standing(found, yes, no) == Standing(approvals=(yes,), rejections=(no,))
    assert standing(found, yes, replace(no, withdrawn=Withdrawal("bob", NOON))).approved


def test_an_expired_approval_does_not_count_and_is_named() -> None:
    past = approval("a", until=date(2026, 1, 31))

    assert standing(finding(member("a")), past, today=date(2026, 2, 1)) == Standing(expired=(past,))
    assert standing(finding(member("a")), past, today=date(2026, 1, 31)).approved


def test_a_tag_with_reviewers_counts_different_people_in_the_store() -> None:
    found = finding(member("a"), tags=("payments",))
    ann = approval("a", stored=True)
    bob = approval("a", id="2", author="bob", stored=True)

    def approved(*said: Approval) -> bool:
        return standing(found, *said, policy=PAYMENTS).approved

    assert approved(ann, bob)
    assert not approved(ann)
    assert not approved(ann, replace(bob, stored=False))
    assert not approved(ann, replace(bob, author=" ANN"))
    assert standing(found, ann, policy=PAYMENTS) == Standing(approvals=(ann,), needed=2, uncovered=found.members)
    assert standing(found, ann, bob, approval("a", id="3", author="eve"), policy=PAYMENTS).approvals == (ann, bob)
    assert standing(finding(member("a")), replace(ann, stored=False), policy=PAYMENTS).approved


def test_noise_lets_pass_as_an_approval_does_and_two_people_may_call_it_different_names() -> None:
    noise = approval("a", decision=Decision.NOISE, stored=True)
    bob = approval("a", id="2", author="bob", stored=True)
    paid = finding(member("a"), tags=("payments",))

    assert standing(finding(member("a")), noise) == Standing(approved=True, approvals=(noise,))
    assert not standing(paid, noise, policy=PAYMENTS).approved
    assert standing(paid, noise, bob, policy=PAYMENTS).approved


def test_what_the_environment_made_is_set_aside_whoever_approved_it_unless_it_was_rejected() -> None:
    blame = approval("a", "b", id="e", decision=Decision.ENVIRONMENT)
    found = finding(member("a"), member("b", kind="value"))
    yes, no = approval("a", "b"), approval("a", id="no", decision=Decision.REJECT)

    assert standing(found, blame) == Standing(environments=(blame,), aside=True)
    assert aside_fingerprints({"a": standing(found, yes, blame)}) == {"a"}
    assert not standing(found, yes, blame).approved
    assert not standing(found, blame, no).aside


def test_a_member_that_nobody_put_down_to_the_environment_is_not_set_aside() -> None:
    found = finding(member("a"), member("b", kind="value"))
    blame, yes = approval("a", id="e", decision=Decision.ENVIRONMENT), approval("b")

    assert not standing(found, blame).aside
    assert standing(found, blame, yes).aside


def test_where_two_must_approve_the_file_puts_nothing_down_to_the_environment() -> None:
    paid = finding(member("a"), tags=("payments",))
    blame = approval("a", decision=Decision.ENVIRONMENT)

    assert not standing(paid, blame, policy=PAYMENTS).aside
    assert standing(paid, replace(blame, stored=True), policy=PAYMENTS).aside


def test_an_unresolved_comment_holds_an_approval_back_where_the_route_is_tagged() -> None:
    paid, plain = finding(member("a"), member("b"), tags=("payments",)), finding(member("a"), member("b"))
    yes = approval("a", "b")

    def held(found: Finding, *marks: str) -> bool:
        return standings([found], Approvals((yes,), unresolved=frozenset(marks)), Policy())["a"].approved

    assert (held(paid), held(paid, "z"), held(paid, "b"), held(plain, "b")) == (True, True, False, True)
    known = standings([paid], Approvals((yes,), unresolved=frozenset("b")), Policy())
    assert known["a"] == Standing(approvals=(yes,), questioned=True)


def ledger(route: str, **counts: int) -> Ledger:
    return Ledger(routes=(RouteTally("GET", route, Tally(**counts)),))


def test_an_approval_whose_change_is_no_longer_seen_is_named_when_its_route_was_compared() -> None:
    yes = approval("a", "b", subject=replace(approval("a").subject, route="/orders/<int:id>"))
    quiet = (finding(member("z")),)
    compared = ledger("/orders/<order_id>", matched=3)

    assert unseen(quiet, Approvals((yes,)), compared) == (yes,)
    assert unseen((finding(member("b")),), Approvals((yes,)), compared) == ()
    assert unseen(quiet, Approvals((yes,)), ledger("/orders/<int:id>", recorded=3)) == ()
    assert unseen(quiet, Approvals((yes,)), ledger("/other", matched=3)) == ()
    assert unseen(quiet, Approvals((yes,)), ledger("/orders/<int:id>", errored=1)) == (yes,)


def test_what_no_longer_holds_is_not_missed() -> None:
    compared = ledger("/a", matched=3)
    said = (
        approval("a", until=date(2020, 1, 1)),
        approval("a", scope=Scope.BRANCH, of="other"),
        approval("a", scope=Scope.RUN, of="r"),
        approval("a", decision=Decision.REJECT),
        approval("a", decision=Decision.NOISE),
        approval("a", withdrawn=Withdrawal("bob", NOON)),
    )

    assert unseen((), Approvals(said, run="r", branch="mine", today=date(2026, 1, 1)), compared) == ()
