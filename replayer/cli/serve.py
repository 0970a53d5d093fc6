"""`understudy serve`: the dashboard, and the address that recorders send to."""

from __future__ import annotations

import importlib
import ipaddress
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Annotated, Any

import typer

from ..errors import UnderstudyError, UsageError
from ..logs import collected
from ..settings import SHORTEST_TOKEN, Settings, load_settings
from ..store import Store
from ..store.engines import make_engine
from . import output
from .git import git_author
from .main import INTERRUPTED
from .options import Database, SettingsFile

app = typer.Typer(add_completion=False, help="Serve the dashboard, and take what recorders send.")

APPLICATION = "dashboard.app"
"""Named, not imported: the dashboard stands above us."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="The port; 0: one that is free.")] = 8642,
    db: Database = "",
    policy: SettingsFile = None,
) -> int:
    """Serve the dashboard, and take what recorders send, until stopped."""
    settings = load_settings(policy)
    settings = replace(settings, database_url=db or settings.database_url)
    make_engine(settings.database_url).dispose()  # a URL that cannot be used is said now, a server that is down later
    if not settings.ingest.token:
        output.note("understudy: recorders are refused, as no token is set (UNDERSTUDY_INGEST_TOKEN).")
    if 0 < len(os.environ.get("UNDERSTUDY_METRICS_TOKEN", "")) < SHORTEST_TOKEN:
        raise UsageError(
            "The token of UNDERSTUDY_METRICS_TOKEN can be guessed.", f"Take {SHORTEST_TOKEN} characters or more."
        )
    bound = _bound(host, port)
    link = _first_link(settings, host)
    name = git_author() or "local"
    server = _server(importlib.import_module(APPLICATION).create_app(settings, link, name))
    shown = f"[{host}]" if ":" in host else host
    server.address = f"http://{shown}:{bound.getsockname()[1]}/"
    if link:
        server.welcome = f"{server.address}welcome?token={link}"
    server.run([bound])
    return INTERRUPTED if server.interrupted else 0


def _first_link(settings: Settings, host: str) -> str:
    """A secret for who started the server, as long as there are no users and nobody else can reach it; else ""."""
    try:
        with Store.open(settings.database_url) as store:
            if store.users():
                return ""
    except UnderstudyError:  # the server waits for a database that is away; whoever started it can start it again
        return ""
    if not _is_loopback(host):
        output.note("understudy: nobody can log in yet: `understudy users add NAME --role admin` makes a user.")
        return ""
    return secrets.token_urlsafe(24)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise UsageError(
            f"The address {host} port {port} cannot be listened at: {reason}.", "Choose another --host or --port."
        ) from None
    # accepted connections inherit it; asyncio sets it only where the socket names its protocol, and this one does not:
    # the second packet of each answer would wait 40 ms for the first one to be acknowledged
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def _server(application: Any) -> Any:
    """A server that says when it listens, and ends with 0 when it is asked to by SIGTERM."""
    import uvicorn

    class Server(uvicorn.Server):
        address = ""
        welcome = ""
        interrupted = False

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                output.note(f"understudy: serving at {self.address}")
                if self.welcome:
                    output.note(f"understudy: open {self.welcome} (works once)")

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            self.interrupted |= sig == signal.SIGINT
            application.state.streams.end()  # what follows a run would be waited for
            super().handle_exit(sig, frame)

    return Server(
        uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            log_config=None if collected() else uvicorn.config.LOGGING_CONFIG,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    )
