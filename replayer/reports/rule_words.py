"""What is said of noise rules: a sentence and a next step for every fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from diffing.rule_evidence import RuleEvidence, Spot
from diffing.rule_review import Fault, Problem, RuleHistory

from .json_report import place_json, rule_json
from .wording import visible


class Listed(Protocol):
    """A rule with where it is kept."""

    @property
    def home(self) -> str: ...
    @property
    def identity(self) -> str: ...


MAX_NAMED = 5
"""Places that a sentence names."""

NO_RULES = "There are no noise rules. `understudy rules propose` proposes some from what a run saw."

NO_RUNS = "There is no finished run: what the rules hide, and whether they hide anything, is not known."
NOT_MEASURED = (
    "What varies between passes of the baseline is not known: over-broad rules are told by their routes alone."
)

NEXT = {
    Fault.EXPIRED: "Remove it, or give it a later 'until' if the reason still holds.",
    Fault.DEAD: "Remove it: what varies between the baseline's passes is known without rules.",
    Fault.NO_SUCH_ROUTE: "Correct the route (`understudy recordings show` lists them), or remove the rule.",
    Fault.NO_SUCH_PART: "Remove it: rules hide differences of headers, bodies and outbound calls only.",
    Fault.DUPLICATE: "Remove one of the two.",
    Fault.SHADOWED: "Remove this one, or make the other one narrower.",
    Fault.OVER_BROAD: "Name only the places that vary; `understudy rules propose` writes such rules.",
    Fault.MANY_ROUTES: "Name the routes at which it is needed.",
    Fault.TAGGED: "Leave those routes out, or write a rule of its own for each: one route, one place, a kind, an author"
    " and an end.",
    Fault.TAGGED_EXACT: "Nothing is to be done before it ends.",
    Fault.NO_REASON: "Say in 'reason' why this place may differ.",
    Fault.NO_AUTHOR: "Say in 'author' whom to ask.",
}


def sentence(problem: Problem) -> str:
    """What is wrong, with the figures that it rests on."""
    match problem.fault:
        case Fault.EXPIRED:
            return f"It expired on {problem.rule.until} and hides nothing any more."
        case Fault.DEAD:
            return f"It hid nothing in the last {_runs(problem.runs)} that it was in force in."
        case Fault.NO_SUCH_ROUTE:
            return f"The last {_runs(problem.runs)} replayed no route of this name."
        case Fault.NO_SUCH_PART:
            part = problem.rule.part.value if problem.rule.part else ""
            return f"No rule hides anything of the part {part!r}."
        case Fault.DUPLICATE:
            return "Another rule says the same."
        case Fault.SHADOWED:
            other = problem.other.name if problem.other else ""
            return f"All that it hides is hidden by the rule {other}, too."
        case Fault.OVER_BROAD:
            few, many = len(problem.spots), problem.covered
            hid = f", and it hid changes at {problem.used} of them" if problem.used else ""
            return (
                f"{few} of the {many} places that it covers ({few / max(1, many):.0%}) did not vary between passes"
                f" of the baseline{hid}: {named(problem.spots)}."
            )
        case Fault.MANY_ROUTES:
            return f"It names {problem.routes} routes, and hid something at {problem.used} of them."
        case Fault.TAGGED:
            return f"It may hide changes at routes with the tag {_tags(problem)}."
        case Fault.TAGGED_EXACT:
            return (
                f"It hides changes at a route with the tag {_tags(problem)}, at one place, until {problem.rule.until}."
            )
        case Fault.NO_REASON:
            return "It has no reason."
        case Fault.NO_AUTHOR:
            return "It has no author."


def named(spots: Sequence[Spot]) -> str:
    """The first places, and how many more there are."""
    shown = ", ".join(spot_text(spot) for spot in spots[:MAX_NAMED])
    return shown if len(spots) <= MAX_NAMED else f"{shown} and {len(spots) - MAX_NAMED} more"


def spot_text(spot: Spot) -> str:
    """A place in one line."""
    part = "header " if spot.location.part.value == "header" else ""
    return visible(f"{spot.method} {spot.route} {part}{spot.location.path}")


def problem_lines(problem: Problem) -> list[str]:
    """A problem for a terminal."""
    mark = "" if problem.fault.wrong else " (no fault)"
    return [
        visible(f"{problem.rule.name}"),
        visible(f"  {problem.fault.value}{mark}: {sentence(problem)}"),
        f"  {NEXT[problem.fault]}",
    ]


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem for scripts."""
    return {
        "rule": problem.rule.name,
        "fault": problem.fault.value,
        "wrong": problem.fault.wrong,
        "sentence": sentence(problem),
        "next": NEXT[problem.fault],
        "other": problem.other.name if problem.other else None,
        "tags": list(problem.tags),
        "covered": problem.covered,
        "used": problem.used,
        "without_need": [spot_json(spot) for spot in problem.spots],
    }


def spot_json(spot: Spot) -> dict[str, Any]:
    """A place for scripts."""
    location = {"part": spot.location.part.value, "path": spot.location.path}
    return {"method": spot.method, "route": spot.route, "location": location}


def listed_row(listed: Listed, told: RuleHistory) -> tuple[object, ...]:
    """A rule as a row of the table."""
    rule = told.rule
    home = f"{listed.home} {listed.identity}".strip()
    part = rule.part.value if rule.part else "any"
    texts = (rule.route, part, rule.path, rule.kind or "-", told.state.value, rule.until or "-")
    return (*map(_shown, texts), told.hid, len(told.runs), home, _shown(rule.author or "-"), _shown(rule.reason or "-"))


def history_json(told: RuleHistory) -> dict[str, Any]:
    """A rule for scripts."""
    return {
        **rule_json(told.rule),
        "state": told.state.value,
        "hid": told.hid,
        "runs": [{"run": run, "hid": hid} for run, hid in told.runs],
        "places": [place_json(place) for place in told.places],
    }


def listed_json(listed: Listed, told: RuleHistory) -> dict[str, Any]:
    """As `history_json`, with where the rule is kept."""
    return {"id": listed.identity or None, "kept_in": listed.home, **history_json(told)}


def caveats(evidence: RuleEvidence) -> list[str]:
    """What could not be judged, and why."""
    if not evidence.runs:
        return [NO_RUNS]
    return [] if evidence.measured else [NOT_MEASURED]


def summary(rules: int, wrong: int) -> str:
    """The last line of a check."""
    kept = f"{rules} noise rule{'' if rules == 1 else 's'}"
    return f"{kept}, {wrong} thing{'' if wrong == 1 else 's'} to put right." if wrong else f"{kept}, nothing wrong."


def _runs(count: int) -> str:
    return "run" if count == 1 else f"{count} runs"


def _tags(problem: Problem) -> str:
    return " and ".join(repr(tag) for tag in problem.tags)


def _shown(value: object) -> str:
    return visible(str(value))
