"""What correlation has to know of a whole plan: inferred once from all steps, and enough to send any part of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffing.atoms import is_opaque
from diffing.routes import fixed_segments

from .admissions import first_given, first_uses, secret_owners
from .flow import Flow, consumed

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True, slots=True)
class Guide:
    """The whole plan, as one exchange's correlation sees it. Steps are named by their indices."""

    flow: Flow
    names: tuple[str, ...]  # "POST /orders" of every step
    proven: frozenset[str]  # opaque values that production accepted as credentials
    first_use: Mapping[tuple[int, str], str]  # session and secret of a body -> the route that first took it
    owners: Mapping[int, str]  # step -> whose secret its body holds, where nothing else says it
    given: Mapping[str, int]  # secret of a body -> the step that first sent it with success
    words: frozenset[str]  # fixed segments of all routes

    def to_json(self) -> dict[str, Any]:
        """Plain values only; `from_json` gives an equal guide back."""
        flow = self.flow
        return {
            "sorts": dict(flow.sorts),
            "direct": {consumer: dict(shares) for consumer, shares in flow.direct.items()},
            "created": [[*key, index] for key, index in flow.created.items()],
            "first_seen": [[*key, index] for key, index in flow.first_seen.items()],
            "tokens": dict(flow.tokens),
            "names": self.names,
            "proven": sorted(self.proven),
            "first_use": [[*key, route] for key, route in self.first_use.items()],
            "owners": list(self.owners.items()),
            "given": dict(self.given),
            "words": sorted(self.words),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Guide:
        return cls(
            flow=Flow(
                sorts=data["sorts"],
                direct=data["direct"],
                created={(sort, value): index for sort, value, index in data["created"]},
                first_seen={(sort, value): index for sort, value, index in data["first_seen"]},
                tokens=data["tokens"],
            ),
            names=tuple(data["names"]),
            proven=frozenset(data["proven"]),
            first_use={(session, secret): route for session, secret, route in data["first_use"]},
            owners=dict(data["owners"]),
            given=data["given"],
            words=frozenset(data["words"]),
        )


def make_guide(plan: Plan) -> Guide:
    """The guide of a plan."""
    return Guide(
        flow=plan.flow,
        names=tuple(f"{step.exchange.request.method} {step.route}" for step in plan.steps),
        proven=proven_tokens(plan),
        first_use=first_uses(plan),
        owners=secret_owners(plan),
        given=first_given(plan),
        words=frozenset(word for step in plan.steps for word in fixed_segments(step.route)),
    )


def proven_tokens(plan: Plan) -> frozenset[str]:
    """Opaque values of request headers and cookies that production accepted as credentials.

    A value that was ever answered 401 counts only when it was also accepted where others are refused, or where the
    application said whose request it is: a made-up token on a public page proves nothing, and must stay made up.
    """
    protected = {(step.exchange.request.method, step.route) for step in plan.steps if step.status == 401}
    accepted: set[str] = set()
    proven: set[str] = set()
    refused: set[str] = set()
    for step in plan.steps:
        for slot, _, value in consumed(step):
            if not slot.location.startswith(("header.", "cookie.")) or not is_opaque(value):
                continue
            if step.status == 401:
                refused.add(value)
            elif step.status not in (0, 403):
                accepted.add(value)
                if step.principal or (step.exchange.request.method, step.route) in protected:
                    proven.add(value)
    return frozenset(proven | (accepted - refused))
