from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from shop import create_app, testing
from shop.changes import REGRESSIONS
from shop.config import Settings
from shop.routes import BLUEPRINTS
from shop.traffic.tally import endpoints, shop_routes

from .conftest import SECRET, SHOP, Seeded


@pytest.fixture
def app(seeded: Seeded, tmp_path: Path) -> Iterator[Flask]:
    shutil.copyfile(seeded.database, tmp_path / "shop.db")
    app = create_app(Settings(tmp_path / "shop.db", SECRET))
    yield app
    app.extensions["shop_engine"].dispose()


def bearer(seeded: Seeded, number: int) -> dict[str, Any]:
    return {"Authorization": f"Bearer {seeded.wallet['users'][number - 1]['access_token']}"}


def test_it_is_large_enough_to_judge_by() -> None:
    assert len(endpoints(shop_routes())) >= 120


def test_the_readme_counts_right() -> None:
    readme = (SHOP / "README.md").read_text()
    said = (
        f"{len(endpoints(shop_routes()))} endpoints",
        f"{len(BLUEPRINTS)} blueprints",
        f"{len(REGRESSIONS)} **regressions**",
    )
    assert [words for words in said if words not in readme] == []


def test_the_settings_are_toml_and_name_what_exists() -> None:
    settings = tomllib.loads((SHOP / "understudy.toml").read_text())
    assert sorted(settings["targets"]) == ["baseline", "candidate"]
    releases = [target["start"][-1] for target in settings["targets"].values()]
    assert releases == ["1", "2"]
    assert {target["mint"] for target in settings["targets"].values()} == {"shop.testing:credentials"}
    assert callable(testing.credentials)


def test_at_most_a_third_of_it_is_generic() -> None:
    """Generic: reading, changing or removing one row by its id, or listing and adding rows of one kind."""
    generic = re.compile(r"/api/[a-z-]+(/<int:\w+>)?")
    listed = endpoints(shop_routes())
    assert len([rule for _, rule in listed if generic.fullmatch(rule.rule)]) <= len(listed) / 3


def test_errors_are_json_and_name_the_request(app: Flask) -> None:
    response = app.test_client().get("/api/users/me")
    assert response.status_code == 401
    assert response.get_json() == {
        "error": {"code": "unauthorized", "message": "Log in first.", "request_id": response.headers["X-Request-Id"]}
    }


def test_an_unknown_path_and_a_wrong_method_are_json_too(app: Flask) -> None:
    answers = [app.test_client().get("/nowhere"), app.test_client().post("/version")]
    assert [(answer.status_code, answer.get_json()["error"]["code"]) for answer in answers] == [
        (404, "not_found"),
        (405, "method_not_allowed"),
    ]


def test_every_bad_field_is_named(app: Flask, seeded: Seeded) -> None:
    response = app.test_client().post("/api/tickets", json={"subject": ""}, headers=bearer(seeded, 4))
    assert response.status_code == 422
    assert response.get_json()["error"]["details"] == [
        {"field": "subject", "problem": "must have 3 to 120 characters"},
        {"field": "text", "problem": "is required"},
    ]


def test_a_token_of_another_secret_is_no_login(app: Flask, seeded: Seeded, tmp_path: Path) -> None:
    other = create_app(Settings(tmp_path / "shop.db", "staging-has-another"))
    answers = [one.test_client().get("/api/users/me", headers=bearer(seeded, 4)).status_code for one in (app, other)]
    other.extensions["shop_engine"].dispose()
    assert answers == [200, 401]


def test_the_recorder_is_told_whose_request_it_is(app: Flask, seeded: Seeded) -> None:
    environs = []
    inner = app.wsgi_app

    def keep(environ: Any, start_response: Any) -> Any:
        environs.append(environ)
        return inner(environ, start_response)

    app.wsgi_app = keep  # type: ignore[method-assign]
    client = app.test_client()
    client.get("/api/users/me", headers=bearer(seeded, 4))
    client.set_cookie("session", seeded.wallet["users"][4]["cookies"]["session"])
    assert client.get("/web/session").status_code == 200
    assert [environ.get("understudy.principal") for environ in environs] == ["4", "5"]


def test_a_failed_request_leaves_nothing_behind(app: Flask, seeded: Seeded) -> None:
    client, headers = app.test_client(), bearer(seeded, 4)
    client.post("/api/cart/items", json={"product_id": 3, "quantity": 2}, headers=headers)
    order = client.post("/api/orders", json={"address_id": 1}, headers=headers).get_json()
    paid = client.post("/api/payments", json={"order_id": order["id"], "instrument": "visa"}, headers=headers)
    assert paid.status_code == 502  # there is no provider
    assert client.get(f"/api/payments?order_id={order['id']}", headers=headers).get_json()["items"] == []


def test_without_a_sink_nothing_wraps_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERSTUDY_SINK", raising=False)
    monkeypatch.delenv("UNDERSTUDY_OBSERVE", raising=False)
    app = create_app(Settings(Path("unused.db")))
    assert app.wsgi_app.__func__ is Flask.wsgi_app  # type: ignore[attr-defined]
