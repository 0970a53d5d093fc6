"""What is said of a retrial: what one finding came to that was replayed alone, and that it is no verdict."""

from __future__ import annotations

from typing import Any

from .model import Came, Retrial, RunReport
from .wording import counted, number

NOT_OF_THE_RELEASE = "It looked at one finding alone and judges no release: only a run of the whole does."


def outcome(report: RunReport) -> str:
    """The verdict in a word, or what the finding came to that was replayed alone."""
    return report.retrial.came.value if report.retrial else report.verdict.outcome.value


def reasons(found: Retrial, recorded: int) -> tuple[str, ...]:
    """What it came to, in sentences; `recorded` counts the exchanges of the recording."""
    what = f"{found.change} ({found.fingerprint}, of the run {found.run})"
    times = f"{found.seen} of {counted(found.replays, 'replay')}"
    came = {
        Came.SEEN: f"Seen in {times}: {what}.",
        Came.GONE: f"Not seen in any of {counted(found.replays, 'replay')}: {what}.",
        Came.UNTOLD: f"Seen in {times}, which does not tell whether it is there: {what}.",
    }
    sent = (
        f"Sent were {number(found.sent)} of {counted(recorded, 'exchange')}: {number(found.asked)} of its places, and"
        " what these depend on."
    )
    return (came[found.came], *found.doubts, sent, NOT_OF_THE_RELEASE)


def retrial_document(found: Retrial | None) -> dict[str, Any] | None:
    """A retrial as JSON-able data."""
    if found is None:
        return None
    return {
        "run": found.run,
        "fingerprint": found.fingerprint,
        "change": found.change,
        "came": found.came.value,
        "seen": found.seen,
        "replays": found.replays,
        "baseline_seen": found.baseline_seen,
        "baseline_replays": found.baseline_replays,
        "asked": found.asked,
        "sent": found.sent,
        "doubts": list(found.doubts),
    }


def retrial_of(data: dict[str, Any] | None) -> Retrial | None:
    """What `retrial_document` was given."""
    if data is None:
        return None
    return Retrial(**{**data, "came": Came(data["came"]), "doubts": tuple(data["doubts"])})
