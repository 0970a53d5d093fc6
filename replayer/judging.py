"""What the settings file says of judging: the policy, and the noise rules, as the comparison and the gate take them."""

from __future__ import annotations

from diffing.difference import Part, Severity
from diffing.gate import Budget, Policy, TagRule
from diffing.noise import NoiseRule

from .settings import BudgetSetting, Settings


def policy_of(settings: Settings) -> Policy:
    """What blocks a release, from the settings."""
    given = settings.policy
    return Policy(
        fail_on=Severity(given.fail_on),
        min_route_coverage=given.min_route_coverage,
        min_replayed=given.min_replayed,
        min_fidelity=given.min_fidelity,
        min_sensitivity=given.min_sensitivity,
        min_per_route=given.min_per_route,
        min_new=given.min_new,
        max_errored=given.max_errored,
        max_age=given.max_age,
        inconclusive=given.inconclusive,
        budgets=tuple(_budget(each) for each in given.budgets),
        tags={tag.name: _tag_rule(settings, tag.name) for tag in settings.tags},
    )


def _tag_rule(settings: Settings, name: str) -> TagRule:
    policy = settings.policy.for_tag(name)
    return TagRule(
        fail_on=Severity(policy.fail_on),
        reviewers=policy.reviewers,
        min_compared=policy.min_compared,
        min_per_route=policy.min_per_route,
    )


def _budget(given: BudgetSetting) -> Budget:
    return Budget(
        route=given.route,
        max_slowdown=given.max_slowdown,
        slowdown_floor=given.slowdown_floor,
        max_statements=given.max_statements,
        max_more_statements=given.max_more_statements,
    )


def noise_rules(settings: Settings) -> tuple[NoiseRule, ...]:
    """Every noise rule of the settings file, in its order, the expired ones too."""
    return tuple(
        NoiseRule(
            route=given.route,
            path=given.path,
            part=Part(given.part),
            kind=given.kind,
            reason=given.reason,
            until=given.until,
            author=given.author,
        )
        for given in settings.noise
    )
