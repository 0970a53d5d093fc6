"""One instance of the shop under prefork gunicorn, from a snapshot that it does not touch.

`python -m shop.serve --snapshot F --port P [--host A] [--release N] [--secret S] [--provider URL] [--workers 2]
[--faults a,b]`
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from . import create_app
from .config import DEFAULT_PROVIDER, DEFAULT_SECRET, Settings


def private_copy(snapshot: Path, folder: Path) -> Path:
    """A copy in write-ahead mode: switching to it needs the file alone, which two starting workers do not have."""
    copy = folder / "shop.db"
    shutil.copyfile(snapshot, copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        if os.environ.get("SHOP_NOISE") == "2":  # no two instances count their ids alike
            connection.execute("UPDATE sqlite_sequence SET seq = seq + abs(random()) % 500")
            connection.commit()
    return copy


class Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            if name in self.cfg.settings:  # older gunicorns have no control socket to switch off
                self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app()


def main() -> None:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="shop-"))
    os.environ.update(
        SHOP_DATABASE=str(private_copy(options.snapshot, folder)),
        SHOP_SECRET=options.secret,
        SHOP_PROVIDER_URL=options.provider,
        SHOP_RELEASE=str(options.release),
        SHOP_FAULTS=options.faults,
        SHOP_WITHOUT=options.without,
    )
    server = Server(
        {
            "bind": f"{options.host}:{options.port}",
            "workers": options.workers,
            "loglevel": "error",
            "graceful_timeout": 5,
            "control_socket_disable": True,
            "worker_tmp_dir": str(folder),
            "on_exit": lambda _server: shutil.rmtree(folder, ignore_errors=True),
        }
    )
    try:
        Settings.from_environment()
        server.run()
    except ValueError as problem:
        raise SystemExit(f"shop.serve: {problem}") from None
    finally:
        if not _is_worker():
            shutil.rmtree(folder, ignore_errors=True)


_PARENT = os.getpid()


def _is_worker() -> bool:
    return os.getpid() != _PARENT


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="shop.serve", description="Serve the shop until it is told to stop.")
    parser.add_argument(
        "--snapshot",
        type=Path,
        default=os.environ.get("SHOP_SNAPSHOT"),
        help="copied at start; the copy is removed at the end (default: what SHOP_SNAPSHOT names)",
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--release", type=int, choices=(1, 2), default=1)
    parser.add_argument("--secret", default=os.environ.get("SHOP_SECRET", DEFAULT_SECRET), help="signs tokens")
    parser.add_argument("--provider", default=os.environ.get("SHOP_PROVIDER_URL", DEFAULT_PROVIDER), help="its URL")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--faults", default=os.environ.get("SHOP_FAULTS", ""), help="changes to switch on, by name")
    parser.add_argument("--without", default=os.environ.get("SHOP_WITHOUT", ""), help="changes to switch off, by name")
    options = parser.parse_args()
    if options.snapshot is None:
        parser.error("--snapshot or SHOP_SNAPSHOT must name a snapshot; python -m shop.seed makes one")
    if not options.snapshot.is_file():
        parser.error(f"{options.snapshot} is not there; python -m shop.seed makes it")
    return options


if __name__ == "__main__":
    main()
