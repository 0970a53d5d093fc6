"""What of a recording is worth a test: flows of one session, and in each the exchanges that show something new.

A flow is what one session did with things that it made: values that its own writes handed out tie exchanges together.
Exchanges that nothing ties to others are flows of their own. Of exchanges that show the same, a few are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from recorder.exchange import Outcome

from ..flow import Step, consumed, handed_out
from ..plan import Plan
from ..sessions import Partition
from .kinds import AMOUNTS, amounts_of, kinds_of

LONGEST = 8
"""Exchanges that one test is about: a longer flow becomes several tests, each with what it needs of the others."""


@dataclass(frozen=True, slots=True)
class Story:
    """One test to be: the steps that it is about, earlier writes of the same flow, and those whose effect is read."""

    focus: tuple[int, ...]
    setup: tuple[int, ...] = ()
    kept: frozenset[int] = frozenset()


def stories(plan: Plan, needs: Callable[[Step], frozenset[int]], copies: int = 1) -> list[Story]:
    """The stories of a plan, in the order of their first steps. `copies` exchanges are told of each kind."""
    flows = _flows(plan, needs)
    whose = _Whose(plan)
    told: dict[Hashable, int] = defaultdict(int)
    amounts: dict[Hashable, set[str]] = defaultdict(set)
    found: list[Story] = []
    # a long flow shows in few tests what short ones would show in many
    for flow in sorted(flows, key=lambda flow: (-len(flow), flow[0])):
        fresh: list[int] = []
        shows: dict[int, int] = {}  # read -> the write before it
        written: int | None = None
        for index in flow:
            step = plan.steps[index]
            kinds = kinds_of(step) | {(step.exchange.request.method, step.route, step.status, whose(step))}
            if _wrote(step):
                written = index
            elif written is not None and step.reads:
                shows[index] = written
                kinds.add((step.route, step.status, "after", _named(plan.steps[written])))
            said = amounts_of(step)
            new = any(
                len(amounts[where]) < AMOUNTS and not several <= amounts[where] for where, several in said.items()
            )
            if (new or any(told[kind] < copies for kind in kinds)) and usable(plan, index):
                fresh.append(index)
                for kind in kinds:
                    told[kind] += 1
                for where, several in said.items():
                    amounts[where] |= several
        for part in _parts(fresh):
            setup = tuple(i for i in flow if i < part[-1] and i not in part and _wrote(plan.steps[i]))
            kept = frozenset(shows[i] for i in part if i in shows and usable(plan, shows[i])) - set(part)
            found.append(Story(tuple(part), setup, kept))
    return sorted(_together(plan, found), key=lambda story: story.focus)


def _together(plan: Plan, found: Sequence[Story]) -> list[Story]:
    """Single exchanges of one session and one route in one test: reading a list in six ways is one thing to know."""
    single: dict[Hashable, list[int]] = defaultdict(list)
    kept: list[Story] = []
    for story in sorted(found, key=lambda story: story.focus):
        if len(story.focus) > 1 or story.setup:
            kept.append(story)
            continue
        step = plan.steps[story.focus[0]]
        single[step.session, step.exchange.request.method, step.route, step.status < 400].append(step.index)
    return [*kept, *(Story(tuple(part)) for indices in single.values() for part in _parts(indices))]


def usable(plan: Plan, index: int) -> bool:
    """Whether a test can be made of this exchange at all."""
    step = plan.steps[index]
    exchange = step.exchange
    response = exchange.response
    return (
        plan.skipped[index] is None
        and response is not None
        and response.body.complete
        and exchange.outcome is Outcome.COMPLETE
        and exchange.request.target.startswith("/")
    )


class _Whose:
    """Whose thing a request names: a refusal of another one's is not the refusal of what is not there."""

    def __init__(self, plan: Plan) -> None:
        self._sorts = plan.flow.sorts
        self._shown: dict[tuple[str, str], set[int]] = defaultdict(set)
        for step in plan.steps:
            if 200 <= step.status < 300:
                for location, value in handed_out(step):
                    if location in self._sorts:
                        self._shown[self._sorts[location], value].add(step.session)

    def __call__(self, step: Step) -> str:
        named = [
            self._shown.get((self._sorts[location], value), set())
            for slot, location, value in consumed(step)
            if slot.location.startswith("path[") and location in self._sorts
        ]
        if not named or all(step.session in sessions for sessions in named):
            return "own"
        return "another's" if all(named) else "nobody's"


def _named(step: Step) -> str:
    return f"{step.exchange.request.method} {step.route}"


def _wrote(step: Step) -> bool:
    return not step.reads and 200 <= step.status < 400


def _flows(plan: Plan, needs: Callable[[Step], frozenset[int]]) -> list[list[int]]:
    partition = Partition()
    for step in plan.steps:
        partition.find(step.index)
        for maker in needs(step):
            if plan.steps[maker].session == step.session and not _is_login(plan, maker, step):
                partition.union(step.index, maker)
    members: dict[Hashable, list[int]] = defaultdict(list)
    for step in plan.steps:
        members[partition.find(step.index)].append(step.index)
    return list(members.values())


def _is_login(plan: Plan, maker: int, step: Step) -> bool:
    """Whether what ties the two is a credential: it ties everything that a session does."""
    handed = {value for _, value in plan.steps[maker].produced.leaves() if isinstance(value, str)}
    return any(
        slot.location.startswith(("header.authorization", "cookie."))
        and any(part in handed for part in slot.text.split())
        for slot in step.slots
    )


def _parts(flow: Sequence[int]) -> list[list[int]]:
    """A flow in pieces of a bearable length."""
    parts: list[list[int]] = []
    for index in flow:
        if parts and len(parts[-1]) < LONGEST:
            parts[-1].append(index)
        else:
            parts.append([index])
    return parts
