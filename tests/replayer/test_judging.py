from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from diffing.difference import Severity
from diffing.gate import Budget, Policy, TagRule
from replayer.judging import policy_of
from replayer.settings import Settings

from .test_policy_settings import WHOLE
from .test_settings import load


def test_what_the_file_says_is_what_the_gate_judges_by(tmp_path: Path) -> None:
    more = 'fail_on = "minor"\nmin_route_coverage = 0.7\nmin_replayed = 5\nmin_fidelity = 0.6\nmin_sensitivity = 0.4\n'
    text = WHOLE.replace("[policy]\n", f'[policy]\ninconclusive = "pass"\n{more}')
    tag = 'fail_on = "info"\nreviewers = 3\n'

    asked = policy_of(load(tmp_path, text.replace("[policy.tags.payments]\n", f"[policy.tags.payments]\n{tag}")))

    assert asked == Policy(
        fail_on=Severity.MINOR,
        min_route_coverage=0.7,
        min_replayed=5,
        min_per_route=3,
        min_fidelity=0.6,
        min_sensitivity=0.4,
        min_new=0.8,
        max_errored=0.05,
        max_age=30 * 86400.0,
        inconclusive="pass",
        budgets=(Budget("GET /api/orders/**", 1.5, 0.02, 20, 0), Budget("* /**", 2.0)),
        tags={"payments": TagRule(Severity.INFO, 3, 50, 10)},
    )
    assert all(getattr(asked, field.name) != getattr(Policy(), field.name) for field in fields(Policy))


def test_without_a_word_the_gate_s_own_defaults_hold() -> None:
    assert policy_of(Settings()) == Policy(budgets=(), tags={})
