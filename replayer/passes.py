"""Passes: one replay of a recording against one fresh or reset instance, with proof of the state it began in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import orjson

from diffing.atoms import canonical, is_opaque, leaves
from diffing.difference import Answer, Reason
from recorder.exchange import OutboundCall, RecordedRequest
from recorder.keys import Key

from .breaker import Reference
from .client import Client, Reply
from .engine import PassResult
from .executors import Executor, Job, LocalExecutor, client_for
from .guide import Guide
from .pacing import CONCURRENCY, Pace
from .plan import Plan
from .preflight import refuse_production
from .signature import Signature
from .spare_calls import spare_calls
from .target_settings import TargetSettings, repeatable
from .targets import open_instance
from .told_routes import Routes, asked_routes

MAX_CANARIES = 6
AGAIN = 2
"""How often a pass is made anew of which something is uncertain."""


@dataclass(frozen=True, slots=True)
class CanaryRead:
    """What the canary paths said, before a pass and after it: path -> text without what is new at each read."""

    before: dict[str, str]
    after: dict[str, str]
    noisy: frozenset[str]


@dataclass(slots=True)
class Pass:
    """One finished pass of one side."""

    name: str  # "baseline 1", "candidate"
    target: TargetSettings
    result: PassResult
    canary: CanaryRead
    seconds: float = 0.0
    started: float = 0.0
    routes: Routes | None = None  # which routes the target says it has; None: it does not say, or was not asked


@dataclass(frozen=True, slots=True)
class PassRunner:
    """What all passes of a run share."""

    plan: Plan
    guide: Guide
    run_id: str
    key: Key | None
    recorded_hosts: frozenset[tuple[str, int]]
    concurrency: int = CONCURRENCY  # where the target says nothing else
    speed: float = 0.0  # of the recorded timing; 0: as fast as it goes
    correlate: bool = True
    order: Callable[[int], float] = float
    canaries: tuple[str, ...] = field(default=())
    executor: Executor = field(default_factory=LocalExecutor)
    ask_routes: bool = False  # also a target that we do not load ourselves

    async def run(
        self,
        name: str,
        target: TargetSettings,
        progress: Callable[[str, int, int], None] | None = None,
        only: frozenset[int] | None = None,
        reference: Reference = Reference(),  # noqa: B008  frozen
    ) -> Pass:
        """Opens an instance, replays, closes it. UsageError for a refused target, InconclusiveError without one.

        A pass of which something is uncertain, since a worker ended in the middle of it, is made anew on another
        instance where there can be one.
        """
        refuse_production(target, self.recorded_hosts)
        done = await self._once(name, target, progress, only, reference)
        for _ in range(AGAIN):
            if not (done.result.uncertain and repeatable(target)):
                break
            done = await self._once(name, target, progress, only, reference)
        return done

    async def _once(
        self,
        name: str,
        target: TargetSettings,
        progress: Callable[[str, int, int], None] | None,
        only: frozenset[int] | None,
        reference: Reference,
    ) -> Pass:
        started = time.time()
        concurrency = target.concurrency or self.concurrency
        pace = Pace(concurrency, target.rate, target.ramp_up, self.speed)
        async with open_instance(target, key=self.key, label=name) as instance:
            spare = self._spare()
            signature = Signature(self.key, self.run_id, spare)
            async with client_for(instance.base_url, target.timeout, pace, signature) as client:
                routes = instance.routes
                if routes is None and self.ask_routes and self.key is not None:
                    routes = await asked_routes(client)
                paths = target.canary or self.canaries
                before, noisy = await read_canaries(client, paths)
                job = Job(
                    name=name,
                    plan=self.plan,
                    guide=self.guide,
                    base_url=instance.base_url,
                    target=target,
                    run_id=self.run_id,
                    key=self.key,
                    pace=pace,
                    correlate=self.correlate,
                    only=only,
                    order=self.order,
                    spare=spare,
                    mint=instance.mint if target.mint else None,
                    reference=replace(
                        reference, minted=bool(target.mint), keyless=bool(target.mint) and self.key is None
                    ),
                    repeatable=repeatable(target),
                )
                result = await self.executor.replay(
                    job,
                    client,
                    signature,
                    None if progress is None else lambda done, total: progress(name, done, total),
                )
                after, later = await read_canaries(client, paths) if not result.problem else (before, noisy)
                noisy |= later
            if instance.died:
                result.problem = instance.died
                for index, answer in enumerate(result.answers):
                    if answer.failure:
                        result.answers[index] = Answer(None, reason=Reason.CANCELLED, detail=result.problem)
        canary = CanaryRead(before, after, noisy)
        return Pass(name, target, result, canary, time.time() - started, started, routes)

    def _spare(self) -> tuple[OutboundCall, ...]:
        return spare_calls((step.route, step.exchange) for step in self.plan.steps) if self.key is not None else ()


def unsent_pass(name: str, target: TargetSettings, plan: Plan, why: str) -> Pass:
    """The pass that was not made, since one before it showed that nothing could be learned from it."""
    answers = [Answer(None, reason=Reason.CANCELLED, detail=why)] * len(plan.steps)
    return Pass(name, target, PassResult(answers), CanaryRead({}, {}, frozenset()), started=time.time())


def statuses(answers: Iterable[Answer]) -> dict[int, int]:
    """What a pass got, by step; 0 where there was no response."""
    return {index: answer.response.status if answer.response else 0 for index, answer in enumerate(answers)}


def choose_canaries(plan: Plan) -> tuple[str, ...]:
    """Reads that anybody may do, of routes whose answers show state: one of each route, without parameters.

    Those whose answer changed in the recording come first: they tell whether a pass began in a fresh state.
    """
    chosen: dict[str, str] = {}
    bodies: dict[str, set[bytes]] = {}
    for step in plan.steps:
        request = step.exchange.request
        if request.method != "GET" or step.status != 200 or step.produced.root != "$" or step.produced.body is None:
            continue
        carries = any(slot.location.startswith(("header.authorization", "cookie.", "path[")) for slot in step.slots)
        if not carries and "?" not in request.target and step.exchange.response is not None:
            target = chosen.setdefault(step.route, request.target)
            if target == request.target:
                bodies.setdefault(target, set()).add(step.exchange.response.body.data)
    ranked = sorted(chosen.values(), key=lambda target: -min(2, len(bodies[target])))
    return tuple(ranked[:MAX_CANARIES])


async def read_canaries(client: Client, paths: Sequence[str]) -> tuple[dict[str, str], frozenset[str]]:
    if not paths:
        return {}, frozenset()
    first = await asyncio.gather(*(_read(client, path) for path in paths))
    second = await asyncio.gather(*(_read(client, path) for path in paths))
    noisy = frozenset(p for p, a, b in zip(paths, first, second, strict=True) if a != b)
    return dict(zip(paths, first, strict=True)), noisy


async def _read(client: Client, path: str) -> str:
    reply: Reply = await client.send(RecordedRequest("GET", path, (("Accept", "application/json"),)))
    if reply.response is None:
        return "no answer"
    return f"{reply.response.status} {_state(reply.response.body.data)}"


def _state(data: bytes) -> str:
    """A body's values without what is new at each read (times, tokens, fractions), order aside."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return str(len(data))
    kept: list[str] = []
    for path, leaf in leaves(value):
        text = canonical(leaf)
        if text is None or is_opaque(text) or len(text) > 64 or (text[:4].isdigit() and "-" in text[:8]):
            continue
        if text.isdigit() and len(text) >= 10:
            continue
        kept.append(f"{path}={text}")
    return json.dumps(sorted(kept))


def most_faithful_first(passes: Sequence[Pass], plan: Plan) -> list[Pass]:
    """Passes of one target, that with the fewest other statuses than the recorded ones in front, under the first name.

    The first is what others are compared with. One that a login failed in by chance lacks all that the user did then.
    """

    def unfaithful(one: Pass) -> int:
        got = statuses(one.result.answers)
        return sum(got.get(step.index, 0) != step.status for step in plan.steps if step.status)

    ordered = sorted(passes, key=unfaithful)
    return [replace(one, name=named.name) for one, named in zip(ordered, passes, strict=True)]


def state_problems(baselines: Sequence[Pass], candidates: Sequence[Pass]) -> list[str]:
    """Passes that began where an earlier one had ended: nothing was reset, or two instances share a database.

    A path tells only if the earlier pass changed what it says; a difference alone tells nothing (a process id, say).
    """
    problems: list[str] = []
    earlier: list[Pass] = []
    # what was new at each read in one pass is so in all of them, even where two reads happened to agree
    noisy = frozenset[str]().union(*(one.canary.noisy for one in (*baselines, *candidates)))
    for one in sorted((*baselines, *candidates), key=lambda one: one.started):
        for before in earlier:
            shared = [
                path
                for path, text in one.canary.before.items()
                if text == before.canary.after.get(path) != before.canary.before.get(path) and path not in noisy
            ]
            if shared:
                problems.append(
                    f"{one.name} began in the state that {before.name} had ended in (GET {shared[0]} shows it): give "
                    "the target a reset, or a start command that makes a fresh instance"
                )
                break
        earlier.append(one)
    return problems
