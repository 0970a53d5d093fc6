"""What every executor does with a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from recorder.exchange import OutboundCall
from recorder.keys import Key

from ..breaker import Reference
from ..client import Client
from ..engine import Mint, PassResult, Progress
from ..guide import Guide
from ..pacing import Pace
from ..plan import Plan
from ..signature import Signature
from ..target_settings import TargetSettings


@dataclass(frozen=True, slots=True)
class Job:
    """One pass against one instance that is ready."""

    name: str  # of the pass
    plan: Plan
    guide: Guide
    base_url: str
    target: TargetSettings
    run_id: str
    key: Key | None
    pace: Pace
    correlate: bool = True
    only: frozenset[int] | None = None  # steps to send; None: all
    order: Callable[[int], float] = float  # of those that are ready; recorded order by default
    spare: tuple[OutboundCall, ...] = ()  # what may answer outbound calls beside an exchange's own
    mint: Mint | None = None
    reference: Reference = field(default_factory=Reference)
    repeatable: bool = False  # a pass that lost something is made anew: it need not be finished


def client_for(base_url: str, timeout: float, pace: Pace, signature: Signature) -> Client:
    """What sends the requests of a pass, or of a part of it, to its instance."""
    return Client(base_url, timeout=timeout, connections=max(4, pace.concurrency), extra_headers=signature.headers)


class Executor(Protocol):
    """Replays a job's steps, each at most once if it may change something, and no two orders that tell apart."""

    name: str  # as it stands in reports

    async def replay(self, job: Job, client: Client, signature: Signature, progress: Progress | None) -> PassResult:
        """One answer for every step of the plan. `client` is one of this process, ready to send to the instance.

        Raises UsageError and InconclusiveError where the executor itself can not work; whatever the target does is in
        the result.
        """
