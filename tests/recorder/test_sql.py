"""Statements are counted per request, whoever runs them, and whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

import flask
import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, StaticPool, Table, create_engine, insert, select, text

from recorder import RecorderConfig, RecorderMiddleware
from recorder.exchange import SqlStatement
from recorder.flask import Understudy
from recorder.guard import Guard
from recorder.observation import Observation, Wanted, begin, end
from recorder.sinks.memory import MemorySink, memory_sink
from recorder.sql import MAX_SHAPES, MAX_TEXTS, MORE, UNKNOWN, CountedStatements, add_rows
from recorder.sql_hooks import SqlHook

KEY = "a key of at least thirty-two bytes"
ROWS = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer))


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    ROWS.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def observation() -> Iterator[Observation]:
    made = Observation(wanted=Wanted(SqlHook(Guard()).look()))
    begin(made)
    yield made
    end(made)


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    found = memory_sink("sql")
    found.clear()
    yield found
    found.clear()


def counts(observation: Observation) -> dict[str, tuple[int, int]]:
    return {one.statement: (one.count, one.rows) for one in observation.taken().sql or ()}


def test_core_statements_are_counted_with_the_rows_that_the_driver_tells(
    engine: Engine, observation: Observation
) -> None:
    with engine.begin() as connection:
        connection.execute(insert(ROWS), [{"n": n} for n in range(5)])  # one executemany
        connection.execute(ROWS.update().values(n=3))
        for number in (1, 2, 3):
            connection.execute(select(ROWS).where(ROWS.c.id == number)).all()
        with pytest.raises(Exception, match="no such table"):
            connection.execute(text("SELECT x FROM nowhere"))
    with engine.execution_options(logging_token="x").connect() as connection:
        connection.exec_driver_sql("SELECT 7")
    assert counts(observation) == {
        "INSERT INTO t (…) VALUES (#)": (1, 5),
        "UPDATE t SET …": (1, 5),
        "SELECT … FROM t WHERE t.id = #": (3, UNKNOWN),
        "SELECT x FROM nowhere": (1, UNKNOWN),
        "SELECT #": (1, UNKNOWN),
    }
    assert observation.statements is not None
    assert observation.statements.seconds > 0
    assert observation.weight > 0


def test_a_thread_with_a_copied_context_counts_for_the_request(engine: Engine, observation: Observation) -> None:
    def ask() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 7")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, ask).result()
        pool.submit(Context().run, ask).result()  # in an empty one: nobody's
    assert counts(observation) == {"SELECT #": (1, UNKNOWN)}


def test_nothing_is_counted_without_a_request(engine: Engine, observation: Observation) -> None:
    end(observation)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 7")
    assert counts(observation) == {}


def shop(engine: Engine) -> flask.Flask:
    app = flask.Flask("shop")

    @app.get("/rows/<int:count>")
    def rows(count: int) -> dict[str, int]:
        with engine.connect() as connection:
            for number in range(count):
                connection.execute(select(ROWS).where(ROWS.c.id == number))
        return {"rows": count}

    return app


def recorded(app: flask.Flask, sink: MemorySink, **settings: Any) -> list[Any]:
    Understudy(app, RecorderConfig(sink="memory:sql", key=KEY, **settings))
    client = app.test_client()
    for path in ("/rows/2", "/rows/0"):
        client.get(path).close()
    middleware = app.wsgi_app
    assert isinstance(middleware, RecorderMiddleware)
    middleware.close()
    return [one.sql for one in sink.exchanges()]


def test_recorded_exchanges_carry_their_statements(engine: Engine, sink: MemorySink) -> None:
    (statement,), nothing = recorded(shop(engine), sink)
    assert statement == SqlStatement(statement.fingerprint, "SELECT … FROM t WHERE t.id = #", 2, UNKNOWN)
    assert nothing == ()


def test_statements_weigh_in_the_queue(engine: Engine, sink: MemorySink) -> None:
    app = shop(engine)

    @app.get("/literals")
    def literals() -> str:
        with engine.connect() as connection:
            for number in range(100):
                connection.exec_driver_sql(f"SELECT '{number:0200}'")
        return ""

    middleware = RecorderMiddleware(app.wsgi_app, RecorderConfig(sink="memory:sql", key=KEY, queue_bytes=40_000))
    app.wsgi_app = middleware  # type: ignore[method-assign]
    for path in ("/rows/2", "/literals"):
        app.test_client().get(path).close()
    middleware.close()
    assert [one.route for one in sink.exchanges()] == ["/rows/<int:count>"]


def test_it_can_be_switched_off(engine: Engine, sink: MemorySink) -> None:
    assert recorded(shop(engine), sink, sql=False) == [None, None]


def test_what_fails_in_the_recorder_does_not_reach_the_application(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNDERSTUDY_RAISE", raising=False)

    def fail(*_: Any) -> None:
        raise RuntimeError("ours")

    guard = Guard()
    made = Observation(wanted=Wanted(SqlHook(guard).look()))
    monkeypatch.setattr(CountedStatements, "note", fail)
    begin(made)
    try:
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 7").scalar() == 7
    finally:
        end(made)
    assert guard.failures["counting a statement"] >= 1


def test_shapes_are_bounded_and_the_rest_is_counted_together() -> None:
    counted = CountedStatements(Guard())
    for number in range(MAX_TEXTS + 2 * MAX_SHAPES):
        counted.note(f"SELECT a FROM t{number}", False)
    for _ in range(2):
        counted.note(f"SELECT a FROM t0 WHERE n = '{'x' * 5000}'", False)
    taken = counted.taken()
    assert len(taken) == MAX_SHAPES + 1
    assert (taken[-1].fingerprint, taken[-1].statement) == MORE
    assert sum(one.count for one in taken) == MAX_TEXTS + 2 * MAX_SHAPES + 2


def test_literals_do_not_make_shapes() -> None:
    counted = CountedStatements(Guard())
    for number in range(10_000):
        add_rows(counted.note(f"SELECT a FROM t WHERE id = {number}", False), 2)
    ((statement, count, rows),) = [(one.statement, one.count, one.rows) for one in counted.taken()]
    assert (statement, count, rows) == ("SELECT a FROM t WHERE id = #", 10_000, 20_000)
    assert counted.weight < 200_000


def test_a_text_without_a_hash_is_counted() -> None:
    class Composed(list[str]):
        def as_string(self, _context: None) -> str:
            return "SELECT 1 FROM t"

    counted = CountedStatements(Guard())
    counted.note(Composed(), False)
    counted.note(Composed(), False)
    assert [(one.statement, one.count) for one in counted.taken()] == [("SELECT # FROM t", 2)]


DJANGO = """
import json, sys, threading
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}})
import django
django.setup()
from django.db import connection, transaction
from recorder.guard import Guard
from recorder.observation import Observation, Wanted, begin
from recorder.sql_hooks import SqlHook

def ask(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)

ask("SELECT 0")  # this connection is open before anything is installed
hook = SqlHook(Guard())
observation = Observation(wanted=Wanted(hook.look()))
assert hook.watches
hook.watch()
begin(observation)
ask("CREATE TABLE t (a INTEGER)")

def blocked(execute, sql, params, many, context):
    return execute(sql, params, many, context)

with connection.execute_wrapper(blocked):
    connection.close()
    ask("SELECT a FROM t WHERE a = %s", 1)
assert blocked not in connection.execute_wrappers
with transaction.atomic(), transaction.atomic():
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t (a) VALUES (%s)", [(n,) for n in range(4)])
try:
    ask("SELECT nothing FROM nowhere")
except django.db.Error:
    pass

def in_thread():  # a connection of its own, that is made later, and while a wrapper of the application's is on
    begin(observation)
    with connection.execute_wrapper(blocked):
        ask("SELECT a FROM t WHERE a = %s", 2)
    left.extend(connection.execute_wrappers)
    connection.close()

left = []
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
assert len(left) == 1 and blocked not in left
print(json.dumps([[one.statement, one.count, one.rows] for one in observation.taken().sql]))
"""


def test_django_is_counted_on_every_connection(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DJANGO, str(tmp_path / "django.db")],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        ["CREATE TABLE t (a INTEGER)", 1, UNKNOWN],
        ["SELECT a FROM t WHERE a = #", 2, UNKNOWN],
        ["BEGIN", 1, UNKNOWN],
        ["SAVEPOINT #", 1, UNKNOWN],
        ["INSERT INTO t (…) VALUES (#)", 1, 4],
        ["RELEASE SAVEPOINT #", 1, UNKNOWN],
        ["SELECT nothing FROM nowhere", 1, UNKNOWN],
    ]
