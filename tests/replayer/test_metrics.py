"""What is scraped: from the database, from `ingest`, and what may stand in a label."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from diffing.difference import Answer, Reason
from recorder.exchange import ProducerReport, RecordedResponse
from replayer.errors import UsageError
from replayer.metrics import METRICS, REASONS, exposition, known_reason, of_store, of_worker
from replayer.metrics_server import MetricsServer
from replayer.store import Store
from replayer.tally import BUCKETS, Tally
from tests.processes import end_with_parent
from tests.services.redis import RedisServer, free_port
from tests.test_docs import section, text

from .batches import entry, header, report, sent
from .test_store import exchange

LINE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")


def scraped(body: str) -> dict[str, float]:
    """Every sample by its name with labels, comments left out."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in body.splitlines() if line[:1] != "#"}


def recording(store: Store, name: str) -> int:
    return store.create_recording(name, service="shop", release="1", key_id="k1", source="a test").id


def test_every_metric_is_described_and_no_other_is() -> None:
    found = re.findall(
        r"^\| `(understudy_\w+)` \| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$", section(text("deploy.md"), "Metrics"), re.M
    )
    assert found == [(m.name, m.given_by, m.kind, ", ".join(m.labels) or "–", m.help) for m in METRICS]
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_every_reason_of_the_documents_has_a_label_of_its_own() -> None:
    told = section(text("recording.md"), "When the server is gone, slow or full")
    rows = [line.split(" | ")[0] for line in told.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == REASONS


@pytest.mark.parametrize(
    ("reason", "label"),
    [("redis_full", "redis_full"), ("failed: redact", "failed"), ("x" * 400, "other"), ("", "other")],
)
def test_a_reason_is_one_of_few(reason: str, label: str) -> None:
    assert known_reason(reason) == label


def test_what_the_database_holds_is_counted(store: Store) -> None:
    empty = scraped(exposition(of_store(store))[0].decode())
    assert empty == {
        "understudy_exchanges": 0,
        'understudy_recordings{state="open"}': 0,
        'understudy_recordings{state="closed"}': 0,
    }
    first, second = recording(store, "one"), recording(store, "two")
    store.add_exchanges(first, [exchange(number, started=time.time() - 60) for number in range(5)])
    store.close_recording(first)
    for at, producer in enumerate(("w1", "w2")):
        losses = (("redis_full", 3), ("failed: encode", 1), ("failed: redact", 1), ("of another version", 2))
        store.add_report(second, ProducerReport(producer, float(at), (), losses))
    for state, silent in (("finished", 0), ("running", 0), ("running", 60)):
        run = store.create_run(first, candidate="new", baselines=("old",))
        if state == "finished":
            store.finish_run(run, "fail", 1, {})
        else:
            store.beat_run(run, "")
            with store._engine.begin() as connection:
                connection.exec_driver_sql(f"UPDATE runs SET beat = beat - {silent} WHERE id = '{run}'")
    found = scraped(exposition(of_store(store))[0].decode())
    assert 55 < found.pop("understudy_newest_exchange_age_seconds") < 3600
    assert found == {
        "understudy_exchanges": 5,
        'understudy_recordings{state="open"}': 1,
        'understudy_recordings{state="closed"}': 1,
        'understudy_exchanges_dropped{reason="redis_full"}': 6,
        'understudy_exchanges_dropped{reason="failed"}': 4,
        'understudy_exchanges_dropped{reason="other"}': 4,
        'understudy_runs{state="finished",verdict="fail"}': 1,
        'understudy_runs{state="running",verdict=""}': 1,
        'understudy_runs{state="lost",verdict=""}': 1,
    }


def test_ingest_is_scraped(redis_server: RedisServer, database_url: str, tmp_path: Path) -> None:
    with redis_server.client() as client:
        for _ in range(2):  # the second one adds nothing
            client.xadd("understudy", entry(header(), *(sent(n) for n in range(30)), report("w1", 1.0, 30)))  # type: ignore[arg-type]
        client.xadd("understudy", {"v": "1", "e": "zlib", "d": b"no batch"})
    port = free_port()
    command = [str(Path(sys.executable).with_name("understudy")), "ingest", redis_server.url, "--db", database_url]
    process = subprocess.Popen(
        [*command, "--metrics-port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    try:
        expected = {
            "understudy_ingest_batches_total": 3,
            'understudy_ingest_exchanges_total{outcome="added"}': 30,
            'understudy_ingest_exchanges_total{outcome="duplicate"}': 30,
            "understudy_ingest_damaged_total": 1,
            "understudy_ingest_waiting_entries": 0,
            "understudy_ingest_waits_for_a_server": 0,
        }
        assert until(port, expected) == expected
        redis_server.kill()
        expected["understudy_ingest_waits_for_a_server"] = 1
        assert until(port, expected) == expected
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def until(port: int, expected: dict[str, float]) -> dict[str, float]:
    """What is scraped once it is what is expected, or after a while."""
    deadline, found = time.monotonic() + 60, {}
    while found != expected and time.monotonic() < deadline:
        try:
            found = scraped(httpx.get(f"http://127.0.0.1:{port}/metrics").text)
        except httpx.TransportError:
            time.sleep(0.1)
    return found


def test_processes_count_together_and_one_that_is_killed_keeps_nobody_waiting() -> None:
    tally, children = Tally(), []
    begin, told = os.pipe()
    answer = Answer(RecordedResponse(200, "OK", ()), started=10.0, ended=10.03)
    for _ in range(4):
        child = os.fork()
        if child == 0:
            os.close(told)
            os.read(begin, 1)  # until all are there
            for _ in range(300):
                tally.answered(50 * [answer, Answer(None, "timeout"), Answer(None, reason=Reason.UNCERTAIN)])
            tally.batch("sent")
            os._exit(0)
        children.append(child)
    killed = os.fork()
    if killed == 0:
        with tally._locked():
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(begin)
    os.close(told)
    for child in (*children, killed):
        os.waitpid(child, 0)
    counts = tally.read()
    assert counts.batches == {"sent": 4, "lost": 0, "failed": 0}
    assert counts.requests == {"answered": 60_000, "failed": 60_000, "not_sent": 60_000}
    assert counts.seconds == pytest.approx(1800.0)
    found = scraped(exposition(of_worker(tally.read)())[0].decode())
    assert found['understudy_worker_request_seconds_bucket{le="0.025"}'] == 0
    assert found['understudy_worker_request_seconds_bucket{le="0.05"}'] == 60_000
    assert found["understudy_worker_request_seconds_count"] == 60_000
    assert len([name for name in found if "_bucket" in name]) == len(BUCKETS) + 1
    tally.close()


def test_an_address_that_is_taken_is_said() -> None:
    first = MetricsServer("127.0.0.1", 0, list)
    with pytest.raises(UsageError, match=r"cannot be served at 127\.0\.0\.1 port"):
        MetricsServer("127.0.0.1", first.server_port, list)
    first.server_close()


def test_the_child_that_serves_ends_with_its_parent() -> None:
    script = """
import os
from replayer.metrics_server import MetricsServer
server = MetricsServer("127.0.0.1", 0, list)
server.in_child()
print(server.server_port, flush=True)
input()
os._exit(0)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        url = f"http://127.0.0.1:{int(parent.stdout.readline())}/"
        assert httpx.get(url + "metrics").status_code == 200
        assert httpx.get(url).status_code == 404
        parent.kill()
        parent.stdout.read()  # until the child has ended, too: it has the same pipe
    with pytest.raises(httpx.TransportError):
        httpx.get(url)
