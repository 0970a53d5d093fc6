"""`[[tags]]` and `[policy]` of the settings file, read and checked."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields

from .ages import age
from .errors import UsageError, nearest
from .toml_table import Table

SEVERITIES = ("breaking", "major", "minor", "info")
"""From the gravest to the lightest."""

ROUTE_SOURCES = ("recording", "app", "openapi", "earlier")
"""Who says which routes there are: this recording, the candidate, a description, or all recordings of the service."""

ROUTE_PATTERN = re.compile(r"(\*|[A-Z][A-Z-]*) (\*\*|/\S*)")


@dataclass(frozen=True, slots=True)
class Tag:
    """A name for some routes, for policy and alerts."""

    name: str
    routes: tuple[str, ...]  # "METHOD /glob/**"; the method may be *


@dataclass(frozen=True, slots=True)
class TagPolicy:
    """What blocks a release on tagged routes: stricter than elsewhere unless the file says otherwise."""

    fail_on: str = "major"  # the lightest severity that fails
    reviewers: int = 1  # users that must approve
    min_compared: int = 0  # exchanges that must have been compared on all its routes together
    min_per_route: int = 0  # exchanges that must have been compared on each of its routes


@dataclass(frozen=True, slots=True)
class BudgetSetting:
    """What the requests of some routes may cost; a limit that is None is not asked for."""

    route: str  # "METHOD /glob/**"
    max_slowdown: float | None = None  # the candidate may take so many times as long as the baseline
    slowdown_floor: float = 0.01  # seconds by which it may be slower in any case
    max_statements: int | None = None  # SQL statements of one request
    max_more_statements: int | None = None  # beyond those of the baseline


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What blocks a release, and how much evidence a verdict needs.

    The defaults let a recording of any size be judged: one replayed exchange is enough, and no share of the known
    routes is asked for, since nobody but the user knows which routes matter. Fidelity below 0.9 is inconclusive by
    default: when the baseline itself does not do what was recorded in one exchange of ten, a comparison of what it
    does proves little.
    """

    fail_on: str = "breaking"  # the lightest severity that fails
    min_route_coverage: float = 0.0  # share of the known routes that must have been replayed, 0..1
    min_replayed: int = 1  # exchanges that must have been replayed
    min_fidelity: float = 0.9  # share of replayed exchanges to which the baseline gave the recorded status, 0..1
    inconclusive: str = "fail"  # or "pass", never for tagged routes
    tags: tuple[tuple[str, TagPolicy], ...] = ()
    min_sensitivity: float = 0.0  # share of planted faults that must be caught, 0..1; above 0 each run tests itself
    min_per_route: int = 0  # exchanges that must have been compared on each route of the recording
    max_errored: float = 0.1  # share of the replayed exchanges that may end without an answer, 0..1
    max_age: float = 0.0  # seconds since the last exchange was recorded; 0: any
    min_new: float = 0.0  # share of what is new that must have been replayed, 0..1: routes, and lines of code
    routes_from: str = "recording"  # who says which routes there are
    openapi: str = ""  # absolute path of a description, for `routes_from`
    exclude_routes: tuple[str, ...] = ()  # patterns of routes that coverage does not ask for
    budgets: tuple[BudgetSetting, ...] = ()

    def for_tag(self, name: str) -> TagPolicy:
        """The policy of a tag, which is the default one where the file has none."""
        return dict(self.tags).get(name, TagPolicy())


def read_tags(top: Table) -> tuple[Tag, ...]:
    """All `[[tags]]`. Raises UsageError."""
    tags: dict[str, Tag] = {}
    for table in top.entries("tags", _names(Tag)):
        table.required("name", "routes")
        tag = Tag(table.text("name"), table.texts("routes"))
        if tag.name in tags:
            table.fail(f"is a second tag with the name {tag.name!r}")
        for route in tag.routes:
            check_route(table, "routes", route)
        tags[tag.name] = tag
    return tuple(tags.values())


def check_route(table: Table, key: str, pattern: str) -> None:
    """Raise UsageError for what is no pattern of routes."""
    if not ROUTE_PATTERN.fullmatch(pattern):
        table.wrong(key, "a method, a space and a path", 'For example: "GET /api/orders/**" or "* /api/payments/**".')


def check_tag(table: Table, name: str, tags: tuple[Tag, ...]) -> None:
    """Raise UsageError for the name of a tag that is not there."""
    names = [tag.name for tag in tags]
    if name not in names:
        table.fail(f"names the tag {name!r}, which no [[tags]] defines", nearest(name, names, "defined tags"))


def read_policy(top: Table, tags: tuple[Tag, ...]) -> PolicySettings:
    """`[policy]` with all that is below it. Raises UsageError."""
    table = top.table("policy", _names(PolicySettings))
    defaults = PolicySettings()
    for pattern in (excluded := table.texts("exclude_routes")):
        check_route(table, "exclude_routes", pattern)
    routes_from = table.choice("routes_from", ROUTE_SOURCES, defaults.routes_from)
    openapi = table.text("openapi")
    if routes_from == "openapi" and not openapi:
        table.fail("has routes_from = \"openapi\" and no 'openapi'", "Name the file: openapi = 'openapi.json'.")
    return PolicySettings(
        fail_on=table.choice("fail_on", SEVERITIES, defaults.fail_on),
        min_route_coverage=table.share("min_route_coverage", defaults.min_route_coverage),
        min_replayed=table.whole("min_replayed", defaults.min_replayed, least=0),
        min_fidelity=table.share("min_fidelity", defaults.min_fidelity),
        inconclusive=table.choice("inconclusive", ("fail", "pass"), defaults.inconclusive),
        tags=tuple(_tag_policies(table, tags)),
        min_sensitivity=table.share("min_sensitivity", defaults.min_sensitivity),
        min_per_route=table.whole("min_per_route", defaults.min_per_route, least=0),
        max_errored=table.share("max_errored", defaults.max_errored),
        max_age=_age(table, "max_age"),
        min_new=table.share("min_new", defaults.min_new),
        routes_from=routes_from,
        openapi=os.path.abspath(top.source.parent / os.path.expanduser(openapi)) if openapi else "",
        exclude_routes=excluded,
        budgets=tuple(_budget(entry) for entry in table.entries("budgets", _names(BudgetSetting))),
    )


def _tag_policies(table: Table, tags: tuple[Tag, ...]) -> list[tuple[str, TagPolicy]]:
    defaults = TagPolicy()
    found = []
    for name, data in table.tables("tags").items():
        inner = Table(data, f"[policy.tags.{name}]", table.source, _names(TagPolicy))
        check_tag(inner, name, tags)
        policy = TagPolicy(
            fail_on=inner.choice("fail_on", SEVERITIES, defaults.fail_on),
            reviewers=inner.whole("reviewers", defaults.reviewers, least=1),
            min_compared=inner.whole("min_compared", defaults.min_compared, least=0),
            min_per_route=inner.whole("min_per_route", defaults.min_per_route, least=0),
        )
        found.append((name, policy))
    return found


def _budget(table: Table) -> BudgetSetting:
    table.required("route")
    check_route(table, "route", table.text("route"))
    limits = ("max_slowdown", "max_statements", "max_more_statements")
    if not any(name in table for name in limits):
        table.fail("limits nothing", f"Give one of {', '.join(limits)}.")
    if "slowdown_floor" in table and "max_slowdown" not in table:
        table.fail("has 'slowdown_floor' without 'max_slowdown'")
    slowdown = None
    if "max_slowdown" in table:
        slowdown = table.positive("max_slowdown", 0.0, "a number from 1 on")
        if slowdown < 1:
            table.wrong("max_slowdown", "a number from 1 on", "1.5: it may take half as long again as the baseline.")
    return BudgetSetting(
        route=table.text("route"),
        max_slowdown=slowdown,
        slowdown_floor=table.seconds("slowdown_floor", BudgetSetting("").slowdown_floor),
        max_statements=table.whole("max_statements", 0, least=0) if "max_statements" in table else None,
        max_more_statements=table.whole("max_more_statements", 0, least=0) if "max_more_statements" in table else None,
    )


def _age(table: Table, key: str) -> float:
    if key not in table:
        return 0.0
    try:
        found = age(table.text(key))
    except UsageError:
        found = 0.0
    if not found:
        table.wrong(key, 'an age such as "30 days", "12h" or "2 weeks"')
    return found


def _names(settings_type: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(settings_type))
