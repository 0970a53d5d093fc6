"""Which requests were let in with a secret of their body, and which secrets those are.

A status does not say it: a login form that refuses is shown again with status 200. What says it is what follows: the
answer handed out a credential that later requests of a known principal bear, or is the first of its session that the
application knew a principal for.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict

from diffing.atoms import is_opaque

from .flow import Step, consumed
from .plan import Plan
from .spans import Part, Slot

_SECRET_FIELD = re.compile(r"pass(word|wd|phrase)?|pwd|secret|token|pin|otp|credential", re.I)


def field_name(slot: Slot) -> str:
    """The last name of a slot's location: `password` of `$.user.password[0]`."""
    return re.sub(r"\[\d+\]$", "", slot.location).rpartition(".")[2]


def holds_secret(slot: Slot) -> bool:
    """Whether the slot is a field of the body whose name promises a secret."""
    return slot.part is Part.BODY and _SECRET_FIELD.search(field_name(slot)) is not None


def first_uses(plan: Plan) -> dict[tuple[int, str], str]:
    """(session, secret field's value) -> the route of the request that first sent it with success.

    Where any request to a route shows that it was let in, the others to it that do not were refused, whatever their
    status. Where none does, the status has to do.
    """
    admitted = _admitted(plan)
    telling = {plan.steps[index].route for index in admitted}
    found: dict[tuple[int, str], str] = {}
    for step in plan.steps:
        if 200 <= step.status < 400 and (step.index in admitted or step.route not in telling):
            for slot in filter(holds_secret, step.slots):
                found.setdefault((step.session, slot.text), step.route)
    return found


def secret_owners(plan: Plan) -> dict[int, str]:
    """Step -> whose secret its body holds, where the application did not say whose request it is.

    A form and an API that take the same password are two doors to one account: whose the password is, the door says at
    which the application knew somebody. Within a session, and only where it is one principal's.
    """
    owners: dict[tuple[int, str], set[str]] = defaultdict(set)
    for step in plan.steps:
        if step.principal and 200 <= step.status < 400:
            for slot in filter(holds_secret, step.slots):
                owners[step.session, slot.text].add(step.principal)
    found: dict[int, str] = {}
    for step in plan.steps:
        if not step.principal:
            named = [owners.get((step.session, slot.text), set()) for slot in filter(holds_secret, step.slots)]
            several = set().union(*named)
            if len(several) == 1:
                found[step.index] = several.pop()
    return found


def first_given(plan: Plan) -> dict[str, int]:
    """Secret field's value -> the step that was the first to send it with success, as a registration does."""
    found: dict[str, int] = {}
    for step in plan.steps:
        if 200 <= step.status < 400:
            for slot in filter(holds_secret, step.slots):
                found.setdefault(slot.text, step.index)
    return found


def basic_password(credential: str) -> str:
    """The password inside the credential of `Authorization: Basic` (RFC 7617); "" when there is none."""
    try:
        text = base64.b64decode(credential + "=" * (-len(credential) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return text.partition(":")[2]


def _admitted(plan: Plan) -> set[int]:
    """The steps with a secret in their body that are known to have been let in."""
    bearing: set[str] = set()  # credentials of requests whose principal the application knew, without a secret beside
    for step in plan.steps:
        if step.exchange.principal and not any(map(holds_secret, step.slots)):
            bearing.update(
                value for value in _credentials(step) if plan.flow.tokens.get(value, step.index) < step.index
            )
    makers = {plan.flow.tokens[value] for value in bearing}
    known: set[int] = set()
    admitted: set[int] = set()
    for step in plan.steps:
        first = bool(step.exchange.principal) and step.session not in known
        if first:
            known.add(step.session)
        if (first or step.index in makers) and any(map(holds_secret, step.slots)):
            admitted.add(step.index)
    return admitted


def _credentials(step: Step) -> set[str]:
    return {
        value
        for slot, _, value in consumed(step)
        if slot.location.startswith(("header.", "cookie.")) and is_opaque(value)
    }
