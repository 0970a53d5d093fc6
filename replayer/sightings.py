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


def sightings(store: Store, recording: str, finding: Finding) -> list[Sighting]:
    """The latest finished runs of a recording, by its name, the newest first.

    A finding is the same one when it has the same fingerprint, or shares one of its places.
    """
    runs = [run for run in store.runs() if run.recording == recording and run.state == "finished"][:RUNS]
    wanted = set(marks(finding))
    return [_sighting(run, store.run_report(run.id), finding, wanted) for run in runs]


def _sighting(run: RunInfo, report: Mapping[str, Any], finding: Finding, wanted: set[str]) -> Sighting:
    for each in report["findings"]:
        if each["fingerprint"] in wanted or any(member["fingerprint"] in wanted for member in each["members"]):
            return Sighting(run, each["fingerprint"], each["severity"], each["state"], each["count"], each["out_of"])
    routes = {(place.method, place.route) for place in finding.places}
    compared = any(
        each["matched"] + each["differed"] + each["errored"]
        for each in report["ledger"]["routes"]
        if (each["method"], each["route"]) in routes
    )
    return Sighting(run, compared=compared)
