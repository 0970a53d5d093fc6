from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.difference import Comparison, Difference, DifferenceKind, Location, Part, Severity, Status
from diffing.grouping import UNCONFIRMED, ExchangeContext, Finding, Member, bounded, group

K = DifferenceKind


def body(path: str, kind: K, baseline: object = None, candidate: object = None, words: str = "") -> Difference:
    return Difference(Location(Part.BODY, path), kind, baseline, candidate, words or kind.value)


def status(before: int, after: int) -> Difference:
    return Difference(Location(Part.STATUS), K.STATUS, before, after, f"{before} -> {after}")


def header(path: str, kind: K, baseline: object = None, candidate: object = None) -> Difference:
    return Difference(Location(Part.HEADER, path), kind, baseline, candidate, kind.value)


class Run:
    """Comparisons and their context, written down in causal order."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []
        self.context: dict[str, ExchangeContext] = {}

    def saw(
        self,
        call: str,
        *differences: Difference,
        session: str = "s",
        principal: str = "",
        size: int = 100,
        answer: int = 200,
        leaves: int = 30,
    ) -> str:
        method, route = call.split(" ")
        name = f"x{len(self.comparisons)}"
        outcome = Status.DIFFERED if differences else Status.MATCHED
        self.comparisons.append(Comparison(name, method, route, outcome, differences=differences, leaves=leaves))
        self.context[name] = ExchangeContext(session, len(self.context), size, principal, answer)
        return name

    def findings(self, tags: Sequence[tuple[str, tuple[str, ...]]] = ()) -> list[Finding]:
        return group(self.comparisons, self.context, tags)

    def places(self) -> list[set[str]]:
        """What each finding's members are, as text."""
        return [
            {f"{m.method} {m.route} {m.location.part.value}{m.location.path} {m.kind}" for m in finding.members}
            for finding in self.findings()
        ]


def test_a_finding_says_everything_about_one_change() -> None:
    run = Run()
    run.saw("GET /orders/<int:id>", body("$.items[0].price", K.TYPE, 1, "1", "int -> str"), principal="ann", size=900)
    run.saw("GET /orders/<int:id>")
    run.saw("GET /orders/<int:id>", body("$.items[7].price", K.TYPE, 2, "2", "int -> str"), principal="bob", size=200)
    run.saw("GET /orders/<int:id>", body("$.items[1].price", K.TYPE, 3, "3", "int -> str"), principal="bob", size=100)

    (finding,) = run.findings([("shop", ("GET /orders/**",)), ("payments", ("* /payments/**",))])

    fingerprint = finding.fingerprint
    assert len(fingerprint) == 16
    place = Location(Part.BODY, "$.items[*].price")
    assert finding == Finding(
        fingerprint=fingerprint,
        severity=Severity.BREAKING,
        kind="type",
        method="GET",
        route="/orders/<int:id>",
        location=place,
        transition="int -> str",
        baseline=3,
        candidate="3",
        count=3,
        out_of=4,
        state=UNCONFIRMED,
        members=(Member(fingerprint, "GET", "/orders/<int:id>", place, 3, "type", "int -> str"),),
        story=None,
        tags=("shop",),
        exemplars=("x3", "x0", "x2"),
        exchanges=("x0", "x2", "x3"),
    )


def test_rows_that_are_gone_from_several_listings_are_several_findings() -> None:
    run = Run()
    routes = ("/feed", "/orders", "/wishlists/items", "/tickets", "/reviews")
    for route in routes:
        run.saw(f"GET {route}", body("$.items[0]", K.MISSING, {"name": route, "size": 12}))

    assert run.places() == [{f"GET {route} body$.items[*] missing"} for route in sorted(routes)]


def test_another_status_class_stands_for_the_whole_exchange() -> None:
    run = Run()
    run.saw("POST /pay", status(201, 500), body("$.id", K.MISSING, 1), header("location", K.MISSING, "/pay/1"))

    assert run.places() == [{"POST /pay status status"}]


def test_another_status_of_the_same_class_leaves_the_body_to_be_compared() -> None:
    run = Run()
    run.saw("POST /pay", status(201, 200), body("$.amount", K.TYPE, 1, "1", "int -> str"))

    assert run.places() == [{"POST /pay body$.amount type"}, {"POST /pay status status"}]


def test_refusals_that_end_in_one_way_are_one_finding_and_other_rejections_another() -> None:
    run = Run()
    run.saw("GET /admin", status(401, 200))
    run.saw("GET /admin", status(403, 200))
    run.saw("GET /admin", status(400, 200))

    assert [(f.transition, f.count) for f in run.findings()] == [("denied -> 2xx", 2), ("400 -> 200", 1)]


def test_a_place_stands_for_what_is_below_it_and_a_body_for_the_headers_made_from_it() -> None:
    run = Run()
    run.saw(
        "GET /a",
        body("$.user", K.NULL, {"name": "x"}, None, "object -> null"),
        body("$.user.name", K.MISSING, "x"),
        body("$.username", K.MISSING, "x"),
        header("etag", K.VALUE, "1", "2"),
        header("x-total", K.MISSING, "1"),
    )

    assert sorted(run.places(), key=str) == [
        {"GET /a body$.user null"},
        {"GET /a body$.username missing"},
        {"GET /a headerx-total missing"},
    ]


def test_a_key_that_a_serializer_lost_is_one_finding_on_all_routes() -> None:
    run = Run()
    for route in ("/users/<id>", "/orders/<id>", "/carts"):
        run.saw(f"GET {route}", body("$.data.updated_at", K.MISSING, "2026-01-01", None, "present -> missing"))

    (finding,) = run.findings()

    assert {member.route for member in finding.members} == {"/users/<id>", "/orders/<id>", "/carts"}
    assert (finding.count, finding.out_of) == (3, 3)


def test_a_common_key_joins_routes_of_one_resource_only() -> None:
    run = Run()
    run.saw("GET /orders", body("$.items[0].status", K.NULL, "new", None, "str -> null"))
    run.saw("GET /payments/<id>", body("$.order.status", K.NULL, "new", None, "str -> null"))
    run.saw("GET /coupons", body("$.items[0].status", K.NULL, "new", None, "str -> null"))

    assert sorted(len(members) for members in run.places()) == [1, 2]


def test_equal_keys_with_unrelated_values_stay_apart() -> None:
    run = Run()
    run.saw("GET /orders/<id>", body("$.note", K.VALUE, "first", "second", "str"), session="a")
    run.saw("GET /reviews/<id>", body("$.note", K.VALUE, "good", "bad", "str"), session="b")

    assert len(run.findings()) == 2


def test_one_factor_on_one_key_is_one_finding() -> None:
    run = Run()
    run.saw("GET /products/<id>", body("$.price", K.VALUE, 1999, 199900, "int"))
    run.saw("GET /deals", body("$.rows[0].price", K.VALUE, 350, 35000, "int"))

    assert len(run.findings()) == 1


def test_a_page_that_begins_elsewhere_is_one_finding() -> None:
    run = Run()
    for page in range(5):
        rows = []
        for row in range(3):
            seed = 100 * page + 10 * row
            rows += [
                body(f"$.items[{row}].name", K.VALUE, f"name {seed}", f"name {seed + 1}", "str"),
                body(f"$.items[{row}].price", K.VALUE, seed + 11, seed + 57, "int"),
                body(f"$.items[{row}].seller.email", K.VALUE, f"{seed}@a", f"{seed + 1}@a", "str"),
            ]
        rows.append(
            body(
                "$.items[0].gift",
                *((K.NULL, "a", None, "str -> null") if page % 2 else (K.NULL, None, "b", "null -> str")),
            )
        )
        run.saw("GET /products", *rows)
    run.saw("GET /products", body("$.items", K.LENGTH, [1, 2], [1], "array -> array"))

    (finding,) = run.findings()

    assert finding.count == 6
    assert {member.location.path for member in finding.members} == {
        "$.items",
        "$.items[*].name",
        "$.items[*].price",
        "$.items[*].seller.email",
        "$.items[*].gift",
    }


def test_a_field_that_changed_its_type_is_seen_through_a_page_that_begins_elsewhere() -> None:
    run = Run()
    for page in range(4):
        run.saw(
            "GET /products",
            *(body(f"$.items[0].{name}", K.VALUE, f"{name} {page}", f"{name} {page + 9}", "str") for name in "abcd"),
            body("$.items[0].price", K.TYPE, page + 10, str(page + 20), "int -> str"),
        )

    assert {"GET /products body$.items[*].price type"} in run.places()


def test_rows_that_come_and_go_and_the_figures_of_their_page_are_one_finding() -> None:
    run = Run()
    for _ in range(3):
        run.saw(
            "GET /products",
            body("$.items[2]", K.EXTRA, None, {"id": 3}),
            body("$.items[3]", K.EXTRA, None, {"id": 4}),
            body("$.total", K.VALUE, 2, 4, "int"),
            body("$.has_next", K.VALUE, False, True, "bool"),
        )

    (finding,) = run.findings()

    assert finding.severity is Severity.BREAKING
    assert {member.location.path: member.severity for member in finding.members} == {
        "$.items[*]": Severity.MAJOR,
        "$.total": Severity.BREAKING,
        "$.has_next": Severity.MAJOR,
    }


def test_another_sort_order_shows_in_pages_as_other_rows() -> None:
    run = Run()
    run.saw("GET /products", body("$.items", K.ORDER, [1, 2], [2, 1]))
    run.saw("GET /products", body("$.items[0]", K.MISSING, {"id": 1}), body("$.items[0]", K.EXTRA, None, {"id": 9}))

    assert len(run.findings()) == 1


def test_rows_that_are_lost_here_and_reordered_there_are_two_findings() -> None:
    run = Run()
    run.saw("GET /products", body("$.items", K.ORDER, [1, 2], [2, 1]))
    run.saw("GET /products", body("$.items[0]", K.MISSING, {"id": 1}))

    assert len(run.findings()) == 2


def test_a_wrong_total_that_is_seen_again_is_an_echo() -> None:
    run = Run()
    run.saw("POST /orders", body("$.total", K.VALUE, 12.34, 12.35, "float"))
    run.saw("GET /invoices/<id>", body("$.lines[0].sum", K.VALUE, 12.34, 12.35, "float"))
    run.saw("GET /payments/<id>", body("$.amount_cents", K.VALUE, 1234, 1235, "int"))

    (finding,) = run.findings()

    assert (finding.method, finding.route, finding.location.path) == ("POST", "/orders", "$.total")
    assert [member.location.path for member in finding.members[1:]] == ["$.lines[*].sum", "$.amount_cents"]


def test_short_values_echo_within_a_session_or_a_principal_only() -> None:
    def run_of(session: str, principal: str) -> int:
        run = Run()
        run.saw("POST /orders", body("$.points", K.VALUE, 17, 18, "int"), session="a", principal="ann")
        run.saw("GET /badges", body("$.score", K.VALUE, 17, 18, "int"), session=session, principal=principal)
        return len(run.findings())

    assert (run_of("a", "bob"), run_of("b", "ann"), run_of("b", "bob")) == (1, 1, 2)


def test_trivial_values_never_echo() -> None:
    run = Run()
    run.saw("POST /orders", body("$.gift", K.VALUE, True, False, "bool"), body("$.left", K.VALUE, 3, 2, "int"))
    run.saw("GET /badges", body("$.gold", K.VALUE, True, False, "bool"), body("$.level", K.VALUE, 3, 2, "int"))

    assert len(run.findings()) == 4


def test_a_value_that_became_a_trivial_one_does_not_echo() -> None:
    run = Run()
    run.saw("POST /orders", body("$.discount", K.VALUE, 12.34, 0, "float"))
    run.saw("GET /badges", body("$.rank", K.VALUE, 12.34, 0, "float"))

    assert len(run.findings()) == 2


def test_an_echo_on_a_tagged_route_is_a_finding_of_its_own() -> None:
    run = Run()
    run.saw("POST /orders", body("$.total", K.VALUE, 12.34, 12.35, "float"))
    run.saw("GET /payments", body("$.amount", K.VALUE, 12.34, 12.35, "float"))

    assert len(run.findings([("payments", ("* /payments",))])) == 2


def test_what_echoes_seldom_is_a_finding_of_its_own() -> None:
    run = Run()
    run.saw("POST /orders", body("$.total", K.VALUE, 12.34, 12.35, "float"))
    run.saw("GET /reports", body("$.sum", K.VALUE, 12.34, 12.35, "float"))
    run.saw("GET /reports", body("$.sum", K.VALUE, 99.10, 70.10, "float"))

    assert len(run.findings()) == 2


def test_amounts_that_follow_from_each_other_are_one_finding() -> None:
    run = Run()
    for i in range(3):
        run.saw(
            "POST /orders",
            body("$.tax", K.VALUE, 10.0 + i, 12.5 + i, "float"),
            body("$.fee", K.VALUE, 1.0, 1.25, "float"),
            body("$.total", K.VALUE, 100.0 + i, 102.75 + i, "float"),
        )

    assert len(run.findings()) == 1


def test_a_few_values_among_many_and_changes_by_one_are_not_joined_for_happening_together() -> None:
    run = Run()
    for i in range(3):
        run.saw(
            "GET /orders/<id>",
            body("$.note", K.VALUE, f"note {i}", f"other {i}", "str"),
            body("$.colour", K.VALUE, f"red {i}", f"blue {i}", "str"),
            body("$.version", K.VALUE, 20 + i, 21 + i, "int"),
            body("$.visits", K.VALUE, 50 + i, 51 + i, "int"),
        )

    assert len(run.findings()) == 4


def test_a_count_that_follows_the_rows_of_an_array_is_one_finding_with_it() -> None:
    run = Run()
    run.saw("GET /orders", body("$.rows", K.LENGTH, [1, 2], [1], "array"), body("$.found", K.VALUE, 42, 41, "int"))

    assert len(run.findings()) == 1


def test_a_key_that_is_gone_and_one_with_its_value_are_a_renaming() -> None:
    run = Run()
    for i in range(3):
        run.saw("GET /a", body("$.price", K.MISSING, 10 + i), body("$.amount", K.EXTRA, None, 10 + i))
    run.saw("GET /b", body("$.price_b", K.MISSING, 10), body("$.amount_b", K.EXTRA, None, 11))

    assert sorted(len(members) for members in run.places()) == [1, 1, 2]


def test_an_error_body_of_another_shape_is_one_finding_on_all_routes() -> None:
    run = Run()
    for route in ("/a", "/b", "/c"):
        run.saw(
            f"POST {route}",
            body("$.errors", K.MISSING, [1], None, "present -> missing"),
            body("$.reason", K.EXTRA, None, "x", "missing -> present"),
            answer=422,
        )

    assert len(run.findings()) == 1


def test_a_storm_of_401_is_one_finding_about_credentials_and_openings_are_each_their_own() -> None:
    run = Run()
    for route in ("/a", "/b", "/c"):
        run.saw(f"GET {route}", status(200, 401))
        run.saw(f"GET {route}/x", status(403, 200))

    assert sorted(len(finding.members) for finding in run.findings()) == [1, 1, 1, 3]


def test_changes_with_different_tags_never_join() -> None:
    run = Run()
    run.saw("GET /orders", body("$.updated_at", K.MISSING, 1))
    run.saw("GET /payments", body("$.updated_at", K.MISSING, 1))
    run.saw("GET /carts", body("$.updated_at", K.MISSING, 1))

    found = run.findings([("payments", ("* /payments/**",))])

    assert [(finding.tags, {m.route for m in finding.members}) for finding in found] == [
        (("payments",), {"/payments"}),
        ((), {"/orders", "/carts"}),
    ]


def test_findings_of_the_same_exchanges_share_a_story_and_nothing_else() -> None:
    run = Run()
    for _ in range(3):
        run.saw("GET /a", body("$.x", K.MISSING, 1), header("x-y", K.MISSING, "1"))
    run.saw("GET /b", body("$.z", K.MISSING, 1))

    by_place = {finding.location.path: finding.story for finding in run.findings()}

    assert by_place["$.x"] == by_place["x-y"] is not None
    assert by_place["$.z"] is None


def test_keys_that_are_data_do_not_split_a_finding() -> None:
    run = Run()
    run.saw("GET /stock", body("$.by_product.17.left", K.TYPE, 12, "12", "int -> str"))
    run.saw("GET /stock", body("$.by_product.18.left", K.TYPE, 13, "13", "int -> str"))

    (finding,) = run.findings()

    assert finding.location.path == "$.by_product.*.left"


def test_only_what_was_compared_makes_findings() -> None:
    change = body("$.x", K.MISSING, 1)
    skipped = Comparison("a", "GET", "/a", Status.NOT_COMPARED, differences=(change,))

    assert group([skipped], {}) == []


def test_the_most_important_comes_first() -> None:
    run = Run()
    run.saw("GET /a", body("$.new", K.EXTRA, None, 1))
    run.saw("GET /b", body("$.x", K.VALUE, "aa", "bb", "str"))
    run.saw("GET /c", status(200, 500))
    run.saw("GET /pay", status(200, 500))
    run.saw("GET /c", status(200, 500))

    found = run.findings([("payments", ("GET /pay",))])

    assert [(f.severity.value, f.route) for f in found] == [
        ("breaking", "/pay"),
        ("breaking", "/c"),
        ("major", "/b"),
        ("info", "/a"),
    ]


def test_values_are_kept_within_bounds() -> None:
    assert bounded("x" * 5000) == "x" * 2000 + "… (5000 characters)"
    assert bounded(list(range(40))) == [*range(30), "… 10 more"]
    assert bounded({str(i): i for i in range(31)}) == {**{str(i): i for i in range(30)}, "…": "1 more"}
    assert bounded([[[[[[[1]]]]]]]) == [[[[[["[… 1 items]"]]]]]]
    assert bounded({"a": (None, True, 1.5)}) == {"a": [None, True, 1.5]}


ROUTES = st.sampled_from(["/orders", "/orders/<int:id>", "/users/<id>", "/carts", "/payments/<id>"])
PATHS = st.sampled_from(["$.total", "$.items[0].name", "$.items[3].price", "$.items", "$.user.id", "$.status"])
KINDS = st.sampled_from([K.VALUE, K.MISSING, K.EXTRA, K.TYPE, K.NULL, K.IDENTITY, K.ORDER])
VALUES = st.sampled_from([None, True, 3, 17, 12.34, 12.35, "12.35", "pending", "a rather long text", [1, 2]])
DIFFERENCES = st.builds(body, PATHS, KINDS, VALUES, VALUES)
EXCHANGES = st.lists(st.tuples(ROUTES, st.lists(DIFFERENCES, max_size=4), st.sampled_from("ab")), max_size=12)


def _run_of(exchanges: Sequence[tuple[str, Sequence[Difference]]], names: Sequence[str]) -> Run:
    run = Run()
    for (route, differences, session), name in zip(exchanges, names, strict=True):
        run.comparisons.append(
            Comparison(name, "GET", route, Status.DIFFERED, differences=tuple(differences), leaves=20)
        )
        run.context[name] = ExchangeContext(session, len(run.context), 10 * len(run.context), session, 200)
    return run


@settings(max_examples=80, deadline=None)
@given(exchanges=EXCHANGES, seed=st.integers(0, 1000))
def test_findings_do_not_depend_on_the_order_of_comparisons(exchanges, seed) -> None:  # type: ignore[no-untyped-def]
    run = _run_of(exchanges, [f"x{i}" for i in range(len(exchanges))])
    expected = run.findings()
    random.Random(seed).shuffle(run.comparisons)
    run.comparisons = [
        replace(each, differences=tuple(random.Random(seed).sample(each.differences, len(each.differences))))
        for each in run.comparisons
    ]

    assert run.findings() == expected


@settings(max_examples=80, deadline=None)
@given(exchanges=EXCHANGES, seed=st.integers(0, 1000))
def test_fingerprints_do_not_depend_on_ids_and_every_difference_is_in_one_finding(exchanges, seed) -> None:  # type: ignore[no-untyped-def]
    names = [f"{random.Random(seed * 1000 + i).getrandbits(128):032x}" for i in range(len(exchanges))]

    def shape(run: Run) -> list[tuple[object, ...]]:
        return [(f.fingerprint, f.count, tuple(m.fingerprint for m in f.members)) for f in run.findings()]

    plain = _run_of(exchanges, [f"x{i}" for i in range(len(exchanges))])

    assert shape(plain) == shape(_run_of(exchanges, names))
    members = [member.fingerprint for finding in plain.findings() for member in finding.members]
    assert len(members) == len(set(members))
    differing = {c.exchange_id for c in plain.comparisons if c.differences}
    assert {x for finding in plain.findings() for x in finding.exchanges} == differing


def test_fingerprints_do_not_depend_on_values_or_on_the_names_of_route_parameters() -> None:
    one, other = Run(), Run()
    one.saw("GET /orders/<int:id>", body("$.items[0].price", K.TYPE, 1, "1", "int -> str"))
    other.saw("GET /orders/{order_id}", body("$.items[5].price", K.TYPE, 9, "x", "int -> str"))
    other.saw("GET /orders/{order_id}", body("$.items[6].price", K.TYPE, 7, "y", "int -> str"))

    assert [f.fingerprint for f in one.findings()] == [f.fingerprint for f in other.findings()]


def test_a_fingerprint_is_the_same_in_every_version() -> None:
    run = Run()
    run.saw("GET /orders/<int:id>", body("$.items[0].price", K.TYPE, 1, "1", "int -> str"))

    assert run.findings()[0].fingerprint == "75cf471c6b25a327"


def test_ten_thousand_differences_are_grouped_in_two_seconds() -> None:
    chance = random.Random(7)
    run = Run()
    for i in range(2500):
        run.saw(
            f"GET /r{i % 120}/<id>",
            *(
                body(f"$.items[{row}].f{chance.randrange(30)}", chance.choice([K.VALUE, K.MISSING, K.TYPE]), i, i + row)
                for row in range(4)
            ),
            session=f"s{i % 50}",
        )
    started = time.process_time()

    run.findings()

    assert time.process_time() - started < 2.0


def test_a_header_that_answers_and_refusals_lost_alike_is_one_finding() -> None:
    run = Run()
    for number in range(4):
        run.saw(f"GET /a{number}", header("x-frame-options", K.MISSING, "DENY"))
        run.saw(f"GET /b{number}", header("x-frame-options", K.MISSING, "DENY"), answer=404)
    (finding,) = run.findings()
    assert len(finding.members) == 8


def test_the_words_of_one_header_are_one_finding_and_the_flags_of_a_cookie_each_their_own() -> None:
    run = Run()
    for _ in range(3):
        run.saw(
            "GET /features",
            header("cache-control.max-age", K.MISSING, "300"),
            header("cache-control.no-store", K.EXTRA, None, True),
            header("vary.origin", K.MISSING, True),
            header("set-cookie[sid].secure", K.MISSING, True),
            header("set-cookie[sid].httponly", K.MISSING, True),
        )
    words = {"headercache-control.max-age missing", "headercache-control.no-store extra"}
    assert {frozenset(each) for each in run.places()} == {
        frozenset(f"GET /features {word}" for word in words),
        frozenset({"GET /features headervary.origin missing"}),
        frozenset({"GET /features headerset-cookie[sid].secure missing"}),
        frozenset({"GET /features headerset-cookie[sid].httponly missing"}),
    }


def test_another_size_and_digest_of_a_file_are_one_finding() -> None:
    run = Run()
    for _ in range(3):
        run.saw("GET /label", body("$.size", K.VALUE, 160, 159), body("$.digest", K.VALUE, "6f", "25"))
    assert run.places() == [{"GET /label body$.size value", "GET /label body$.digest value"}]


def test_other_rows_the_cursor_behind_them_and_the_link_to_the_next_page_are_one_finding() -> None:
    run = Run()
    for page in range(3):
        run.saw(
            "GET /parcels",
            *(body(f"$.items[0].{name}", K.VALUE, f"{name} {page}", f"{name} {page + 7}", "str") for name in "abc"),
            body("$.next_cursor", K.IDENTITY, f"seq {page}", f"seq {page + 7}"),
            header("link", K.VALUE, f"</parcels?cursor={page}>", f"</parcels?cursor={page + 7}>"),
        )
    assert len(run.findings()) == 1
