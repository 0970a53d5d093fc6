"""Generated faults: each changes what it says, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from benchmarks.accuracy.fault_kinds import GONE, SAME
from benchmarks.accuracy.injection import KINDS, Fault, FaultyApplication, Injector, templates
from benchmarks.accuracy.response_faults import Message

JSON = (("Content-Type", "application/json"),)
TIME = "2026-01-02T03:04:05.678Z"


def fault(kind: str, *steps: str, route: str = "GET /a") -> Fault:
    return Fault(1, kind, route, KINDS[kind].part, steps, "", False, seed=1)


def message(value: object, status: int = 200) -> Message:
    return Message(status, JSON, json.dumps(value).encode())


@pytest.mark.parametrize(
    ("kind", "value", "wrong"),
    [
        ("null", 1, None),
        ("null", None, SAME),
        ("field lost", 1, GONE),
        ("number as text", 1, "1"),
        ("number as text", True, SAME),
        ("text as number", "12.50", 12.5),
        ("sign", "3.20", "-3.20"),
        ("sign", 0, SAME),
        ("times 100", "3.20", "320.00"),
        ("one more", 7, 8),
        ("flag flipped", False, True),
        ("text cut", "abcdef", "abc"),
        ("enum value renamed", "open", "open_new"),
        ("encoding", "é", "Ã©"),
        ("encoding", "e", SAME),
        ("escaped twice", "a & b", "a &amp; b"),
        ("time an hour off", TIME, "2026-01-02T04:04:05.678Z"),
        ("time half a minute off", TIME, "2026-01-02T03:04:35.678Z"),
        ("zone replaced", TIME, "2026-01-02T03:04:05.678+02:00"),
        ("zone lost", TIME, "2026-01-02T03:04:05.678"),
        ("fraction lost", TIME, "2026-01-02T03:04:05Z"),
        ("time with a space", TIME, "2026-01-02 03:04:05.678Z"),
        ("time as number", TIME, 1767323045),
        ("last row lost", [1, 2], [1]),
        ("row doubled", [1, 2], [1, 2, 2]),
        ("list reversed", [1, 2], [2, 1]),
        ("list reversed", [1, 1], SAME),
        ("identifiers doubled", [{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 1}]),
    ],
)
def test_an_edit(kind: str, value: object, wrong: object) -> None:
    assert KINDS[kind].edit(value, [], random.Random(1)) == wrong


def test_only_the_place_changes_in_every_row() -> None:
    injector = Injector(fault("null", "rows", "*", "n"))
    changed = injector.apply(message({"rows": [{"n": 1, "m": 1}, {"n": 2}], "n": 3}))
    assert json.loads(changed.body) == {"rows": [{"n": None, "m": 1}, {"n": None}], "n": 3}
    assert injector.changed == 1


def test_an_answer_without_the_place_is_the_same_object() -> None:
    injector = Injector(fault("null", "n"))
    for untouched in (message({"m": 1}), message([1]), Message(200, (), b"<p>")):
        assert injector.apply(untouched) is untouched
    assert injector.changed == 0


def test_what_is_stale_is_what_was_first() -> None:
    injector = Injector(fault("time stale", "at"))
    seen = [json.loads(injector.apply(message({"at": value})).body)["at"] for value in ("1", "2", "3")]
    assert seen == ["1", "1", "1"]


def test_a_share_of_the_answers_is_drawn_for_each_pass() -> None:
    passes = []
    for run in (1, 1, 2):
        injector = Injector(fault("500, one in 3"), run)
        passes.append([injector.apply(message({})).status for _ in range(60)])
    assert passes[0] == passes[1] != passes[2]
    assert 8 < passes[0].count(500) < 35


@pytest.mark.parametrize(
    ("kind", "steps", "wrong"),
    [
        ("refusal as success", (), Message(404, (), b"")),
        ("header lost", ("x-a",), Message(404, (("Set-Cookie", "s=1; HttpOnly; Path=/"),), b"a,b\nc,d\n")),
        ("cookie flag lost", ("s", "httponly"), None),
        ("line lost", (), None),
    ],
)
def test_a_whole_response(kind: str, steps: tuple[str, ...], wrong: Message | None) -> None:
    right = Message(404, (("X-A", "1"), ("Set-Cookie", "s=1; HttpOnly; Path=/")), b"a,b\nc,d\n")
    told = Injector(fault(kind, *steps)).apply(right)
    if kind == "refusal as success":
        assert told == Message(200, right.headers, right.body)
    elif kind == "cookie flag lost":
        assert told.headers == (("X-A", "1"), ("Set-Cookie", "s=1; Path=/"))
    elif kind == "line lost":
        assert told.body == b"a,b\n"
    else:
        assert told == wrong


def test_a_fault_survives_its_json() -> None:
    assert Fault.from_json(fault("null", "a", "*").to_json()) == fault("null", "a", "*")


def test_the_route_with_more_literal_text_goes_first() -> None:
    find = templates(["GET /a/<int:n>", "GET /a/<name>", "GET /a/new", "GET /f/<path:rest>"])
    assert [find("GET", path) for path in ("/a/1", "/a/new", "/f/x/y", "/b")] == [
        "GET /a/<int:n>", "GET /a/new", "GET /f/<path:rest>", "",
    ]  # fmt: skip
    assert find("POST", "/a/1") == ""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [*JSON, ("Content-Length", "8")])
    return [b'{"n": 1}']


def called(app: Any, path: str) -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    told: list[Any] = []
    body = b"".join(app(environ, lambda status, headers: told.extend([status, dict(headers)])))
    return told[0], told[1], body


def test_a_running_application_has_the_fault_at_its_route_only() -> None:
    app = FaultyApplication(application, fault("null", "n", route="GET /a/<int:n>"), ["GET /a/<int:n>", "GET /b"])
    status, headers, body = called(app, "/a/7")
    assert (status[:3], json.loads(body)) == ("200", {"n": None})
    assert headers == {"Content-Type": "application/json", "Content-Length": str(len(body))}
    assert called(app, "/b")[2] == b'{"n": 1}'
