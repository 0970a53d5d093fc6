"""Noise rules: all that there are, what one would hide, keeping one and taking it back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from diffing.rule_preview import WouldHide
from replayer.accounts import Role
from replayer.rule_desk import RUNS, Asked, RuleDesk, RuleRow, RuleWish, listed_json, rule_toml
from replayer.service import UsageError
from replayer.store import KeptRule
from replayer.tokens import TokenScope

from ...access import may, needs, person_of
from ...errors import ApiError
from . import rule_models as models
from .asking import PREFIX, Cursor, Limit, body_of, finding_of, part_of, problems, review_of, run_of, takes
from .models import Fingerprint, NewWithdrawal, RunId, Withdrawal
from .rule_models import Hides, NewRule, Rule, RuleChoice, RulePreview, Rules

router = APIRouter(prefix=PREFIX, tags=["rules"])

RuleId = Annotated[str, Path(pattern="^[0-9a-f]{1,32}$", description="Of a rule that the database keeps.")]
Pattern = Annotated[str, Query(max_length=500, description="Empty, as `path`: that of the narrowest rule.")]


def desk_of(request: Request) -> RuleDesk:
    found: RuleDesk = request.app.state.rules()
    return found


@router.get("/rules", response_model=Rules, responses=problems())
@needs(Role.VIEWER, TokenScope.READ)
def rules(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Rules:
    """Every noise rule beside the latest runs: what it hid, and what is wrong with it."""
    found = desk_of(request).rules()
    part, after = part_of(found.rows, _key, cursor, limit)
    shown = [_shown(row) for row in part]
    return Rules(items=shown, next=after, runs=found.runs, not_judged=list(found.caveats))


@router.get("/rules/{rule}", response_model=models.KeptRule, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def one_rule(request: Request, rule: RuleId) -> models.KeptRule:
    """A rule that the database keeps, also one that was taken back; with its TOML for the settings file."""
    return _kept(desk_of(request).kept(rule))


@router.post(
    "/rules/{rule}/withdraw",
    response_model=models.KeptRule,
    responses=problems(404, 409, 413, 415),
    openapi_extra=takes(NewWithdrawal),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def withdraw(
    request: Request, rule: RuleId, given: Annotated[NewWithdrawal, Depends(body_of(NewWithdrawal))]
) -> models.KeptRule:
    """Take a rule of the database back. It stays on record; one of the settings file is taken out there."""
    desk = desk_of(request)
    try:
        found = desk.kept(rule)
    except UsageError as error:
        raise ApiError(404, "not_found", error.message) from None
    return _kept(desk.withdraw(found.id, person_of(request).name, given.reason))


@router.get("/runs/{run}/findings/{fingerprint}/rule", response_model=RulePreview, responses=problems(404))
@needs(Role.VIEWER, TokenScope.READ)
def preview(
    request: Request,
    run: RunId,
    fingerprint: Fingerprint,
    route: Pattern = "",
    path: Annotated[str, Query(max_length=500)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
    at: Annotated[int, Query(ge=-1, le=100_000, description="Which place; -1: the first that no rule hides.")] = -1,
    runs: Annotated[int, Query(ge=1, le=20, description="How many of the latest are looked at.")] = RUNS,
) -> RulePreview:
    """What a rule for this finding would have hidden in the latest runs, and what speaks against it."""
    review = review_of(request)
    review.finding(review.report(run_of(review, run).id), fingerprint)
    wish = RuleWish(route, path, kind, at)
    return _previewed(desk_of(request).ask(run, fingerprint, wish, may(request, Role.ADMIN), runs))


@router.post(
    "/runs/{run}/findings/{fingerprint}/rule",
    status_code=201,
    response_model=models.KeptRule,
    responses=problems(404, 409, 413, 415),
    openapi_extra=takes(NewRule),
)
@needs(Role.REVIEWER, TokenScope.DECIDE)
def keep(
    request: Request, run: RunId, fingerprint: Fingerprint, given: Annotated[NewRule, Depends(body_of(NewRule))]
) -> models.KeptRule:
    """Keep a rule for this finding, in the name of who asks. Gates that begin from now on hear of it."""
    review = review_of(request)
    finding_of(review, run_of(review, run), fingerprint)
    wish = RuleWish(given.route, given.path, given.kind, given.at, given.reason, until=given.until, anyway=given.anyway)
    return _kept(desk_of(request).keep(run, fingerprint, wish, person_of(request).name, may(request, Role.ADMIN)))


def _key(row: RuleRow) -> tuple[str, ...]:
    return row.rule.name, row.rule.part.value if row.rule.part else "", str(row.rule.until), row.listed.identity


def _shown(row: RuleRow) -> Rule:
    told: dict[str, Any] = listed_json(row.listed, row.history)
    return Rule.model_validate({**told, "remarks": row.remarks})


def _previewed(asked: Asked) -> RulePreview:
    found = asked.preview
    return RulePreview(
        route=asked.route,
        path=asked.path,
        kind=asked.kind,
        runs=asked.runs,
        problem=asked.problem,
        refusals=list(asked.refusals),
        warnings=list(asked.warnings),
        would_hide=[_hides(each) for each in (found.hides if found else ())],
        covered=found.covered if found else 0,
        choices=[
            RuleChoice(
                words=each.words,
                name=each.rule.name,
                route=each.rule.route,
                path=each.rule.path,
                kind=each.rule.kind,
                objection=each.objection,
            )
            for each in asked.choices
        ],
    )


def _hides(each: WouldHide) -> Hides:
    finding = each.finding
    return Hides.model_validate(
        {
            "run": each.run,
            "fingerprint": finding.fingerprint,
            "severity": finding.severity.value,
            "state": finding.state,
            "method": finding.method,
            "route": finding.route,
            "location": {"part": finding.location.part.value, "path": finding.location.path},
            "tags": list(finding.tags),
            "count": each.count,
            "whole": each.whole,
        }
    )


def _kept(kept: KeptRule) -> models.KeptRule:
    rule, gone = kept.rule, kept.withdrawn
    return models.KeptRule(
        id=kept.id,
        name=rule.name,
        route=rule.route,
        path=rule.path,
        kind=rule.kind,
        reason=rule.reason,
        author=rule.author,
        until=rule.until,
        created_at=kept.created,
        run=kept.run,
        fingerprint=kept.fingerprint,
        withdrawn=Withdrawal(by=gone.author, at=gone.created, reason=gone.reason) if gone else None,
        toml=rule_toml(rule),
    )
