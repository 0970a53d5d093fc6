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
from collections.abc import Iterable, Iterator, Mapping

from diffing.atoms import is_opaque
from diffing.bodies import Form, comparable
from recorder.exchange import RecordedResponse

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
    status, unless they were answered in the same words. Where none does, the status has to do.
    """
    admitted = _admitted(plan)
    telling = {plan.steps[index].route for index in admitted}
    welcomes = _welcomes(plan, admitted)
    found: dict[tuple[int, str], str] = {}
    for step in plan.steps:
        if not 200 <= step.status < 400:
            continue
        if step.index in admitted or step.route not in telling or _is_welcomed(step, welcomes):
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


def _welcomes(plan: Plan, admitted: Iterable[int]) -> dict[tuple[str, int], frozenset[str]]:
    """(route, status) -> the names that stand in every JSON answer to those who are known to have been let in."""
    found: dict[tuple[str, int], frozenset[str]] = {}
    for index in admitted:
        step = plan.steps[index]
        names, key = _names(step.exchange.response), (step.route, step.status)
        found[key] = found[key] & names if key in found else names
    return found


def _is_welcomed(step: Step, welcomes: Mapping[tuple[str, int], frozenset[str]]) -> bool:
    """Whether the answer has all that those have who were let in: who logs in once more need not use what it hands out.

    Of JSON alone: a page that is shown again is much like the one that comes next.
    """
    names = welcomes.get((step.route, step.status), frozenset())
    return bool(names) and names <= _names(step.exchange.response)


def _names(response: RecordedResponse | None) -> frozenset[str]:
    """The names of a JSON object's values, those of objects in it with theirs before them; tokens are marked."""
    if response is None or not response.body.complete:
        return frozenset()
    parsed = comparable(response)
    return frozenset(_paths(parsed.value, "")) if parsed.form is Form.JSON else frozenset()


def _paths(value: object, before: str) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield f"{before}{name}{'=token' if isinstance(inner, str) and is_opaque(inner) else ''}"
        yield from _paths(inner, f"{before}{name}.")


def _credentials(step: Step) -> set[str]:
    return {
        value
        for slot, _, value in consumed(step)
        if slot.location.startswith(("header.", "cookie.")) and is_opaque(value)
    }
