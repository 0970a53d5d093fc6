"""The words that the reports for people share, and the means to show hostile values safely."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping

from diffing.approvals import Subject
from diffing.difference import DifferenceKind, Part, Reason
from diffing.grouping import FLAKY, UNCONFIRMED, Finding, Member

ABSENT = "(absent)"
_CONTEXT = 12  # characters shown before the place at which two long values part

REASONS: Mapping[Reason, str] = {
    Reason.TRUNCATED: "a cap cut the recorded or the replayed body",
    Reason.OPAQUE: "the recorded body could not be decoded to be redacted",
    Reason.NO_RESPONSE: "the client left, or the application raised, in production",
    Reason.BLOCKED: "a value that it needs was never produced in the replay",
    Reason.UNFAITHFUL: "the baseline does not give the recorded status",
    Reason.UNSTABLE: "the baseline's passes disagree on the status",
    Reason.BASELINE_FAILED: "the baseline gave no response",
    Reason.UNCERTAIN: "it was under way when an instance crashed",
    Reason.RACY: "it overlapped in production with a write that it depends on",
    Reason.CREDENTIALS: "no credentials could be had; see `mint` in the target's settings",
    Reason.DOWNSTREAM: "it works on what another finding already made different",
    Reason.UNSAFE: "a write, and the target is not declared disposable",
    Reason.INCOMPLETE_REQUEST: "the recording does not hold the whole request body",
    Reason.UNSIGNABLE: "it carries a signature that nobody can compute",
    Reason.OVER_BUDGET: "more exchanges than the run may send",
    Reason.NOT_ITS: "the run replayed one finding alone, and this is not needed for it",
    Reason.BACKGROUND: "background traffic, not a client's",
    Reason.CANCELLED: "the run was cancelled before it was sent",
}


def reason_sentence(reason: str) -> str:
    """What a reason in the ledger means; a reason that is not known stands for itself."""
    try:
        return REASONS[Reason(reason)]
    except ValueError:
        return ""


def visible(text: str, keep: str = "") -> str:
    """The text with whatever is not printable written as an escape: control characters can not reach a terminal.

    Invisible and direction-changing characters are escaped, too. `keep` names characters that are left alone.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named:
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many columns a terminal needs for a visible text."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def clipped(text: str, width: int) -> str:
    """The visible text in at most `width` columns, the cut marked."""
    if columns(text) <= width:
        return text
    kept = text[: max(0, width - 1)]
    while columns(kept) > max(0, width - 1):
        kept = kept[:-1]
    return kept + "…"


def value_text(value: object) -> str:
    """A value as JSON on one line: a string in quotes, so that "1" is not taken for 1."""
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def sides(finding: Finding) -> tuple[str, str]:
    """What baseline and candidate show in the first exemplar."""
    baseline, candidate = value_text(finding.baseline), value_text(finding.candidate)
    if finding.kind == DifferenceKind.MISSING.value and finding.candidate is None:
        candidate = ABSENT
    if finding.kind == DifferenceKind.EXTRA.value and finding.baseline is None:
        baseline = ABSENT
    if finding.kind == DifferenceKind.FAILURE.value and finding.candidate is None:
        candidate = "(no response)"
    return baseline, candidate


def clipped_sides(finding: Finding, width: int) -> tuple[str, str]:
    """Both sides in at most `width` columns each, from shortly before the place at which they part."""
    baseline, candidate = sides(finding)
    if max(columns(baseline), columns(candidate)) <= width:
        return baseline, candidate
    common = next(
        (i for i, (a, b) in enumerate(zip(baseline, candidate, strict=False)) if a != b),
        min(len(baseline), len(candidate)),
    )
    start = common - _CONTEXT
    if start <= 1 or common < width // 2:
        return clipped(baseline, width), clipped(candidate, width)
    return clipped("…" + baseline[start:], width), clipped("…" + candidate[start:], width)


def place(finding: Finding | Member | Subject) -> str:
    """Where: `status`, `header cache-control`, `$.items[*].price`."""
    part, path = finding.location.part, finding.location.path
    if part is Part.BODY and path:
        return visible(path)
    return visible(f"{part.value} {path}".strip())


def change(finding: Finding | Member | Subject) -> str:
    """The change in words: `$.items[*].price int -> str`."""
    transition = finding.transition if "->" in finding.transition else f"{finding.kind} {finding.transition}".strip()
    if finding.kind in (DifferenceKind.ORDER.value, DifferenceKind.LENGTH.value, DifferenceKind.IDENTITY.value):
        words = {"order": "other order", "length": "other number of rows", "identity": "another object"}[finding.kind]
        return f"{place(finding)} {words}"
    return f"{place(finding)} {visible(transition)}"


def route(finding: Finding | Member | Subject) -> str:
    """`GET /api/orders/<int:id>`."""
    return visible(f"{finding.method} {finding.route or '(no route)'}")


def state_note(finding: Finding) -> str:
    """What is to be known of a finding that is not confirmed."""
    return {
        FLAKY: "flaky: did not come back, or the baseline shows it, too; does not block",
        UNCONFIRMED: "could not be replayed once more",
    }.get(finding.state, "")


def share(value: float) -> str:
    """A share as a percentage that is never rounded up to 100."""
    return f"{int(value * 1000 + 1e-9) / 10:g} %"


def number(value: float) -> str:
    """A number with thousands apart."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")


def counted(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def figures(values: Mapping[str, int | float | str]) -> Iterable[str]:
    """`binding 120`, largest first."""
    ordered = sorted(values.items(), key=lambda item: (-item[1] if isinstance(item[1], (int, float)) else 0, item[0]))
    return in_order(dict(ordered))


def in_order(values: Mapping[str, int | float | str]) -> Iterable[str]:
    """`sessions 16`, as they were put down."""
    return (
        f"{visible(name)} {visible(value) if isinstance(value, str) else number(value)}"
        for name, value in values.items()
    )
