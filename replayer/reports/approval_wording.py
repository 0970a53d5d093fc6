"""The words for what people decided, in the reports for people."""

from __future__ import annotations

from collections.abc import Sequence

from diffing.approvals import Approval, Decision
from diffing.standing import Standing

from .wording import change, counted, route

DONE = {
    Decision.APPROVE: "approved",
    Decision.REJECT: "rejected",
    Decision.NOISE: "called noise",
    Decision.ENVIRONMENT: "put down to the environment",
}
"""What was done, before the word `by`."""

UNSEEN_TITLE = "Approved, and no longer seen"
UNSEEN_NEXT = (
    "The baseline has the change by now, the candidate lost it, or this recording does not reach it. Withdraw what is"
    " done with, or the same change passes when it comes back: understudy findings withdraw ID"
)
EXPIRED_TITLE = "Approvals that have expired"
EXPIRED_NEXT = "Approve again what is still intended: understudy findings approve FINGERPRINT --reason WHY"


def authors(approvals: Sequence[Approval]) -> str:
    """Everybody who decided, once each."""
    return ", ".join({each.person: each.author for each in approvals}.values())


def reasons(approvals: Sequence[Approval]) -> str:
    """All reasons, once each."""
    return "; ".join(dict.fromkeys(each.reason for each in approvals))


def approved_words(standing: Standing) -> str:
    """`approved by ann until 2027-01-31: wanted`."""
    days = [each.until for each in standing.approvals if each.until]
    until = f" until {min(days)}" if days else ""
    return f"{_done(standing)}{until}: {reasons(standing.approvals)}"


def standing_words(standing: Standing) -> str:
    """What people said, in a line; "" when nobody said anything."""
    return approved_words(standing) if standing.approved else standing_note(standing)


def standing_note(standing: Standing) -> str:
    """Why what people said does not let the finding pass; "" when it does, or nobody said anything."""
    if standing.approved:
        return ""
    if standing.rejections:
        return f"rejected by {authors(standing.rejections)}: {reasons(standing.rejections)}"
    if standing.environments:
        blamed = f"put down to the environment by {authors(standing.environments)}: {reasons(standing.environments)}"
        return blamed + ("; another run has to tell" if standing.aside else "; but not in full")
    if standing.approvals and standing.questioned and not standing.uncovered:
        return f"{_done(standing)}, but a comment is not resolved"
    if standing.approvals and standing.needed > 1:
        return f"{_done(standing)}; policy asks for {standing.needed} people, in the store"
    if standing.approvals:
        return f"{_done(standing)}, but not in full{_uncovered(standing)}"
    if standing.expired:
        last = max(each.until for each in standing.expired if each.until)
        return f"was approved by {authors(standing.expired)} until {last}"
    return ""


def approval_line(approval: Approval) -> str:
    """One approval in one line, its id first: that is what `withdraw` takes."""
    subject = approval.subject
    until = f" until {approval.until}" if approval.until else ""
    what = f"{route(subject)} {change(subject)} ({approval.fingerprint})"
    return f"{approval.id}: {what}, {DONE[approval.decision]} by {approval.author}{until}: {approval.reason}"


def _done(standing: Standing) -> str:
    """`approved by ann`, `called noise by bo`, or both."""
    said = {word: [each for each in standing.approvals if each.decision is word] for word in Decision}
    return ", ".join(f"{DONE[word]} by {authors(each)}" for word, each in said.items() if each)


def _uncovered(standing: Standing) -> str:
    if not standing.uncovered:
        return ""
    first, *others = standing.uncovered
    more = f" and {counted(len(others), 'more place')}" if others else ""
    return f": not for {route(first)} {change(first)} ({first.fingerprint}){more}"
