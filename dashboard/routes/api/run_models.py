"""What the API answers of runs under way, and of where a finding was seen."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .models import Location, Model, Run, Severity, Text


class FoundFinding(Model):
    fingerprint: str
    severity: Severity
    kind: Text
    method: Text
    route: Text
    location: Location
    transition: Text
    count: int
    out_of: int
    tags: list[Text]
    state: Literal["confirmed", "flaky", "unconfirmed"]


class FoundByNow(Model):
    """What a run under way has found: confirmed ones, flaky ones, and such that are being put to the test."""

    count: int
    confirmed: int
    flaky: int
    findings: list[FoundFinding] = Field(description="The gravest; 200 at most.")


class RunDetail(Run):
    found: FoundByNow = Field(description="While it is under way; the report of a finished one has more.")


class RunRoute(Model):
    """A route of a run: what was replayed of it, what was found there, and how often it is flaky."""

    method: Text
    route: Text
    known: bool = Field(description="Whether coverage asks for it.")
    replayed: int
    statuses: dict[str, int] = Field(description="Of the candidate: how many answers had which.")
    findings: int
    runs: int = Field(description="Of the latest 20 of the service, those that compared something of it.")
    flaky: int = Field(description="Of these, those that had findings there that came and went.")


class Sighting(Model):
    """What one run says of a finding; without a fingerprint it did not show there."""

    run: str
    fingerprint: str | None = Field(default=None, description="By which that run knows it.")
    severity: Severity | None = None
    state: Literal["confirmed", "flaky", "unconfirmed"] | None = None
    count: int = 0
    out_of: int = 0
    compared: bool = Field(description="Whether anything of its routes was.")
    alone: Text | None = Field(None, description="Of a run that replayed it alone: what it came to.")
