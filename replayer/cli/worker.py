"""`understudy worker`: sends the batches of runs that were started with `--executor celery`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..service import open_context, worker_key
from . import output
from .options import Database, MetricsHost, MetricsPort, SettingsFile

if TYPE_CHECKING:
    from ..tally import Tally

app = typer.Typer(add_completion=False)


@app.command()
def worker(
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Batches sent at once, each by a process of its own; default: one a core."),
    ] = None,
    broker: Annotated[
        str, typer.Option(metavar="URL", help="Redis; default UNDERSTUDY_BROKER_URL or broker_url.")
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what is done.")] = False,
    metrics_port: MetricsPort = 0,
    metrics_host: MetricsHost = "127.0.0.1",
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Send batches until stopped.

    SIGTERM lets what is under way be finished. Needs the database and the key of the run's recording.
    """
    from ..worker import make_app, serve

    context = open_context(policy, db)
    settings = context.settings
    with context.store as store:
        if store.is_private:
            raise UsageError("A database in memory can not be shared.", "Name one with --db.")
    url, count = broker or settings.broker_url, processes or os.cpu_count() or 1
    output.note(f"understudy: {count} worker processes, waiting for batches (Ctrl-C ends them).")
    celery, key = make_app(url), worker_key()
    with _metrics(metrics_host, metrics_port) as tally:
        return serve(celery, db or settings.database_url, key, count, "INFO" if verbose else "WARNING", tally)


@contextmanager
def _metrics(host: str, port: int) -> Iterator[Tally | None]:
    """What the workers are to count in, served in a process of its own: a process with threads is not to be forked."""
    if not port:
        yield None
        return
    from ..metrics import of_worker
    from ..metrics_server import MetricsServer
    from ..tally import Tally

    tally = Tally()
    end = MetricsServer(host, port, of_worker(tally.read)).in_child()
    try:
        yield tally
    finally:
        end()
        tally.close()
