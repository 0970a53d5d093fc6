"""Instances of a target: made or reset, waited for, and gone without a trace afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

from recorder import route_map
from recorder.exchange import RecordedRequest
from recorder.keys import Key

from .client import Client, Reply
from .errors import InconclusiveError, UsageError
from .mint import Credentials, Mint, Minted, MintFailure
from .process import GuardedProcess, environment, interpreter
from .target_settings import TargetSettings
from .told_routes import Routes, routes_told

__all__ = ["Credentials", "Instance", "MintFailure", "Minted", "open_instance"]

FIRST_POLL_SECONDS = 0.02
LAST_POLL_SECONDS = 0.5
PROBE_SECONDS = 5.0
"""For one readiness probe: an instance that is just starting may accept and then be silent."""

_WSGI_CHILD = Path(__file__).with_name("instances") / "wsgi_child.py"
_ROUTE_MAP = str(route_map.__file__)
_recent_ports: deque[int] = deque(maxlen=256)


class Instance:
    """One deploy that is ready to be replayed at. Made by `open_instance` only."""

    def __init__(
        self, name: str, base_url: str, mint: Mint, process: GuardedProcess | None, routes: Routes | None = None
    ) -> None:
        self.name = name
        self.base_url = base_url
        self.routes = routes  # what an application that we load ourselves says of itself; None: it did not
        self._mint = mint
        self._process = process

    @property
    def ours(self) -> bool:
        """Whether we started it: then its address cannot be one that production was recorded from."""
        return self._process is not None

    @property
    def died(self) -> str | None:
        """How the process that we started has ended, with the end of its output; None while it runs."""
        if self._process is None or self._process.exit_status is None:
            return None
        return f"{self.name} ended with status {self._process.exit_status}{_quoted(self._process.tail())}"

    async def mint(self, principal_digest: str) -> Minted:
        """Credentials of one recorded principal, a MintFailure, or None when the target knows no such principal."""
        return await self._mint.credentials(principal_digest)


@contextlib.asynccontextmanager
async def open_instance(target: TargetSettings, *, key: Key | None, label: str) -> AsyncIterator[Instance]:
    """A fresh or reset instance of the target, ready, for one pass; `label` names it in messages.

    Raises UsageError for settings that cannot work and InconclusiveError when the instance cannot be had: it does
    not start or load, its reset fails, or it is not ready in time. An earlier run is not opened here.
    """
    async with contextlib.AsyncExitStack() as stack:
        if not (target.start or target.wsgi or target.url):
            raise UsageError(f"target {target.name} is no deploy that requests can be sent to")
        if target.reset:
            await _reset(target, label)
        process: GuardedProcess | None = None
        routes: Routes | None = None
        if target.start:
            port = _free_port()
            argv = [argument.replace("{port}", str(port)) for argument in target.start]
            process = await stack.enter_async_context(GuardedProcess(argv, env=environment(target), cwd=target.cwd))
            base_url = f"http://127.0.0.1:{port}"
        elif target.wsgi:
            process, base_url, routes = await _serve_wsgi(target, label, stack)
        else:
            base_url = target.url
        await wait_until_ready(target, base_url, label, process)
        mint = Mint(target, key, base_url)
        stack.push_async_callback(mint.aclose)
        yield Instance(label, base_url, mint, process, routes)


async def _serve_wsgi(
    target: TargetSettings, label: str, stack: contextlib.AsyncExitStack
) -> tuple[GuardedProcess, str, Routes | None]:
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    argv = [interpreter(target), str(_WSGI_CHILD), str(theirs.fileno()), target.wsgi, _ROUTE_MAP]
    with theirs:
        process = await stack.enter_async_context(
            GuardedProcess(argv, env=environment(target), cwd=target.cwd, pass_fds=[theirs.fileno()])
        )
    ours.setblocking(False)
    line = b""
    try:
        async with asyncio.timeout(target.ready_timeout):
            while not line.endswith(b"\n"):
                data = await asyncio.get_running_loop().sock_recv(ours, 65536)
                if not data:
                    break
                line += data
    except TimeoutError:
        raise InconclusiveError(
            f"{label}: {target.wsgi} was not loaded within {target.ready_timeout:g} s{_quoted(process.tail())}",
            "Raise `ready_timeout` if it needs longer.",
        ) from None
    if not line.endswith(b"\n"):
        with contextlib.suppress(TimeoutError):
            await process.wait(1.0)
        raise InconclusiveError(f"{label}: the process of {target.wsgi} ended{_quoted(process.tail())}")
    report = json.loads(line)
    if "error" in report:
        raise InconclusiveError(f"{label}: {report['error']}", "`python`, `cwd` and `env` of the target say where.")
    return process, f"http://127.0.0.1:{report['port']}", routes_told(report)


async def _reset(target: TargetSettings, label: str) -> None:
    command = " ".join(target.reset)
    async with GuardedProcess(target.reset, env=environment(target), cwd=target.cwd) as process:
        try:
            status = await process.wait(target.reset_timeout)
        except TimeoutError:
            raise InconclusiveError(
                f"{label}: the reset `{command}` took longer than {target.reset_timeout:g} s{_quoted(process.tail())}",
                "Raise `reset_timeout` if it needs longer.",
            ) from None
        if status != 0:
            raise InconclusiveError(
                f"{label}: the reset `{command}` failed with status {status}{_quoted(process.tail())}"
            )


async def wait_until_ready(
    target: TargetSettings, base_url: str, label: str, process: GuardedProcess | None = None
) -> None:
    """Asks the ready path until it is answered below 500. Raises InconclusiveError after the target's time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + target.ready_timeout
    pause = FIRST_POLL_SECONDS
    last = "it was not asked"
    async with Client(base_url, timeout=min(PROBE_SECONDS, target.ready_timeout), connections=1) as client:
        while True:
            if process is not None and process.exit_status is not None:
                raise InconclusiveError(
                    f"{label} ended with status {process.exit_status} before it was ready{_quoted(process.tail())}"
                )
            reply = await _get(client, target.ready)
            if reply.response is not None and reply.response.status < 500:
                return
            last = reply.detail if reply.response is None else f"it answered {reply.response.status}"
            if loop.time() + pause >= deadline:
                break
            await asyncio.sleep(pause)
            pause = min(LAST_POLL_SECONDS, pause * 1.5)
    tail = process.tail() if process is not None else ""
    raise InconclusiveError(
        f"{label} was not ready within {target.ready_timeout:g} s: GET {target.ready}: {last}{_quoted(tail)}",
        "`ready` names the path that is asked, `ready_timeout` the seconds.",
    )


async def is_ready(base_url: str, path: str) -> bool:
    """Whether an instance that was ready still answers its ready path below 500, within PROBE_SECONDS."""
    async with Client(base_url, timeout=PROBE_SECONDS, connections=1) as client:
        reply = await _get(client, path)
    return reply.response is not None and reply.response.status < 500


async def _get(client: Client, path: str) -> Reply:
    return await client.send(RecordedRequest("GET", path, (("Accept", "*/*"),)))


def _free_port() -> int:
    """A loopback port that nobody listens on, and that was not given out a moment ago."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        if port not in _recent_ports:
            _recent_ports.append(port)
            return port


def _quoted(tail: str) -> str:
    return "".join(f"\n  | {line}" for line in tail.splitlines())
