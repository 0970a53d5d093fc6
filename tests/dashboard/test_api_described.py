"""The API against its own description: whatever is asked, nothing fails, and only what is described is answered."""

from __future__ import annotations

import json
import shutil
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dashboard.app import create_app
from dashboard.routes.api.openapi import described
from diffing.approvals import Decision
from replayer.review import Review, Verdict
from replayer.rule_desk import RuleDesk, RuleWish, Shelf
from replayer.settings import Settings
from replayer.store import Store
from replayer.talk import Talk
from replayer.tokens import TokenScope
from tests.replayer.test_report import COLOUR, PRICES

from .desk import Desk, run_of

EXAMPLES = 15
"""Requests to each operation: all of them together take some seconds."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

PARTS = st.none() | st.floats() | st.integers() | st.text(max_size=3)
CURSORS = (PARTS | st.lists(PARTS, min_size=1, max_size=4)).map(
    lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
)
"""Cursors as lists give them, and such as none gives."""

OPERATIONS = [
    (method, path) for path, item in described(create_app(Settings()))["paths"].items() for method in sorted(item)
]


@dataclass
class Asked:
    """An application in which there is something of everything, and what it says of itself."""

    schema: BaseSchema
    tokens: tuple[str, ...]
    there: dict[str, str]  # by the names of path parameters


@pytest.fixture(scope="module")
def asked(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    desk = Desk(f"sqlite:///{shutil.copy(migrated, tmp_path_factory.mktemp('described') / 'store.db')}")
    run = run_of(desk.url, [PRICES, COLOUR])
    with Store.open(desk.url) as store:
        kept = Review(store, desk.settings).decide(run, COLOUR.fingerprint, Verdict(Decision.APPROVE, "wanted"), "ann")
        wish = RuleWish(reason="edited")
        rule = RuleDesk(store, desk.settings, Shelf()).keep(run, COLOUR.fingerprint, wish, "ann", admin=True)
        comment = Talk(store).comment(run, COLOUR, "why?", "ann")
        group, _ = Review(store, desk.settings).decide_all(
            run, [PRICES.fingerprint], Verdict(Decision.APPROVE, "wanted"), "ann"
        )
        store.create_run(store.recordings()[0].id, candidate="next")
    everything = desk.token(*TokenScope)
    schema = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", desk.app, headers={"Authorization": f"Bearer {everything}"}
    )
    there = {
        "run": run,
        "other": run,
        "fingerprint": PRICES.fingerprint,
        "recording": "1",
        "identity": kept.approval.id,
        "rule": rule.id,
        "group": group,
        "comment": comment.id,
    }
    return Asked(schema, (everything, desk.token(TokenScope.READ, name="reader"), "nobody's"), there)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_nothing_fails_and_nothing_undescribed_is_answered(
    asked: Asked, method: str, path: str, mode: GenerationMode
) -> None:
    operation = asked.schema[path][method.upper()]

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(mode), token=st.sampled_from(asked.tokens), there=st.booleans(), cursor=CURSORS)
    def check(case: schemathesis.Case, token: str, there: bool, cursor: str | None) -> None:
        if there:
            case.path_parameters = {name: asked.there[name] for name in case.path_parameters or {}}
        if cursor is not None and any(parameter.name == "cursor" for parameter in operation.query):
            case.query = {**(case.query or {}), "cursor": cursor}
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    check()
