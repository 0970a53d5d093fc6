"""Instances: made fresh or reset, ready or an error that says why not, and nothing left afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from recorder.exchange import RecordedRequest
from replayer.client import Client
from replayer.errors import InconclusiveError, UsageError
from replayer.process import LOG_BYTES, GuardedProcess, environment
from replayer.target_settings import TargetSettings
from replayer.targets import open_instance

from .scripted_server import Peer, answering, serving

GET = RecordedRequest("GET", "/", (("Host", "x"),))
# An HTTP server that needs nothing: argv[1] is its port, argv[2] the answers to give, the last again and again.
SERVER = """
import http.server, os, sys
statuses = [int(status) for status in sys.argv[2].split(",")]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(os.environ.get("GREETING", "").encode() + os.getcwd().encode())
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def started(folder: Path, statuses: str = "200", source: str = SERVER, **settings: object) -> TargetSettings:
    (folder / "server.py").write_text(textwrap.dedent(source))
    values: dict[str, object] = {
        "name": "candidate",
        "start": (sys.executable, "server.py", "{port}", statuses),
        "cwd": str(folder),
        "ready_timeout": 10.0,
        **settings,
    }
    return TargetSettings(**values)  # type: ignore[arg-type]


def opened(target: TargetSettings) -> bytes:
    """The body of one answer of a fresh instance."""

    async def main() -> bytes:
        async with (
            open_instance(target, key=None, label="the candidate") as instance,
            Client(instance.base_url) as client,
        ):
            reply = await client.send(GET)
            assert reply.response is not None, reply.detail
            return reply.response.body.data

    return asyncio.run(main())


def gone(pid: int, seconds: float = 3.0) -> bool:
    """Whether the process ends within that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_a_started_instance_has_its_folder_and_environment(tmp_path: Path) -> None:
    target = started(tmp_path, env=(("GREETING", "hello "),))
    assert opened(target) == b"hello " + str(tmp_path).encode()


def test_commands_are_found_beside_the_targets_python_first_and_beside_ours_last() -> None:
    target = TargetSettings("t", cwd="/srv", python="venv/bin/python", env=(("PATH", "/a:/b"), ("X", "1")))
    env = environment(target)
    assert env["PATH"] == f"/srv/venv/bin:/a:/b:{Path(sys.executable).parent}"
    assert env == {**os.environ, "PATH": env["PATH"], "X": "1"}


def test_a_sink_of_ours_is_not_handed_on_and_one_of_the_target_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_SINK", "file:///var/spool/production")
    assert "UNDERSTUDY_SINK" not in environment(TargetSettings("t"))
    own = TargetSettings("t", env=(("UNDERSTUDY_SINK", "memory:"),))
    assert environment(own)["UNDERSTUDY_SINK"] == "memory:"


@pytest.mark.parametrize("statuses", ["404", "302", "503,500,200"])
def test_below_500_is_ready(tmp_path: Path, statuses: str) -> None:
    opened(started(tmp_path, statuses))


def test_an_instance_that_stays_above_is_not(tmp_path: Path) -> None:
    target = started(tmp_path, "503", ready="/health", ready_timeout=0.6)
    with pytest.raises(InconclusiveError, match=r"was not ready within 0\.6 s: GET /health: it answered 503"):
        opened(target)


def test_an_instance_that_dies_shows_the_end_of_what_it_said(tmp_path: Path) -> None:
    target = started(tmp_path, source="import sys\nprint('first')\nsys.exit('no database')")
    with pytest.raises(InconclusiveError) as caught:
        opened(target)
    assert caught.value.message == (
        "the candidate ended with status 1 before it was ready\n  | first\n  | no database"
    ) or caught.value.message.endswith("  | no database\n  | first")


def test_an_instance_that_dies_later_can_be_asked_why(tmp_path: Path) -> None:
    async def main() -> tuple[str | None, str | None]:
        async with (
            open_instance(started(tmp_path, source=source), key=None, label="the candidate") as instance,
            Client(instance.base_url) as client,
        ):
            before = instance.died
            await client.send(RecordedRequest("POST", "/", ()))
            while instance.died is None:
                await asyncio.sleep(0.01)
            return before, instance.died

    source = SERVER.replace("def log_message", "def do_POST(self):\n        os._exit(7)\n    def log_message")
    assert asyncio.run(main()) == (None, "the candidate ended with status 7")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": ("no-such-command", "{port}")}, "'no-such-command' was not found"),
        ({"start": ("./server.py", "{port}")}, "not executable"),
        ({"cwd": "/no/such/folder"}, "folder /no/such/folder does not exist"),
        ({"start": (), "run": "r1"}, "no deploy"),
        ({"reset": ("no-such-reset",)}, "'no-such-reset' was not found"),
    ],
)
def test_settings_that_cannot_work(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        opened(started(tmp_path, **settings))  # type: ignore[arg-type]


def test_two_instances_at_once_are_two(tmp_path: Path) -> None:
    target = started(tmp_path)

    async def main() -> set[str]:
        async with (
            open_instance(target, key=None, label="a") as first,
            open_instance(target, key=None, label="b") as second,
        ):
            assert first.ours
            return {first.base_url, second.base_url}

    assert len(asyncio.run(main())) == 2


FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_DFL); time.sleep(60)"]
child = subprocess.Popen(sleep)
daemon = subprocess.Popen(sleep, start_new_session=True)
open("pids.tmp", "w").write(f"{os.getpid()} {child.pid} {daemon.pid}")
os.rename("pids.tmp", "pids")
time.sleep(60)
"""


async def _family(folder: Path) -> list[int]:
    while not (folder / "pids").exists():
        await asyncio.sleep(0.01)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def test_nothing_is_left_of_a_family_that_ignores_politeness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.process.GRACE_SECONDS", 0.3)
    (tmp_path / "family.py").write_text(FAMILY)

    async def main() -> list[int]:
        async with GuardedProcess([sys.executable, "family.py"], env=os.environ, cwd=str(tmp_path)):
            return await _family(tmp_path)

    pids = asyncio.run(main())
    assert [gone(pid) for pid in pids] == [True] * 3


def test_nothing_is_left_when_we_are_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.process.GRACE_SECONDS", 0.3)
    target = started(tmp_path, source=FAMILY, ready_timeout=60.0)

    async def main() -> list[int]:
        async def open_it() -> None:
            async with open_instance(target, key=None, label="x"):
                raise AssertionError("it never becomes ready")

        task = asyncio.create_task(open_it())
        pids = await _family(tmp_path)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()  # impatience, while it is being ended
        await asyncio.gather(task, return_exceptions=True)
        return pids

    pids = asyncio.run(main())
    assert [gone(pid) for pid in pids] == [True] * 3


def test_nothing_is_left_when_we_are_killed(tmp_path: Path) -> None:
    (tmp_path / "family.py").write_text(FAMILY.replace("signal.SIG_IGN", "signal.SIG_DFL"))
    (tmp_path / "owner.py").write_text(
        "import os, sys, time\n"
        "from replayer.process import GuardedProcess\n"
        "process = GuardedProcess([sys.executable, 'family.py'], env=os.environ, cwd='')\n"
        "time.sleep(60)\n"
    )
    project = str(Path(__file__).parents[2])
    owner = subprocess.Popen(
        [sys.executable, "owner.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": project}, start_new_session=True
    )
    try:
        pids = asyncio.run(asyncio.wait_for(_family(tmp_path), 10))
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert [gone(pid) for pid in pids] == [True] * 3


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.process.GRACE_SECONDS", 0.3)
    (tmp_path / "family.py").write_text(FAMILY.rpartition("time.sleep(60)")[0])

    async def main() -> tuple[int, list[int]]:
        async with GuardedProcess([sys.executable, "family.py"], env=os.environ, cwd=str(tmp_path)) as process:
            return await process.wait(5), await _family(tmp_path)

    status, pids = asyncio.run(main())
    assert (status, [gone(pid) for pid in pids]) == (0, [True] * 3)


def test_the_log_is_bounded_and_keeps_its_end() -> None:
    source = "import os\nfor n in range(40): os.write(1, b'x' * 99_999 + b'\\n')\nprint('the end')"

    async def main() -> tuple[int, str]:
        async with GuardedProcess([sys.executable, "-c", source], env=os.environ, cwd="") as process:
            await process.wait(10)
            return os.fstat(process._log.fileno()).st_size, process.tail()

    size, tail = asyncio.run(main())
    assert size <= LOG_BYTES
    assert tail.endswith("\nthe end")


def test_a_command_that_was_killed_says_so() -> None:
    async def main() -> int:
        source = "import os; os.kill(os.getpid(), 9)"
        async with GuardedProcess([sys.executable, "-c", source], env=os.environ, cwd="") as process:
            return await process.wait(10)

    assert asyncio.run(main()) == 128 + 9


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def at_url(peer: Peer, *reset: str, **settings: object) -> TargetSettings:
    return TargetSettings("staging", url=peer.base_url, reset=reset, ready_timeout=0.5, **settings)  # type: ignore[arg-type]


def test_a_url_is_reset_before_it_is_asked(tmp_path: Path) -> None:
    peer = Peer()
    mark = tmp_path / "reset"
    reset = (sys.executable, "-c", f"import os, pathlib; pathlib.Path({str(mark)!r}).write_text(os.environ['A'])")

    async def main() -> tuple[str, bool]:
        async with serving(peer, answering(peer, OK)):
            assert not mark.exists()
            target = at_url(peer, *reset, env=(("A", "b"),))
            async with open_instance(target, key=None, label="staging") as instance:
                return mark.read_text(), instance.ours

    assert asyncio.run(main()) == ("b", False)
    assert [request.split(b"\r\n")[0] for request in peer.requests] == [b"GET / HTTP/1.1"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys; print('dropping'); sys.exit(4)", r"failed with status 4\n  \| dropping"),
        ("import time; print('slow', flush=True); time.sleep(60)", r"took longer than 0\.5 s\n  \| slow"),
    ],
)
def test_a_reset_that_fails(source: str, message: str) -> None:
    peer = Peer(port=1)
    target = at_url(peer, sys.executable, "-c", source, reset_timeout=0.5)

    async def main() -> None:
        async with open_instance(target, key=None, label="staging"):
            raise AssertionError("it was not reset")

    with pytest.raises(InconclusiveError, match=message):
        asyncio.run(main())


def test_a_url_where_nobody_listens() -> None:
    async def main() -> None:
        async with open_instance(at_url(Peer(port=1)), key=None, label="staging"):
            raise AssertionError("nobody listens there")

    with pytest.raises(InconclusiveError, match=r"staging was not ready within 0\.5 s: GET /: cannot connect"):
        asyncio.run(main())
