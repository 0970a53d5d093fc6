"""Whole runs as a person types them: shared among workers, cancelled, taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from replayer.store import RunInfo, Store
from tests.replayer.sharing import SECRET
from tests.services.redis import RedisServer

from .test_celery import worker
from .tiny_home import database, home

__all__ = ["home"]

pytestmark = pytest.mark.e2e

COMMAND = str(Path(sys.executable).with_name("understudy"))


def start(home: Path, *words: str, broker: str = "redis://127.0.0.1:1/0") -> subprocess.Popen[str]:
    environ = {**os.environ, "UNDERSTUDY_KEY": SECRET, "UNDERSTUDY_BROKER_URL": broker}
    environ["UNDERSTUDY_DATABASE_URL"] = database(home)
    return subprocess.Popen(
        [COMMAND, *words], cwd=home, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def runs(home: Path) -> list[RunInfo]:
    with Store.open(database(home)) as store:
        return store.runs()


def until_it_says(home: Path, text: str) -> RunInfo:
    """The run, once it says what it does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = runs(home)
        if found and text in found[0].progress:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no run says {text!r}: {runs(home)}")


def gate(home: Path, name: str, *options: str, broker: str = "redis://127.0.0.1:1/0") -> dict[str, Any]:
    process = start(
        home,
        "gate",
        "tiny",
        "--candidate",
        "new",
        "--baseline",
        "old",
        "--json",
        f"{name}.json",
        *options,
        broker=broker,
    )
    code, output = finish(process)
    assert code == 1, output
    report: dict[str, Any] = json.loads((home / f"{name}.json").read_text())
    return report


def test_workers_find_what_one_process_finds(home: Path, redis_server: RedisServer, tmp_path: Path) -> None:
    alone = gate(home, "alone")
    with worker(database(home), redis_server.url, tmp_path / "log"):
        shared = gate(home, "shared", "--executor", "celery", broker=redis_server.url)
    assert shared["run"]["executor"] == "celery"
    assert {f["fingerprint"] for f in shared["findings"]} == {f["fingerprint"] for f in alone["findings"]} != set()
    assert {f["state"] for f in shared["findings"]} == {"confirmed"}
    ledger = {name: count for name, count in shared["ledger"].items() if name != "routes"}
    assert ledger == {name: count for name, count in alone["ledger"].items() if name != "routes"}
    assert "UNDERSTUDY" not in (tmp_path / "log").read_text()


def test_a_run_is_cancelled_from_elsewhere_and_taken_up_again(home: Path) -> None:
    process = start(home, "gate", "tiny", "--candidate", "hanging", "--baseline", "old", "--passes", "2")
    run = until_it_says(home, "candidate")
    code, output = finish(start(home, "runs", "cancel", run.id[:6]))
    assert code == 0, output
    code, output = finish(process)
    assert code == 3, output
    assert "was stopped: by " in output
    assert f"understudy runs resume {run.id}" in output
    assert runs(home)[0].state == "cancelled"

    settings = (home / "understudy.toml").read_text()
    (home / "understudy.toml").write_text(settings.replace('"--hang", "POST /orders"', '"--offset", "7"'))
    code, output = finish(start(home, "runs", "resume", run.id, "--json", "again.json"))
    assert code == 0, output
    assert json.loads((home / "again.json").read_text())["run"]["id"] == run.id
    assert [(each.id, each.state) for each in runs(home)] == [(run.id, "finished")]

    code, output = finish(start(home, "runs", "resume", run.id))
    assert (code, "is finished" in output) == (2, True)
    code, output = finish(start(home, "runs", "cancel", run.id))
    assert (code, "is not under way: it is finished" in output) == (2, True)


def test_a_run_whose_process_was_killed_is_lost_and_taken_up_again(home: Path) -> None:
    process = start(home, "gate", "tiny", "--candidate", "hanging", "--baseline", "old", "--passes", "2")
    run = until_it_says(home, "candidate")
    code, output = finish(start(home, "runs", "resume", run.id))
    assert (code, "is under way" in output) == (2, True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Store.open(database(home)) as store, store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET beat = beat - 60")
    code, output = finish(start(home, "runs", "list"))
    assert "lost" in output
    settings = (home / "understudy.toml").read_text()
    (home / "understudy.toml").write_text(settings.replace('"--hang", "POST /orders"', '"--offset", "7"'))
    code, output = finish(start(home, "runs", "resume", run.id))
    assert code == 0, output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gate", "tiny", "--candidate", "new", "--executor", "cellery"], "Did you mean 'celery'?"),
        (["gate", "tiny", "--candidate", "new", "--executor", "celery", "--db", "sqlite://"], "memory"),
        (["worker", "--broker", "amqp://user:secret@broker/0"], "The broker amqp://broker/0 is no Redis."),
        (["worker", "--db", "sqlite://"], "memory"),
        (["runs", "cancel", "nothing"], "There is no run 'nothing'"),
        (["runs", "resume", "nothing"], "There is no run 'nothing'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(home: Path, words: list[str], said: str) -> None:
    code, output = finish(start(home, *words))
    assert code == 2, output
    assert said in output
    assert "Traceback" not in output
    assert "secret" not in output
