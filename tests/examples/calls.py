"""Calls to a shop in this process, written down so that two shops can be compared."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from shop.score import Seen
from sqlalchemy import event
from werkzeug.test import TestResponse

NOISE = {"x-request-id", "x-response-time", "date", "content-length"}
NOT_JSON = ("body", "")
COOKIE = re.compile(r"(?P<name>[^=]+)=[^;]*(?P<flags>.*)")


@dataclass(frozen=True, slots=True)
class Called:
    method: str
    route: str
    places: dict[tuple[str, str], Any]
    statements: int


@dataclass
class Caller:
    """One shop; `as_user` logs in once for each address."""

    app: Flask
    passwords: dict[str, str]
    log: list[Called] = field(default_factory=list)
    _tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, user: str = "", **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if user:
            headers["Authorization"] = f"Bearer {self._token(user)}"
        if body is not None:
            options["json"] = body
        statements: list[str] = []

        def count(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            statements.append(statement)

        engine = self.app.extensions["shop_engine"]
        event.listen(engine, "before_cursor_execute", count)
        try:
            response: TestResponse = self._client().open(path, method=method, headers=headers, **options)
        finally:
            event.remove(engine, "before_cursor_execute", count)
        self.log.append(Called(method, self._route(method, path), places_of(response), len(statements)))
        return response

    def get(self, path: str, user: str = "", **options: Any) -> TestResponse:
        return self.call("GET", path, None, user, **options)

    def post(self, path: str, body: Any = None, user: str = "", **options: Any) -> TestResponse:
        return self.call("POST", path, body, user, **options)

    def _client(self) -> Any:
        if not hasattr(self, "_kept"):
            self._kept = self.app.test_client()
        return self._kept

    def _token(self, user: str) -> str:
        if user not in self._tokens:
            login = {"email": user, "password": self.passwords[user]}
            self._tokens[user] = self.app.test_client().post("/api/auth/login", json=login).get_json()["access_token"]
        return self._tokens[user]

    def _route(self, method: str, path: str) -> str:
        adapter = self.app.url_map.bind("shop")
        return str(adapter.match(path.partition("?")[0], method=method, return_rule=True)[0])


def places_of(response: TestResponse) -> dict[tuple[str, str], Any]:
    """Everything in a response by part and path."""
    places: dict[tuple[str, str], Any] = {("status", ""): response.status_code}
    for name, value in response.headers:
        name = name.lower()
        if name == "set-cookie":
            places |= cookie_places(value)
        elif name not in NOISE:
            places["header", name] = value
    if response.is_json:
        walk(response.get_json(), "$", places)
    else:
        places[NOT_JSON] = "not JSON"
        places["body", "$"] = (
            response.get_data(as_text=True) if (response.mimetype or "").startswith("text/") else response.data
        )
    return places


def cookie_places(value: str) -> dict[tuple[str, str], Any]:
    found = COOKIE.fullmatch(value)
    assert found is not None
    flags = [flag.strip().lower().partition("=")[0] for flag in found["flags"].split(";") if flag.strip()]
    return {("header", f"set-cookie[{found['name']}].{flag}"): True for flag in flags}


def walk(value: Any, path: str, places: dict[tuple[str, str], Any]) -> None:
    """Elements of a list share a path; what they hold is collected in order."""
    if isinstance(value, dict):
        for name, held in value.items():
            walk(held, f"{path}.{name}", places)
    elif isinstance(value, list):
        places.setdefault(("body", f"{path}[*]"), []).append(f"{len(value)} elements")
        for held in value:
            walk(held, f"{path}[*]", places)
    else:
        places.setdefault(("body", path), []).append(value)


def differences(baseline: list[Called], candidate: list[Called]) -> set[Seen]:
    """Where two logs of the same calls differ. The kinds are coarser than the product's own."""
    seen = set()
    for before, after in zip(baseline, candidate, strict=True):
        assert (before.method, before.route) == (after.method, after.route)
        if before.statements != after.statements:
            seen.add(Seen(before.method, before.route, "sql", "count", "value"))
        if (NOT_JSON in before.places) != (NOT_JSON in after.places):
            seen.add(Seen(before.method, before.route, "body", "$", "media"))
            parts = {"status", "header"}
        else:
            parts = {"status", "header", "body"}
        for place in before.places.keys() | after.places.keys():
            kind = kind_of(before.places.get(place), after.places.get(place), place[0])
            if kind and place != NOT_JSON and place[0] in parts:
                seen.add(Seen(before.method, before.route, *place, kind))
    return seen


def kind_of(before: Any, after: Any, part: str) -> str:
    if before == after:
        return ""
    if part == "status":
        return "status"
    if before is None or after is None:
        return "extra" if before is None else "missing"
    if isinstance(before, list) and isinstance(after, list):
        if json.dumps(before).endswith(' elements"]') or len(before) != len(after):
            return "length"
        types = {(type(one), type(other)) for one, other in zip(before, after, strict=True) if one != other}
        if any(type(None) in pair for pair in types):
            return "null"
        if any(one is not other for one, other in types):
            return "type"
    return "value"
