from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from shop.seed import seed
from shop.snapshot import restart_sequences

from .conftest import SECRET, Seeded

EXPIRING = ("access_token", "cookies")


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [line for line in connection.iterdump() if "sqlite_sequence" not in line]


def sequences(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as connection:
        known = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: known.get(table, 0) for table in tables if table != "sqlite_sequence"}


def lasting(wallet: dict[str, Any]) -> dict[str, Any]:
    users = [{name: value for name, value in user.items() if name not in EXPIRING} for user in wallet["users"]]
    return wallet | {"users": users}


def test_the_same_secret_gives_the_same_snapshot_and_wallet(seeded: Seeded, tmp_path: Path) -> None:
    wallet = seed(tmp_path / "again.db", SECRET)
    assert dump(tmp_path / "again.db") == dump(seeded.database)
    assert lasting(wallet) == lasting(seeded.wallet)


def test_half_of_the_traffics_users_are_logged_in(seeded: Seeded) -> None:
    users = seeded.wallet["users"]
    assert len(users) == 8
    assert sum(user["logged_in"] for user in users) == 4
    assert all(set(EXPIRING) <= set(user) for user in users if user["logged_in"])


def test_every_tables_ids_go_on_from_elsewhere_on_staging(seeded: Seeded, tmp_path: Path) -> None:
    moved = restart_sequences(seeded.database, tmp_path / "staging.db", seed=3)
    before, after = sequences(seeded.database), sequences(tmp_path / "staging.db")
    assert {table: after[table] - before[table] for table in before} == moved
    assert len(set(moved.values())) == len(moved) == len(before) > 25
    assert dump(tmp_path / "staging.db") == dump(seeded.database)
