"""Shares and their intervals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.accuracy.table import Row, markdown, share, summary, wilson

MUTANT = Row(1, "money.py", 3, "text changed", "a|b", "-a\n+b", True, 5, 2000, first="GET /", judged=True, found=True,
             verdict="fail", places=("GET / status",), policies={"p": 1})  # fmt: skip
CONTROL = replace(
    MUTANT, module="", operator="", exercised=False, found=False, verdict="pass", places=(), policies={"p": 0}
)


def test_the_interval_is_wilsons() -> None:
    assert wilson(19, 20) == pytest.approx((0.7639, 0.9911), abs=1e-4)  # as in Newcombe 1998's method 3
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert share(1, 2) == "1 of 2 (50%, 95 % interval 9% to 91%)"


def test_only_exercised_mutants_count_and_controls_are_counted_apart() -> None:
    missed = replace(MUTANT, number=2, found=False, verdict="pass", places=(), policies={"p": 0})
    unseen = replace(MUTANT, number=3, exercised=False, found=False, judged=False, places=(), policies={})
    figures = summary([CONTROL, MUTANT, missed, unseen], rejected=4)
    assert figures["mutants drawn"] == 3
    assert figures["drawn again because they did not start"] == 4
    assert figures["exercised"] == 2
    assert figures["found"] == share(1, 2)
    assert figures["controls with a finding"] == share(0, 1)
    assert figures["reference policies"]["p"]["found"] == share(1, 2)
    text = markdown([CONTROL, MUTANT, missed, unseen], figures, "command")
    assert "Misses: 1" in text
    assert "`a\\|b`" in text
