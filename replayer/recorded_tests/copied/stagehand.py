"""Plays scripts in the application's own pytest: a plugin that is given along for a while.

REHEARSAL_SOCKET is the file descriptor of a socket over which jobs come and answers go, as JSON
lines. A job is played with fixtures of its own, as a test is, or in a copy of a process in which
they have been made already. Of ours it imports the recorder alone, where it has to.
"""

from __future__ import annotations

import base64
import gc
import importlib
import io
import json
import os
import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

Fixture = Callable[[str], Any]
UNSENT: dict[str, Any] = {"status": 0, "headers": [], "body": "", "variables": {}}
WARM_UP = 5
"""Jobs that are played before copies are made: what an application does once in a process."""
SIDE_FILES = ("-journal", "-wal", "-shm")


class NotHandedOut(Exception):
    """A call needs what no answer has handed out."""


class Stagehand:
    """What the one test of the rehearsal does when it runs next."""

    def __init__(self) -> None:
        self.act: Callable[[pytest.FixtureRequest], None] = lambda _: None


STAGEHAND = Stagehand()


def rehearse(request: pytest.FixtureRequest) -> None:
    """The test that is run over and over again."""
    STAGEHAND.act(request)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Runs the one test for each job that comes, instead of once."""
    if session.testsfailed or len(session.items) != 1:
        return None
    connection = socket.socket(fileno=int(os.environ["REHEARSAL_SOCKET"]))
    item = session.items[0]
    host: Host | None = None
    played = 0
    with connection.makefile("r", encoding="utf-8") as lines:
        for line in lines:
            job = json.loads(line)
            if not job["fresh"] and host is None and played >= WARM_UP:
                host = Host(connection, _another(item))
            if not job["fresh"] and host is not None and host.ready:
                host.give(line)
                continue
            following = _another(item)
            STAGEHAND.act = Play(job, connection)
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if not STAGEHAND.act.told:
                return True
            item = following
            played += 1
    if host is not None:
        host.end()
    STAGEHAND.act = lambda _: None
    session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return True


def _another(item: pytest.Item) -> pytest.Item:
    """The same test again, with fixtures of its own."""
    assert isinstance(item, pytest.Function)
    another: pytest.Item = pytest.Function.from_parent(
        item.parent, name=item.name, callobj=item.obj
    )
    return another


class Play:
    """Plays one job, and tells what came of it."""

    def __init__(self, job: dict[str, Any], connection: socket.socket) -> None:
        self.job = job
        self.connection = connection
        self.told = False

    def __call__(self, request: pytest.FixtureRequest) -> None:
        job = self.job
        result: dict[str, Any] = {"seen": [], "problem": "", "users": {}}
        try:
            if "who" in job:
                address = request.getfixturevalue("address")
                _find_out(job["who"], address, result["users"], _package(request))
            else:
                _play(job["calls"], request, result["seen"])
        except Exception as error:
            result["problem"] = f"{type(error).__name__}: {error}"
        _tell(self.connection, {"key": job["key"], **result})
        self.told = True


def _tell(connection: socket.socket, result: dict[str, Any]) -> None:
    connection.sendall(json.dumps(result).encode() + b"\n")


def _package(request: pytest.FixtureRequest) -> str:
    return str(request.module.__package__)


class Host:
    """A process in which the fixtures have been made: each job is played in a copy of it.

    It is not `ready` where that would not be the same: what a job does has to be undone by putting
    the file of the database back, and no thread may be missing in the copy.
    """

    def __init__(self, connection: socket.socket, item: pytest.Item) -> None:
        self._connection = connection
        self._pipe, self._theirs = socket.socketpair()
        self._process = os.fork()
        if not self._process:
            self._pipe.close()
            STAGEHAND.act = self._serve
            try:
                item.config.hook.pytest_runtest_protocol(
                    item=item, nextitem=_another(item)
                )
            finally:
                os._exit(0)
        self._theirs.close()
        self.ready = self._pipe.recv(1) == b"+"

    def give(self, line: str) -> None:
        self._pipe.sendall(line.encode())

    def end(self) -> None:
        """Waits until it has ended."""
        self._pipe.close()
        os.waitpid(self._process, 0)

    def _serve(self, request: pytest.FixtureRequest) -> None:
        database = request.getfixturevalue("database")
        request.getfixturevalue("client")
        request.getfixturevalue("make_client")
        if not isinstance(database, Path) or threading.active_count() > 1:
            return
        if not database.is_file() or _is_open(database):
            return
        content = database.read_bytes()
        gc.freeze()
        self._theirs.sendall(b"+")
        with self._theirs.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                self._play_in_a_copy(json.loads(line), request)
                database.write_bytes(content)
                for suffix in SIDE_FILES:
                    Path(f"{database}{suffix}").unlink(missing_ok=True)

    def _play_in_a_copy(
        self, job: dict[str, Any], request: pytest.FixtureRequest
    ) -> None:
        copy = os.fork()
        if not copy:
            random.seed()
            play = Play(job, self._connection)
            try:
                play(request)
            finally:
                os._exit(0 if play.told else 1)
        if os.waitpid(copy, 0)[1]:
            problem = "the application ended the process"
            _tell(
                self._connection,
                {"key": job["key"], "seen": [], "problem": problem, "users": {}},
            )


def _is_open(path: Path) -> bool:
    """Whether this process has the file open, as far as the system tells."""
    with suppress(OSError):
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if os.path.samefile(f"/proc/self/fd/{number}", path):
                    return True
    return False


def _find_out(
    asked: dict[str, Any], address: str, users: dict[str, Any], package: str
) -> None:
    """Under which id the function that logs users in recognises each of them."""
    from recorder.identity import Principal
    from recorder.keys import Key

    class Asked(Principal):
        def matches(self, value: object) -> bool:
            same = Principal.matches(self, value)
            if same:
                found.append(value)
            return same

    mint = importlib.import_module(".conftest", package).mint
    key = Key(bytes.fromhex(asked["secret"]))
    for digest in asked["digests"]:
        found: list[object] = []
        given = mint(Asked(digest, key), address)
        if given is not None and found:
            parts = ("headers", "cookies", "body")
            fields = {part: sorted(dict(given.get(part) or {})) for part in parts}
            users[digest] = {"id": str(found[-1]), **fields}


def _play(
    calls: list[dict[str, Any]],
    request: pytest.FixtureRequest,
    seen: list[dict[str, Any]],
) -> None:
    fixture: Fixture = request.getfixturevalue
    checks = importlib.import_module(".checks", _package(request))
    clients: dict[int, Any] = {}
    variables: dict[str, Any] = {}
    for user in dict.fromkeys(call["user"] for call in calls if call["user"]):
        fixture("auth_headers")(user)  # as a test does, before anything else
    for call in calls:
        if call["client"] not in clients:
            clients[call["client"]] = fixture(
                "client" if not clients else "make_client"
            )
            if len(clients) > 1:
                clients[call["client"]] = clients[call["client"]]()
        client = clients[call["client"]]
        if call["login"]:
            fixture("log_in")(client, call["login"])
        for name, text in call["cookies"]:
            client.set_cookie(name, text)
        try:
            target, options = _request(call, variables, fixture)
        except NotHandedOut:
            seen.append(UNSENT)
            continue
        response = _open(client, target, options, call["outside"])
        answer = {
            "status": response.status_code,
            "headers": list(response.headers),
            "body": base64.b64encode(response.data).decode(),
        }
        seen.append(answer)
        for one in call["captures"]:
            with suppress(LookupError, TypeError, AttributeError):
                variables[one["name"]] = _captured(one, response, client, checks)
        answer["variables"] = dict(variables)
        response.close()


def _request(
    call: dict[str, Any], variables: dict[str, Any], fixture: Fixture
) -> tuple[str, dict[str, Any]]:
    body = _value(call["body"], variables, fixture)
    headers = [
        (name, str(_value(text, variables, fixture))) for name, text in call["headers"]
    ]
    if call["user"]:
        headers += fixture("auth_headers")(call["user"]).items()
    options: dict[str, Any] = {"method": call["method"], "headers": headers}
    if call["kind"]:
        options["json" if call["kind"] == "json" else "data"] = body
    if call["media"]:
        options["content_type"] = call["media"]
    return str(_value(call["target"], variables, fixture)), options


def _open(
    client: Any, target: str, options: dict[str, Any], outside: list[dict[str, Any]]
) -> Any:
    if not outside:
        return client.open(target, **options)
    from recorder.outbound.scripted import OutsideAnswer, answering

    with answering(*(OutsideAnswer(**one) for one in outside)):
        return client.open(target, **options)


def _value(node: Any, variables: dict[str, Any], fixture: Fixture) -> Any:
    if isinstance(node, list):
        return [_value(child, variables, fixture) for child in node]
    if not isinstance(node, dict):
        return node
    ((kind, inner),) = node.items()
    if kind == "$ref":
        if inner[0] not in variables:
            raise NotHandedOut(inner[0])
        found = variables[inner[0]]
        return {"int": int, "str": str}[inner[1]](found) if inner[1] else found
    if kind == "$secret":
        return fixture("credentials")(inner[0])["body"][inner[1]]
    if kind == "$join":
        return "".join(str(_value(part, variables, fixture)) for part in inner)
    if kind == "$upload":
        return io.BytesIO(base64.b64decode(inner[0])), inner[1], inner[2]
    if kind == "$bytes":
        return base64.b64decode(inner)
    return {key: _value(child, variables, fixture) for key, child in inner}


def _captured(one: dict[str, Any], response: Any, client: Any, checks: Any) -> Any:
    found: Any
    if one["source"] == "json":
        found = response.json
        for key in one["path"]:
            found = found[key]
    elif one["source"] == "header":
        found = response.headers[one["path"][0]]
    elif one["source"] == "cookie":
        found = client.get_cookie(one["path"][0]).value
    else:
        found = checks.field(response, one["path"][0])
    return found if one["segment"] is None else checks.segment(found, one["segment"])
