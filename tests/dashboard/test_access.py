"""Every route of the application, asked by everybody: what nobody thought of is denied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from dashboard.access import COOKIE, access_of
from replayer.accounts import Role
from replayer.store import Store

from .desk import PAGE, Desk, csrf, run_of

DOCS = Path(__file__).parents[2] / "docs" / "dashboard.md"


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def routes(desk: Desk) -> Iterator[tuple[str, str, Role | str | None]]:
    """(method, path, who may) of every route there is."""
    found = list(desk.app.routes)
    while found:
        route = found.pop()
        inner = getattr(route, "original_router", None)  # newer FastAPIs keep a router that was included whole
        if inner is not None:
            found += inner.routes
            continue
        assert isinstance(route, APIRoute), route  # nothing passes by what asks who it is
        for method in sorted(route.methods):
            yield method, route.path, access_of(route.endpoint)


def test_every_route_says_who_may_use_it(desk: Desk) -> None:
    assert [(method, path) for method, path, needed in routes(desk) if needed is None] == []


def test_the_table_in_the_docs_is_true(desk: Desk) -> None:
    told = re.findall(r"^\| `(\w+)` \| `(\S+)` \| (\w+) \|$", DOCS.read_text(), re.MULTILINE)
    names = [(m, p, needed.value if isinstance(needed, Role) else str(needed)) for m, p, needed in routes(desk)]
    assert sorted(told) == sorted(names)


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "anonymous")
def test_who_may_not_is_refused_and_who_may_is_not(desk: Desk, role: Role | None) -> None:
    run = run_of(desk.url)
    client = desk.client(role)
    for method, path, needed in routes(desk):
        if not isinstance(needed, Role) or path == "/logout":
            continue
        address = re.sub(r"\{run\}", run, path)
        address = re.sub(r"\{\w+\}", "0" * 16, address)
        form = {"data": csrf(client)} if method == "POST" else {}
        answer = client.request(method, address, **form, headers=PAGE)
        allowed = role is not None and role.may(needed)
        if role is None:
            assert answer.status_code in (303, 401), (method, path)
        else:
            assert (answer.status_code == 403) == (not allowed), (method, path, answer.status_code)


def test_a_route_that_nobody_thought_of_is_denied(desk: Desk) -> None:
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> str:
        return "secret"

    desk.app.include_router(router)
    answer = desk.client(Role.ADMIN).get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "given",
    [
        {"data": {"reason": "wanted"}},
        {"data": {"csrf": "0" * 64}},
        {"data": {}, "headers": {"X-CSRF-Token": "0" * 64}},
        {"content": b"\xff%", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
    ids=["none", "wrong", "wrong header", "no form"],
)
def test_what_changes_something_has_to_come_from_a_page_of_ours(desk: Desk, given: dict[str, object]) -> None:
    run = run_of(desk.url)
    client = desk.client(Role.ADMIN)
    answer = client.post(f"/runs/{run}/findings/75cf471c6b25a327", **given)  # type: ignore[arg-type]
    assert answer.status_code in (400, 403)
    with Store.open(desk.url) as store:
        assert store.approvals() == ()


def test_another_persons_token_and_another_site_do_not_do(desk: Desk) -> None:
    run = run_of(desk.url)
    client, other = desk.client(Role.ADMIN), desk.client(Role.ADMIN, "bob")
    decision = {"decision": "approve", "reason": "wanted"}
    address = f"/runs/{run}/findings/75cf471c6b25a327"
    assert client.post(address, data={**decision, **csrf(other)}).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(address, data={**decision, **csrf(client)}, headers=foreign).status_code == 403
    assert client.post(address, data={**decision, **csrf(client)}).status_code == 303


def test_a_login_that_was_made_up_is_none(desk: Desk) -> None:
    client = desk.client()
    client.cookies.set(COOKIE, "made-up")
    assert client.get("/").headers["location"] == "/login"
    assert client.get("/", headers={"Accept": "application/json"}).status_code == 401


def test_every_answer_keeps_browsers_from_running_what_is_not_ours(desk: Desk) -> None:
    client = desk.client(Role.VIEWER)
    for path in ("/", "/login", "/health", "/absent", "/static/style.css"):
        answer = client.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert client.get("/").headers["cache-control"] == "no-store"
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/base.html.j2").status_code == 404
