"""What the API answers and takes of noise rules. As in `models`: fields are added, never renamed or removed."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from .models import Location, Model, Page, Text


class Remark(Model):
    """What is to be said of a rule, and what to do about it."""

    fault: str
    wrong: bool = Field(description="Whether it is to be put right; else it is only told.")
    sentence: Text
    hint: Text


class RuleRun(Model):
    run: str
    hid: int = Field(description="Differences.")


class HiddenPlace(Model):
    method: Text
    route: Text
    location: Location
    kind: str
    count: int


class Rule(Model):
    """A noise rule, what it hid in the latest runs, and what is wrong with it."""

    name: Text
    route: Text
    path: Text
    part: Literal["status", "header", "body", "sql", "latency", "outbound"] | None
    kind: str
    reason: Text
    author: Text
    until: date | None
    state: Literal["active", "expired", "dead", "new"]
    hid: int
    runs: list[RuleRun]
    places: list[HiddenPlace]
    remarks: list[Remark]


class Rules(Page[Rule]):
    """All rules; against how many runs they were held, and what could not be judged."""

    runs: int
    not_judged: list[Text]
