"""Recorded sessions replayed in process, one after the other, at one application: what the pytest plugin runs.

A session needs what others did before it. What has not been sent yet is sent first, in recorded order, and nothing is
sent twice: so the sessions that are chosen, in whatever order they are asked for, see the state that a replay makes.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from diffing.difference import Answer, Case, Comparison, Difference, DifferenceKind, Status
from diffing.judge import judge
from diffing.profile import NoiseProfile, learn
from diffing.routes import RouteTable
from recorder.exchange import Exchange, OutboundCall
from recorder.identity import Principal
from recorder.keys import Key
from recorder.outbound.scripted import answering_calls, really_sending

from ..cases import CaseMaker
from ..client import Client
from ..correlate import Correlator
from ..engine import Batch, PassOptions, batch_of, closure, run_batch
from ..flow import Step
from ..guide import make_guide
from ..keeping import keeping_redactor
from ..mint import Credentials, Minted, MintFailure
from ..pacing import Pace
from ..plan import Plan, make_plan
from ..protection import Protection
from ..service import find_recording, open_context, recording_key
from .doubts import is_other_token, sifted
from .in_process import InProcess, load_application

REPEATS = 6
"""How often a read is repeated whose answer differs: of three values that come by chance, one shows alone in 1 %."""


@dataclass(frozen=True, slots=True)
class SessionTold:
    """One session as a test."""

    name: str
    steps: tuple[int, ...]
    routes: frozenset[str]  # their words, for `-k`


@dataclass(frozen=True, slots=True)
class Place:
    """One exchange that changed, with where and how."""

    title: str
    differences: tuple[Difference, ...]

    @property
    def wheres(self) -> tuple[str, ...]:
        """Where and how, in a line each."""
        return tuple(map(_where, self.differences))


class Changed(Exception):
    """Answers of a session are others than the recorded ones."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        super().__init__(f"{len(places)} answers are others than the recorded ones")
        self.places = places

    def shown(self, lines: int) -> str:
        """What changed, as a unified diff without what did not: `-` was recorded, `+` is now."""
        told: list[str] = []
        for place in self.places:
            told += [place.title, *(line for one in place.differences for line in _told(one)), ""]
        rest = len(told) - lines
        if rest > 0:
            told = [*told[:lines], f"… and {rest} lines more; --understudy-lines shows more"]
        return "\n".join([f"{self}:", "", *told]).rstrip()


def _where(one: Difference) -> str:
    return " ".join(filter(None, [one.location.part.value, one.location.path])) + f": {one.transition}"


def _told(one: Difference) -> list[str]:
    lines = [f"@@ {_where(one)} @@"]
    if one.kind is not DifferenceKind.EXTRA:
        lines.append(f"- {one.baseline!r}")
    if one.kind is not DifferenceKind.MISSING:
        lines.append(f"+ {one.candidate!r}")
    return lines


class _Found(list[tuple[Step, tuple[Difference, ...]]]):
    """Steps of a session, and what differs in their answers."""


def _place(step: Step, differences: tuple[Difference, ...]) -> Place:
    request = step.exchange.request
    return Place(f"{request.method} {step.route}  ({request.target})", differences)


@dataclass(slots=True)
class Live:
    """A recording, the application, and how far it has been replayed. Opened once in each process."""

    recording: str
    plan: Plan
    key: Key | None
    application: str
    mint: str = ""
    profile: NoiseProfile | None = None
    _correlator: Correlator | None = None
    _transport: InProcess | None = None
    _answers: dict[int, Answer] = field(default_factory=dict)
    _addresses: list[Any] = field(default_factory=list)

    @classmethod
    def open(cls, recording: str, application: str, mint: str, database_url: str) -> Live:
        """Reads the recording. Raises UsageError and InconclusiveError as `replayer.errors` says."""
        with open_context(None, database_url).store as store:
            info = find_recording(store, recording)
            exchanges = tuple(store.exchanges(info.id))
            stored = store.profile(info.id)
            key = recording_key(info)
        table = RouteTable((e.request.method, e.request.target, e.route) for e in exchanges)
        plan = make_plan(exchanges, lambda e: table.route(e.request.method, e.request.target, e.route))
        return cls(info.name, plan, key, application, mint, NoiseProfile.from_json(stored.data) if stored else None)

    def sessions(self) -> Iterator[SessionTold]:
        """Each session of the recording, in the order of their first requests."""
        members: dict[int, list[Step]] = {}
        for step in self.plan.steps:
            members.setdefault(step.session, []).append(step)
        width = len(str(len(members)))
        for number, steps in enumerate(members.values(), 1):
            words = {word for step in steps for word in re.findall(r"[\w-]+", re.sub("<[^>]*>", "", step.route))}
            first = max(words, key=lambda word: (sum(word in step.route for step in steps), word), default="root")
            yield SessionTold(
                f"session_{number:0{width}d}_{first}", tuple(step.index for step in steps), frozenset(words)
            )

    def run(self, told: SessionTold) -> tuple[Place, ...]:
        """Replays a session. Raises Changed where an answer is another than the recorded one.

        Returns where an answer is another that may as well vary by itself: nothing was learned yet of what does.
        """
        wanted = closure(self.plan, told.steps) - self._answers.keys()
        asyncio.run(self._send(frozenset(wanted)))
        changed, doubtful = self._changed(told, {})
        reads = [step for step, _ in (*changed, *doubtful) if step.reads]
        if reads:
            changed, doubtful = self._changed(told, asyncio.run(self._asked_again(reads)))
        if changed:
            raise Changed(tuple(_place(*each) for each in changed))
        return tuple(_place(*each) for each in doubtful)

    def _changed(self, told: SessionTold, again: Mapping[int, tuple[Answer, ...]]) -> tuple[_Found, _Found]:
        """The steps of a session that were answered otherwise, and those that may have been, without what moves by
        itself in answers `again`.
        """
        chosen = set(told.steps)
        changed, doubtful = _Found(), _Found()
        for step, one in self._compared(again):
            if step.index in chosen and one.status in (Status.DIFFERED, Status.ERRORED):
                certain, may_vary = self._sifted(one)
                if certain or not may_vary:
                    changed.append((step, certain))
                else:
                    doubtful.append((step, may_vary))
        return changed, doubtful

    def _sifted(self, one: Comparison) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
        if self.profile is None:
            return sifted(one.differences)
        tokens = tuple(filter(is_other_token, one.differences))
        return tuple(each for each in one.differences if each not in tokens), tokens

    def close(self) -> None:
        """Ends the server that the mint hook was given, if there was one."""
        for server in self._addresses:
            server.shutdown()
            server.server_close()
        self._addresses.clear()

    async def _send(self, wanted: frozenset[int]) -> None:
        if self._transport is None or self._correlator is None:
            self._transport = InProcess(load_application(self.application))
            self._correlator = Correlator(make_guide(self.plan))
        async with Client("http://localhost", transport=self._transport) as client:
            # one request at a time, so that the calls of each are answered from its own recording
            for index in sorted(wanted):
                batch = _alone(batch_of(self.plan, frozenset({index})))
                options = PassOptions(disposable=True, protection=Protection(Pace(1)))
                with answering_calls(_calls(self.plan.steps[index].exchange)):
                    result = await run_batch(batch, self._correlator, client, options, self._minted)
                self._answers[index] = result.answers[index]

    async def _asked_again(self, reads: Sequence[Step]) -> dict[int, tuple[Answer, ...]]:
        """What reads are answered when they are repeated with nothing in between: what differs moves by itself."""
        assert self._transport is not None
        assert self._correlator is not None
        found: dict[int, tuple[Answer, ...]] = {}
        async with Client("http://localhost", transport=self._transport) as client:
            for step in reads:
                request = self._correlator.prepare(step).request
                with answering_calls(_calls(step.exchange) * REPEATS):
                    replies = [await client.send(request) for _ in range(REPEATS)]
                found[step.index] = tuple(Answer(one.response, "", one.started, one.ended) for one in replies)
        return found

    async def _minted(self, digest: str) -> Minted:
        if not self.mint or self.key is None:
            return MintFailure("--understudy-mint is not given" if not self.mint else "the recording's key is not here")
        module, _, name = self.mint.partition(":")
        try:
            hook = getattr(importlib.import_module(module), name)
            principal, address = Principal(digest, self.key), self._address()
            with really_sending():
                given = await asyncio.to_thread(hook, principal, address)
        except Exception as error:
            return MintFailure(f"{type(error).__name__}: {error}")
        if given is None:
            return None
        parts = {part: tuple((str(k), str(v)) for k, v in dict(given.get(part) or {}).items()) for part in _PARTS}
        return Credentials(parts["headers"], parts["cookies"], parts["body"])

    def _address(self) -> str:
        """Where the application answers over HTTP, for a hook that logs users in."""
        assert self._transport is not None
        if not self._addresses:
            server = make_server("127.0.0.1", 0, self._transport.application, handler_class=_Quiet)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self._addresses.append(server)
        return f"http://127.0.0.1:{self._addresses[0].server_port}"

    def _compared(self, again: Mapping[int, tuple[Answer, ...]]) -> list[tuple[Step, Comparison]]:
        steps = [self.plan.steps[index] for index in sorted(self._answers)]
        maker = CaseMaker(self.plan, redactor=keeping_redactor(self.key))
        lessons = [
            Case(
                step.exchange,
                step.route,
                (),
                tuple(
                    maker.redacted(answer, step.exchange)
                    for answer in (self._answers[step.index], *again.get(step.index, ()))
                ),
            )
            for step in steps
        ]
        cases = [replace(case, candidate=case.candidate[:1]) for case in lessons]
        assert self._correlator is not None
        profile = self.profile or learn(lessons, self._correlator.proven_sorts())
        return list(zip(steps, judge(cases, profile), strict=True))


_PARTS = ("headers", "cookies", "body")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A test prints nothing."""


def _alone(batch: Batch) -> Batch:
    """One step, for which all that it waits for has been answered."""
    return Batch(batch.steps, dict.fromkeys(batch.steps, frozenset()), batch.skipped)


def _calls(exchange: Exchange) -> tuple[OutboundCall, ...]:
    return exchange.outbound or ()
