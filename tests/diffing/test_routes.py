from __future__ import annotations

import pytest

from diffing.atoms import atoms
from diffing.routes import (
    RouteTable,
    canonical,
    covers,
    exact_pattern,
    fixed_segments,
    leads_elsewhere,
    literal_segments,
    matches,
    overlaps,
)

WORDS = ("ash", "birch", "cedar", "elm", "fir", "larch", "maple", "oak", "pine")


@pytest.mark.parametrize(
    ("pattern", "call", "expected"),
    [
        ("* /api/payments/**", "POST /api/payments", True),
        ("* /api/payments/**", "GET /api/payments/<int:id>/refunds", True),
        ("* /api/payments/**", "GET /api/payments-old", False),
        ("GET /api/orders/*", "GET /api/orders/<int:id>", True),
        ("GET /api/orders/*", "GET /api/orders", False),
        ("GET /api/orders/*", "GET /api/orders/<int:id>/lines", False),
        ("GET /api/orders/*", "POST /api/orders/<int:id>", False),
        ("get /api/orders/<int:id>", "GET /api/orders/<int:id>", True),
        ("GET /files/*", "GET /files/<path:name>", True),
        ("GET /files/*", 'GET /files/<regex("a/b"):name>', True),
        ("GET /api/v*/users", "GET /api/v2/users/", True),
        ("/api/**", "PATCH /api/a/b/c", True),
        ("**", "GET /", True),
        ("* /**", "GET /", True),
        ("GET /a.b", "GET /aXb", False),
        ("* /**/refunds", "POST /api/payments/<id>/refunds", True),
        ("GET orders/*", "GET orders/<int:pk>/", True),
    ],
)
def test_patterns_name_routes_by_whole_segments(pattern: str, call: str, expected: bool) -> None:
    method, _, route = call.partition(" ")
    assert matches(pattern, method, route) is expected


def test_the_frameworks_template_is_the_truth() -> None:
    table = RouteTable([("GET", "/api/users/1", "/api/users/<int:id>")])

    assert table.route("GET", "/elsewhere", "/api/users/<int:id>") == "/api/users/<int:id>"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("GET /api/users/999", "/api/users/<int:id>"),
        ("DELETE /api/users/999?force=1", "/api/users/<int:id>"),
        ("GET http://host/api/users/999", "/api/users/<int:id>"),
        ("GET /api/users/me", "/api/users/me"),
        ("GET /api/users/zoe", "/api/users/zoe"),
        ("GET /files/a/b/c.txt", "/files/<path:name>"),
        ("GET /books/12", "books/<int:pk>/"),
        ("GET /pages/about-us/", "^pages/(?P<slug>[-\\w]+)/$"),
        ("GET /items/x1", "/items/{item_id}"),
        ("GET /docs/a/b", "/docs/{rest:path}"),
    ],
)
def test_an_answer_without_a_route_belongs_to_the_template_that_its_path_fits(call: str, expected: str) -> None:
    table = RouteTable(
        [
            ("GET", "/api/users/1", "/api/users/<int:id>"),
            ("GET", "/api/users/me", "/api/users/me"),
            ("GET", "/files/x", "/files/<path:name>"),
            ("GET", "/books/1/", "books/<int:pk>/"),
            ("GET", "/pages/x/", "^pages/(?P<slug>[-\\w]+)/$"),
            ("GET", "/items/1", "/items/{item_id}"),
            ("GET", "/docs/1", "/docs/{rest:path}"),
        ]
    )
    method, _, path = call.partition(" ")
    assert table.route(method, path, "") == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/orders/17", "/orders/{int}"),
        ("/orders/3f2b8a1c-0000-4000-8000-123456789abc/lines/2", "/orders/{uuid}/lines/{int}"),
        ("/reports/2026-01-31", "/reports/{date}"),
        ("/reports/2026-01", "/reports/{date}"),
        ("/blobs/deadbeef0123", "/blobs/{hex}"),
        ("/reset/eyJhbGciOi1JIUzI1Nkxx", "/reset/{token}"),
        ("/export-all-orders-2024", "/export-all-orders-2024"),
        ("/internationalization", "/internationalization"),
        ("", "/"),
        ("//a//b/", "/a/b"),
    ],
)
def test_segments_that_are_values_by_their_form_are_generalised(path: str, expected: str) -> None:
    assert RouteTable([]).route("GET", path, "") == expected


def test_many_siblings_with_the_same_continuation_are_values() -> None:
    table = RouteTable([("GET", f"/shop/trees/{word}/leaves", "") for word in WORDS] + [("GET", "/shop/trees/new", "")])

    assert table.route("GET", "/shop/trees/oak/leaves", "") == "/shop/trees/{str}/leaves"
    assert table.route("GET", "/shop/trees/willow/leaves", "") == "/shop/trees/{str}/leaves"
    assert table.route("GET", "/shop/trees/new", "") == "/shop/trees/new"


def test_few_siblings_and_collections_below_api_are_names() -> None:
    few = RouteTable([("GET", f"/shop/trees/{word}", "") for word in WORDS[:7]])
    collections = RouteTable([("GET", f"/api/v1/{word}", "") for word in WORDS] + [("GET", f"/{w}", "") for w in WORDS])

    assert few.route("GET", "/shop/trees/oak", "") == "/shop/trees/oak"
    assert collections.route("GET", "/api/v1/oak", "") == "/api/v1/oak"
    assert collections.route("GET", "/oak", "") == "/oak"


def test_inference_does_not_depend_on_the_order_of_what_was_seen() -> None:
    seen = [("GET", f"/shop/trees/{word}/leaves", "") for word in WORDS] + [("POST", "/shop/trees/oak", "")]

    found = [
        table.route("GET", "/shop/trees/oak/leaves", "") for table in (RouteTable(seen), RouteTable(reversed(seen)))
    ]

    assert found == ["/shop/trees/oak/leaves"] * 2  # what can be done to an oak can not be done to the others


def test_the_names_of_parameters_make_no_difference() -> None:
    routes = ("/a/<int:id>/b", "/a/{order_id}/b/", "/a/:id/b", "a/<uuid:pk>/b", "^a/(?P<pk>[0-9]{1,3})/b$")

    assert {canonical(route) for route in routes} == {"/a/{}/b"}


def test_the_words_of_a_route_leave_out_what_every_route_has() -> None:
    assert literal_segments("/api/v2/users/<int:id>/orders") == ("users", "orders")


@pytest.mark.parametrize(
    ("wider", "narrower", "all_of_it"),
    [
        ("* /a", "GET /a", True),
        ("GET /a", "* /a", False),
        ("GET /a/**", "GET /a/<int:id>/b", True),
        ("GET /a/**", "GET /a/**", True),
        ("GET /a/*", "GET /a/**", False),
        ("GET /**", "GET /a*/b", True),
        ("GET /a*", "GET /ab*", True),
        ("GET /ab*", "GET /a*", False),
        ("GET /a/*", "GET /a/<int:id>", True),
        ("GET /a", "GET /a/", True),
    ],
)
def test_which_pattern_names_all_that_another_does(wider: str, narrower: str, all_of_it: bool) -> None:
    assert covers(wider, narrower) is all_of_it


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("GET /a", "* /a", True),
        ("GET /a", "POST /a", False),
        ("* /**", "POST /pay/<int:id>", True),
        ("GET /a/**/c", "GET /a/b/**", True),
        ("GET /a/**/c", "GET /b/**", False),
        ("GET /a/*", "GET /a", False),
        ("GET /a/**", "GET /a", True),
        ("GET /a/x*", "GET /a/*y", True),
        ("GET /a/x*", "GET /a/y*", False),
        ("GET /a/<int:id>", "GET /a/<id>", True),
        ("GET /a/<int:id>", "GET /a/mine", False),
        ("GET /a/<path:rest>", "GET /a/*", True),
    ],
)
def test_whether_some_route_has_both_names(one: str, other: str, both: bool) -> None:
    assert overlaps(one, other) is both
    assert overlaps(other, one) is both


@pytest.mark.parametrize(
    ("route", "pattern"),
    [
        ("/a/<int:id>", "GET /a/<int:id>"),
        ("/a/{id}/b", "GET /a/{id}/b"),
        ("^a/(?P<slug>[^/]+)/b$", "GET /^a/*/b$"),
        ("/a/<regex('x*'):n>", "GET /a/*"),
        ("/", "GET /"),
        ("/a b", ""),
    ],
)
def test_the_narrowest_pattern_of_a_route_names_it(route: str, pattern: str) -> None:
    assert exact_pattern("GET", route) == pattern
    if pattern:
        assert matches(pattern, "GET", route)


@pytest.mark.parametrize(
    ("recorded", "found", "elsewhere"),
    [
        ("/choir/", "/authenticate?project_id=choir", True),
        ("/choir/", "/orchestra/", False),
        ("/orders/17", "/orders/19", False),
        ("/orders/17", "/login", True),
        ("/orders/17", "/orders/new", True),
        ("/login", "/authenticate", False),
        ("https://a.example/choir/edit", "https://b.example/choir/edit", False),
        ("17", "19", False),
    ],
)
def test_an_address_that_leads_to_another_route(recorded: str, found: str, elsewhere: bool) -> None:
    routes = ("/authenticate", "/<project_id>/", "/<project_id>/edit", "/orders/<int:n>", "/orders/new", "/login")
    words = {word for route in routes for word in fixed_segments(route)}
    assert leads_elsewhere(dict(atoms(recorded)), dict(atoms(found)), words) is elsewhere
