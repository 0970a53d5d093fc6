"""How often one statement ran in the exchanges of one route, on both sides: what a verdict on it rests on."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from recorder.exchange import Observed, RecordedResponse, SqlStatement

from .bodies import comparable
from .difference import Answer, Case, Comparison, DifferenceKind, Status
from .profile import NoiseProfile

MAX_NODES = 200_000
"""Values of one body that are looked at for its rows."""

_CONTROL = re.compile(
    r"\(|(?:BEGIN|START|COMMIT|ROLLBACK|END|ABORT|SAVEPOINT|RELEASE|SET|RESET|SHOW|PRAGMA|USE|EXPLAIN|DEALLOCATE"
    r"|DISCARD|DECLARE|FETCH|CLOSE|LISTEN)\b",
    re.I,
)
_WRITES = frozenset(["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"])
_VERB = re.compile(r"\w+")
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN) ([\w.$]+)", re.I)

Counts = Mapping[str, int]
"""Statement's text -> how often it ran."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One statement at one route, for answers of one status class."""

    method: str
    route: str
    answer: int  # status class of the baseline's answers: 2
    statement: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One exchange's counts of a statement."""

    exchange_id: str
    baseline: int  # the most of the baseline's passes
    candidate: int
    more: int  # by how much it grew beyond what varies and what merely moved; below 0: by how much it shrank
    rows: Rows
    writes: bool = False


class Rows:
    """The numbers of rows that a count of statements may go with, read off the two answers when first asked for."""

    def __init__(self, baseline: RecordedResponse, candidate: RecordedResponse, told: Sequence[int] = ()) -> None:
        self._answers: tuple[RecordedResponse, ...] = (baseline, candidate)
        self._told = told  # rows that statements of the exchange returned, where the driver says it

    def settle(self) -> None:
        """Read them now, and let go of the answers."""
        _ = self.known
        self._answers = ()

    @cached_property
    def known(self) -> tuple[int, ...] | None:
        """Ascending; None where the answers have other numbers of rows: what was done for them is not the same."""
        baseline, candidate = self._answers
        found = sizes(candidate)
        if baseline.body.data != candidate.body.data and sizes(baseline) != found:
            return None
        return tuple(sorted({*found, *self._told}))


def sample_of(case: Case, comparison: Comparison, profile: NoiseProfile) -> Iterator[tuple[Spot, Sample]]:
    """Every statement that one side ran in an exchange to which both gave an answer of the same status."""
    sides = _sides(case)
    if sides is None or not _comparable(comparison):
        return
    (a_response, passes), (b_response, b_observed) = sides
    if a_response.status != b_response.status:
        return
    most, least = _extremes(passes)
    now = counts(b_observed.sql)
    moved = _Families(most, least, now)
    rows = Rows(a_response, b_response, [s.rows for s in b_observed.sql or () if s.count == 1 and s.rows > 0])
    for statement in most.keys() | now.keys():
        spot = Spot(case.method, case.route, a_response.status // 100, statement)
        a, b = most.get(statement, 0), now.get(statement, 0)
        spread = profile.sql.get(key_of(case, statement), 0)
        more = min(b - a - spread, moved.grew(statement))
        if more <= 0:
            more = -max(0, min(least.get(statement, 0) - b - spread, moved.shrank(statement)))
        yield spot, Sample(case.exchange.id, a, b, more, rows, family(statement)[0] in _WRITES)


def counts(statements: Iterable[SqlStatement] | None) -> Counter[str]:
    """How often each statement ran, those that only steer the connection or the transaction left out."""
    found: Counter[str] = Counter()
    for each in statements or ():
        if not _CONTROL.match(each.statement):
            found[each.statement] += each.count
    return found


def varying(cases: Iterable[Case]) -> dict[str, int]:
    """Route and statement -> by how much its count differed between passes of one release in the same exchange."""
    found: dict[str, int] = {}
    for case in cases:
        passes = [one for answer in case.baseline or case.candidate if (one := _whole(answer)) is not None]
        if len(passes) > 1:
            most, least = _extremes(passes)
            for statement, count in most.items():
                spread = count - least.get(statement, 0)
                if spread:
                    key = key_of(case, statement)
                    found[key] = max(found.get(key, 0), spread)
    return found


def key_of(case: Case, statement: str) -> str:
    """What the noise profile knows a statement of a route by."""
    return f"{case.method} {case.route}|{statement}"


def sizes(response: RecordedResponse) -> tuple[int, ...]:
    """How many elements the arrays of a body have, in sum for each place: 20 orders, and 60 lines in all of them."""
    totals: Counter[str] = Counter()
    stack: list[tuple[object, str]] = [(comparable(response).value, "")]
    for _ in range(MAX_NODES):
        if not stack:
            break
        value, place = stack.pop()
        if isinstance(value, list):
            totals[place] += len(value)
            stack.extend((child, f"{place}[]") for child in value if isinstance(child, dict | list))
        elif isinstance(value, dict):
            stack.extend((child, f"{place}.{key}") for key, child in value.items() if isinstance(child, dict | list))
    return tuple(sorted(set(totals.values())))


def _sides(
    case: Case,
) -> tuple[tuple[RecordedResponse, list[Counter[str]]], tuple[RecordedResponse, Observed]] | None:
    answer = case.candidate[0] if case.candidate else None
    if answer is None or answer.response is None or answer.observed is None or answer.observed.sql is None:
        return None
    if case.baseline:
        passes = [one for each in case.baseline if (one := _whole(each)) is not None]
        reference = case.baseline[0].response
    else:
        passes = [] if case.exchange.sql is None else [counts(case.exchange.sql)]
        reference = case.exchange.response
    if reference is None or not passes:
        return None
    return (reference, passes), (answer.response, answer.observed)


def _whole(answer: Answer) -> Counter[str] | None:
    """The counts of an answer whose statements were all observed."""
    observed = answer.observed
    if observed is None or observed.sql is None or observed.partial or answer.response is None:
        return None
    return counts(observed.sql)


def _comparable(comparison: Comparison) -> bool:
    return comparison.status in (Status.MATCHED, Status.DIFFERED) and not any(
        each.kind in (DifferenceKind.STATUS, DifferenceKind.FAILURE) for each in comparison.differences
    )


def _extremes(passes: Sequence[Counts]) -> tuple[Counts, Counts]:
    names = set().union(*passes)
    most = {name: max(one.get(name, 0) for one in passes) for name in names}
    return most, {name: min(one.get(name, 0) for one in passes) for name in names}


@lru_cache(maxsize=4096)
def family(statement: str) -> tuple[str, str]:
    """What a statement does to which table first. A condition or a join that was added changes neither."""
    verb, table = _VERB.match(statement), _TABLE.search(statement)
    return (verb[0].upper() if verb else "", table[1].lower() if table else statement)


class _Families:
    """Counts by family: a statement that reads differently now is gone under one text, and there under another."""

    def __init__(self, most: Counts, least: Counts, now: Counts) -> None:
        self._change: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for statement in most.keys() | now.keys():
            change = self._change[family(statement)]
            change[0] += now.get(statement, 0) - most.get(statement, 0)
            change[1] += least.get(statement, 0) - now.get(statement, 0)

    def grew(self, statement: str) -> int:
        return self._change[family(statement)][0]

    def shrank(self, statement: str) -> int:
        return self._change[family(statement)][1]
