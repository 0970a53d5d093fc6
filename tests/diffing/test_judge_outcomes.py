"""Where a case ends before its bodies are looked at, and what follows from an earlier difference."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from diffing.difference import (
    Answer,
    Case,
    Comparison,
    Difference,
    DifferenceKind,
    Location,
    Part,
    Reason,
    Ruled,
    Status,
)
from diffing.judge import judge
from diffing.noise import NoiseRule
from diffing.profile import NoiseProfile, Place, learn
from recorder.exchange import Body, BodyState, Exchange, RecordedRequest, RecordedResponse

ORDERS = {"POST /orders|2xx|$.id": "order", "GET /orders|2xx|$.items[*].id": "order"}
KNOWN = NoiseProfile(places={key: Place(sort=sort) for key, sort in ORDERS.items()})


def reply(status: int, value: Any = None, media: str = "application/json") -> RecordedResponse:
    data = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
    return RecordedResponse(status, "", (("Content-Type", media),), Body.of(data))


def ok(status: int = 200, value: Any = None) -> Answer:
    return Answer(reply(status, {} if value is None else value))


def case(
    recorded: RecordedResponse | None,
    baseline: list[Answer],
    candidate: list[Answer],
    *,
    name: str = "e",
    method: str = "GET",
    route: str = "/things/<int:id>",
) -> Case:
    request = RecordedRequest(method, route, ())
    return Case(Exchange(name, request, recorded, 0.0, 0.0, route), route, tuple(baseline), tuple(candidate))


def one(made: Case, profile: NoiseProfile | None = None, rules: tuple[NoiseRule, ...] = ()) -> Comparison:
    (found,) = judge([made], profile or NoiseProfile(), rules)
    return found


FAILED = Answer(None, "connection reset")
SENT_NOT = Answer(None, "", reason=Reason.UNSAFE, detail="POST")
STRANGER = Answer(None, "", reason=Reason.CREDENTIALS, detail="no login")
BLOCKED = Answer(None, "", reason=Reason.BLOCKED, detail="order 5")


@pytest.mark.parametrize(
    ("made", "status", "reason", "detail"),
    [
        (case(reply(200), [ok()], []), Status.NOT_COMPARED, Reason.UNCERTAIN, "the candidate was not asked"),
        (case(reply(200), [SENT_NOT], [BLOCKED]), Status.SKIPPED, Reason.UNSAFE, "POST"),
        (case(reply(200), [ok()], [BLOCKED]), Status.NOT_COMPARED, Reason.BLOCKED, "order 5"),
        (case(reply(200), [ok()], [STRANGER]), Status.NOT_COMPARED, Reason.BLOCKED, "no login"),
        (case(reply(200), [STRANGER], [STRANGER]), Status.NOT_COMPARED, Reason.CREDENTIALS, "no login"),
        (case(reply(200), [FAILED], [ok()]), Status.NOT_COMPARED, Reason.BASELINE_FAILED, "connection reset"),
        (
            case(reply(200), [ok(), ok(503)], [ok()]),
            Status.NOT_COMPARED,
            Reason.UNSTABLE,
            "the baseline gave 200 and 503",
        ),
        (
            case(reply(200), [ok(404)], [ok()]),
            Status.NOT_COMPARED,
            Reason.UNFAITHFUL,
            "recorded 200, the baseline gave 404",
        ),
        (case(reply(200, {}), [ok(201)], [ok(201)]), Status.MATCHED, None, ""),
        (case(None, [ok(500)], [ok(500)]), Status.MATCHED, None, ""),
        (case(None, [], [ok()]), Status.NOT_COMPARED, Reason.NO_RESPONSE, ""),
        (
            case(RecordedResponse(200, "", (), Body(b"", 9, BodyState.OPAQUE, "ab")), [], [ok()]),
            Status.NOT_COMPARED,
            Reason.OPAQUE,
            "",
        ),
        (
            case(reply(200), [], [ok(404), ok(200)]),
            Status.NOT_COMPARED,
            Reason.UNFAITHFUL,
            "the candidate gave 200 and 404",
        ),
    ],
)
def test_what_is_not_compared_is_named(made: Case, status: Status, reason: Reason | None, detail: str) -> None:
    found = one(made)
    assert (found.status, found.reason, found.detail, found.differences) == (status, reason, detail, ())


def test_no_answer_of_the_candidate_is_a_failure() -> None:
    found = one(case(reply(200), [ok()], [FAILED]))
    expected = Difference(
        Location(Part.STATUS), DifferenceKind.FAILURE, 200, None, "200 -> no response", "connection reset"
    )
    assert (found.status, found.differences) == (Status.DIFFERED, (expected,))


def test_another_status_is_the_only_difference_and_tells_of_another_content_type() -> None:
    page = Answer(reply(500, b"<h1>Oops</h1>", "text/html"))
    found = one(case(reply(200, {"a": 1}), [ok(200, {"a": 1})], [page]))
    assert found.differences == (
        Difference(
            Location(Part.STATUS),
            DifferenceKind.STATUS,
            200,
            500,
            "200 -> 500",
            "application/json -> text/html (text/html)",
        ),
    )


def test_a_truncated_body_is_compared_as_far_as_status_and_headers() -> None:
    cut = RecordedResponse(200, "", (("X-A", "1"),), Body(b'{"a"', 400, BodyState.TRUNCATED))
    other = replace(cut, headers=(("X-A", "2"),))
    same = one(case(reply(200), [Answer(cut)], [Answer(cut)]))
    assert (same.status, same.reason) == (Status.NOT_COMPARED, Reason.TRUNCATED)
    changed = one(case(reply(200), [Answer(cut)], [Answer(other)]))
    assert (changed.status, changed.reason) == (Status.DIFFERED, None)
    assert [d.location.path for d in changed.differences] == ["x-a"]


def listing(*ids: int, **more: Any) -> Answer:
    items = [{"id": number, "title": f"t{number}"} for number in ids]
    return ok(200, {"items": items, "total": len(ids), **more})


def shop(created: Answer, listed: tuple[Answer, Answer], also: tuple[Answer, Answer] | None = None) -> list[Case]:
    made = [
        case(reply(201), [ok(201, {"id": 17})], [created], name="create", method="POST", route="/orders"),
        case(reply(200), [listed[0]], [listed[1]], name="list", route="/orders"),
    ]
    return made if also is None else [*made, case(reply(200), [also[0]], [also[1]], name="also", route="/orders")]


def test_rows_that_an_earlier_failure_kept_from_being_made_are_no_news() -> None:
    created, listed = judge(shop(ok(500), (listing(1, 2, 17), listing(1, 2))), KNOWN)
    assert created.status is Status.DIFFERED
    assert (listed.status, listed.reason) == (Status.NOT_COMPARED, Reason.DOWNSTREAM)
    assert listed.detail == "downstream of create"
    assert listed.suppressed == {"downstream": 2}


def test_a_row_that_moves_up_in_its_place_is_no_news_either() -> None:
    _, listed = judge(shop(ok(500), (listing(17, 5, 4), listing(5, 4, 3))), KNOWN)
    assert (listed.status, listed.reason) == (Status.NOT_COMPARED, Reason.DOWNSTREAM)


def test_what_does_not_follow_is_still_told() -> None:
    _, listed = judge(shop(ok(500), (listing(1, 2, 17), listing(1))), KNOWN)
    assert [(d.location.path, d.kind.value) for d in listed.differences] == [
        ("$.items[1]", "missing"),
        ("$.total", "value"),
    ]
    _, listed = judge(shop(ok(500), (listing(1, 17, open=True), listing(1, open=False))), KNOWN)
    assert [(d.location.path, d.kind.value) for d in listed.differences] == [("$.open", "value")]


def test_what_only_the_candidate_made_is_downstream_as_well() -> None:
    refused = case(reply(422), [ok(422)], [ok(201, {"id": 9})], name="create", method="POST", route="/orders")
    after = case(reply(200), [listing(1)], [listing(1, 9)], name="list", route="/orders")
    _, listed = judge([refused, after], KNOWN)
    assert (listed.status, listed.reason) == (Status.NOT_COMPARED, Reason.DOWNSTREAM)


def test_a_new_object_in_place_of_one_that_was_used_up_is_downstream() -> None:
    cart = NoiseProfile(places={"POST /cart|2xx|$.id": Place(sort="cart")})
    first = case(reply(201), [ok(201, {"id": 5})], [ok(201, {"id": 5})], name="fill", method="POST", route="/cart")
    refused = case(reply(409), [ok(409)], [ok(201)], name="order", method="POST", route="/orders")
    again = case(reply(201), [ok(201, {"id": 5})], [ok(201, {"id": 6})], name="again", method="POST", route="/cart")
    owned = [replace(one, exchange=replace(one.exchange, principal="p")) for one in (first, refused, again)]
    *_, last = judge(owned, cart)
    assert (last.status, last.reason) == (Status.NOT_COMPARED, Reason.DOWNSTREAM)
    stranger = replace(owned[1], exchange=replace(owned[1].exchange, principal="q"))
    *_, last = judge([owned[0], stranger, owned[2]], cart)
    assert [difference.kind for difference in last.differences] == [DifferenceKind.IDENTITY]


def test_a_reference_to_what_was_never_made_is_downstream() -> None:
    profile = NoiseProfile(places={**KNOWN.places, "GET /orders|2xx|$.latest": Place(sort="order")})
    _, listed = judge(shop(ok(500), (listing(1, latest=17), listing(1, latest=1))), profile)
    assert (listed.status, listed.reason) == (Status.NOT_COMPARED, Reason.DOWNSTREAM)


def test_ids_are_bound_across_two_statuses_of_success() -> None:
    created, listed = judge(shop(ok(200, {"id": 40}), (listing(1, 17), listing(1, 40))), KNOWN)
    assert [d.kind for d in created.differences] == [DifferenceKind.STATUS]
    assert [(d.location.path, d.kind.value) for d in listed.differences] == [("$.items[1].title", "value")]


def test_an_id_that_stands_for_another_object_is_told() -> None:
    made = shop(ok(201, {"id": 40}), (listing(1, 17), listing(1, 40)), (listing(17), listing(1)))
    _, _, also = judge(made, KNOWN)
    assert [(d.location.path, d.kind.value) for d in also.differences] == [
        ("$.items[0]", "missing"),
        ("$.items[0]", "extra"),
    ]


RULE = NoiseRule("GET /things/*", "$.at", kind="timestamp", reason="set by a trigger")


@pytest.mark.parametrize(
    ("candidate", "hidden"),
    [("2024-05-05T00:00:00Z", True), ("soon", False), (None, False), (5, False)],
)
def test_a_rule_hides_a_change_only_while_the_value_is_of_its_kind(candidate: object, hidden: bool) -> None:
    made = case(reply(200), [ok(200, {"at": "2020-01-01T00:00:00Z"})], [ok(200, {"at": candidate})])
    found = one(made, rules=(NoiseRule("GET /other", "$.at"), RULE))
    assert (found.status is Status.MATCHED) is hidden
    assert found.suppressed == ({"rule GET /things/* $.at (timestamp)": 1} if hidden else {})


@pytest.mark.parametrize(
    ("rule", "hides"),
    [
        (NoiseRule("* /things/**", "$.a"), True),
        (NoiseRule("POST /things/**", "$.a"), False),
        (NoiseRule("GET /thing", "$.a"), False),
        (NoiseRule("GET /**", "$"), False),
        (NoiseRule("GET /**", "$.**"), True),
        (NoiseRule("GET /**", "$.*"), True),
        (NoiseRule("GET /**", "$.aa"), False),
        (NoiseRule("GET /**", "$.a", part=Part.HEADER), False),
    ],
)
def test_a_rule_holds_at_its_place_only(rule: NoiseRule, hides: bool) -> None:
    found = one(case(reply(200), [ok(200, {"a": 1})], [ok(200, {"a": 2})]), rules=(rule,))
    assert (found.status is Status.MATCHED) is hides


def test_a_rule_does_not_hide_what_is_gone() -> None:
    found = one(case(reply(200), [ok(200, {"at": "x"})], [ok(200, {})]), rules=(NoiseRule("GET /**", "$.**"),))
    assert [d.kind for d in found.differences] == [DifferenceKind.MISSING]


@pytest.mark.parametrize(
    ("baseline", "candidate", "kind", "hidden"),
    [
        ({"at": 1}, {"at": 2}, "", True),
        ({"at": 1}, {"at": "1"}, "", False),
        ({"at": 1}, {"at": "1"}, "str", True),
        ({"at": 1}, {"at": None}, "", False),
        ({"at": 1}, {"at": None}, "int", False),
        ({"at": 1}, {"at": None}, "null", True),
        ({}, {"at": 1}, "", False),
        ({}, {"at": 1}, "int", True),
        ({"at": 1}, {}, "int", False),
        ({"at": 1}, {}, "any", True),
        ({"at": [1, 2]}, {"at": [1]}, "", False),
        ({"at": [1, 2]}, {"at": [1]}, "array", True),
        ({"at": {"a": 1}}, {"at": None}, "", False),
        ({"at": {"a": 1}}, {"at": [1]}, "", False),
    ],
)
def test_a_rule_hides_no_change_of_type_no_null_and_nothing_that_came_or_went_unless_its_kind_says_so(
    baseline: object, candidate: object, kind: str, hidden: bool
) -> None:
    rule = NoiseRule("GET /things/*", "$.at", kind=kind)
    found = one(case(reply(200), [ok(200, baseline)], [ok(200, candidate)]), rules=(rule,))
    assert found.suppressed == ({f"rule {rule.name}": 1} if hidden else {})
    assert (found.status is Status.MATCHED) is hidden


def test_what_differs_too_deep_to_be_explained_is_not_hidden_by_a_rule_without_a_kind() -> None:
    def deep(value: object) -> dict[str, object]:
        for _ in range(70):
            value = {"a": value}
        return {"a": value}

    rule = NoiseRule("GET /things/*", "$.**")
    found = one(case(reply(200), [ok(200, deep(1))], [ok(200, deep(2))]), rules=(rule,))
    assert [d.detail for d in found.differences] == ["differs, too large to explain"]


def test_what_a_rule_hid_is_told_place_by_place() -> None:
    before, after = ({"rows": [{"at": n, "to": n} for n in values]} for values in ((1, 2, 3), (4, 5, 6)))
    rules = (NoiseRule("GET /things/*", "$.rows[*].at"), NoiseRule("GET /things/*", "$.rows[0].to"))
    found = one(case(reply(200), [ok(200, before)], [ok(200, after)]), rules=rules)
    assert found.ruled == (
        Ruled("GET /things/* $.rows[*].at", Location(Part.BODY, "$.rows[*].at"), DifferenceKind.VALUE, 3),
        Ruled("GET /things/* $.rows[0].to", Location(Part.BODY, "$.rows[*].to"), DifferenceKind.VALUE, 1),
    )
    assert [d.location.path for d in found.differences] == ["$.rows[1].to", "$.rows[2].to"]


def test_however_much_a_rule_hides_the_rest_is_still_looked_at() -> None:
    before, after = ({"rows": [{"at": base + n} for n in range(1500)], "y": base, "z": base} for base in (0, 5000))
    rule = NoiseRule("GET /things/*", "$.rows[*].at")
    found = one(case(reply(200), [ok(200, before)], [ok(200, after)]), rules=(rule,))
    assert [d.location.path for d in found.differences] == ["$.y", "$.z"]
    assert found.suppressed == {"rule GET /things/* $.rows[*].at": 1500}


def test_a_rule_names_a_known_kind_and_may_end() -> None:
    with pytest.raises(ValueError, match="unknown kind 'tiemstamp'"):
        NoiseRule("GET /**", "$.at", kind="tiemstamp")
    rule = NoiseRule("GET /**", "$.at", until=date(2027, 1, 31))
    assert (rule.active(date(2027, 1, 31)), rule.active(date(2027, 2, 1))) == (True, False)


def refusals(route: str, statuses: list[int]) -> list[Case]:
    return [case(reply(200, {}), [], [ok(status)], name=f"e{n}", route=route) for n, status in enumerate(statuses)]


@pytest.mark.parametrize(
    ("route", "statuses", "told"),
    [
        ("/things/<int:id>", [200, 200, 200, 403], 1),  # some tokens are refused: the release's doing
        ("/things/<int:id>", [404, 404, 404, 200], 0),  # another state
        ("/things/<int:id>", [500, 500, 500, 500], 4),
        ("/reports", [404, 404, 404, 404], 4),  # the route is gone: no state is needed for it
        ("/reports", [401, 401, 401, 401], 0),
    ],
)
def test_without_a_baseline_refusals_are_told_where_a_route_still_works(
    route: str, statuses: list[int], told: int
) -> None:
    made = refusals(route, statuses)
    found = list(judge(made, learn(made, {})))
    assert sum(c.status is Status.DIFFERED for c in found) == told
    assert {c.reason for c in found if c.status is Status.NOT_COMPARED} <= {Reason.UNFAITHFUL}


def test_a_profile_survives_json_and_refuses_another_version() -> None:
    made = refusals("/things/<int:id>", [404, 404])
    profile = learn(made, ORDERS)
    assert NoiseProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile
    with pytest.raises(ValueError, match="version 99"):
        NoiseProfile.from_json({"version": 99})


def test_nothing_is_learned_from_the_release_under_judgement() -> None:
    def answers(hint: object) -> Answer:
        return ok(200, {"hint": hint})

    made = [case(reply(200), [answers("a"), answers("a")], [answers(n), answers(None)], name=f"e{n}") for n in range(3)]
    found = list(judge(made, learn(made, {})))
    assert [[d.kind for d in c.differences] for c in found] == [[DifferenceKind.TYPE]] * 3


def test_a_row_whose_identity_changed_is_the_same_row_when_all_else_is() -> None:
    rows = [{"code": "A", "title": "x", "size": 1}, {"code": "B", "title": "y", "size": 2}]
    found = one(case(reply(200), [ok(200, rows)], [ok(200, [rows[0], {**rows[1], "code": "C"}])]))
    assert [(d.location.path, d.kind.value) for d in found.differences] == [("$[1].code", "value")]


@pytest.mark.parametrize(
    ("candidate", "kinds"), [("ORD-000040", []), ("ORD-40", ["format"]), ("ORD-000041", ["identity"])]
)
def test_a_number_inside_a_text_is_renamed_and_keeps_its_padding(candidate: str, kinds: list[str]) -> None:
    places = {**KNOWN.places, "GET /orders|2xx|$.number~num": Place(sort="order")}
    made = case(reply(200), [ok(200, {"number": "ORD-000017"})], [ok(200, {"number": candidate})], route="/orders")
    created = case(reply(201), [ok(201, {"id": 17})], [ok(201, {"id": 40})], method="POST", route="/orders")
    _, found = judge([created, made], NoiseProfile(places=places))
    assert [d.kind.value for d in found.differences] == kinds


def test_a_text_may_hold_a_name_that_the_same_answer_tells_further_on() -> None:
    def led_to(number: int, title: str = "moved") -> RecordedResponse:
        page = f"<p>You are {title} to /orders/{number}.</p>".encode()
        return replace(
            reply(303, page, "text/html"), headers=(("Content-Type", "text/html"), ("Location", f"/orders/{number}"))
        )

    known = NoiseProfile(places={"POST /orders|3xx|header:location~url[orders:1]": Place(sort="order")})

    def differs(candidate: RecordedResponse) -> bool:
        made = case(led_to(148), [Answer(led_to(148))], [Answer(candidate)], method="POST", route="/orders")
        return bool(one(made, known).differences)

    assert not differs(led_to(149))
    assert differs(led_to(149, "sent"))
