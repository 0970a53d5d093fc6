"""Counts over the whole database, for those who watch it: cheap enough to be asked for every few seconds."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, or_, select

from .dialect import read
from .tables import losses, recordings, runs, work_batches


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database holds. Times are seconds since the epoch."""

    recordings: dict[str, int]  # by state: open or closed
    exchanges: int
    newest: float | None  # when the newest exchange was recorded
    dropped: dict[str, int]  # by the reason that producers gave
    runs: dict[tuple[str, str], int]  # by state and verdict; the verdict is "" where there is none
    batches: dict[str, int]  # of passes under way that are shared among workers, by state


class FigureStore:
    """The part of the store that counts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def figures(self, silent_since: float) -> Figures:
        """Everything at one moment. Runs under way without a sign of life since `silent_since` are `lost`."""

        def work(connection: Connection) -> Figures:
            kept = connection.execute(
                select(
                    func.count(),
                    func.count(recordings.c.closed),
                    func.coalesce(func.sum(recordings.c.exchanges), 0),
                    func.max(recordings.c.last),
                )
            ).one()
            dropped = connection.execute(
                select(losses.c.reason, func.sum(losses.c["count"])).group_by(losses.c.reason)
            ).all()
            by_run = {
                (str(state), str(verdict)): int(count)
                for state, verdict, count in connection.execute(
                    select(runs.c.state, runs.c.verdict, func.count()).group_by(runs.c.state, runs.c.verdict)
                )
            }
            silent = or_(runs.c.beat.is_(None), runs.c.beat < silent_since)
            lost = connection.execute(select(func.count()).where(runs.c.state == "running", silent)).scalar_one()
            if lost:
                by_run["lost", ""] = int(lost)
                by_run["running", ""] -= int(lost)
            batches = connection.execute(
                select(work_batches.c.state, func.count()).group_by(work_batches.c.state)
            ).all()
            return Figures(
                recordings={"open": int(kept[0]) - int(kept[1]), "closed": int(kept[1])},
                exchanges=int(kept[2]),
                newest=None if kept[3] is None else float(kept[3]),
                dropped={str(reason): int(count) for reason, count in dropped},
                runs=by_run,
                batches={str(state): int(count) for state, count in batches},
            )

        return read(self._engine, work)
