"""N+1s of Django's ORM: found with the statement named, as those of SQLAlchemy are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from diffing.difference import Answer, Case
from diffing.profile import learn
from diffing.sql_growth import PER_ROW
from diffing.trial import Trial
from recorder.exchange import Body, Observed, RecordedResponse, SqlStatement

from .observed_library import case

NAMED = {
    "a foreign key": "SELECT … FROM library_author WHERE library_author.id = # LIMIT #",
    "many to many": (
        "SELECT … FROM library_tag INNER JOIN library_book_tags ON (library_tag.id = library_book_tags.tag_id)"
        " WHERE library_book_tags.book_id = #"
    ),
    "a property": "SELECT COUNT(*) AS __count FROM library_review WHERE library_review.book_id = #",
    "a template": "SELECT … FROM library_author WHERE library_author.id = # LIMIT #",
    "nested rows": "SELECT … FROM library_author WHERE library_author.id = # LIMIT #",
    "a check of each row": "SELECT # AS a FROM library_review WHERE library_review.book_id = # LIMIT #",
}
LIMITS = (0, 1, 4, 12)


@pytest.fixture(scope="module")
def views() -> dict[str, list[dict[str, Any]]]:
    """Every view at every limit, before and after, in a process of Django's own."""
    program = Path(__file__).with_name("django_library.py")
    done = subprocess.run(
        [sys.executable, str(program), *map(str, LIMITS)], capture_output=True, check=False, text=True,
        cwd=program.parents[2], env={"PYTHONPATH": str(program.parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def answer(seen: dict[str, Any]) -> Answer:
    response = RecordedResponse(200, "OK", (("Content-Type", seen["type"]),), Body.of(seen["body"].encode()))
    return Answer(response, observed=Observed(tuple(SqlStatement(*row) for row in seen["sql"])))


def found(cases: list[Case]) -> set[tuple[str, str]]:
    comparisons = Trial(learn(cases, {})).first(cases)
    return {(each.location.path, each.transition) for one in comparisons for each in one.differences}


@pytest.mark.parametrize("name", NAMED)
def test_each_is_found_by_its_statement(name: str, views: dict[str, list[dict[str, Any]]]) -> None:
    seen = views[name]
    sides = [(answer(one["before"]), answer(one["after"])) for one in seen]
    assert found([case(n, (a, a), b) for n, (a, b) in enumerate(sides)]) == {(NAMED[name], PER_ROW)}
    assert found([case(n, (a, a), a) for n, (a, _) in enumerate(sides)]) == set()
    assert found([case(n, (b, b), b) for n, (_, b) in enumerate(sides)]) == set()


def test_every_view_is_tried(views: dict[str, list[dict[str, Any]]]) -> None:
    assert views.keys() == NAMED.keys()
