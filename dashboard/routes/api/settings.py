"""The settings in force, without anything that could be a secret."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field

from replayer.accounts import Role
from replayer.settings_shown import shown_settings
from replayer.tokens import TokenScope

from ...access import needs
from .asking import PREFIX, problems
from .models import Model, Text

router = APIRouter(prefix=PREFIX, tags=["settings"])


class PolicyRemark(Model):
    flaw: str
    wrong: bool
    key: Text
    sentence: Text


class PolicyCheck(Model):
    """What `understudy policy check` says."""

    recording: Text = Field(description="That the policy was held against; empty: none.")
    problems: list[PolicyRemark]
    not_judged: list[Text]


class SettingsInForce(Model):
    """Each part of the settings file with its keys; what could be a secret is only said to be set."""

    sections: dict[str, dict[str, Text]]
    notes: list[Text] = Field(description="What is odd about them.")
    check: PolicyCheck


@router.get("/settings", response_model=SettingsInForce, responses=problems())
@needs(Role.ADMIN, TokenScope.RUNS)
def settings(request: Request) -> SettingsInForce:
    """What the server's settings are, as far as nothing of it could be a secret, and what `policy check` says."""
    state = request.app.state
    found = shown_settings(state.settings, state.store())
    check = PolicyCheck(
        recording=found.check.recording,
        problems=[
            PolicyRemark(flaw=each.flaw.value, wrong=each.flaw.wrong, key=each.key, sentence=each.sentence)
            for each in found.check.problems
        ],
        not_judged=found.check.not_judged,
    )
    sections = {each.name: {row.key: row.value for row in each.rows} for each in found.sections}
    return SettingsInForce(sections=sections, notes=list(found.notes), check=check)
