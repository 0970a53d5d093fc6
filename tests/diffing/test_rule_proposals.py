"""Which rules a run asks for: the narrowest place and kind, and a refusal for all that would hide more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from diffing.difference import Location, Part, Severity
from diffing.grouping import CONFIRMED, FLAKY, Finding, Member
from diffing.noise import NoiseRule
from diffing.rule_evidence import PastRun, RuleEvidence, Spot
from diffing.rule_hindsight import PastHiding
from diffing.rule_proposals import Proposals, Refusal, Why, propose

TIME, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def spot(path: str = "$.at", route: str = "/a", part: Part = Part.BODY) -> Spot:
    return Spot("GET", route, Location(part, path))


def finding(
    *places: Spot,
    kind: str = "value",
    transition: str = "str -> other str",
    values: tuple[object, object] = (TIME, LATER),
    state: str = FLAKY,
    mark: str = "f1",
) -> Finding:
    root = places[0]
    members = tuple(
        Member(f"{mark}.{n}", each.method, each.route, each.location, 1, kind, transition)
        for n, each in enumerate(places)
    )
    return Finding(
        fingerprint=mark,
        severity=Severity.MAJOR,
        kind=kind,
        method=root.method,
        route=root.route,
        location=root.location,
        transition=transition,
        baseline=values[0],
        candidate=values[1],
        count=len(places),
        out_of=9,
        state=state,
        members=members,
        story=None,
        tags=(),
        exemplars=(),
        exchanges=(),
    )


def ask(
    *findings: Finding,
    values: Mapping[Spot, Sequence[object]] | None = None,
    candidate: Mapping[Spot, Sequence[object]] | None = None,
    varied: frozenset[Spot] = frozenset(),
    rules: tuple[NoiseRule, ...] = (),
    tags: tuple[tuple[str, tuple[str, ...]], ...] = (),
    asked: frozenset[str] = frozenset(),
) -> Proposals:
    run = PastRun("r1", "tiny", findings=findings)
    evidence = RuleEvidence((run,), values or {}, varied, measured=True)
    return propose(run, evidence, candidate or {}, rules, tags, asked)


def names(found: Proposals) -> list[str]:
    return [proposal.rule.name for proposal in found.proposals]


def refusals(found: Proposals) -> list[tuple[Refusal, str]]:
    return [(each.refusal, each.spot.location.path if each.spot else "") for each in found.refused]


def test_a_flaky_finding_asks_for_a_rule_at_each_of_its_places_and_is_told_as_what_it_would_have_hidden() -> None:
    flaky = finding(spot("$.items[*].at", "/a/<int:id>"), spot("x-at", part=Part.HEADER))
    found = ask(flaky, candidate={spot("x-at", part=Part.HEADER): ["7"]})
    assert names(found) == ["GET /a x-at (number)", "GET /a/<int:id> $.items[*].at (timestamp)"]
    assert found.proposals[1].rule.part is Part.BODY
    assert (found.proposals[1].whys, found.proposals[1].fingerprints) == ((Why.FLAKY,), ("f1",))
    assert found.proposals[1].hides == (PastHiding("r1", "f1", FLAKY, 1, whole=False),)
    assert found.refused == ()


def test_a_confirmed_finding_gets_no_rule_unless_it_is_asked_for_and_the_baseline_varies_there() -> None:
    change = finding(spot(), state=CONFIRMED)
    assert ask(change) == Proposals()
    assert refusals(ask(change, asked=frozenset({"f1"}))) == [(Refusal.NOT_VARIED, "$.at")]
    found = ask(change, asked=frozenset({"f1"}), varied=frozenset({spot()}))
    assert (names(found), found.proposals[0].whys) == (["GET /a $.at (timestamp)"], (Why.BASELINE,))
    assert found.proposals[0].hides == (PastHiding("r1", "f1", CONFIRMED, 1, whole=True),)


@pytest.mark.parametrize(
    ("kind", "transition", "candidate"),
    [("format", "time -> str", "soon"), ("null", "str -> null", None), ("type", "str -> int", 5)],
)
def test_what_the_baseline_never_did_where_it_varies_is_no_noise(kind: str, transition: str, candidate: object) -> None:
    change = finding(spot(), kind=kind, transition=transition, values=(TIME, candidate), state=CONFIRMED)
    found = ask(change, asked=frozenset({"f1"}), varied=frozenset({spot()}), candidate={spot(): [candidate]})
    assert (found.proposals, refusals(found)) == ((), [(Refusal.OTHER_KIND, "$.at")])


@pytest.mark.parametrize(
    ("kind", "transition", "values", "wanted"),
    [
        ("value", "int -> other int", (7, 8), "int"),
        ("value", "str -> other str", ("a… (900 characters)", "b… (900 characters)"), "str"),
        ("identity", "id -> other id", (7, 8), "int"),
        ("format", "uuid -> str", ("0b9e2a56-7d0a-4b53-9f51-2f4f7a3bb1d2", "a word"), "token"),
        ("null", "str -> null", ("a", None), "null"),
        ("null", "null -> str", (None, TIME), "timestamp"),
        ("type", "int -> float", (1, 0.5), "float"),
        ("extra", "missing -> present", (None, {"a": 1}), "object"),
        ("length", "array -> shorter array", ([1, 2], [1]), "array"),
        ("order", "order -> other order", ([1, 2], [2, 1]), ""),
    ],
)
def test_the_kind_is_the_narrowest_that_hides_what_was_seen(
    kind: str, transition: str, values: tuple[object, object], wanted: str
) -> None:
    (proposal,) = ask(finding(spot(), kind=kind, transition=transition, values=values)).proposals
    assert proposal.rule.kind == wanted
    assert proposal.hides == (PastHiding("r1", "f1", FLAKY, 1, whole=True),)


@pytest.mark.parametrize(
    ("kind", "transition", "values", "place", "refusal"),
    [
        ("status", "200 -> 500", (200, 500), spot("", part=Part.STATUS), Refusal.NEVER),
        ("media", "a -> b", ("a", "b"), spot("$"), Refusal.NEVER),
        ("value", "1 -> 2", (1, 2), spot("count", part=Part.SQL), Refusal.NEVER),
        ("missing", "present -> missing", (1, None), spot(), Refusal.MISSING),
        ("value", "object -> other object", ({"a": 1}, {"a": 2}), spot(), Refusal.NO_KIND),
        ("type", "float -> nan", (0.5, "nan"), spot(), Refusal.NO_KIND),
        ("value", "str -> other str", ("a", "b"), spot("$.a b"), Refusal.NO_PLACE),
        ("value", "str -> other str", ("a", "b"), spot(route="/a b/c"), Refusal.NO_PLACE),
    ],
)
def test_what_no_narrow_rule_hides_is_refused(
    kind: str, transition: str, values: tuple[object, object], place: Spot, refusal: Refusal
) -> None:
    found = ask(finding(place, kind=kind, transition=transition, values=values))
    assert (found.proposals, [each.refusal for each in found.refused]) == ((), [refusal])


def test_what_a_rule_hides_already_is_not_proposed_again() -> None:
    found = ask(finding(spot()), rules=(NoiseRule("* /**", "$.at", kind="any"),))
    assert found == Proposals(covered=1)


KEYS = tuple(spot(f"$.p.{name}") for name in "abc")


def test_places_that_differ_in_one_key_become_one_rule_where_all_that_it_covers_varied() -> None:
    values = {key: [TIME] for key in KEYS}
    found = ask(finding(*KEYS), values=values)
    assert (names(found), found.refused) == (["GET /a $.p.* (timestamp)"], ())
    assert found.proposals[0].hides == (PastHiding("r1", "f1", FLAKY, 3, whole=True),)


def test_a_wider_rule_that_would_hide_more_than_varied_is_refused_with_the_places_and_the_narrow_ones_stay() -> None:
    values = {key: [TIME] for key in (*KEYS, spot("$.p.due"))}
    found = ask(finding(*KEYS), values=values)
    assert names(found) == [f"GET /a $.p.{name} (timestamp)" for name in "abc"]
    (refused,) = found.refused
    assert (refused.refusal, refused.rule and refused.rule.name) == (Refusal.TOO_WIDE, "GET /a $.p.* (timestamp)")
    assert (refused.needless, refused.covered) == ((spot("$.p.due"),), 4)


def test_a_place_below_a_key_that_is_data_is_refused_where_its_neighbours_did_not_vary() -> None:
    values = {spot("$.by.ann.at"): [TIME], spot("$.by.ben.at"): [TIME]}
    found = ask(finding(spot("$.by.*.at")), values=values)
    assert (found.proposals, [each.refusal for each in found.refused]) == ((), [Refusal.TOO_WIDE])
    assert found.refused[0].needless == tuple(values)


ROUTES = tuple(spot(route=f"/api/{name}") for name in "abc")


def test_one_place_on_many_routes_becomes_one_rule_but_for_a_tag_that_it_would_reach_into() -> None:
    values = {route: [TIME] for route in ROUTES}
    assert names(ask(finding(*ROUTES), values=values)) == ["GET /api/** $.at (timestamp)"]
    tags = (("money", ("* /api/pay",)),)
    paid = {**values, spot(route="/api/pay"): [TIME]}
    found = ask(finding(*ROUTES), values=paid, varied=frozenset(paid), tags=tags)
    assert names(found) == [f"GET /api/{name} $.at (timestamp)" for name in "abc"]


def test_nothing_is_widened_when_the_places_are_not_known() -> None:
    assert len(ask(finding(*ROUTES)).proposals) == 3


def test_a_proposal_for_a_tagged_route_says_so() -> None:
    (proposal,) = ask(finding(spot()), tags=(("money", ("* /a",)), ("other", ("* /b",)))).proposals
    assert proposal.tags == ("money",)


def test_two_findings_at_one_place_ask_for_one_rule_and_two_kinds_for_two() -> None:
    one, two = finding(spot()), finding(spot(), mark="f2")
    (proposal,) = ask(one, two).proposals
    assert proposal.fingerprints == ("f1", "f2")
    null = finding(spot(), kind="null", transition="str -> null", values=(TIME, None), mark="f3")
    assert names(ask(one, null)) == ["GET /a $.at (null)", "GET /a $.at (timestamp)"]


def test_a_past_confirmed_finding_that_a_rule_would_hide_is_among_what_it_hides() -> None:
    run = PastRun("r2", "tiny", findings=(finding(spot()),))
    before = PastRun("r1", "tiny", findings=(finding(spot(), spot("$.x"), state=CONFIRMED, mark="old"),))
    evidence = RuleEvidence((run, before))
    (proposal,) = propose(run, evidence, {}).proposals
    assert [(each.run, each.fingerprint, each.state, each.whole) for each in proposal.hides] == [
        ("r2", "f1", FLAKY, True),
        ("r1", "old", CONFIRMED, False),
    ]


def test_without_members_the_root_is_the_place() -> None:
    alone = replace(finding(spot()), members=())
    assert names(ask(alone)) == ["GET /a $.at (timestamp)"]
