"""Policies that can be read, and do not do what they say."""

from __future__ import annotations

import pytest

from diffing.app_routes import AppRoutes
from diffing.clauses import DAY
from replayer.policy_check import Flaw, PolicyProblem, Recorded, policy_problems
from replayer.settings import BudgetSetting, PolicySettings, Settings, Tag, TagPolicy

ROUTES = {("GET", "/a"): 9, ("POST", "/pay"): 3, ("GET", "/pay/<int:id>"): 2}
RECORDED = Recorded("shop", 14, 10 * DAY, ROUTES)
PAY = (Tag("pay", ("* /pay/**",)),)


def problems(
    policy: PolicySettings, tags: tuple[Tag, ...] = (), known: AppRoutes | None = None
) -> list[tuple[str, str]]:
    found = policy_problems(Settings(policy=policy, tags=tags), RECORDED, ROUTES, known)
    return [(each.flaw.value, each.key) for each in found]


def test_the_defaults_have_no_flaw() -> None:
    assert problems(PolicySettings(), PAY) == []


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        ({"min_replayed": 14}, ""),
        ({"min_replayed": 15}, "policy.min_replayed"),
        ({"min_per_route": 2}, ""),
        ({"min_per_route": 3}, "policy.min_per_route"),
        ({"max_age": 10 * DAY}, ""),
        ({"max_age": 10 * DAY - 1}, "policy.max_age"),
        ({"tags": (("pay", TagPolicy(min_compared=5)),)}, ""),
        ({"tags": (("pay", TagPolicy(min_compared=6)),)}, "policy.tags.pay.min_compared"),
        ({"tags": (("pay", TagPolicy(min_per_route=2)),)}, ""),
        ({"tags": (("pay", TagPolicy(min_per_route=3)),)}, "policy.tags.pay.min_per_route"),
    ],
)
def test_limits_that_the_recording_can_not_meet(policy: dict[str, object], key: str) -> None:
    assert problems(PolicySettings(**policy), PAY) == ([("unreachable", key)] if key else [])  # type: ignore[arg-type]


@pytest.mark.parametrize(("least", "wrong"), [(0.5, False), (0.51, True)])
def test_a_coverage_that_the_recording_can_not_reach(least: float, wrong: bool) -> None:
    known = AppRoutes([("GET", "/a"), ("GET", "/pay/{id}"), ("GET", "/b"), ("GET", "/c")])

    found = policy_problems(Settings(policy=PolicySettings(min_route_coverage=least)), RECORDED, ROUTES, known)

    assert found == (
        [
            PolicyProblem(
                Flaw.UNREACHABLE,
                "policy.min_route_coverage",
                "51 % of the routes are asked for, and the recording shop has 2 of 4 (50 %). Without traffic: GET /b;"
                " GET /c.",
                "Record more, or ask for less.",
            )
        ]
        if wrong
        else []
    )


def test_patterns_that_name_no_recorded_route() -> None:
    policy = PolicySettings(
        exclude_routes=("GET /static/**", "GET /a"), budgets=(BudgetSetting("PUT /a", max_statements=1),)
    )

    assert problems(policy, (Tag("pay", ("* /pay", "* /refunds/**")),)) == [
        ("dead", "tags pay"),
        ("dead", "policy.exclude_routes"),
        ("dead", "policy.budgets[1]"),
    ]


def test_what_does_nothing() -> None:
    policy = PolicySettings(
        fail_on="minor", min_per_route=2, openapi="/x", tags=(("pay", TagPolicy("major", min_per_route=2)),)
    )

    assert problems(policy, (Tag("pay", ("* /pay/**", "POST /pay")),)) == [
        ("no effect", "policy.openapi"),
        ("no effect", "policy.tags.pay.fail_on"),
        ("no effect", "policy.tags.pay.min_per_route"),
        ("no effect", "tags pay"),
    ]


def budget(
    route: str = "* /**", slow: float | None = None, most: int | None = None, floor: float = 0.01
) -> BudgetSetting:
    return BudgetSetting(route, max_slowdown=slow, max_statements=most, slowdown_floor=floor)


@pytest.mark.parametrize(
    ("budgets", "idle"),
    [
        ((budget(most=5), budget("GET /a", most=6)), [2]),
        ((budget(most=5), budget("GET /a", most=5)), [2]),
        ((budget(most=5), budget("GET /a", most=4)), []),
        ((budget("GET /a", most=5), budget(most=6)), []),
        ((budget("GET /a", most=6), budget(most=5)), [1]),
        ((budget(most=5), budget(most=5)), [2]),
        ((budget(most=5), budget(slow=2.0)), []),
        ((budget(slow=2.0), budget(slow=2.0, floor=0.005)), [1]),
        ((budget(slow=2.0), budget(slow=2.0, most=1)), [1]),
    ],
)
def test_a_budget_that_a_stricter_one_covers(budgets: tuple[BudgetSetting, ...], idle: list[int]) -> None:
    assert problems(PolicySettings(budgets=budgets)) == [("no effect", f"policy.budgets[{n}]") for n in idle]


def test_limits_that_hold_nothing_back_are_told_and_not_wrong() -> None:
    policy = PolicySettings(inconclusive="pass", min_new=0.8, min_fidelity=0.5)

    assert problems(policy) == [("toothless", "policy.min_new")]
    assert not Flaw.TOOTHLESS.wrong


def test_without_a_recording_only_the_file_is_looked_at() -> None:
    policy = PolicySettings(min_replayed=10**9, exclude_routes=("GET /none",), openapi="/x")

    assert [each.key for each in policy_problems(Settings(policy=policy), None, ())] == ["policy.openapi"]
