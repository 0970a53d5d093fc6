"""`understudy coverage`: finds the recording or run that is meant, asks who knows the routes, and puts it together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diffing.app_routes import AppRoutes, Route
from recorder.keys import Key

from ..errors import InconclusiveError, UsageError
from ..executors import client_for
from ..known_routes import SILENT, described_routes, earlier_routes
from ..openapi.reading import OpenApi, read_openapi
from ..pacing import Pace
from ..service import Context, worker_key
from ..settings import resolve_target
from ..signature import Signature
from ..store import Store
from ..store.records import RecordingInfo
from ..targets import open_instance
from ..told_routes import asked_routes
from .gather import cells, replayed_in, run_routes, seen_in
from .lines import new_lines
from .model import CoverageReport

OWN = "recording"
NOT_JUDGED = (
    "min_new of the policy was not judged: give --app with --baseline for new routes, or --coverage-xml with --diff for"
    " new lines."
)
OWN_ROUTES = (
    "The routes are those of the recording itself, which covers all of them: --app or --openapi say which there are."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked on the command line."""

    subject: str  # a recording's name, or a run's id
    app: str = ""  # TARGET that says which routes it has
    baseline: str = ""  # TARGET that says which it had before
    openapi: Path | None = None
    coverage_xml: Path | None = None
    diff: Path | None = None


def covered(context: Context, asked: Asked) -> CoverageReport:
    """The report. Errors as in `replayer.errors`."""
    _check(asked)
    store, policy = context.store, context.settings.policy
    info, run, report = _subject(store, asked.subject)
    api = read_openapi(asked.openapi) if asked.openapi else None
    if api is None and not asked.app and policy.routes_from == "openapi":
        api = read_openapi(Path(policy.openapi))
    source, given = _routes(context, asked, info, report, api)
    routes = AppRoutes(given, policy.exclude_routes) if source != OWN else None
    before = told_routes(context, asked.baseline, "baseline") if asked.baseline else None
    new = routes.without(before) if routes and before is not None else frozenset[Route]()
    lines = new_lines(asked.coverage_xml, asked.diff) if asked.coverage_xml and asked.diff else None
    notes = []
    if source == OWN:
        notes.append(OWN_ROUTES)
    if policy.min_new and lines is None and before is None:
        notes.append(NOT_JUDGED)
    return CoverageReport(
        recording=info.name,
        source=source,
        routes=cells(
            seen_in(store, info, routes), replayed_in(report, routes), routes, api, new, policy.exclude_routes
        ),
        run=run,
        excluded=policy.exclude_routes,
        new_known=before is not None,
        lines=lines,
        min_new=policy.min_new,
        notes=tuple(notes),
    )


def _check(asked: Asked) -> None:
    if asked.app and asked.openapi:
        raise UsageError("--app and --openapi contradict each other.", "Give one of them.")
    if asked.baseline and not asked.app:
        raise UsageError("--baseline says what is new beside --app, which is missing.", "Give --app, too.")
    if bool(asked.coverage_xml) != bool(asked.diff):
        raise UsageError("--coverage-xml and --diff belong together.", "Give both of them.")


def _subject(store: Store, text: str) -> tuple[RecordingInfo, str, Mapping[str, Any] | None]:
    """The recording with its newest finished run, or the run with its recording."""
    runs = store.runs()
    if text in {each.name for each in store.recordings()}:
        info = store.recording(text)
        finished = [run.id for run in runs if run.recording_id == info.id and run.is_judged]
        return info, finished[0] if finished else "", store.run_report(finished[0]) if finished else None
    if not any(run.id.startswith(text) for run in runs):
        raise UsageError(
            f"There is no recording and no run {text!r}.", "`understudy recordings list` and `runs list` show them."
        )
    run = store.run(text)
    if run.recording_id is None:
        raise UsageError(f"The recording of the run {run.id} was deleted.", "Choose a run whose recording is there.")
    return store.recording(run.recording), run.id, store.run_report(run.id)


def _routes(
    context: Context, asked: Asked, info: RecordingInfo, report: Mapping[str, Any] | None, api: OpenApi | None
) -> tuple[str, tuple[Route, ...]]:
    """Who says which routes there are, and which: what was asked for, else what policy says, else what the run knew."""
    if asked.app:
        return f"app {asked.app}", told_routes(context, asked.app, "app")
    if api is not None:
        return f"description {api.source.name}", described_routes(api)
    if context.settings.policy.routes_from == "earlier":
        return f"recordings of {info.service}", earlier_routes(context.store, info)
    known = run_routes(report) if report else ()
    return ("run's candidate", known) if known else (OWN, ())


def told_routes(context: Context, text: str, side: str) -> tuple[Route, ...]:
    """The routes that a target says it has. Raises UsageError for what is no target, InconclusiveError for silence."""
    target = replace(resolve_target(text, context.settings), reset=(), mint="")  # a question needs no fresh state
    if target.run:
        raise UsageError(f"The {side} {text!r} is a run that is over: it can not be asked.", "Give a live target.")
    key: Key = worker_key()

    async def ask() -> tuple[Route, ...] | None:
        async with open_instance(target, key=key, label=side) as instance:
            if instance.routes is not None:
                return instance.routes
            signature = Signature(key, "coverage")
            async with client_for(instance.base_url, target.timeout, Pace(1), signature) as client:
                return await asked_routes(client)

    found = asyncio.run(ask())
    if found is None:
        raise InconclusiveError(f"Which routes there are can not be told: {SILENT.format(side=side)}")
    return found
