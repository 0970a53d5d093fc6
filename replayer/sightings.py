"""In which runs of a recording a finding was seen, and in which it was looked for in vain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffing.grouping import Finding
from diffing.standing import marks

from .store import RunInfo, Store

RUNS = 20
"""The latest finished runs that are looked at: each has its report unpacked."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one run says of a finding. Without `fingerprint` it did not show; `compared` says whether it could have."""

    run: RunInfo
    fingerprint: str = ""  # by which that run knows it
    severity: str = ""
    state: str = ""
    count: int = 0
    out_of: int = 0
    compared: bool = True
    alone: str = ""  # of a run that replayed this finding alone: what it came to, "gone, 0 of 5"


def sightings(store: Store, recording: str, finding: Finding) -> list[Sighting]:
    """The latest finished runs of a recording, by its name, the newest first.

    A finding is the same one when it has the same fingerprint, or shares one of its places.
    """
    wanted = set(marks(finding))
    runs = [
        run
        for run in store.runs()
        if run.recording == recording and (run.is_judged or (run.state == "finished" and run.finding in wanted))
    ][:RUNS]
    return [_sighting(run, store.run_report(run.id), finding, wanted) for run in runs]


def _sighting(run: RunInfo, report: Mapping[str, Any], finding: Finding, wanted: set[str]) -> Sighting:
    alone = came_of(run)
    for each in report["findings"]:
        if each["fingerprint"] in wanted or any(member["fingerprint"] in wanted for member in each["members"]):
            seen = (each["fingerprint"], each["severity"], each["state"], each["count"], each["out_of"])
            return Sighting(run, *seen, alone=alone)
    routes = {(place.method, place.route) for place in finding.places}
    compared = any(
        each["matched"] + each["differed"] + each["errored"]
        for each in report["ledger"]["routes"]
        if (each["method"], each["route"]) in routes
    )
    return Sighting(run, compared=compared, alone=alone)


def came_of(run: RunInfo) -> str:
    """What a run came to that replayed one finding alone: `gone, 0 of 5`; "" of another one, or while it runs."""
    found = run.summary.get("retrial")
    return f"{found['came']}, {found['seen']} of {found['replays']}" if found else ""
