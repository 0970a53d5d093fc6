"""`understudy ingest`: drain a Redis stream into the store."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from threading import Event
from types import FrameType
from typing import Annotated

import typer

from ..draining import Drain, Progress
from ..errors import UsageError
from ..intake import Intake
from ..service import Context, open_context
from ..settings import load_settings
from ..store import Gaps, RecordingInfo
from ..stream import Stream
from . import output
from .ingest_words import Line, ingested
from .main import INTERRUPTED
from .options import AsJson, Database, MetricsHost, MetricsPort, SettingsFile

app = typer.Typer(add_completion=False, help="Drain a Redis stream into the store.")


@app.command()
def ingest(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="redis://HOST:6379/0?stream=NAME; default UNDERSTUDY_SINK.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="End when nothing is waiting.")] = False,
    recording: Annotated[
        str, typer.Option(metavar="NAME", help="All into this recording; default: one for each service and release.")
    ] = "",
    close: Annotated[bool, typer.Option("--close", help="With --once: close the recordings at the end.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what is done in the stream, for other readers.")] = False,
    claim_after: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Take over what another process has had for so long.")
    ] = 30.0,
    wait: Annotated[
        float, typer.Option(min=0.0, metavar="SECONDS", help="With --once: how long to wait for Redis or the database.")
    ] = 60.0,
    metrics_port: MetricsPort = 0,
    metrics_host: MetricsHost = "127.0.0.1",
    json: AsJson = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Drain a Redis stream, to which recorders write, into the store, until stopped."""
    chosen = url or os.environ.get("UNDERSTUDY_SINK", "")
    if not chosen:
        raise UsageError("No stream is named.", "Give its URL, or set UNDERSTUDY_SINK as the recorders have it.")
    if close and not once:
        raise UsageError("--close needs --once.", "`understudy recordings close NAME` closes one at any time.")
    load_settings(policy)  # what is wrong there is said before waiting for anything
    stream = Stream(chosen, claim_after=claim_after)
    kept: list[tuple[Context, Intake]] = []

    def opened() -> Intake:
        context = open_context(policy, db)
        kept.append((context, Intake(context.store, stream.shown, recording)))
        return kept[-1][1]

    line = Line(once, stream.shown)
    watch = _watched(line.show, metrics_host, metrics_port)
    with _stopping() as (stop, interrupted):
        try:
            taken = Drain(stream, opened, watch, stop, once=once, keep=keep, patience=wait).run()
        finally:
            line.end()
        found: list[tuple[RecordingInfo, Gaps]] = []
        for context, intake in kept:
            with context.store as store:
                for name in intake.recordings:
                    if close and not stop.is_set():
                        store.close_recording(store.recording(name).id)
                    info = store.recording(name)
                    found.append((info, store.gaps(info)))
    if json:
        recordings = [asdict(info) | asdict(gaps) for info, gaps in found]
        output.data({"stream": stream.shown, **asdict(taken), "recordings": recordings})
    else:
        ingested(taken, found)
    return INTERRUPTED if interrupted.is_set() else 0


def _watched(show: Callable[[Progress], None], host: str, port: int) -> Callable[[Progress], None]:
    """What is told of the progress: a person, and whoever scrapes our metrics."""
    if not port:
        return show
    from ..metrics import OfIngest
    from ..metrics_server import MetricsServer

    samples = OfIngest()
    MetricsServer(host, port, samples).in_thread()

    def watch(progress: Progress) -> None:
        samples.note(progress)
        show(progress)

    return watch


@contextmanager
def _stopping() -> Iterator[tuple[Event, Event]]:
    """Events that are set by SIGTERM and SIGINT, the second one only by SIGINT. The next signal ends us at once."""
    stop, interrupted = Event(), Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def told(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT:
            interrupted.set()
        stop.set()
        for each in before:
            signal.signal(each, before[each])

    for number in before:
        signal.signal(number, told)
    try:
        yield stop, interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
