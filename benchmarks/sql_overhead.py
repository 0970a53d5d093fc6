"""What it costs to count a statement: CPU of the request thread, bare and counted in turn.

    python benchmarks/sql_overhead.py [--rounds 15] [--statements 2000]

A select by primary key on SQLite in memory, the cheapest statement that there is, through SQLAlchemy Core, the ORM and
Django. Many short rounds in turn, so that a noisy machine disturbs both alike; medians, microseconds of CPU per
statement. The last line is what the background thread, or the end of an observed request, takes for the shapes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

from django.conf import settings
from sqlalchemy import Integer, StaticPool, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from recorder.guard import Guard
from recorder.observation import Observation, Wanted, begin, end
from recorder.sql import CountedStatements
from recorder.sql_hooks import SqlHook
from recorder.sql_shape import normalised, outline

BUDGET_MICROSECONDS = 20.0

Ask = Callable[[], None]


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(30))


def asks() -> dict[str, Ask]:
    """Each way of running a statement as a function without arguments."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    connection = engine.connect()
    query = select(Author.__table__).where(Author.id == 1)
    session = Session(engine)

    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
    import django

    django.setup()
    from django.db import connection as django_connection

    def core() -> None:
        connection.execute(query).all()

    def orm() -> None:
        session.get(Author, 1)

    def in_django() -> None:
        with django_connection.cursor() as cursor:
            cursor.execute("SELECT 1 WHERE 1 = %s", [2])
            cursor.fetchall()

    return {"SQLAlchemy Core": core, "SQLAlchemy ORM": orm, "Django cursor": in_django}


def cpu_of(ask: Ask, statements: int, observation: Observation | None) -> float:
    """Microseconds of CPU per statement, within a request that is observed, or not."""
    if observation is not None:
        begin(observation)
    try:
        begun = time.thread_time()
        for _ in range(statements):
            ask()
        return (time.thread_time() - begun) / statements * 1e6
    finally:
        if observation is not None:
            end(observation)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--statements", type=int, default=2000)
    options = parser.parse_args()
    print(f"CPython {sys.version.split()[0]}, {os.cpu_count()} cores; microseconds of CPU per statement, medians")
    ways = asks()
    plain: dict[str, list[float]] = {name: [] for name in ways}
    idle: dict[str, list[float]] = {name: [] for name in ways}
    counted: dict[str, list[float]] = {name: [] for name in ways}
    for name, ask in ways.items():
        for _ in range(options.rounds):
            plain[name].append(cpu_of(ask, options.statements, None))
    hook = SqlHook(Guard())
    for name, ask in ways.items():
        for number in range(options.rounds):
            observation = Observation(wanted=Wanted(hook.look()))
            for measured in ((idle, counted), (counted, idle))[number % 2]:
                given = observation if measured is counted else None
                measured[name].append(cpu_of(ask, options.statements, given))
    for name in ways:
        bare, unasked, full = (statistics.median(values[name]) for values in (plain, idle, counted))
        added = full - unasked
        verdict = "within" if added <= BUDGET_MICROSECONDS else "OVER"
        print(
            f"{name:16} without hook {bare:5.1f} µs  not observed {unasked:5.1f} µs  counted +{added:4.1f} µs "
            f"({full / unasked:4.2f}x, {verdict} the budget of {BUDGET_MICROSECONDS:.0f})"
        )
    statement = f"SELECT {', '.join(f'orders.c{n}' for n in range(20))} FROM orders WHERE orders.id = ?"
    begun = time.thread_time()
    for number in range(500):
        outline(normalised(f"{statement} -- {number}"))
    new = (time.thread_time() - begun) / 500 * 1e6
    held = CountedStatements(Guard())
    for number in range(20):
        held.note(f"{statement} OR a{number} = 1", False)
    held.taken()
    begun = time.thread_time()
    for _ in range(500):
        held.taken()
    known = (time.thread_time() - begun) / 500 * 1e6
    print(f"a shape          new {new:5.1f} µs; 20 known ones of a request {known:5.1f} µs")


if __name__ == "__main__":
    main()
