"""The staging snapshot: `python -m shop.snapshot --source F --target G --seed N`.

Production's content, but every table's ids go on from somewhere else, as they do on a staging system that has lived.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
from contextlib import closing
from pathlib import Path

OFFSETS = range(137, 9000)


def restart_sequences(source: Path, target: Path, seed: int) -> dict[str, int]:
    """Copies a snapshot; returns how far each table's sequence was moved, no two tables by the same."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)
        tables = [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")]
        moved = dict(zip(sorted(tables), random.Random(seed).sample(OFFSETS, len(tables)), strict=True))
        known = {row[0] for row in copy.execute("SELECT name FROM sqlite_sequence")}
        for table, offset in moved.items():
            if table in known:
                copy.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (offset, table))
            else:
                copy.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, offset))
        copy.commit()
        copy.execute("PRAGMA journal_mode = DELETE")  # to be read where nothing can be written beside it
    return moved


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop.snapshot", description="Make the staging snapshot.")
    parser.add_argument("--source", type=Path, required=True, help="the production snapshot")
    parser.add_argument("--target", type=Path, required=True, help="the file to write")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.source.is_file():
        parser.error(f"{options.source} is not there; python -m shop.seed makes it")
    moved = restart_sequences(options.source, options.target, options.seed)
    print(f"{options.target}: the sequences of {len(moved)} tables start elsewhere")


if __name__ == "__main__":
    main()
