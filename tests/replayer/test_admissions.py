"""Whose password worked: what a session sent first with success, and what was only answered politely."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import pytest

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.admissions import first_uses, secret_owners
from replayer.correlate import Correlator
from replayer.guide import make_guide
from replayer.mint import Credentials
from replayer.plan import Plan, make_plan

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def exchange(
    number: int,
    request: str,
    fields: dict[str, str] | None = None,
    *,
    status: int = 200,
    cookie: str = "",
    gives: str = "",
    principal: str = "",
    client: str = "client",
    body: str = "<p>page</p>",
) -> Exchange:
    method, _, path = request.partition(" ")
    headers = (*(FORM if fields else ()), *([("Cookie", f"sid={cookie}")] if cookie else ()))
    kind = "application/json" if body.startswith("{") else "text/html"
    given = (("Set-Cookie", f"sid={gives}; Path=/"),) if gives else ()
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest(method, path, headers, Body(urlencode(fields).encode() if fields else b"")),
        response=RecordedResponse(status, "", (*given, ("Content-Type", kind)), Body(body.encode())),
        started=float(number),
        ended=number + 0.1,
        client=client,
        principal=principal,
        links=tuple(value for value in (cookie, gives) if value),
    )


def plan_of(exchanges: Sequence[Exchange]) -> Plan:
    return make_plan(exchanges, lambda one: one.request.path)


def login(password: str) -> dict[str, str]:
    return {"username": "ann", "password": password}


def test_a_login_form_that_is_shown_again_did_not_let_anybody_in() -> None:
    plan = plan_of(
        [
            exchange(1, "GET /login", gives="anonymous-4f1c9a70"),
            exchange(2, "POST /login", login("wrong"), cookie="anonymous-4f1c9a70"),
            exchange(3, "POST /login", login("right"), cookie="anonymous-4f1c9a70", gives="ann-83bc10d2e5", status=302),
            exchange(4, "GET /home", cookie="ann-83bc10d2e5", principal="ann"),
        ]
    )
    assert first_uses(plan) == {(0, "right"): "/login"}


def test_the_application_that_knows_a_principal_from_then_on_let_them_in() -> None:
    plan = plan_of(
        [
            exchange(1, "GET /login", gives="anonymous-4f1c9a70"),
            exchange(2, "POST /login", login("wrong"), cookie="anonymous-4f1c9a70", gives="flashed-0b7722e1"),
            exchange(
                3, "POST /login", login("right"), cookie="flashed-0b7722e1", gives="ann-83bc10d2e5", principal="ann"
            ),
        ]
    )
    assert first_uses(plan) == {(0, "right"): "/login"}


def test_where_nothing_tells_the_status_has_to() -> None:
    plan = plan_of(
        [
            exchange(1, "POST /login", login("wrong"), status=401),
            exchange(2, "POST /login", login("right")),
            exchange(3, "POST /register", {"password": "chosen"}, status=201),
            exchange(4, "POST /login", login("chosen")),
        ]
    )
    assert first_uses(plan) == {(0, "right"): "/login", (0, "chosen"): "/register"}


def test_what_one_session_shows_about_a_route_holds_for_another() -> None:
    plan = plan_of(
        [
            exchange(1, "POST /login", login("right"), gives="ann-83bc10d2e5", status=302),
            exchange(2, "GET /home", cookie="ann-83bc10d2e5", principal="ann"),
            exchange(3, "POST /login", login("guess"), client="other"),
        ]
    )
    assert first_uses(plan) == {(0, "right"): "/login"}


@pytest.mark.parametrize(
    ("answer", "let_in"),
    [
        ('{"ok": true, "data": {"token": "tablet-77aa01bc", "user": 1, "last": "never"}, "error": null}', True),
        ('{"ok": true, "data": {"token": "tablet-77aa01bc", "user": null, "last": null}, "error": null}', True),
        ('{"ok": false, "data": {"token": null, "user": null, "last": null}, "error": "bad password"}', False),
        ('{"ok": false, "data": null, "error": "bad password"}', False),
        ('{"ok": true, "data": {"challenge": "code by mail"}, "error": null}', False),
    ],
)
def test_whoever_logs_in_once_more_need_not_use_what_it_hands_out(answer: str, let_in: bool) -> None:
    first = '{"ok": true, "data": {"token": "ann-83bc10d2e5", "user": 1, "last": "today"}, "error": null}'
    plan = plan_of(
        [
            exchange(1, "POST /api/login", login("hers"), gives="ann-83bc10d2e5", body=first),
            exchange(2, "GET /home", cookie="ann-83bc10d2e5", principal="ann"),
            exchange(3, "GET /home", cookie="ben-5f0c41aa90", principal="ben", client="other"),
            exchange(4, "POST /api/login", login("his"), cookie="ben-5f0c41aa90", client="other", body=answer),
        ]
    )
    assert first_uses(plan) == {(0, "hers"): "/api/login"} | ({(1, "his"): "/api/login"} if let_in else {})


def test_a_form_and_an_api_that_take_one_password_are_one_principals() -> None:
    """Both doors send the minted password: the form opened first, and nothing but the API says who that is."""
    plan = plan_of(
        [
            exchange(1, "POST /admin/login", login("right"), gives="admin-4f1c9a7088", status=303),
            exchange(2, "GET /admin", cookie="admin-4f1c9a7088"),
            exchange(3, "POST /admin/login", login("wrong"), status=401),
            exchange(4, "POST /sessions", login("right"), gives="ann-83bc10d2e5", status=201),
            exchange(5, "GET /me", cookie="ann-83bc10d2e5", principal="ann"),
        ]
    )
    correlator = Correlator(make_guide(plan))
    form, wrong, api = plan.steps[0], plan.steps[2], plan.steps[3]

    assert secret_owners(plan) == {0: "ann"}
    assert [correlator.wants_secrets(step) for step in (form, wrong, api)] == [True, False, False]
    correlator.mint(form, Credentials(body=(("password", "staging"),)))
    assert [correlator.prepare(step).request.body.data for step in (form, wrong, api)] == [
        b"username=ann&password=staging",
        b"username=ann&password=wrong",
        b"username=ann&password=staging",
    ]


def test_a_password_that_two_principals_of_one_session_use_is_nobodys() -> None:
    plan = plan_of(
        [
            exchange(1, "POST /admin/login", login("right"), gives="admin-4f1c9a7088", status=303),
            exchange(2, "POST /sessions", login("right"), gives="ann-83bc10d2e5", status=201, principal="ann"),
            exchange(3, "POST /sessions", login("right"), gives="bob-b2d1e40c77", status=201, principal="bob"),
        ]
    )
    assert secret_owners(plan) == {}
