"""N+1s of every usual kind are found with the statement named, and nothing is made of what costs the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from diffing.difference import Answer, Case, Comparison, Part, Severity, Status
from diffing.grouping import ExchangeContext, group
from diffing.profile import NoiseProfile, learn
from diffing.sql_growth import FIXED, GONE, MORE_OFTEN, MORE_PER_ROW, PER_ROW
from diffing.trial import Trial
from recorder.exchange import Body, Observed, RecordedResponse, SqlStatement

from .observed_library import BECAME, case, cases, library, recorded_only, with_authors

LIMITS = (0, 1, 4, 12)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = library()
    yield made
    made.dispose()


def judged(made: Sequence[Case]) -> list[Comparison]:
    return Trial(learn(made, {})).first(made)


def found(made: Sequence[Case]) -> set[tuple[str, str]]:
    """(statement, transition) of everything that was reported."""
    differences = [each for comparison in judged(made) for each in comparison.differences]
    assert all(each.location.part is Part.SQL for each in differences)
    return {(each.location.path, each.transition) for each in differences}


# -- by hand: counts without an application ----------------------------------------------------------------------------


def observed(counts: dict[str, int], rows: int | None = None, told: int = -1, partial: bool = False) -> Answer:
    """An answer with so many rows, and the statements that it took."""
    statements = tuple(SqlStatement(text, text, count, told) for text, count in counts.items())
    data = b'{"ok": true}' if rows is None else b"[" + b", ".join([b'{"id": 1}'] * rows) + b"]"
    response = RecordedResponse(200, "OK", (("Content-Type", "application/json"),), Body.of(data))
    return Answer(response, observed=Observed(statements, None, partial))


RESPONSE = RecordedResponse(200, "OK", (("Content-Type", "application/json"),))
LIST = "SELECT … FROM book LIMIT #"
ONE = "SELECT … FROM author WHERE author.id = #"
IN = "SELECT … FROM author WHERE author.id IN (#)"


def made(*rows: tuple[dict[str, int], dict[str, int], int | None]) -> list[Case]:
    """One case for each (counts before, counts after, rows of the answer)."""
    return [
        case(number, (observed(before, size), observed(before, size)), observed(after, size))
        for number, (before, after, size) in enumerate(rows)
    ]


@pytest.mark.parametrize("name", BECAME)
@pytest.mark.parametrize("limits", [LIMITS, (3, 5)], ids=["four sizes", "two exchanges"])
def test_each_kind_of_n_plus_one_is_found_by_its_statement(name: str, limits: tuple[int, ...], engine: Engine) -> None:
    before, after, statements = BECAME[name]
    assert found(cases(engine, before, after, limits)) == {(statement, PER_ROW) for statement in statements}
    assert found(cases(engine, before, before, limits)) == set()
    assert found(cases(engine, after, after, limits)) == set()


@pytest.mark.parametrize("name", BECAME)
def test_one_that_is_mended_is_told_as_such(name: str, engine: Engine) -> None:
    before, after, statements = BECAME[name]
    mended = found(cases(engine, after, before, (3, 12)))
    assert mended == (set() if name == "one insert for each row" else {(each, FIXED) for each in statements})


@pytest.mark.parametrize("name", sorted(BECAME.keys() - {"a sum without rows in the answer"}))
def test_without_a_baseline_the_recording_tells(name: str, engine: Engine) -> None:
    before, after, statements = BECAME[name]
    alone = [recorded_only(each) for each in cases(engine, before, after, LIMITS)]
    assert found(alone) == {(statement, PER_ROW) for statement in statements}


def test_a_finding_names_statement_counts_and_rows(engine: Engine) -> None:
    before, after, _ = BECAME["a lazy foreign key"]
    comparisons = judged(cases(engine, before, after, LIMITS))
    context = {each.exchange_id: ExchangeContext(order=n, size=n, status=200) for n, each in enumerate(comparisons)}
    (finding,) = group(comparisons, context)
    assert (finding.severity, finding.location.part, finding.location.path) == (Severity.MAJOR, Part.SQL, ONE)
    assert (finding.baseline, finding.candidate, finding.count, finding.out_of) == (0, 4, 2, 4)
    assert finding.detail == f"0 -> 4 statements for 4 rows, 0.38 more for each further row: {ONE}"
    assert [each.status for each in comparisons] == [Status.MATCHED, Status.MATCHED, Status.DIFFERED, Status.DIFFERED]


def test_thirty_statements_that_were_thirty_are_nothing() -> None:
    thirty = {f"SELECT … FROM t{number} WHERE id = #": 3 for number in range(10)}
    assert found(made((thirty, thirty, 20), (thirty, thirty, 5))) == set()


def test_an_n_plus_one_of_old_is_nothing_whatever_it_is_called_now() -> None:
    wider = "SELECT … FROM author JOIN country ON country.id = author.country WHERE author.id = #"
    renamed = "SELECT … FROM writer WHERE writer.id = #"
    for now in (ONE, wider, renamed):
        assert found(made(*(({LIST: 1, ONE: n}, {LIST: 1, now: n}, n) for n in (3, 8, 20)))) == set()


def test_more_rows_are_no_more_statements_per_row() -> None:
    """The list itself has grown: that is what there is to be said."""
    one = case(1, (observed({ONE: 3}, 3), observed({ONE: 3}, 3)), observed({ONE: 9}, 9))
    assert {each.location.part for comparison in judged([one]) for each in comparison.differences} == {Part.BODY}


def test_a_second_look_at_each_row_is_told_apart() -> None:
    growing = [({LIST: 1, ONE: n}, {LIST: 1, ONE: 2 * n}, n) for n in (3, 8, 20)]
    assert found(made(*growing)) == {(ONE, MORE_PER_ROW)}


@pytest.mark.parametrize(
    ("before", "after", "transitions"),
    [
        ({LIST: 1}, {LIST: 2}, {(LIST, MORE_OFTEN)}),
        ({LIST: 1}, {LIST: 1, ONE: 1}, set()),  # a new statement alone
        ({LIST: 1, IN: 1}, {LIST: 1, ONE: 3}, {(ONE, MORE_OFTEN)}),  # three settings, not one for each row
        ({LIST: 2}, {LIST: 1}, set()),
        ({LIST: 1}, {LIST: 1, "SAVEPOINT #": 40, "(and more)": 40}, set()),
    ],
)
def test_a_growth_that_does_not_follow_the_rows(
    before: dict[str, int], after: dict[str, int], transitions: set[tuple[str, str]]
) -> None:
    assert found(made(*((before, after, rows) for rows in (0, 3, 8, 20)))) == transitions


WRITE = "INSERT INTO audit (…) VALUES (#)"


@pytest.mark.parametrize(
    ("before", "after", "transitions"),
    [
        ({LIST: 1, WRITE: 2}, {LIST: 1}, {(WRITE, GONE)}),
        ({LIST: 1, WRITE: 2}, {LIST: 1, WRITE: 1}, set()),
        ({LIST: 1, WRITE: 2}, {LIST: 1, WRITE + " ON CONFLICT DO NOTHING": 1}, set()),
        ({LIST: 1, WRITE: 1}, {LIST: 1, "INSERT INTO log (…) VALUES (#)": 1}, set()),  # moved
        ({LIST: 1, ONE: 1}, {LIST: 1}, set()),  # a read that is spared
    ],
)
def test_a_write_that_is_lost_is_told(
    before: dict[str, int], after: dict[str, int], transitions: set[tuple[str, str]]
) -> None:
    assert found(made(*((before, after, rows) for rows in (None, None, None)))) == transitions
    branch = made((before, after, None), *((before, before, None) for _ in range(3)))
    assert found(branch) == set()


def test_a_growth_in_a_branch_that_few_requests_take_is_not_told() -> None:
    often = [({LIST: 1}, {LIST: 1}, rows) for rows in (1, 5, 9, 12)]
    assert found(made(*often, ({LIST: 1}, {LIST: 2}, 7))) == set()


def test_rows_that_the_driver_tells_stand_in_for_those_of_the_answer() -> None:
    before = observed({LIST: 1})
    after = observed({LIST: 1, ONE: 6})
    assert after.observed is not None
    assert after.observed.sql is not None
    listed, each = after.observed.sql
    told = replace(after, observed=Observed((replace(listed, rows=6), each)))
    assert found([case(1, (before, before), told)]) == {(ONE, PER_ROW)}


def test_what_varies_between_passes_is_noise() -> None:
    warm, cold = observed({LIST: 1}, 5), observed({LIST: 1, ONE: 4}, 5)
    assert found([case(1, (warm, cold, warm), cold), case(2, (warm, warm, warm), cold)]) == set()
    assert learn([case(1, (warm, cold), cold)], {}).sql == {f"GET /books|{ONE}": 4}


def test_the_noise_of_statements_is_kept_with_the_profile() -> None:
    profile = NoiseProfile(sql={"GET /books|SELECT #": 2})
    assert NoiseProfile.from_json(profile.to_json()) == profile
    older = {name: value for name, value in profile.to_json().items() if name != "sql"}
    assert NoiseProfile.from_json(older) == NoiseProfile()


def test_what_was_not_wholly_observed_decides_nothing() -> None:
    before, after = observed({LIST: 1}, 9), observed({LIST: 1, ONE: 9}, 9)
    assert after.observed is not None
    partly = replace(before, observed=Observed(before.observed and before.observed.sql, None, partial=True))
    none = replace(before, observed=None)
    for baseline, candidate in (((partly,), after), ((none,), after), ((before,), none)):
        assert found([case(1, baseline, candidate)]) == set()
    lower_bound = replace(after, observed=Observed(after.observed.sql, None, partial=True))
    assert found([case(1, (before,), lower_bound)]) == {(ONE, PER_ROW)}


def test_another_status_is_another_work() -> None:
    before, after = observed({LIST: 1}, 9), observed({LIST: 1, ONE: 9}, 9)
    assert after.response is not None
    failed = replace(after, response=replace(after.response, status=404))
    (comparison,) = judged([case(1, (before, before), failed)])
    assert [each.location.part for each in comparison.differences] == [Part.STATUS]


def test_a_repetition_of_a_part_is_asked_for_the_same_growth(engine: Engine) -> None:
    trial = Trial(NoiseProfile())
    grown = made(*(({LIST: 1}, {LIST: 1, ONE: n // 4}, n) for n in (0, 4, 12, 20)))  # a cache hides most of them
    first = trial.first(grown)
    assert [len(each.differences) for each in first] == [0, 0, 1, 1]
    (again,) = trial.again(grown[2:3])  # alone it would be no N+1
    assert again.differences == first[2].differences
    (itself,) = trial.again([replace(grown[2], candidate=grown[2].baseline[:1])])
    assert itself.differences == ()


def routes(names: Sequence[str], statements: Sequence[str]) -> list[Case]:
    after = {LIST: 1, **dict.fromkeys(statements, 9)}
    return [
        case(number, (observed({LIST: 1}, 9),) * 2, observed(after, 9), route=name) for number, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("names", "statements", "findings"),
    [
        (["/a"], [ONE, IN], 2),  # two statements, two causes
        (["/a", "/b"], [ONE], 2),  # each route's own
        (["/a", "/b", "/c", "/d"], [ONE], 1),  # the model's
    ],
)
def test_n_plus_ones_are_joined_with_care(names: list[str], statements: list[str], findings: int) -> None:
    comparisons = judged(routes(names, statements))
    context = {each.exchange_id: ExchangeContext(order=n, status=200) for n, each in enumerate(comparisons)}
    assert len(group(comparisons, context)) == findings


def test_writes_that_are_lost_together_are_one_finding() -> None:
    audit, stock, mail = (f"INSERT INTO {name} (…) VALUES (#)" for name in ("audit", "stock", "mail"))
    lost = made(
        *(({audit: 1, stock: 2, mail: 1}, {mail: 1}, None) for _ in range(4)),
    )
    comparisons = judged(lost)
    context = {each.exchange_id: ExchangeContext(order=n, status=200) for n, each in enumerate(comparisons)}
    (finding,) = group(comparisons, context)
    assert {member.location.path for member in finding.members} == {audit, stock}
    elsewhere = [replace(each, route="/other") for each in made(({mail: 1}, {}, None))]
    more = judged([*lost[:3], *(replace(e, exchange=replace(e.exchange, id="f" * 32)) for e in elsewhere)])
    context = {each.exchange_id: ExchangeContext(order=n, status=200) for n, each in enumerate(more)}
    assert len(group(more, context)) == 2


def test_a_finding_of_a_body_stays_apart(engine: Engine) -> None:
    """Though both went from 1 to 9."""
    before, after = observed({LIST: 1, ONE: 1}, 9), observed({LIST: 1, ONE: 10}, 9)
    assert before.response is not None
    changed = replace(before.response, body=Body.of(before.response.body.data.replace(b": 1", b": 10")))
    comparisons = judged([case(1, (before, before), replace(after, response=changed))])
    context = {each.exchange_id: ExchangeContext(order=n, status=200) for n, each in enumerate(comparisons)}
    assert sorted(each.location.part.value for each in group(comparisons, context)) == ["body", "sql"]


def test_a_count_of_statements_is_no_echo_of_a_value() -> None:
    """The same session was told 24 where it had been told 12, and then a list took 24 statements instead of 12."""
    before = observed({LIST: 1, ONE: 12}, 12)
    after = observed({LIST: 1, ONE: 24}, 12)
    told = [replace(observed({}), response=replace(RESPONSE, body=Body.of(b'{"n": %d}' % n))) for n in (12, 24)]
    comparisons = judged([case(1, (told[0],) * 2, told[1], route="/n"), case(2, (before, before), after)])
    context = {c.exchange_id: ExchangeContext(session="s", order=n, status=200) for n, c in enumerate(comparisons)}
    assert sorted(each.location.part.value for each in group(comparisons, context)) == ["body", "sql"]


def test_an_answer_without_observations_is_as_before(engine: Engine) -> None:
    plain = [
        replace(each, baseline=tuple(replace(a, observed=None) for a in each.baseline))
        for each in cases(engine, with_authors(), with_authors(), (3,))
    ]
    assert [each.status for each in judged(plain)] == [Status.MATCHED]
