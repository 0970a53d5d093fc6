from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, Table, func, select, text

from replayer.errors import UsageError
from replayer.store import Store
from replayer.store.schema import HEAD, MIGRATIONS, _upgrade
from replayer.store.tables import metadata


def test_migrations_build_what_the_tables_say(store: Store) -> None:
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_opening_again_changes_nothing(database_url: str) -> None:
    with Store.open(database_url) as store:
        info = store.create_recording("r", service="s", release="", key_id="k", source="")
    with Store.open(database_url) as store:
        assert store.recordings() == [info]


def test_an_up_to_date_store_opens_without_alembic(database_url: str) -> None:
    Store.open(database_url).close()
    code = f"""
import sys
from replayer.store import Store
Store.open({database_url!r}).close()
sys.exit("alembic" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_newer_schema_is_refused(database_url: str) -> None:
    with Store.open(database_url) as store, store._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UsageError) as caught:
        Store.open(database_url)
    assert caught.value.message == (
        f"The database was made by a newer version of Understudy (its schema is 9999, ours is {HEAD})."
    )


def test_processes_that_open_a_new_store_at_once_all_succeed(database_url: str) -> None:
    code = f"""
import sys
from replayer.store import Store
sys.stdin.read()
with Store.open({database_url!r}) as store:
    store.create_recording(sys.argv[1], service="", release="", key_id="", source="")
"""
    children = [
        subprocess.Popen([sys.executable, "-c", code, f"r{n}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for n in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    errors = []
    for child in children:
        assert child.stderr is not None
        errors.append(child.stderr.read().decode())
        child.stderr.close()
    assert ([child.wait(60) for child in children], errors) == ([0] * 4, [""] * 4)
    with Store.open(database_url) as store:
        assert sorted(info.name for info in store.recordings()) == ["r0", "r1", "r2", "r3"]


def test_a_failed_migration_leaves_nothing_behind(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.Operations.batch_alter_table", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Store.open(database_url)
    with Store.open(database_url) as store:
        assert store.recordings() == []


def test_migrations_lose_nothing_of_what_the_first_version_kept(database_url: str) -> None:
    """SQLite deletes what refers to a table when that is dropped, as where a migration has it made anew."""
    with Store.open(database_url) as store:
        engine = store._engine
        with engine.begin() as connection:
            for table in (*reversed(metadata.sorted_tables), Table("alembic_version", MetaData())):
                table.drop(connection)
        with engine.begin() as connection:
            _upgrade(connection, "0001")
            kept = MetaData()
            kept.reflect(connection)
            tables = [table for table in kept.sorted_tables if table.name != "alembic_version"]
            for table in tables:
                connection.execute(table.insert().values({column.name: _something(column) for column in table.columns}))
        with engine.begin() as connection:
            _upgrade(connection)
            counts = {table.name: connection.scalar(select(func.count()).select_from(table)) for table in tables}
    assert counts == {table.name: 1 for table in tables}


def _something(column: Column[Any]) -> object:
    """A value of the column's type; the same in all columns of a type, so that what refers to another row finds it."""
    python = column.type.python_type
    return b"x" if python is bytes else "x" if python is str else python(1)
