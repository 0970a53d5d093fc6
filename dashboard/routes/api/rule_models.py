"""What the API answers and takes of noise rules. As in `models`: fields are added, never renamed or removed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .models import Location, Model, Page, Severity, Text, Withdrawal


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

    id: str | None = Field(description="Of a rule that the database keeps.")
    kept_in: Literal["file", "store", "both"]
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


class Hides(Model):
    """A finding of a past run of which a rule would have hidden something."""

    run: str
    fingerprint: str
    severity: Severity
    state: Literal["confirmed", "flaky", "unconfirmed"]
    method: Text
    route: Text
    location: Location
    tags: list[Text]
    count: int = Field(description="Exchanges, summed over the places that would have been hidden.")
    whole: bool = Field(description="Whether nothing of the finding would have been left.")


class RuleChoice(Model):
    """A rule that suggests itself for a finding."""

    words: str
    name: Text
    route: Text
    path: Text
    kind: str
    objection: Text = Field(description="Why it can not be kept; empty when it can.")


class RulePreview(Model):
    """What a rule would hide, and what speaks against it. With a problem or refusals it can not be kept."""

    route: Text
    path: Text
    kind: str
    runs: int = Field(description="That it was held against.")
    problem: Text = Field(description="Why there is no such rule; empty when there is.")
    refusals: list[Text]
    warnings: list[Text] = Field(description="To be read before it is kept: `anyway` says that they were.")
    would_hide: list[Hides]
    covered: int = Field(description="Known places that it names.")
    choices: list[RuleChoice]


class NewRule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    until: Annotated[date, Field(description="The last day on which it counts, within a year.")]
    route: Annotated[str, Field(max_length=500, description="Empty, as `path`: that of the narrowest rule.")] = ""
    path: Annotated[str, Field(max_length=500)] = ""
    kind: Annotated[str, Field(max_length=20)] = ""
    at: Annotated[int, Field(ge=-1, le=100_000, description="Which place; -1: the first that no rule hides.")] = -1
    anyway: Annotated[bool, Field(description="The warnings were read.")] = False


class KeptRule(Model):
    """A rule that the database keeps."""

    id: str
    name: Text
    route: Text
    path: Text
    kind: str
    reason: Text
    author: Text
    until: date | None
    created_at: datetime
    run: str = Field(description="In which the finding was that it was made from.")
    fingerprint: str
    withdrawn: Withdrawal | None
    toml: Text = Field(description="For the settings file.")


class Rules(Page[Rule]):
    """All rules; against how many runs they were held, and what could not be judged."""

    runs: int
    not_judged: list[Text]
