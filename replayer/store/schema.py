"""Brings a database to the schema of this version; the migrations travel inside the package."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ..errors import UsageError
from .dialect import lock_schema, writing
from .tables import metadata

HEAD = "0014"
"""The newest migration. Written out so that opening an up-to-date store need not import Alembic."""

MIGRATIONS = Path(__file__).parent / "migrations"


class Condition(Enum):
    """How a database stands to this version."""

    NEW = "new"  # there is nothing in it, or no file
    OLD = "old"
    CURRENT = "current"


def condition(engine: Engine) -> Condition:
    """How the database stands to this version, without changing it.

    Raises UsageError when it was made by a newer version, or is not ours.
    """
    with engine.connect() as connection:
        revision = _revision(connection)
        if revision == HEAD:
            return Condition.CURRENT
        _check(connection, revision)
        return Condition.OLD if revision else Condition.NEW


def migrate(engine: Engine) -> None:
    """Run what migrations are missing; of several processes that open a new database at once, one does.

    Raises UsageError when the database was made by a newer version, or is not ours.
    """
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with writing(engine) as connection:
        lock_schema(connection)
        revision = _revision(connection)
        if revision != HEAD:
            _check(connection, revision)
            _upgrade(connection)


def _revision(connection: Connection) -> str:
    """The revision that the database is at; "" for one that has none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _check(connection: Connection, revision: str) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if revision and revision not in known:
        raise UsageError(
            f"The database was made by a newer version of Understudy (its schema is {revision}, ours is {HEAD}).",
            "Update Understudy, or choose another database with --db.",
        )
    if not revision and inspect(connection).get_table_names():
        raise UsageError(
            "The database belongs to something else: it has tables, but none of Understudy's.",
            "Choose another database with --db.",
        )


def _upgrade(connection: Connection, to: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=metadata)
    command.upgrade(config, to)
