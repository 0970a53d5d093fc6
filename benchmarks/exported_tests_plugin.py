"""pytest plugin of `benchmarks.exported_tests`: notes what each test asks, and runs tests with one thing wrong.

NOTED names a file to which a line is written for each test: its id, and method, route and status of what it asked.
SHUFFLED is a seed: the tests run in an order that it gives. EXPERIMENTS names a file with a list of experiments: each
runs its tests, one after the other, until one fails, with the environment changed or a fault in every answer of a
route. All of them take one process, since an application is made for each test anyway.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from flask import request as asked

from diffing.bindings import Renaming
from diffing.compare import compare
from diffing.difference import Part
from diffing.faulty_answers import Fault, Names, with_fault
from diffing.knowledge import Scopes
from diffing.mutations import Mutation
from diffing.profile import NoiseProfile
from recorder.exchange import Body, RecordedResponse

ENDPOINTS: set[tuple[str, str, int]] = set()
PLANTED: list[dict[str, Any]] = []  # the fault in the answers of one route, if there is one
APPLIED: list[bool] = []  # one for each answer that was changed
FAILED: list[str] = []
SCOPES = Scopes(NoiseProfile(), Renaming())
_original = Flask.full_dispatch_request


def _dispatching(app: Flask) -> Response:
    response = _original(app)
    if asked.url_rule is not None:
        answered = (asked.method, asked.url_rule.rule, response.status_code)
        ENDPOINTS.add(answered)
        if PLANTED and tuple(PLANTED[0]["group"]) == answered:
            return _faulty(response, PLANTED[0], answered)
    return response


def _faulty(response: Response, planted: dict[str, Any], group: tuple[str, str, int]) -> Response:
    fault = Fault(Mutation(planted["mutation"]), Part(planted["part"]), planted["shape"], planted["variant"])
    headers = tuple((str(name), str(value)) for name, value in response.headers)
    right = RecordedResponse(response.status_code, "", headers, Body(response.get_data()))
    names = Names(**planted["names"])
    wrong = with_fault(right, fault, SCOPES.of(*group), names, everywhere=True)
    if wrong is None or not compare(right, wrong):
        return response  # a list of one, the other way round
    APPLIED.append(True)
    kept = [pair for pair in wrong.headers if pair[0].lower() != "content-length"]
    return Response(wrong.body.data, status=wrong.status, headers=kept)


@pytest.fixture(autouse=True)
def noted(request: pytest.FixtureRequest) -> Iterator[None]:
    ENDPOINTS.clear()
    yield
    if os.environ.get("NOTED"):
        with open(os.environ["NOTED"], "a", encoding="utf-8") as notes:
            notes.write(json.dumps([request.node.nodeid, sorted(ENDPOINTS)]) + "\n")


def pytest_configure() -> None:
    Flask.full_dispatch_request = _dispatching  # type: ignore[assignment,method-assign]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SHUFFLED"):
        random.Random(os.environ["SHUFFLED"]).shuffle(items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        FAILED.append(report.nodeid)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if not os.environ.get("EXPERIMENTS"):
        return None
    path = Path(os.environ["EXPERIMENTS"])
    by_name = {item.nodeid: item for item in session.items}
    results = path.with_suffix(".results")
    for experiment in json.loads(path.read_text()):
        os.environ |= experiment["environ"]
        PLANTED[:] = experiment["planted"]
        FAILED.clear()
        APPLIED.clear()
        for test in experiment["tests"]:
            if not FAILED:
                _run(by_name[test])
        with results.open("a", encoding="utf-8") as told:
            if APPLIED or not PLANTED:
                told.write(json.dumps([experiment["name"], FAILED[:1]]) + "\n")
    return True


def _run(item: pytest.Item) -> None:
    assert isinstance(item, pytest.Function)
    again = [pytest.Function.from_parent(item.parent, name=item.name, callobj=item.obj) for _ in "12"]
    item.config.hook.pytest_runtest_protocol(item=again[0], nextitem=again[1])
