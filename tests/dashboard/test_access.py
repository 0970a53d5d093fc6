"""Every route of the application, asked by everybody: what nobody thought of is denied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from dashboard.access import COOKIE, HEADER, Access, access_of
from replayer.accounts import Accounts, Role
from replayer.store import Store
from replayer.tokens import Tokens, TokenScope

from .desk import PAGE, Desk, csrf, run_of

DOCS = Path(__file__).parents[2] / "docs" / "dashboard.md"


@pytest.fixture
def desk(empty_database: str) -> Desk:
    return Desk(empty_database)


def routes(desk: Desk) -> Iterator[tuple[str, str, Access | str | None]]:
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
    told = re.findall(r"^\| `(\w+)` \| `(\S+)` \| ([^|]+) \|$", DOCS.read_text(), re.MULTILINE)
    assert sorted(told) == sorted((method, path, who(needed)) for method, path, needed in routes(desk))


def who(needed: Access | str | None) -> str:
    """As the docs say it."""
    if not isinstance(needed, Access):
        return str(needed)
    scopes = "any" if needed.scopes == set(TokenScope) else ", ".join(sorted(scope.value for scope in needed.scopes))
    return f"{needed.role.value}; token: {scopes}" if needed.scopes else needed.role.value


def test_tokens_open_the_api_and_no_page(desk: Desk) -> None:
    for method, path, needed in routes(desk):
        if isinstance(needed, Access):
            assert bool(needed.scopes) == path.startswith("/api/v1/"), (method, path)


def addresses(desk: Desk) -> Iterator[tuple[str, str, Access]]:
    """(method, address, who may) of every route for which one has to be somebody, but for the one that ends a login."""
    run = run_of(desk.url)
    for method, path, needed in routes(desk):
        if isinstance(needed, Access) and path != "/logout":
            address = path.replace("{run}", run).replace("{other}", run).replace("{recording}", "1")
            yield method, re.sub(r"\{\w+\}", "0" * 16, address), needed


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "anonymous")
def test_who_may_not_is_refused_and_who_may_is_not(desk: Desk, role: Role | None) -> None:
    client = desk.client(role)
    for method, address, needed in addresses(desk):
        proof = {"headers": {**PAGE, HEADER: csrf(client)["csrf"]}} if needed.scopes else {"data": csrf(client)}
        answer = client.request(method, address, **proof if method == "POST" else {})
        allowed = role is not None and role.may(needed.role)
        if role is None:
            assert answer.status_code in (303, 401), (method, address)
        else:
            assert (answer.status_code == 403) == (not allowed), (method, address, answer.status_code)


@pytest.mark.parametrize("scope", TokenScope, ids=lambda scope: scope.value)
def test_a_token_opens_what_its_scope_opens(desk: Desk, scope: TokenScope) -> None:
    client = desk.client()
    client.headers["Authorization"] = f"Bearer {desk.token(scope)}"
    for method, address, needed in addresses(desk):
        answer = client.request(method, address)
        if not needed.scopes:
            assert answer.status_code in (303, 401), (method, address)
        else:
            refused = answer.status_code in (401, 403)
            assert refused == (scope not in needed.scopes), (method, address, answer.status_code)


@pytest.mark.parametrize("which", ["foreign", "expired", "removed", "of a disabled user", "empty", "not a bearer"])
def test_a_token_that_is_none_opens_nothing(desk: Desk, which: str) -> None:
    client = desk.client()
    client.headers["Authorization"] = spoilt(desk, which)
    for method, address, _ in addresses(desk):
        assert client.request(method, address).status_code in (303, 401), (method, address)


def spoilt(desk: Desk, which: str) -> str:
    token = desk.token(*TokenScope)
    with Store.open(desk.url) as store:
        match which:
            case "foreign":
                token = f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}"
            case "expired":
                Tokens(store).remove("token")
                token = Tokens(store).add("token", ["read", "runs"], seconds=1e-6)
            case "removed":
                Tokens(store).remove("token")
            case "of a disabled user":
                Accounts(store).change("owner", disable=True)
            case "empty":
                token = ""
            case "not a bearer":
                return f"Basic {token}"
    return f"Bearer {token}"


def test_a_token_that_is_wrong_is_not_made_up_for_by_a_login(desk: Desk) -> None:
    client = desk.client(Role.ADMIN)
    assert client.get("/api/v1/me").status_code == 200
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer nothing"}).status_code == 401


def test_a_token_does_no_more_than_its_user_may_by_now(desk: Desk) -> None:
    client = desk.client()
    client.headers["Authorization"] = f"Bearer {desk.token(*TokenScope)}"
    assert client.get("/api/v1/me").json()["token"]["scopes"] == ["decide", "read", "runs"]
    with Store.open(desk.url) as store:
        Accounts(store).change("owner", role="viewer")
    told = client.get("/api/v1/me").json()
    assert (told["name"], told["role"], told["token"]["scopes"]) == ("owner", "viewer", ["read"])


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
