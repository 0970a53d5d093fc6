"""What is wrong with a policy that can be read: names that nothing has, limits that nothing meets or that do nothing.

Held against one recording, the one that the next gate is likely to replay, and against the routes of all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from diffing.app_routes import AppRoutes, Route
from diffing.clauses import DAY
from diffing.policy import counted, listed, percent
from diffing.routes import covers, matches

from .settings import SEVERITIES, BudgetSetting, PolicySettings, Settings, TagPolicy


class Flaw(Enum):
    """What can be wrong. `wrong` flaws make the check fail; the others are told."""

    DEAD = "dead"  # a pattern that names no recorded route
    UNREACHABLE = "unreachable"  # no run of the recording can meet the limit
    NO_EFFECT = "no effect"  # something else is stricter, or it is for what is not there
    TOOTHLESS = "toothless"  # what falls short of it passes all the same

    @property
    def wrong(self) -> bool:
        return self is not Flaw.TOOTHLESS


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One flaw, and where it stands in the settings file."""

    flaw: Flaw
    key: str
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of the recording that the policy is held against."""

    name: str
    exchanges: int
    age: float | None  # seconds since its last exchange
    routes: Mapping[Route, int]  # exchanges of each


def policy_problems(
    settings: Settings,
    recorded: Recorded | None,
    everywhere: Collection[Route],
    known: AppRoutes | None = None,
) -> list[PolicyProblem]:
    """Everything that is wrong, in the order of the file.

    `everywhere` are the routes of all recordings, `known` those that coverage asks for, where that can be told without
    asking a target. Without a recording nothing is said of what it takes one to see.
    """
    policy = settings.policy
    found = [*_without_effect(settings)]
    if everywhere:
        found += _dead(settings, everywhere)
    if recorded is not None:
        found += _unreachable(settings, recorded, known)
    found += _toothless(policy)
    return found


def _dead(settings: Settings, everywhere: Collection[Route]) -> Iterator[PolicyProblem]:
    hint = "`understudy recordings show` lists the routes."
    named = [(f"tags {tag.name}", pattern) for tag in settings.tags for pattern in tag.routes]
    named += [("policy.exclude_routes", pattern) for pattern in settings.policy.exclude_routes]
    named += [(f"policy.budgets[{n}]", budget.route) for n, budget in enumerate(settings.policy.budgets, 1)]
    for key, pattern in named:
        if not any(matches(pattern, *route) for route in everywhere):
            yield PolicyProblem(Flaw.DEAD, key, f"{pattern!r} names no route of any recording.", hint)


def _unreachable(settings: Settings, recorded: Recorded, known: AppRoutes | None) -> Iterator[PolicyProblem]:
    policy = settings.policy
    what = f"the recording {recorded.name}"

    def problem(key: str, sentence: str, hint: str = "Record more, or ask for less.") -> PolicyProblem:
        return PolicyProblem(Flaw.UNREACHABLE, key, sentence, hint)

    if policy.min_replayed > recorded.exchanges:
        yield problem(
            "policy.min_replayed",
            f"{policy.min_replayed} exchanges are asked for, and {what} has {recorded.exchanges}.",
        )
    if thin := _thin(recorded.routes, policy.min_per_route):
        yield problem(
            "policy.min_per_route",
            f"{policy.min_per_route} exchanges of each route are asked for, and of {counted(len(thin), 'route')} {what}"
            f" has fewer: {listed(thin)}.",
        )
    if policy.max_age and recorded.age is not None and recorded.age > policy.max_age:
        yield problem(
            "policy.max_age",
            f"{what[:1].upper()}{what[1:]} has expired: it is {recorded.age / DAY:.1f} days old.",
            "Record anew.",
        )
    for name, rule in policy.tags:
        routes = _of_tag(settings, name, recorded)
        count = sum(routes.values())
        if rule.min_compared > count:
            yield problem(
                f"policy.tags.{name}.min_compared",
                f"{rule.min_compared} exchanges of the tag are asked for, and {what} has {count}.",
            )
        if thin := _thin(routes, rule.min_per_route):
            yield problem(
                f"policy.tags.{name}.min_per_route",
                f"{rule.min_per_route} exchanges of each route of the tag are asked for, and of"
                f" {counted(len(thin), 'route')} {what} has fewer: {listed(thin)}.",
            )
    if known is not None and policy.min_route_coverage:
        reached = {known.of(method, "", route) for method, route in recorded.routes} - {None}
        share = len(reached) / len(known.all) if known.all else 0.0
        if share < policy.min_route_coverage:
            missing = sorted(" ".join(route) for route in known.all - reached)
            yield problem(
                "policy.min_route_coverage",
                f"{percent(policy.min_route_coverage)} of the routes are asked for, and {what} has"
                f" {len(reached)} of {len(known.all)} ({percent(share)}). Without traffic: {listed(missing)}.",
            )


def _without_effect(settings: Settings) -> Iterator[PolicyProblem]:
    policy = settings.policy
    if policy.openapi and policy.routes_from != "openapi":
        yield _idle("policy.openapi", f"It is for routes_from = 'openapi', which is {policy.routes_from!r}.")
    for name, rule in policy.tags:
        yield from _idle_tag(name, rule, policy)
    for tag in settings.tags:
        for place, pattern in enumerate(tag.routes):
            if any(covers(earlier, pattern) for earlier in tag.routes[:place]):
                yield _idle(f"tags {tag.name}", f"{pattern!r} adds nothing to the patterns before it.", "Remove it.")
    for number, budget in enumerate(policy.budgets, 1):
        for other, stricter in enumerate(policy.budgets, 1):
            if other != number and _stricter(stricter, budget, earlier=other < number):
                sentence = f"policy.budgets[{other}] covers its routes with limits that are no laxer."
                yield _idle(f"policy.budgets[{number}]", sentence, "Remove it.")
                break


def _idle(key: str, sentence: str, hint: str = "Remove it, or set what it is for.") -> PolicyProblem:
    return PolicyProblem(Flaw.NO_EFFECT, key, sentence, hint)


def _idle_tag(name: str, rule: TagPolicy, policy: PolicySettings) -> Iterator[PolicyProblem]:
    if SEVERITIES.index(rule.fail_on) < SEVERITIES.index(policy.fail_on):
        sentence = f"It is {rule.fail_on!r}, and policy.fail_on is {policy.fail_on!r}: the stricter one counts."
        yield _idle(f"policy.tags.{name}.fail_on", sentence, "A tag can only be stricter.")
    if 0 < rule.min_per_route <= policy.min_per_route:
        sentence = f"policy.min_per_route asks for {policy.min_per_route} of every route already."
        yield _idle(f"policy.tags.{name}.min_per_route", sentence, "A tag can only be stricter.")


def _stricter(one: BudgetSetting, other: BudgetSetting, earlier: bool) -> bool:
    """Whether all that the other limits is limited by this one, at least as much; of two that are alike the first."""
    if not covers(one.route, other.route):
        return False
    pairs = [
        (getattr(one, name), getattr(other, name)) for name in ("max_slowdown", "max_statements", "max_more_statements")
    ]
    if other.max_slowdown is not None:
        pairs.append((one.slowdown_floor, other.slowdown_floor))
    if not all(theirs is None or (mine is not None and mine <= theirs) for mine, theirs in pairs):
        return False
    alike = covers(other.route, one.route) and all(mine == theirs for mine, theirs in pairs)
    return earlier or not alike


def _toothless(policy: PolicySettings) -> Iterator[PolicyProblem]:
    if policy.inconclusive != "pass":
        return
    defaults = PolicySettings()
    for name in ("min_route_coverage", "min_replayed", "min_per_route", "min_new", "min_sensitivity", "max_age"):
        if getattr(policy, name) != getattr(defaults, name):
            sentence = "inconclusive = 'pass' lets a run pass that falls short of it, but for tagged routes."
            yield PolicyProblem(Flaw.TOOTHLESS, f"policy.{name}", sentence, "Leave 'inconclusive' out to hold it.")


def _of_tag(settings: Settings, name: str, recorded: Recorded) -> dict[Route, int]:
    patterns: Sequence[str] = next((tag.routes for tag in settings.tags if tag.name == name), ())
    return {
        route: count
        for route, count in recorded.routes.items()
        if any(matches(pattern, *route) for pattern in patterns)
    }


def _thin(routes: Mapping[Route, int], least: int) -> list[str]:
    return [f"{method} {route} ({count})" for (method, route), count in sorted(routes.items()) if count < least]
