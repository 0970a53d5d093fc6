"""A sample of what `benchmarks/chaos` does at many moments: one part of a shared replay fails in the middle of it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.replayer.sharing import recorded

from .rig import FAULTS, Rig, disturbed, rig, undisturbed

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SEED = 20261127
MOMENTS = 1


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("chaos"), recorded(users=12, rounds=30)) as made:
        made.undisturbed = undisturbed(made)
        made.workers.start()
        yield made


def test_nothing_is_wrong_without_a_fault(parts: Rig) -> None:
    FAULTS["nothing"] = lambda _: None
    shown = disturbed(parts, "nothing", 0)
    assert shown.wrong == []
    assert shown.uncertain == 0
    assert shown.problem == ""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_nothing_is_sent_twice_and_nothing_is_wrong_without_being_said(parts: Rig, fault: str) -> None:
    chance = random.Random(f"{SEED} {fault}")
    for _ in range(MOMENTS):
        shown = disturbed(parts, fault, chance.randrange(len(parts.stage.plan.steps)))
        assert shown.wrong == []
        assert shown.struck
