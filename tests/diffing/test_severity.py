from __future__ import annotations

import pytest

from diffing.difference import Difference, DifferenceKind, Location, Part, Severity
from diffing.severity import explain, leaf_of, severity, table

K = DifferenceKind
B, M, N, I = Severity.BREAKING, Severity.MAJOR, Severity.MINOR, Severity.INFO  # noqa: E741


def of(part: Part, path: str, kind: K, before: object = None, after: object = None, words: str = "") -> Difference:
    return Difference(Location(part, path), kind, before, after, words)


@pytest.mark.parametrize(
    ("before", "after", "method", "expected"),
    [
        (200, 500, "GET", B),
        (404, 500, "GET", B),
        (500, 502, "GET", N),
        (401, 200, "GET", B),
        (403, 204, "DELETE", B),
        (404, 200, "GET", B),
        (200, 404, "GET", B),
        (302, 401, "GET", B),
        (422, 201, "POST", M),
        (400, 200, "GET", N),
        (200, 201, "POST", M),
        (200, 302, "GET", M),
        (304, 200, "GET", M),
        (404, 400, "GET", M),
        (500, 200, "GET", I),
        (500, 404, "GET", N),
    ],
)
def test_another_status(before: int, after: int, method: str, expected: Severity) -> None:
    difference = of(Part.STATUS, "", K.STATUS, before, after)

    assert severity(difference, method, "/a", baseline_status=before, candidate_status=after) is expected


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (of(Part.STATUS, "", K.FAILURE), B),
        (of(Part.SQL, "SELECT …", K.VALUE, 1, 9, "constant -> once per row"), M),
        (of(Part.SQL, "SELECT …", K.VALUE, 9, 18, "once per row -> several times per row"), M),
        (of(Part.SQL, "INSERT …", K.VALUE, 1, 0, "run -> not run"), M),
        (of(Part.SQL, "SELECT …", K.VALUE, 1, 2, "constant -> more often"), N),
        (of(Part.SQL, "SELECT …", K.VALUE, 9, 1, "once per row -> constant"), I),
        (of(Part.BODY, "$.a", K.MISSING, 1), B),
        (of(Part.BODY, "$.items[3]", K.MISSING, {}), B),
        (of(Part.BODY, "$.a", K.EXTRA, None, 1), I),
        (of(Part.BODY, "$.items[3]", K.EXTRA, None, {}), M),
        (of(Part.BODY, "$.user.password_hash", K.EXTRA, None, "x"), B),
        (of(Part.BODY, "$.a", K.NULL, 1, None, "int -> null"), B),
        (of(Part.BODY, "$.a", K.NULL, None, 1, "null -> int"), N),
        (of(Part.BODY, "$.a", K.TYPE, 1, "1", "int -> str"), B),
        (of(Part.BODY, "$.a", K.TYPE, 12, 12.0, "int -> float"), N),
        (of(Part.BODY, "$.a", K.TYPE, 12, 12.5, "int -> float"), B),
        (of(Part.BODY, "$.a", K.TYPE, 1, True, "int -> bool"), B),
        (of(Part.BODY, "$.at", K.FORMAT, "2026", "1"), B),
        (of(Part.BODY, "$.user.id", K.IDENTITY, 1, 2), B),
        (of(Part.BODY, "$", K.MEDIA), B),
        (of(Part.BODY, "$.items", K.ORDER), M),
        (of(Part.BODY, "$.items", K.LENGTH), M),
        (of(Part.BODY, "$.colour", K.VALUE, "red", "blue"), M),
        (of(Part.BODY, "$.order_total", K.VALUE, 1, 2), B),
        (of(Part.BODY, "$.items[0].unitPrice", K.VALUE, 1, 2), B),
        (of(Part.BODY, "$['total']", K.VALUE, 1, 2), B),
        (of(Part.BODY, "$.total~num", K.VALUE, 1, 2), B),
        (of(Part.BODY, "$.roles[0]", K.VALUE, "a", "b"), B),
        (of(Part.BODY, "$.role", K.VALUE, "user", "admin"), B),
        (of(Part.BODY, "$.status", K.VALUE, "new", "paid"), B),
        (of(Part.BODY, "$.message", K.VALUE, "a", "b"), N),
        (of(Part.HEADER, "set-cookie[sid].httponly", K.MISSING, True), B),
        (of(Part.HEADER, "set-cookie[sid].samesite", K.VALUE, "lax", "none"), B),
        (of(Part.HEADER, "set-cookie[sid].max-age", K.VALUE, "60", "6"), M),
        (of(Part.HEADER, "set-cookie[sid]", K.MISSING), B),
        (of(Part.HEADER, "set-cookie[new]", K.EXTRA), N),
        (of(Part.HEADER, "set-cookie[sid].secure", K.EXTRA, None, True), N),
        (of(Part.HEADER, "content-type", K.VALUE), B),
        (of(Part.HEADER, "cache-control.max-age", K.VALUE), M),
        (of(Part.HEADER, "x-frame-options", K.MISSING), M),
        (of(Part.HEADER, "access-control-allow-origin", K.EXTRA), M),
        (of(Part.HEADER, "location", K.IDENTITY), B),
        (of(Part.HEADER, "x-request-cost", K.MISSING), N),
        (of(Part.HEADER, "x-new", K.EXTRA), I),
        (of(Part.SQL, "", K.VALUE), M),
        (of(Part.LATENCY, "", K.VALUE), M),
        (of(Part.OUTBOUND, "$.amount", K.VALUE), B),
    ],
)
def test_a_change_in_a_successful_answer(difference: Difference, expected: Severity) -> None:
    assert severity(difference, "GET", "/a", baseline_status=200, candidate_status=200) is expected


@pytest.mark.parametrize(
    ("kind", "expected"), [(K.MEDIA, B), (K.MISSING, M), (K.TYPE, M), (K.NULL, M), (K.EXTRA, N), (K.VALUE, N)]
)
def test_a_change_in_an_error_weighs_less(kind: K, expected: Severity) -> None:
    difference = of(Part.BODY, "$.error", kind, "a", "b")

    assert severity(difference, "GET", "/a", baseline_status=404, candidate_status=404) is expected


def test_without_a_known_status_the_answer_counts_as_a_success() -> None:
    difference = of(Part.BODY, "$.error", K.MISSING, "a")

    assert severity(difference, "GET", "/a", baseline_status=None, candidate_status=None) is B


def test_every_row_has_a_sentence_and_the_row_that_decides_can_be_asked_for() -> None:
    assert all(rule.why.endswith(".") for rule in table())
    difference = of(Part.STATUS, "", K.STATUS, 403, 200)

    assert explain(difference, "GET", "/a", baseline_status=403, candidate_status=200).why == (
        "What was refused or hidden is now given out."
    )


@pytest.mark.parametrize(
    ("part", "shape", "expected"),
    [
        (Part.BODY, "$.items[*].price", "price"),
        (Part.BODY, "$.tags[*]", "tags[*]"),
        (Part.BODY, "$[*]", "[*]"),
        (Part.BODY, "$", ""),
        (Part.BODY, "$['odd.key']", "odd.key"),
        (Part.BODY, "$.link~url[*]~num", "link"),
        (Part.HEADER, "set-cookie[sid].path", "set-cookie[sid].path"),
    ],
)
def test_the_key_that_a_place_ends_in(part: Part, shape: str, expected: str) -> None:
    assert leaf_of(part, shape) == expected
