"""What is said of proposed noise rules, and how they are written for the settings file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from diffing.difference import Part
from diffing.grouping import FLAKY
from diffing.noise import NoiseRule
from diffing.rule_hindsight import PastHiding
from diffing.rule_proposals import Proposal, Proposals, Refusal, Refused, Why

from .json_report import rule_json
from .rule_words import MAX_NAMED, named, spot_json, spot_text
from .wording import visible

SHORT = 8  # characters of a run's id that a sentence shows


@dataclass(frozen=True, slots=True)
class Signature:
    """What a person would add to a proposed rule."""

    run: str
    author: str  # "" when it is not known
    until: date


_REASONS = {
    Why.BASELINE: "differs between passes of the baseline",
    Why.FLAKY: "differed once, and not again when it was repeated",
}

SENTENCES = {
    Refusal.NEVER: "No rule hides another status, a missing answer, another kind of content, SQL or latency.",
    Refusal.MISSING: "Only the kind 'any' hides what went missing, and it would hide every other change there too.",
    Refusal.NO_KIND: "No kind but 'any' fits what varied there, and it would hide every change.",
    Refusal.NOT_VARIED: "The baseline does not vary there, and the candidate's change came again: it is a change.",
    Refusal.OTHER_KIND: "The baseline varies there, but not in the way in which the candidate changed it.",
    Refusal.TOO_WIDE: "It would hide changes at places that did not vary",
    Refusal.NO_PLACE: "Its route or path can not be written as a rule.",
}

_NEXT = {
    Refusal.NOT_VARIED: " Fix it, or approve the finding if it is intended.",
    Refusal.OTHER_KIND: " Fix it, or approve the finding if it is intended.",
}


def proposal_toml(proposal: Proposal, signature: Signature) -> str:
    """A [[noise]] table with what speaks for it, and against it, above it as comments."""
    rule = signed(proposal, signature)
    return "".join(f"# {line}\n" for line in _comments(proposal, signature)) + rule_toml(rule)


def rule_toml(rule: NoiseRule) -> str:
    """A [[noise]] table for the settings file."""
    lines = ["[[noise]]", f"route = {toml_text(rule.route)}", f"path = {toml_text(rule.path)}"]
    if rule.part is not None and rule.part is not Part.BODY:
        lines.append(f"part = {toml_text(rule.part.value)}")
    if rule.kind:
        lines.append(f"kind = {toml_text(rule.kind)}")
    lines.append(f"reason = {toml_text(rule.reason)}")
    lines.append(f"author = {toml_text(rule.author)}" if rule.author else '# author = "whom to ask"')
    if rule.until is not None:
        lines.append(f"until = {rule.until}")
    return "\n".join(lines) + "\n"


def signed(proposal: Proposal, signature: Signature) -> NoiseRule:
    """The rule with the reason that the run gives, the author and an end."""
    reason = "; ".join(_REASONS[why] for why in proposal.whys)
    text = f"{reason} (run {signature.run[:SHORT]})"
    return replace(proposal.rule, reason=text, author=signature.author, until=signature.until)


def _comments(proposal: Proposal, signature: Signature) -> list[str]:
    lines = []
    if proposal.tags:
        lines.append(
            f"TAGGED {_quoted(proposal.tags)}: this rule hides changes where they matter most. Is it worth it?"
        )
    places = f" at {len(proposal.needs)} places" if len(proposal.needs) > 1 else ""
    lines.append(f"For {_listed(proposal.fingerprints)} of run {signature.run[:SHORT]}{places}.")
    lines.append(hidden_text(proposal.hides))
    confirmed = [each for each in proposal.hides if each.state != FLAKY]
    if confirmed:
        marks = _listed(sorted({each.fingerprint for each in confirmed}))
        lines.append(f"CAREFUL: not all of that was flaky: {marks}.")
    return [visible(line) for line in lines]


def hidden_text(hides: tuple[PastHiding, ...]) -> str:
    """What a rule would have hidden in past runs."""
    if not hides:
        return "It would have hidden nothing in the runs that were looked at."
    runs = len({each.run for each in hides})
    count = sum(each.count for each in hides)
    told = [
        f"{each.fingerprint} ({each.state}, {'all' if each.whole else 'a part'}) in {each.run[:SHORT]}"
        for each in hides
    ]
    more = f" and {len(told) - MAX_NAMED} more" if len(told) > MAX_NAMED else ""
    what = f"{count} change{'' if count == 1 else 's'} in {runs} past run{'' if runs == 1 else 's'}"
    return f"It would have hidden {what}: {', '.join(told[:MAX_NAMED])}{more}."


def alarm(proposal: Proposal) -> str:
    """What is said on standard error of a rule for a tagged route."""
    return visible(
        f"!!! TAGGED ROUTE {_quoted(proposal.tags)}: the rule for {proposal.rule.name} hides changes where they matter"
        " most. Look at the finding before you paste it."
    )


def refused_text(refused: Refused) -> str:
    """Why something gets no rule."""
    if refused.refusal is Refusal.TOO_WIDE and refused.rule is not None:
        share = f"{len(refused.needless)} of {refused.covered}"
        sentence = SENTENCES[refused.refusal]
        return visible(f"Refused: {refused.rule.name}. {sentence}, {share}: {named(refused.needless)}.")
    place = f" at {spot_text(refused.spot)}" if refused.spot else ""
    return visible(
        f"Refused: a rule for {_listed(refused.fingerprints)}{place}. {SENTENCES[refused.refusal]}"
        f"{_NEXT.get(refused.refusal, '')}"
    )


def nothing(found: Proposals, run: str) -> str:
    """What is said when there is no rule to propose."""
    hidden = f" {found.covered} places are hidden by rules that are there already." if found.covered else ""
    if found.refused:
        return f"Run {run[:SHORT]}: no rule to propose.{hidden}"
    return (
        f"Run {run[:SHORT]}: nothing to propose; it has no flaky findings that a rule could hide.{hidden}"
        " --finding FINGERPRINT asks for a rule for another one."
    )


def tally(found: Proposals, run: str) -> str:
    """What follows on standard output."""
    count = len(found.proposals)
    return f"Run {run[:SHORT]}: {count} rule{'' if count == 1 else 's'}, to be read and put into the settings file."


def proposal_json(proposal: Proposal, signature: Signature) -> dict[str, Any]:
    """A proposal for scripts."""
    return {
        **rule_json(signed(proposal, signature)),
        "why": [why.value for why in proposal.whys],
        "findings": list(proposal.fingerprints),
        "places": [spot_json(need.spot) for need in proposal.needs],
        "tags": list(proposal.tags),
        "would_have_hidden": [
            {
                "run": each.run,
                "fingerprint": each.fingerprint,
                "state": each.state,
                "count": each.count,
                "whole": each.whole,
            }
            for each in proposal.hides
        ],
        "toml": proposal_toml(proposal, signature),
    }


def refused_json(refused: Refused) -> dict[str, Any]:
    """A refusal for scripts."""
    return {
        "refusal": refused.refusal.value,
        "sentence": refused_text(refused),
        "findings": list(refused.fingerprints),
        "place": spot_json(refused.spot) if refused.spot else None,
        "rule": refused.rule.name if refused.rule else None,
        "without_need": [spot_json(spot) for spot in refused.needless],
        "covered": refused.covered,
    }


def toml_text(text: str) -> str:
    """A TOML basic string: as JSON writes it, with what TOML does not take as it is escaped in TOML's way."""
    escaped = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def _listed(marks: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(marks[:MAX_NAMED])
    return shown if len(marks) <= MAX_NAMED else f"{shown} and {len(marks) - MAX_NAMED} more"


def _quoted(tags: tuple[str, ...]) -> str:
    return " and ".join(repr(tag) for tag in tags)
