"""Plays scripts in the application's own pytest: copied beside `conftest.py` for a while.

REHEARSAL_JOBS and REHEARSAL_ANSWERS name files of JSON lines. Of ours it imports the recorder
alone, where it has to.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

Fixture = Callable[[str], Any]
UNSENT: dict[str, Any] = {"status": 0, "headers": [], "body": "", "variables": {}}


class NotHandedOut(Exception):
    """A call needs what no answer has handed out."""


def _jobs() -> list[dict[str, Any]]:
    path = os.environ.get("REHEARSAL_JOBS", "")
    return (
        [
            json.loads(line)
            for line in Path(path).read_text(encoding="utf-8").splitlines()
        ]
        if path
        else []
    )


@pytest.mark.parametrize("job", _jobs(), ids=lambda job: str(job["key"]))
def test_rehearsal(job: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """One script; whatever it meets is an answer, and what stops it is written down."""
    result: dict[str, Any] = {"key": job["key"], "seen": [], "problem": "", "users": {}}
    try:
        if "who" in job:
            _find_out(job["who"], request.getfixturevalue("address"), result["users"])
        else:
            _play(job["calls"], request.getfixturevalue, result["seen"])
    except Exception as error:
        result["problem"] = f"{type(error).__name__}: {error}"
    with open(os.environ["REHEARSAL_ANSWERS"], "a", encoding="utf-8") as answers:
        answers.write(json.dumps(result) + "\n")


def _find_out(asked: dict[str, Any], address: str, users: dict[str, Any]) -> None:
    """Under which id the function that logs users in recognises each of them."""
    sys.path.append(asked["recorder"])
    from recorder.identity import Principal
    from recorder.keys import Key

    class Asked(Principal):
        def matches(self, value: object) -> bool:
            same = Principal.matches(self, value)
            if same:
                found.append(value)
            return same

    mint = importlib.import_module(".conftest", __package__).mint
    key = Key(bytes.fromhex(asked["secret"]))
    for digest in asked["digests"]:
        found: list[object] = []
        given = mint(Asked(digest, key), address)
        if given is not None and found:
            parts = ("headers", "cookies", "body")
            fields = {part: sorted(dict(given.get(part) or {})) for part in parts}
            users[digest] = {"id": str(found[-1]), **fields}


def _play(
    calls: list[dict[str, Any]], fixture: Fixture, seen: list[dict[str, Any]]
) -> None:
    clients: dict[int, Any] = {}
    variables: dict[str, Any] = {}
    for call in calls:
        if call["client"] not in clients:
            clients[call["client"]] = fixture(
                "client" if not clients else "make_client"
            )
            if len(clients) > 1:
                clients[call["client"]] = clients[call["client"]]()
        client = clients[call["client"]]
        if call["login"]:
            fixture("log_in")(client, call["login"])
        for name, text in call["cookies"]:
            client.set_cookie(name, text)
        try:
            target, options = _request(call, variables, fixture)
        except NotHandedOut:
            seen.append(UNSENT)
            continue
        response = _open(client, target, options, call["outside"])
        answer = {
            "status": response.status_code,
            "headers": list(response.headers),
            "body": base64.b64encode(response.data).decode(),
        }
        seen.append(answer)
        for one in call["captures"]:
            with suppress(LookupError, TypeError, AttributeError):
                variables[one["name"]] = _captured(one, response, client)
        answer["variables"] = dict(variables)
        response.close()


def _request(
    call: dict[str, Any], variables: dict[str, Any], fixture: Fixture
) -> tuple[str, dict[str, Any]]:
    body = _value(call["body"], variables, fixture)
    headers = [
        (name, str(_value(text, variables, fixture))) for name, text in call["headers"]
    ]
    if call["user"]:
        headers += fixture("auth_headers")(call["user"]).items()
    options: dict[str, Any] = {"method": call["method"], "headers": headers}
    if call["kind"]:
        options["json" if call["kind"] == "json" else "data"] = body
    if call["media"]:
        options["content_type"] = call["media"]
    return str(_value(call["target"], variables, fixture)), options


def _open(
    client: Any, target: str, options: dict[str, Any], outside: list[dict[str, Any]]
) -> Any:
    if not outside:
        return client.open(target, **options)
    from recorder.outbound.scripted import OutsideAnswer, answering

    with answering(*(OutsideAnswer(**one) for one in outside)):
        return client.open(target, **options)


def _value(node: Any, variables: dict[str, Any], fixture: Fixture) -> Any:
    if isinstance(node, list):
        return [_value(child, variables, fixture) for child in node]
    if not isinstance(node, dict):
        return node
    ((kind, inner),) = node.items()
    if kind == "$ref":
        if inner[0] not in variables:
            raise NotHandedOut(inner[0])
        found = variables[inner[0]]
        return {"int": int, "str": str}[inner[1]](found) if inner[1] else found
    if kind == "$secret":
        return fixture("credentials")(inner[0])["body"][inner[1]]
    if kind == "$join":
        return "".join(str(_value(part, variables, fixture)) for part in inner)
    if kind == "$upload":
        return io.BytesIO(base64.b64decode(inner[0])), inner[1], inner[2]
    if kind == "$bytes":
        return base64.b64decode(inner)
    return {key: _value(child, variables, fixture) for key, child in inner}


def _captured(one: dict[str, Any], response: Any, client: Any) -> Any:
    checks = importlib.import_module(".checks", __package__)
    found: Any
    if one["source"] == "json":
        found = response.json
        for key in one["path"]:
            found = found[key]
    elif one["source"] == "header":
        found = response.headers[one["path"][0]]
    elif one["source"] == "cookie":
        found = client.get_cookie(one["path"][0]).value
    else:
        found = checks.field(response, one["path"][0])
    return found if one["segment"] is None else checks.segment(found, one["segment"])
