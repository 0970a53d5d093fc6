from __future__ import annotations

from pathlib import Path

import pytest

from replayer.errors import UsageError
from replayer.settings import BudgetSetting, PolicySettings, TagPolicy

from .test_settings import load

WHOLE = """
[policy]
max_errored = 0.05
min_per_route = 3
max_age = "30 days"
min_new = 0.8
routes_from = "openapi"
openapi = "api/openapi.yaml"
exclude_routes = ["GET /static/**"]

[policy.tags.payments]
min_compared = 50
min_per_route = 10

[[policy.budgets]]
route = "GET /api/orders/**"
max_slowdown = 1.5
slowdown_floor = 0.02
max_statements = 20
max_more_statements = 0

[[policy.budgets]]
route = "* /**"
max_slowdown = 2

[[tags]]
name = "payments"
routes = ["* /api/payments/**"]
"""


def test_evidence_age_routes_and_budgets_are_read(tmp_path: Path) -> None:
    assert load(tmp_path, WHOLE).policy == PolicySettings(
        max_errored=0.05,
        min_per_route=3,
        max_age=30 * 86400.0,
        min_new=0.8,
        routes_from="openapi",
        openapi=str(tmp_path / "api" / "openapi.yaml"),
        exclude_routes=("GET /static/**",),
        tags=(("payments", TagPolicy(min_compared=50, min_per_route=10)),),
        budgets=(
            BudgetSetting("GET /api/orders/**", 1.5, 0.02, 20, 0),
            BudgetSetting("* /**", 2.0, 0.01, None, None),
        ),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("max_errored = 1.01", "'max_errored' in [policy] must be a number from 0 to 1, not 1.01"),
        ("min_per_route = -1", "'min_per_route' in [policy] must be a whole number from 0 on, not -1"),
        ("min_new = true", "'min_new' in [policy] must be a number from 0 to 1, not true"),
        ("max_age = 30", "'max_age' in [policy] must be an age such as"),
        ('max_age = "0 days"', "'max_age' in [policy] must be an age such as"),
        ('max_age = "a month"', "'max_age' in [policy] must be an age such as"),
        ('routes_from = "flask"', "must be one of recording, app, openapi, earlier, not 'flask'"),
        ('routes_from = "openapi"', "[policy] has routes_from = \"openapi\" and no 'openapi'"),
        ('exclude_routes = ["/static"]', "'exclude_routes' in [policy] must be a method, a space and a path"),
        ("budgets = 3", "must be written as [[policy.budgets]], once for each"),
        ("[[policy.budgets]]\nmax_statements = 1", "[[policy.budgets]] number 1 needs 'route'"),
        ('[[policy.budgets]]\nroute = "* /**"', "[[policy.budgets]] number 1 limits nothing"),
        ('[[policy.budgets]]\nroute = "* /**"\nslowdown_floor = 1\nmax_statements = 1', "without 'max_slowdown'"),
        ('[[policy.budgets]]\nroute = "* /**"\nmax_slowdown = 0.99', "must be a number from 1 on, not 0.99"),
        ('[[policy.budgets]]\nroute = "* /**"\nmax_slowdown = inf', "must be a number from 1 on, not inf"),
        ('[[policy.budgets]]\nroute = "* /**"\nmax_statements = -1', "must be a whole number from 0 on"),
        ('[[policy.budgets]]\nroute = "* /**"\nmax_statement = 1', "[[policy.budgets]] number 1 has no key"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, f"[policy]\n{text}\n")

    assert sentence in refused.value.message


def test_a_wrong_key_of_a_budget_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, '[[policy.budgets]]\nroute = "* /**"\nmax_statement = 1\n')

    assert refused.value.hint == "Did you mean 'max_statements'?"
