"""What the command line and the dashboard ask for, in one place."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diffing.app_routes import Route
from diffing.approvals import Approvals
from recorder.keys import InvalidKey, Key, load_key

from .alerts.alerting import Alerting, AlertingWatcher, alert_reports, facts
from .approving import Book, approvals_path
from .errors import ConflictError as ConflictError
from .errors import UnderstudyError as UnderstudyError
from .errors import UsageError as UsageError
from .executors import Executor, LocalExecutor
from .first_seen import noted, project_of
from .gate_options import EXECUTORS as EXECUTORS
from .gate_options import Asked, again_as, as_asked
from .gate_options import GateOptions as GateOptions
from .ingest import import_path
from .judging import policy_of
from .kept_answers import answers_of, build_of, keep_run
from .kept_answers import known_profile as known_profile
from .known_routes import RouteSource, described_routes, earlier_routes
from .logs import about
from .measured import Measured as Measured
from .openapi.reading import read_openapi
from .receiving import Busy as Busy
from .receiving import Receiver as Receiver
from .rehearsal import Rehearsal, Request, Watcher, rehearse
from .reports.json_report import alert_json, to_json
from .reports.model import RunReport
from .reports.retrial_wording import outcome
from .retrial import TIMES as TIMES
from .retrial import Again
from .selection.recorded import Budget, Selected, selected
from .settings import Settings, load_settings
from .store import Store
from .store import Unstorable as Unstorable
from .store.records import RecordingInfo, RunInfo
from .summary import summary_of
from .supervision import SILENT_SECONDS, StoppedError, TellingWatcher, supervised
from .waiting import Waiting

logger = logging.getLogger("understudy.gate")


@dataclass(frozen=True, slots=True)
class Context:
    """Settings and store of one command."""

    settings: Settings
    store: Store


def open_context(settings_path: Path | None, database_url: str) -> Context:
    """Reads the settings and opens the store. Raises UsageError for what is wrong with either."""
    settings = load_settings(settings_path)
    return Context(settings, Store.open(database_url or settings.database_url))


def run_gate(options: GateOptions, watcher: Watcher | None = None) -> Rehearsal:
    """The whole gate: reads the recording, rehearses, keeps the run. Errors as in `replayer.errors`."""
    context = open_context(options.settings_path, options.database_url)
    with context.store as store:
        asked = _asked(context, options)
        info = find_recording(store, options.recording)
        run_id = store.create_run(
            info.id,
            candidate=asked.candidate.name,
            baselines=tuple(target.name for target in asked.baselines),
            branch=options.branch,
            commit=options.commit,
            executor=options.executor,
            asked=options.to_json(),
            finding=asked.sought.finding.fingerprint if asked.sought else "",
        )
        return _logged(context, options, asked, info, run_id, watcher)


def run_again(
    run: str,
    finding: str = "",
    times: int = TIMES,
    settings_path: Path | None = None,
    database_url: str = "",
    watcher: Watcher | None = None,
) -> Rehearsal:
    """A run as another one was asked for, in a new one; with a `finding` of it, that is replayed alone.

    Errors as `run_gate`.
    """
    with open_context(settings_path, database_url).store as store:
        given = store.run(run)
        options = again_as(store, given, Again(given.id, finding, times) if finding else None)
    here = settings_path or options.settings_path
    return run_gate(replace(options, settings_path=here, database_url=database_url), watcher)


def await_approvals(rehearsal: Rehearsal, options: GateOptions, seconds: float, watcher: Watcher) -> RunReport:
    """The run's report once people have approved what holds it back, or `seconds` later. Keeps it when it changed."""
    report = rehearsal.report
    context = open_context(options.settings_path, options.database_url)
    with context.store as store:
        path = approvals_path(context.settings)

        def look() -> Approvals:
            return Book(store, path, datetime.now(UTC)).approvals(report.run_id, options.branch)

        waited = Waiting(rehearsal.evidence, policy_of(context.settings), look).wait(report, seconds, watcher)
        if waited is not report:
            verdict, data = waited.verdict, to_json(waited)
            store.finish_run(report.run_id, verdict.outcome.value, verdict.exit_code, data, summary_of(data))
            with suppress(UnderstudyError):  # what was told before can not be put right; the verdict stands
                info = store.recording(report.recording)
                with _alerting(context, options, _asked(context, options), info, report.run_id) as alerting:
                    waited = alerting.finished(waited)
    return waited


def resume_run(
    run: str, settings_path: Path | None = None, database_url: str = "", watcher: Watcher | None = None
) -> Rehearsal:
    """Begins a run again that did not finish, as it was asked for, under the same id. Errors as `run_gate`."""
    with open_context(settings_path, database_url).store as store:
        given = store.run(run)
        if not given.asked or given.recording_id is None:
            raise UsageError(
                f"The run {given.id} can not be taken up: {_why_not(given)}.",
                "Start another one with `understudy gate`.",
            )
        options = GateOptions.from_json(given.asked)
        context = Context(load_settings(settings_path or options.settings_path), store)
        asked = _asked(context, options)
        info = store.recording(given.recording)
        if not store.take_up(given.id, SILENT_SECONDS):
            state = "is finished" if given.state == "finished" else "is under way"
            raise UsageError(f"The run {given.id} {state}.", "`understudy runs list` shows the states.")
        return _logged(context, options, asked, info, given.id, watcher)


def stop_run(run: str, by: str, settings_path: Path | None = None, database_url: str = "") -> str:
    """Asks whoever coordinates a run to end it; the run's id. Raises UsageError for one that is not under way."""
    with open_context(settings_path, database_url).store as store:
        return end_run(store, run, by)


def end_run(store: Store, run: str, by: str) -> str:
    """As `stop_run`, in a store that is open."""
    given = store.run(run)
    if not store.ask_to_stop(given.id, f"by {by}"):
        raise ConflictError(f"The run {given.id} is not under way: it is {given.state}.", "Nothing was stopped.")
    return given.id


def _why_not(run: RunInfo) -> str:
    return (
        "its recording was deleted" if run.recording_id is None else "an earlier version did not keep what it was asked"
    )


def _asked(context: Context, options: GateOptions) -> Asked:
    return as_asked(context.settings, context.store, options)


def _logged(
    context: Context, options: GateOptions, asked: Asked, info: RecordingInfo, run_id: str, watcher: Watcher | None
) -> Rehearsal:
    """The run, with what is said of it meanwhile told apart from what is said of others."""
    with about(run=run_id, recording=info.name):
        logger.info("begins: candidate %s", asked.candidate.name)
        try:
            with _alerting(context, options, asked, info, run_id) as alerting:
                watching = AlertingWatcher(watcher or Watcher(), alerting)
                rehearsal = _run(context, options, asked, info, run_id, watching)
                rehearsal = replace(rehearsal, report=alerting.finished(rehearsal.report))
        except BaseException as failure:
            logger.info("ends without a verdict: %s", failure)
            raise
        report = rehearsal.report
        logger.info("ends: %s, exit code %d", outcome(report), report.exit_code)
        return rehearsal


def _alerting(context: Context, options: GateOptions, asked: Asked, info: RecordingInfo, run_id: str) -> Alerting:
    head = facts(run_id, project_of(info), info.name, asked.candidate.name, options.branch, options.commit)
    approvals = asked.book.approvals(run_id, options.branch)
    return Alerting(context.store, asked.ways, head, asked.policy, approvals)


def run_report(store: Store, run_id: str) -> dict[str, Any]:
    """The JSON report of a finished run, with what has become of its alerts by now. Raises as `Store.run_report`."""
    report = store.run_report(run_id)
    return {**report, "alerts": [alert_json(alert) for alert in alert_reports(store.alerts(run_id))]}


def _run(
    context: Context, options: GateOptions, asked: Asked, info: RecordingInfo, run_id: str, watcher: Watcher
) -> Rehearsal:
    """Rehearses and keeps what came of it; a run that ends otherwise is left in a state that says so."""
    store, policy, baselines = context.store, asked.policy, asked.baselines
    telling = TellingWatcher(watcher)
    try:
        counts = store.seen_counts(info)  # before the exchanges: an open recording grows meanwhile
        key = recording_key(info)
        part = _part(store, info, options.budget, context.settings, telling)
        request = Request(
            recording=info.name,
            exchanges=part.exchanges if part else tuple(store.exchanges(info.id)),
            selected=part,
            candidate=asked.candidate,
            baselines=() if asked.stored else baselines,
            baseline_answers=tuple((f"run:{t.run}", answers_of(store, t.run)) for t in asked.stored),
            route_counts=counts,
            notes=_notes(store, info),
            routes=_route_source(store, info, context.settings),
            recorded_until=info.last,
            passes=options.passes,
            speed=options.speed,
            correlate=options.correlate,
            self_test=(options.self_test or policy.min_sensitivity > 0) and not asked.sought,
            policy=policy,
            tags=tuple((tag.name, tag.routes) for tag in context.settings.tags),
            rules=asked.rules,
            known=None if options.relearn else known_profile(store, info.id, baselines, options.passes, _name(part)),
            approvals=asked.book.approvals(run_id, options.branch),
            key=key,
            branch=options.branch,
            commit=options.commit,
            run_id=run_id,
            executor=_executor(context, options, key),
            sought=asked.sought,
        )
        rehearsal = asyncio.run(supervised(store, run_id, telling, rehearse(request, telling)))
    except StoppedError:
        store.set_run_state(run_id, "cancelled")
        raise
    except BaseException:
        with suppress(UnderstudyError):  # what went wrong may be the store itself
            store.set_run_state(run_id, "failed")
        raise
    rehearsal = replace(rehearsal, report=noted(store, project_of(info), rehearsal.report))
    keep_run(store, run_id, rehearsal, key)
    if rehearsal.learned:
        learned = {**rehearsal.profile.to_json(), "passes": len(rehearsal.baselines), "selection": _name(part)}
        store.keep_profile(info.id, build_of(baselines), run_id, learned)
    return rehearsal


def _executor(context: Context, options: GateOptions, key: Key | None) -> Executor:
    if options.executor == "local":
        return LocalExecutor()
    if key is None:
        raise UsageError(
            "Workers need the key that the recording was made with, and it is not to be had here.",
            "Set UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE, here and for every worker.",
        )
    from .executors.celery import celery_executor  # Celery is a tenth of a second, for those who want it

    return celery_executor(context.store, key, context.settings.broker_url, options.workers)


def receiver(settings: Settings) -> Receiver:
    """What takes the batches that recorders send to a server. The store is opened when the first one arrives."""
    return Receiver(lambda: Store.open(settings.database_url))


def find_recording(store: Store, text: str) -> RecordingInfo:
    """A recording by its name, or one imported on the fly from a path."""
    if os.path.exists(text) and text not in {recording.name for recording in store.recordings()}:
        return import_path(store, Path(text)).recording
    return store.recording(text)


def _part(store: Store, info: RecordingInfo, budget: Budget, settings: Settings, watcher: Watcher) -> Selected | None:
    """What the budget has room for; None: for all of the recording."""
    if budget.fits(info.exchanges):
        return None
    watcher.stage(f"selecting {budget.exchanges} of {info.exchanges} exchanges")
    part = selected(store, info.id, budget, [pattern for tag in settings.tags for pattern in tag.routes])
    if not part.exchanges:
        raise UsageError(
            f"A budget of {budget.exchanges} has room for no exchange with what it depends on.",
            "Give a larger --budget.",
        )
    return part


def _route_source(store: Store, info: RecordingInfo, settings: Settings) -> RouteSource:
    """Who says which routes there are. Raises UsageError for a description that can not be read."""
    policy = settings.policy
    given: tuple[Route, ...] = ()
    if policy.routes_from == "openapi":
        given = described_routes(read_openapi(Path(policy.openapi)))
    elif policy.routes_from == "earlier":
        given = earlier_routes(store, info)
    ask = policy.routes_from == "app" or policy.min_new > 0
    return RouteSource(policy.routes_from, given, policy.exclude_routes, ask)


def _name(part: Selected | None) -> str:
    """What tells one selection from another: what one of them taught is not known of another."""
    return part.budget.name if part else ""


def _notes(store: Store, info: RecordingInfo) -> tuple[str, ...]:
    """What a report has to say of the recording itself."""
    notes = []
    if info.closed is None:
        notes.append(f"The recording {info.name} is still open: it was replayed as it stood when the run began.")
    if not info.fingerprint and (lost := store.gaps(info).lost):
        notes.append(
            f"{lost} exchanges of the recording were lost on their way: their producers' sequence numbers are missing,"
            " and no process reported them as dropped."
        )
    return tuple(notes)


def worker_key() -> Key:
    """The key of this environment. Raises UsageError for a broken one."""
    try:
        return load_key(os.environ.get("UNDERSTUDY_KEY"), os.environ.get("UNDERSTUDY_KEY_FILE"))
    except InvalidKey as failure:
        raise UsageError(
            f"The key can not be used: {failure}.", "Set UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE."
        ) from failure


def recording_key(info: RecordingInfo) -> Key | None:
    """The key that the recording's pseudonyms were made with, if it is to be had here; UsageError for a broken one."""
    key = worker_key()
    return key if key.id == info.key_id else None
