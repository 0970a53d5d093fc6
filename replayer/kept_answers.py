"""What runs leave in the store for later ones: where each exchange ended, answers, and what was learned of noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from diffing.difference import Answer
from diffing.profile import NoiseProfile
from recorder.keys import Key
from recorder.redaction import Redactor

from .answers import NamedAnswers
from .errors import UsageError
from .keeping import keeping_redactor, kept_observations
from .known import Known
from .passes import Pass
from .rehearsal import Rehearsal
from .reports.json_report import to_json
from .store import Store
from .store.records import ResultRow, StoredAnswer
from .summary import summary_of
from .target_settings import TargetSettings


def build_of(baselines: Sequence[TargetSettings]) -> str:
    """What names the build of the only baseline; "" when nothing does."""
    return baselines[0].build if len(baselines) == 1 else ""


def known_profile(
    store: Store, recording_id: int, baselines: Sequence[TargetSettings], passes: int, selection: str = ""
) -> Known | None:
    """What an earlier run learned of this recording and build; None when there is nothing that can be used.

    What another selection of the recording taught is not used either.

    What fewer passes taught than are asked for now is not used: more were asked for in order to learn more.
    """
    build = build_of(baselines)
    stored = store.profile(recording_id, build) if build else None
    if stored is None or int(stored.data.get("passes", 2)) < passes:
        return None
    if stored.data.get("selection", "") != selection:
        return None
    try:
        profile = NoiseProfile.from_json(stored.data)
        answers = _stored_answers(store, stored.run, "baseline 1")
    except (UsageError, ValueError):  # the run was deleted, or another version learned it
        return None
    return Known(stored.run, profile, answers, int(stored.data.get("passes", 2))) if answers else None


def _stored_answers(store: Store, run_id: str, pass_name: str) -> NamedAnswers:
    return NamedAnswers(
        (exchange_id, Answer(stored.response, stored.failure, stored.started, stored.ended, observed=stored.observed))
        for exchange_id, stored in store.answers(run_id, pass_name)
    )


def answers_of(store: Store, run_id: str) -> Mapping[str, Answer]:
    run = store.run(run_id)
    if run.finding:
        raise UsageError(f"The run {run.id} replayed one finding alone: it is no baseline.", "Choose a whole run.")
    found = _stored_answers(store, run.id, "candidate")
    if not found:
        raise UsageError(f"The run {run_id!r} has no answers that could be a baseline.", "Choose a run that finished.")
    return found


def keep_run(store: Store, run_id: str, rehearsal: Rehearsal, key: Key | None) -> None:
    """Stores what the run found; answers are kept redacted."""
    rows = (
        ResultRow(c.exchange_id, c.status.value, c.reason.value if c.reason else "", c.detail)
        for c in rehearsal.comparisons
    )
    store.add_results(run_id, rows)
    redactor = keeping_redactor(key)
    for one in (*rehearsal.baselines[:1], *rehearsal.candidates[:1]):
        store.add_answers(run_id, one.name, _redacted(rehearsal, one, redactor))
    report = rehearsal.report
    data = to_json(report)
    verdict = "" if report.retrial else report.verdict.outcome.value
    store.finish_run(run_id, verdict, None if report.retrial else report.verdict.exit_code, data, summary_of(data))


def _redacted(rehearsal: Rehearsal, one: Pass, redactor: Redactor) -> Iterator[StoredAnswer]:
    for step, answer in zip(rehearsal.plan.steps, one.result.answers, strict=True):
        response = answer.response and redactor.redact_response(answer.response)
        if response is not None or answer.failure:
            yield StoredAnswer(
                step.exchange.id,
                response,
                answer.failure,
                answer.started,
                answer.ended,
                kept_observations(answer.observed, step.exchange, redactor),
            )
