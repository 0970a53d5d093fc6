"""The policy of a settings file beside what the store holds: what `understudy policy check` looks at."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from diffing.app_routes import AppRoutes

from .coverage.gather import routes_in
from .known_routes import described_routes, earlier_routes
from .openapi.reading import read_openapi
from .policy_check import PolicyProblem, Recorded, policy_problems
from .service import Context

NO_RECORDING = "There is no recording: which routes patterns name, and which limits can be met, was not looked at."
ASK_THE_APP = (
    "Which routes the candidate has was not looked at: it says so when it is started, in a gate or for"
    " `understudy coverage --app`."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check. `not_judged` are sentences."""

    problems: list[PolicyProblem]
    recording: str  # that it was held against; "": none
    not_judged: list[str]


def checked(context: Context, recording: str) -> Checked:
    """Holds the policy against a recording; against the newest one without a name. Raises UsageError."""
    store, settings = context.store, context.settings
    infos = store.recordings()
    info = store.recording(recording) if recording else max(infos, key=lambda each: each.id, default=None)
    policy = settings.policy
    not_judged = []
    if info is None:
        not_judged.append(NO_RECORDING)
    known: AppRoutes | None = None
    if policy.routes_from == "openapi":
        known = AppRoutes(described_routes(read_openapi(Path(policy.openapi))), policy.exclude_routes)
    elif policy.routes_from == "earlier" and info is not None:
        known = AppRoutes(earlier_routes(store, info), policy.exclude_routes)
    elif policy.routes_from == "app" or policy.min_new:
        not_judged.append(ASK_THE_APP)
    routes = {each.id: routes_in(store, each) for each in infos}
    everywhere = frozenset(route for found in routes.values() for route in found)
    beside = None
    if info is not None:
        age = None if info.last is None else max(0.0, time.time() - info.last)
        beside = Recorded(info.name, info.exchanges, age, routes[info.id])
    return Checked(policy_problems(settings, beside, everywhere, known), info.name if info else "", not_judged)
