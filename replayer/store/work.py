"""Passes that workers share: batches, what was sent of them, and what came of it.

A batch is held by one worker at a time. Whatever its holder writes is written only while it holds the batch, in one
transaction each: a worker that was taken for dead and lives on can not add to what its successor has begun.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, insert, or_, select, update

from ..errors import UsageError
from .bell import Bell, ring
from .dialect import LOOKUP, insert_new, read, write
from .runs import packed
from .tables import runs, work_answers, work_batches, work_intents, work_mints, work_passes

WAITING, RUNNING, DONE = "waiting", "running", "done"
COORDINATOR, WORKERS = "understudy_coordinator_%d", "understudy_workers_%d"
"""Channels of a pass: that a batch is done or credentials are wanted; that credentials are there."""
PAGE = 50
"""Rows of answers read at a time: each holds those of up to some hundred exchanges."""


class LostBatch(Exception):
    """The batch is another worker's by now, or its pass is over: nothing was written, and nothing is to be sent."""


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """A batch that a worker has taken. The contents are bytes that the store does not look into."""

    id: int
    pass_id: int
    run_id: str
    recording_id: int | None
    terms: bytes
    steps: bytes
    begun: bool  # another worker had it before
    intents: frozenset[int]  # writes that one may have sent


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is."""

    id: int
    state: str
    holder: str
    beat: float
    outcome: bytes | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of some exchanges of a batch, and what was learned of them."""

    id: int
    batch: int
    answers: bytes
    facts: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What was learned in a part of a batch."""

    batch: int
    facts: bytes


class WorkStore:
    """The part of the store through which a coordinator and its workers speak with one another."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._bells: list[Bell] = []

    def bell(self) -> Bell:
        """What hears what is rung for one side of a pass, on one of the channels above."""
        self._bells.append(Bell(self._engine))
        return self._bells[-1]

    def close_bells(self) -> None:
        """Hear nothing any more, with any of them."""
        for bell in self._bells:
            bell.close()

    # -- the coordinator's side -------------------------------------------------------------------------------------

    def open_work(self, run_id: str, name: str, terms: bytes, guide: bytes) -> int:
        """A new shared pass of a run; its number."""

        def work(connection: Connection) -> int:
            number = connection.execute(select(runs.c.number).where(runs.c.id == run_id)).scalar()
            if number is None:
                raise UsageError(f"There is no run {run_id!r}.")
            values = {
                "run": number,
                "name": name,
                "began": time.time(),
                "terms": terms,
                "guide": guide,
            }
            made = connection.execute(insert(work_passes).values(values).returning(work_passes.c.id))
            return int(made.scalar_one())

        return write(self._engine, work)

    def add_batches(self, pass_id: int, first: int, steps: Sequence[bytes]) -> list[int]:
        """New batches of a pass, in which nobody has begun. `first` is the number of the first within the pass."""
        numbers = range(first, first + len(steps))
        now = time.time()
        rows = [
            {"pass": pass_id, "number": number, "state": WAITING, "holder": "", "beat": now, "steps": each}
            for number, each in zip(numbers, steps, strict=True)
        ]
        table = work_batches.c
        query = select(table.id).where(table["pass"] == pass_id, table.number.in_(numbers)).order_by(table.number)

        def work(connection: Connection) -> list[int]:
            insert_new(connection, work_batches, rows)
            return list(connection.execute(query).scalars())

        return write(self._engine, work)

    def batch_states(self, batch_ids: Sequence[int], mints_of: int | None = None) -> tuple[list[BatchState], list[str]]:
        """How far these batches are; and principals whose credentials a worker of the pass `mints_of` waits for."""
        table, mints = work_batches.c, work_mints.c
        query = select(table.id, table.state, table.holder, table.beat, table.outcome).where(table.id.in_(batch_ids))
        query = query.order_by(table.id)
        wanted = select(mints.principal).where(mints["pass"] == mints_of, mints.minted.is_(None))
        wanted = wanted.order_by(mints.principal)

        def work(connection: Connection) -> tuple[list[BatchState], list[str]]:
            states = [BatchState(*row) for row in connection.execute(query)]
            return states, list(connection.execute(wanted).scalars()) if mints_of is not None else []

        return read(self._engine, work)

    def work_answers(self, pass_id: int, after: int = 0) -> Iterator[Answers]:
        """Everything that came of a pass, in the order in which it was written."""
        table = work_answers.c
        while True:
            query = _ANSWERS.where(table["pass"] == pass_id, table.id > after).order_by(table.id).limit(PAGE)
            rows = read(self._engine, partial(_all, query))
            yield from (Answers(*row) for row in rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].id

    def drop_work(self, pass_id: int) -> None:
        """Forget a pass that is over: its answers have been read, and hold what a target produced."""
        write(self._engine, lambda given: given.execute(delete(work_passes).where(work_passes.c.id == pass_id)))

    def answer_mint(self, pass_id: int, principal: str, minted: bytes) -> None:
        """Credentials for whoever asked, or why there are none."""
        table = work_mints.c
        change = update(work_mints).where(table["pass"] == pass_id, table.principal == principal)

        def work(connection: Connection) -> None:
            connection.execute(change.values(minted=minted))
            ring(connection, WORKERS % pass_id)

        write(self._engine, work)

    # -- a worker's side --------------------------------------------------------------------------------------------

    def take_batch(self, batch_id: int, holder: str, lease: float) -> HeldBatch | None:
        """Take a batch that nobody holds, or whose holder has given no sign of life for `lease` seconds; else None."""
        table, now = work_batches.c, time.time()
        free = or_(
            table.state == WAITING, and_(table.state == RUNNING, or_(table.beat < now - lease, table.holder == holder))
        )

        def work(connection: Connection) -> HeldBatch | None:
            before = connection.execute(select(table.state, table.holder).where(table.id == batch_id)).first()
            change = update(work_batches).where(table.id == batch_id, free)
            if not connection.execute(change.values(state=RUNNING, holder=holder, beat=now)).rowcount:
                return None
            row = connection.execute(_BATCH.where(table.id == batch_id)).one()
            intents = connection.execute(select(work_intents.c.step).where(work_intents.c.batch == batch_id))
            return HeldBatch(
                row.id,
                row[1],
                row.run,
                row.recording,
                row.terms,
                row.steps,
                before is not None and before.state == RUNNING and before.holder != holder,
                frozenset(intents.scalars()),
            )

        return write(self._engine, work)

    def guide_of(self, pass_id: int) -> bytes:
        """What has to be known of the whole plan. Raises LostBatch when the pass is over."""
        query = select(work_passes.c.guide).where(work_passes.c.id == pass_id)
        guide = read(self._engine, lambda connection: connection.execute(query).scalar())
        if guide is None:
            raise LostBatch
        return bytes(guide)

    def answers_of(self, batch_id: int) -> list[Answers]:
        """What earlier holders of a batch have kept."""
        query = _ANSWERS.where(work_answers.c.batch == batch_id).order_by(work_answers.c.id)
        return [Answers(*row) for row in read(self._engine, partial(_all, query))]

    def facts_of(self, pass_id: int, batch_id: int, known: Set[int]) -> list[Facts]:
        """What was learned in batches that are done, and in this one; not in those that are known already.

        Of batches that run at this moment nothing is told: a part of it might never be seen.
        """
        table = work_batches.c
        done = select(table.id).where(table["pass"] == pass_id, or_(table.state == DONE, table.id == batch_id))
        query = select(work_answers.c.batch, work_answers.c.facts).order_by(work_answers.c.id)

        def work(connection: Connection) -> list[Facts]:
            wanted = sorted(set(connection.execute(done).scalars()) - known)
            found: list[Facts] = []
            for start in range(0, len(wanted), LOOKUP):
                rows = connection.execute(query.where(work_answers.c.batch.in_(wanted[start : start + LOOKUP])))
                found += [Facts(*row) for row in rows]
            return found

        return read(self._engine, work)

    def keep(
        self,
        held: HeldBatch,
        holder: str,
        intents: Iterable[int] = (),
        answers: bytes = b"",
        facts: bytes = b"",
        outcome: bytes | None = None,
    ) -> None:
        """A sign of life, and what goes with it in one transaction. With an outcome, the batch is done.

        Raises LostBatch when the worker does not hold it any more.
        """
        values: dict[str, Any] = {"beat": time.time()}
        if outcome is not None:
            values |= {"state": DONE, "outcome": outcome}
        table = work_batches.c
        mine = and_(table.id == held.id, table.holder == holder)

        def work(connection: Connection) -> bool:
            running = update(work_batches).where(mine, table.state == RUNNING)
            if not connection.execute(running.values(values)).rowcount:
                # done by the same holder: a commit of which nobody had heard
                done = select(table.id).where(mine, table.state == DONE)
                return outcome is not None and connection.execute(done).first() is not None
            insert_new(connection, work_intents, [{"batch": held.id, "step": step} for step in intents])
            if answers:
                row = {"pass": held.pass_id, "batch": held.id, "answers": answers, "facts": facts}
                connection.execute(insert(work_answers).values(row))
            if outcome is not None:
                ring(connection, COORDINATOR % held.pass_id)
            return True

        if not write(self._engine, work):
            raise LostBatch

    def ask_mint(self, pass_id: int, principal: str) -> bytes | None:
        """Ask for a principal's credentials, unless somebody has; what they are, when they are there already."""
        table = work_mints.c
        query = select(table.minted).where(table["pass"] == pass_id, table.principal == principal)

        def work(connection: Connection) -> bytes | None:
            row = connection.execute(query).first()
            if row is None:
                insert_new(connection, work_mints, [{"pass": pass_id, "principal": principal}])
                ring(connection, COORDINATOR % pass_id)
            return None if row is None or row.minted is None else bytes(row.minted)

        return write(self._engine, work)

    def minted(self, pass_id: int, principals: Sequence[str]) -> dict[str, bytes]:
        """The credentials that are there by now, of principals for whom they were asked."""
        table = work_mints.c
        query = select(table.principal, table.minted).where(
            table["pass"] == pass_id, table.principal.in_(principals), table.minted.is_not(None)
        )
        return {row.principal: bytes(row.minted) for row in read(self._engine, partial(_all, query))}

    # -- runs -------------------------------------------------------------------------------------------------------

    def take_up(self, run_id: str, silent: float) -> bool:
        """Begin a run again that did not finish; False when it has, or was alive in the last `silent` seconds."""
        dead = or_(runs.c.state != RUNNING, runs.c.beat.is_(None), runs.c.beat < time.time() - silent)
        change = update(runs).where(runs.c.id == run_id, runs.c.state != "finished", dead)
        values = {"state": RUNNING, "stop": "", "progress": "", "beat": time.time()}

        def work(connection: Connection) -> bool:
            number = select(runs.c.number).where(runs.c.id == run_id).scalar_subquery()
            if not connection.execute(change.values(values)).rowcount:
                return False
            connection.execute(delete(work_passes).where(work_passes.c.run == number))
            return True

        return write(self._engine, work)

    def ask_to_stop(self, run_id: str, why: str) -> bool:
        """Ask whoever coordinates a run to end it; False when it is not under way."""
        change = update(runs).where(runs.c.id == run_id, runs.c.state == RUNNING, runs.c.stop == "")
        return bool(write(self._engine, lambda connection: connection.execute(change.values(stop=why)).rowcount))

    def beat_run(self, run_id: str, progress: str, found: Mapping[str, Any] | None = None) -> str:
        """A sign of life of a run's coordinator; who asked it to stop, "" when nobody did.

        `found` is what it has found by now; None: as before.
        """
        values: dict[str, Any] = {"beat": time.time(), "progress": progress}
        if found is not None:
            values["found"] = packed(found)

        def work(connection: Connection) -> str:
            connection.execute(update(runs).where(runs.c.id == run_id).values(values))
            return connection.execute(select(runs.c.stop).where(runs.c.id == run_id)).scalar() or ""

        return write(self._engine, work)


_ANSWERS = select(work_answers.c.id, work_answers.c.batch, work_answers.c.answers, work_answers.c.facts)
_BATCH = (
    select(
        work_batches.c.id,
        work_batches.c["pass"],
        runs.c.id.label("run"),
        runs.c.recording,
        work_passes.c.terms,
        work_batches.c.steps,
    )
    .join(work_passes, work_passes.c.id == work_batches.c["pass"])
    .join(runs, runs.c.number == work_passes.c.run)
)


def _all(query: Any, connection: Connection) -> Sequence[Any]:
    return connection.execute(query).all()
