"""How coordinator and workers write to one another: the bytes in the store, sealed where a target produced them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from diffing.difference import Answer, Reason
from recorder.exchange import Exchange, Observed, OutboundCall
from recorder.payload import decode_observed, encode_observed

from ..answers import packed, unpacked
from ..breaker import Reference
from ..engine import Batch, BatchResult
from ..flow import Step
from ..learned import Fact
from ..mint import Credentials, Minted, MintFailure
from ..pacing import Pace
from ..plan import Plan, prepared
from ..sealing import Sealer
from ..store import codec


@dataclass(frozen=True, slots=True)
class Terms:
    """Where and how the steps of a pass are sent."""

    base_url: str
    ready: str  # the path that says whether the instance is
    run_id: str
    timeout: float  # seconds for one request
    disposable: bool
    correlate: bool
    mints: bool  # the coordinator makes credentials for who asks
    repeatable: bool
    guide: str = ""  # the digest of the guide, which is the same for all passes of a run
    spare: tuple[OutboundCall, ...] = ()

    def pack(self) -> bytes:
        fields = asdict(self) | {"spare": base64.b64encode(encode_observed(Observed(outbound=self.spare))).decode()}
        return orjson.dumps(fields)

    @classmethod
    def unpack(cls, data: bytes) -> Terms:
        fields = orjson.loads(data)
        spare = decode_observed(base64.b64decode(fields.pop("spare"))).outbound
        return cls(**fields, spare=spare or ())


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a batch, without its exchange."""

    index: int
    exchange_id: str
    route: str
    session: int
    principal: str
    waits: tuple[int, ...]  # for other steps of the batch
    skipped: str  # why it is not sent; "" when it is

    @classmethod
    def of(cls, plan: Plan, index: int, batch: Set[int], skipped: Reason | None) -> Entry:
        step = plan.steps[index]
        waits = tuple(sorted(plan.depends[index] & batch))
        reason = skipped.value if skipped is not None else ""
        return cls(index, step.exchange.id, step.route, step.session, step.principal, waits, reason)

    def step(self, exchange: Exchange) -> Step:
        """The step, prepared as the plan has it."""
        return prepared(self.index, exchange, self.route, self.session, self.principal)


def pack_entries(pace: Pace, reference: Reference, entries: Sequence[Entry]) -> bytes:
    """The steps of a batch in recorded order, how fast to send them, and what to hold the replies against."""
    rows = [[e.index, e.exchange_id, e.route, e.session, e.principal, e.waits, e.skipped] for e in entries]
    part = reference.part(entry.index for entry in entries)
    held = [list(part.statuses.items()), part.heed_refusals, part.minted]
    return codec.compressed(orjson.dumps([asdict(pace), held, rows]))


def unpack_entries(data: bytes) -> tuple[Pace, Reference, list[Entry]]:
    pace, (statuses, *flags), rows = orjson.loads(codec.expanded(data))
    return (
        Pace(**pace),
        Reference(dict(statuses), *flags),
        [
            Entry(index, exchange_id, route, session, principal, tuple(waits), skipped)
            for index, exchange_id, route, session, principal, waits, skipped in rows
        ],
    )


def batch_of(entries: Sequence[Entry], steps: Mapping[int, Step]) -> Batch:
    """What the engine sends."""
    return Batch(
        {entry.index: steps[entry.index] for entry in entries},
        {entry.index: frozenset(entry.waits) for entry in entries},
        {entry.index: Reason(entry.skipped) for entry in entries if entry.skipped},
    )


def pack_answers(answers: Mapping[int, Answer], sealer: Sealer) -> bytes:
    return sealer.seal(packed(answers))


def unpack_answers(data: bytes, sealer: Sealer) -> dict[int, Answer]:
    return unpacked(sealer.open(data))


def pack_facts(facts: Sequence[Fact], sealer: Sealer) -> bytes:
    return sealer.seal(codec.compressed(codec.dumps(facts)))


def unpack_facts(data: bytes, sealer: Sealer) -> list[Fact]:
    return [tuple(fact) for fact in codec.loads(codec.expanded(sealer.open(data)))]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a batch beside its answers."""

    problem: str = ""
    replaced: int = 0
    minted: tuple[str, ...] = ()
    mint_failures: tuple[tuple[str, int], ...] = ()
    uncertain: tuple[int, ...] = ()  # steps of which nobody knows whether they were sent
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: BatchResult, uncertain: Iterable[int]) -> Outcome:
        failures = tuple(result.mint_failures.items())
        return cls(
            result.problem,
            result.replaced,
            tuple(sorted(result.minted)),
            failures,
            tuple(sorted(uncertain)),
            result.notes,
        )

    def pack(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def unpack(cls, data: bytes) -> Outcome:
        fields = orjson.loads(data)
        fields["mint_failures"] = tuple((reason, count) for reason, count in fields["mint_failures"])
        return cls(**fields | {name: tuple(fields[name]) for name in ("minted", "uncertain", "notes")})


def pack_minted(minted: Minted, sealer: Sealer) -> bytes:
    if isinstance(minted, Credentials):
        content: dict[str, Any] = {"headers": minted.headers, "cookies": minted.cookies, "body": minted.body}
    else:
        content = {"failure": minted.message if isinstance(minted, MintFailure) else None}
    return sealer.seal(codec.dumps(content))


def unpack_minted(data: bytes, sealer: Sealer) -> Minted:
    content = codec.loads(sealer.open(data))
    if "failure" in content:
        return MintFailure(content["failure"]) if content["failure"] is not None else None
    pairs = {part: tuple((name, value) for name, value in content[part]) for part in ("headers", "cookies", "body")}
    return Credentials(**pairs)
