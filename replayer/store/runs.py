"""Runs with their results, answers and reports."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import orjson
import zstandard
from sqlalchemy import Connection, Engine, Select, delete, insert, select, update

from ..errors import ConflictError, UsageError
from . import codec
from .blocks import BlockReader, add_blocks
from .bodies import BodyStore, free_bodies
from .dialect import give_back_space, insert_new, insert_rows, read, reading, write, writing
from .records import ResultRow, RunInfo, StoredAnswer
from .tables import answers, passes, recordings, results, runs

BATCH = 500
"""Rows in one transaction, or read at a time."""

ANSWERS_BATCH = 50
"""Answers in one read: few, as each may have a body of a megabyte."""

_COLUMNS = tuple(column for column in runs.c if column.name not in ("report", "found"))


class RunStore:
    """The part of the store that holds runs. An unknown run's id is a UsageError everywhere."""

    def __init__(self, engine: Engine, bodies: BodyStore) -> None:
        self._engine = engine
        self._bodies = bodies

    def create_run(
        self,
        recording_id: int,
        *,
        candidate: str,
        baselines: Sequence[str] = (),
        state: str = "running",
        branch: str = "",
        commit: str = "",
        executor: str = "local",
        asked: str = "",
        finding: str = "",
    ) -> str:
        """A new run, and its id. `asked` is what it was asked to do, as JSON, so that it can be taken up again.

        `finding` is the fingerprint of the one that it replays alone; "" for a run that judges a release.
        """
        run_id = secrets.token_hex(6)
        with writing(self._engine) as connection:
            name = connection.execute(select(recordings.c.name).where(recordings.c.id == recording_id)).scalar()
            if name is None:
                raise UsageError(f"There is no recording {recording_id}.")
            values = {
                "id": run_id,
                "recording": recording_id,
                "recording_name": name,
                "candidate": candidate,
                "baselines": json.dumps(list(baselines)),
                "state": state,
                "started": time.time(),
                "verdict": "",
                "branch": branch,
                "commit": commit,
                "executor": executor,
                "asked": asked,
                "finding": finding,
                "beat": time.time(),
            }
            connection.execute(insert(runs).values(values))
        return run_id

    def set_run_state(self, run_id: str, state: str) -> None:
        """Say how far the run is."""
        self._update(run_id, state=state)

    def add_results(self, run_id: str, rows: Iterable[ResultRow]) -> None:
        """Note where exchanges ended; a later row takes the place of an earlier one of the same exchange."""
        source = iter(rows)
        while batch := list({row.exchange_id: row for row in islice(source, BATCH)}.values()):
            write(self._engine, partial(_add_results, run_id, batch))

    def results(self, run_id: str) -> Iterator[ResultRow]:
        """Where the exchanges ended, in the order in which that was noted."""
        columns = (results.c.id, results.c.exchange_id, results.c.status, results.c.reason, results.c.detail)
        query = select(*columns).where(results.c.run == self._find(run_id).number).order_by(results.c.id)
        for row in self._pages(query, results.c.id, BATCH):
            yield ResultRow(codec.unpacked_id(row.exchange_id), row.status, row.reason, row.detail)

    def add_answers(self, run_id: str, pass_name: str, rows: Iterable[StoredAnswer]) -> None:
        """Keep what a target answered in one pass; an answer that is there already stays as it is."""
        source = iter(rows)
        while batch := list({row.exchange_id: row for row in islice(source, BATCH)}.values()):
            write(self._engine, partial(self._insert_answers, run_id, pass_name, batch))

    def answers(self, run_id: str, pass_name: str) -> Iterator[tuple[str, StoredAnswer]]:
        """The answers of one pass with the ids of their exchanges; none when there was no such pass."""
        number = self._find(run_id).number
        wanted = select(passes.c.id).where(passes.c.run == number, passes.c.name == pass_name).scalar_subquery()
        columns = (answers.c.number, answers.c.exchange_id, answers.c.block, answers.c.slot, answers.c.body)
        query = select(*columns).where(answers.c["pass"] == wanted).order_by(answers.c.number)
        reader = BlockReader()
        source = self._pages(query, answers.c.number, ANSWERS_BATCH)
        while rows := list(islice(source, ANSWERS_BATCH)):
            blocks = read(self._engine, partial(reader.load, numbers=[row.block for row in rows]))
            bodies = read(self._engine, partial(self._bodies.get, numbers=[row.body for row in rows]))
            for row in rows:
                exchange_id = codec.unpacked_id(row.exchange_id)
                parts = codec.answer_of(blocks[row.block][row.slot], bodies[row.body])
                yield exchange_id, StoredAnswer(exchange_id, *parts)

    def answer(self, run_id: str, pass_name: str, exchange_id: str) -> StoredAnswer | None:
        """What was answered to one exchange in one pass; None when that is not kept."""
        number = self._find(run_id).number
        wanted = select(passes.c.id).where(passes.c.run == number, passes.c.name == pass_name).scalar_subquery()
        query = select(answers.c.block, answers.c.slot, answers.c.body).where(
            answers.c["pass"] == wanted, answers.c.exchange_id == codec.packed_id(exchange_id)
        )

        def work(connection: Connection) -> StoredAnswer | None:
            row = connection.execute(query).first()
            if row is None:
                return None
            record = BlockReader().load(connection, [row.block])[row.block][row.slot]
            body = self._bodies.get(connection, [row.body])[row.body]
            return StoredAnswer(exchange_id, *codec.answer_of(record, body))

        return read(self._engine, work)

    def pass_names(self, run_id: str) -> tuple[str, ...]:
        """The names of the passes that have answers, in the order in which they began."""
        query = select(passes.c.name).where(passes.c.run == self._find(run_id).number).order_by(passes.c.id)
        with reading(self._engine) as connection:
            return tuple(connection.execute(query).scalars())

    def finish_run(
        self,
        run_id: str,
        verdict: str,
        exit_code: int | None,
        report: Mapping[str, Any],
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Close the run with its verdict and its JSON report; `summary` is what lists show of that.

        A run that replayed one finding alone has no verdict: "" and None.
        """
        self._update(
            run_id,
            state="finished",
            verdict=verdict,
            exit_code=None if exit_code is None else int(exit_code),
            report=packed(report),
            summary=json.dumps(summary) if summary else "",
            found=None,
            ended=time.time(),
        )

    def runs(self) -> list[RunInfo]:
        """All runs, the newest first."""
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(select(*_COLUMNS).order_by(runs.c.number.desc()))]

    def run(self, id_or_prefix: str) -> RunInfo:
        """One run by its id or the beginning of it. Raises UsageError when that fits none, or several."""
        return _run(self._find(id_or_prefix))

    def run_report(self, run_id: str) -> dict[str, Any]:
        """The JSON report of a finished run. Raises ConflictError when it has none yet."""
        number = self._find(run_id).number
        with reading(self._engine) as connection:
            data = connection.execute(select(runs.c.report).where(runs.c.number == number)).scalar()
        if data is None:
            raise ConflictError(f"The run {run_id!r} has no report: it did not finish.")
        report: dict[str, Any] = unpacked(data)
        return report

    def found(self, run_id: str) -> dict[str, Any]:
        """What a run under way has found by now, as `beat_run` was given it; empty when it has said nothing."""
        with reading(self._engine) as connection:
            data = connection.execute(select(runs.c.found).where(runs.c.id == run_id)).scalar()
        found: dict[str, Any] = {} if data is None else unpacked(data)
        return found

    def delete_run(self, run_id: str) -> None:
        """Delete a run with all that belongs to it, and the bodies that nothing else carries."""
        number = self._find(run_id).number
        write(self._engine, partial(_delete, number))
        give_back_space(self._engine)

    def _insert_answers(self, run_id: str, pass_name: str, batch: list[StoredAnswer], connection: Connection) -> None:
        run = _number(connection, run_id)
        insert_new(connection, passes, [{"run": run, "name": pass_name}])
        query = select(passes.c.id).where(passes.c.run == run, passes.c.name == pass_name).with_for_update()
        pass_id = connection.execute(query).scalar_one()
        keys = [codec.packed_id(row.exchange_id) for row in batch]
        known = select(answers.c.exchange_id).where(answers.c["pass"] == pass_id, answers.c.exchange_id.in_(keys))
        there = {bytes(key) for key in connection.execute(known).scalars()}
        fresh = [(key, row) for key, row in zip(keys, batch, strict=True) if key not in there]
        if not fresh:
            return
        recording = connection.execute(select(runs.c.recording).where(runs.c.number == run)).scalar()
        contents = [row.response.body.data for _, row in fresh if row.response is not None]
        numbers = self._bodies.put(connection, recording, contents)
        records = [
            codec.record_of_answer(row.response, row.failure, row.started, row.ended, row.observed) for _, row in fresh
        ]
        places = add_blocks(connection, records, pass_id=pass_id)
        values = [
            (pass_id, key, *place, None if row.response is None else numbers.get(row.response.body.data))
            for (key, row), place in zip(fresh, places, strict=True)
        ]
        insert_rows(connection, answers, ("pass", "exchange_id", "block", "slot", "body"), values)

    def _find(self, id_or_prefix: str) -> Any:
        query = select(*_COLUMNS).where(runs.c.id.startswith(id_or_prefix, autoescape=True)).limit(2)
        with reading(self._engine) as connection:
            found = connection.execute(query).all() if id_or_prefix else []
        if len(found) == 1 or (found and found[0].id == id_or_prefix):
            return found[0]
        if found:
            raise UsageError(f"Several runs have ids that begin with {id_or_prefix!r}.", "Give more of it.")
        raise UsageError(f"There is no run {id_or_prefix!r}.", "`understudy runs list` shows the ids.")

    def _update(self, run_id: str, **values: object) -> None:
        number = self._find(run_id).number
        write(self._engine, lambda given: given.execute(update(runs).where(runs.c.number == number).values(**values)))

    def _pages(self, query: Select[Any], key: Any, size: int) -> Iterator[Any]:
        """The rows of a query that is ordered by a unique column, its first, read page by page."""
        after: int | None = None
        while True:
            page = query.limit(size) if after is None else query.where(key > after).limit(size)
            rows = read(self._engine, partial(_rows, page))
            yield from rows
            if len(rows) < size:
                return
            after = rows[-1][0]


def packed(value: Mapping[str, Any]) -> bytes:
    """JSON in one zstd frame."""
    return zstandard.ZstdCompressor(level=3).compress(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def unpacked(data: bytes) -> Any:
    """What `packed` was given."""
    return orjson.loads(zstandard.ZstdDecompressor().decompress(data))


def _rows(query: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(query).all()


def _add_results(run_id: str, batch: Sequence[ResultRow], connection: Connection) -> None:
    number = _number(connection, run_id)
    keys = [codec.packed_id(row.exchange_id) for row in batch]
    connection.execute(delete(results).where(results.c.run == number, results.c.exchange_id.in_(keys)))
    values = [
        {"run": number, "exchange_id": key, "status": row.status, "reason": row.reason, "detail": row.detail}
        for key, row in zip(keys, batch, strict=True)
    ]
    connection.execute(insert(results), values)


def _delete(number: int, connection: Connection) -> None:
    connection.execute(delete(runs).where(runs.c.number == number))
    free_bodies(connection)


def _number(connection: Connection, run_id: str) -> int:
    """The run's number; nobody else adds to it, or deletes it, until the transaction ends."""
    number = connection.execute(select(runs.c.number).where(runs.c.id == run_id).with_for_update()).scalar()
    if number is None:
        raise UsageError(f"There is no run {run_id!r}.", "`understudy runs list` shows the ids.")
    return int(number)


def _run(row: Any) -> RunInfo:
    return RunInfo(
        id=row.id,
        recording=row.recording_name,
        recording_id=row.recording,
        candidate=row.candidate,
        baselines=tuple(json.loads(row.baselines)),
        state=row.state,
        started=row.started,
        ended=row.ended,
        verdict=row.verdict,
        exit_code=row.exit_code,
        branch=row.branch,
        commit=row.commit,
        executor=row.executor,
        progress=row.progress,
        beat=row.beat,
        asked=row.asked,
        finding=row.finding,
        summary=json.loads(row.summary) if row.summary else {},
    )
