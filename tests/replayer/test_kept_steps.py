"""What a worker keeps of the steps that it has prepared."""

from __future__ import annotations

from dataclasses import replace

from recorder.exchange import Body
from replayer.executors.kept_steps import KeptSteps
from replayer.flow import Step

from .replies import step


def sized(index: int, size: int) -> Step:
    made = step(index)
    return replace(
        made,
        exchange=replace(made.exchange, request=replace(made.exchange.request, body=Body.of(bytes(size)))),
    )


def kept(steps: KeptSteps, run: str, count: int = 20) -> list[int]:
    return [index for index in range(count) if steps.get(run, index) is not None]


def test_the_first_steps_of_a_run_stay() -> None:
    steps = KeptSteps(steps=5)
    for turn in range(3):
        for index in range(8):
            if steps.get("run", index) is None:
                steps.keep("run", step(index))
        assert kept(steps, "run") == [0, 1, 2, 3, 4], turn


def test_a_new_run_takes_the_place_of_the_one_that_is_longest_ago() -> None:
    steps = KeptSteps(steps=6)
    for run in ("first", "second"):
        for index in range(3):
            steps.keep(run, step(index))
    assert steps.get("first", 0) is not None  # it is still under way
    steps.keep("third", step(0))
    assert (kept(steps, "first"), kept(steps, "second"), kept(steps, "third")) == ([0, 1, 2], [], [0])


def test_bodies_take_no_more_than_they_may() -> None:
    steps = KeptSteps(body_bytes=1000)
    for index in range(4):
        steps.keep("run", sized(index, 400))
    steps.keep("run", sized(4, 150))
    assert kept(steps, "run") == [0, 1, 4]
    steps.keep("run", sized(0, 100))  # another exchange than before
    steps.keep("run", sized(5, 300))
    assert kept(steps, "run") == [0, 1, 4, 5]
    assert steps.get("run", 0) == sized(0, 100)


def test_a_step_that_is_too_large_by_itself_is_not_kept() -> None:
    steps = KeptSteps(body_bytes=1000)
    steps.keep("before", sized(0, 400))
    steps.keep("run", sized(0, 2000))
    assert (kept(steps, "run"), steps.get("run", 0)) == ([], None)
