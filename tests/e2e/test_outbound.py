"""Payments rehearsed end to end: the provider is asked for nothing, and a wrong amount is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.accuracy.outbound import Recorded, attributed, counting, judge, record


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("payments"), orders=24)


@pytest.fixture
def connections(recorded: Recorded) -> Iterator[list[int]]:
    with counting(recorded.url) as count:
        yield count


def test_every_call_of_eight_requests_at_once_is_attributed(recorded: Recorded) -> None:
    assert attributed(recorded.exchanges) == (24, 24)


def test_the_same_release_passes_without_the_other_systems(recorded: Recorded, connections: list[int]) -> None:
    judged = judge(recorded, "")
    assert (judged.outcome, judged.places, judged.others) == ("pass", (), ())
    assert connections == [0]


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (
            "a hundred times the amount",
            "POST /orders/<int:number>/pay $calls['POST 127.0.0.1/v1/charges'][*].body.amount int -> other int",
        ),
        (
            "charged twice",
            "POST /orders/<int:number>/pay $calls['POST 127.0.0.1/v1/charges'] called -> called more often",
        ),
    ],
)
def test_a_fault_is_found_and_nothing_gets_out(
    fault: str, place: str, recorded: Recorded, connections: list[int]
) -> None:
    judged = judge(recorded, fault)
    assert judged.outcome == "fail"
    assert place in judged.places
    assert connections == [0]
