"""Whatever a user types or feeds: one clear sentence, what to do next, exit code 2, and never a traceback.

Settings, recordings, HAR files, options, targets, run ids, dates, URLs: a kind each.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from recorder.wire import FrameKind, Header, frame
from replayer.cli.main import main
from replayer.store import Store
from tests.replayer.sharing import SECRET, key
from tests.replayer.tiny import record

GATE = ("gate", "tiny", "--candidate")
TARGET = '[targets.next]\nstart = ["python", "-m", "http.server", "{port}"]\n'

SETTINGS = {
    "no TOML": "[targets.next\n",
    "not UTF-8": b"\xff\xfe[policy]\n",
    "an unknown table": "[polcy]\nfail_on = 'major'\n",
    "an unknown key": "[policy]\nfail_onn = 'major'\n",
    "a wrong type": "[policy]\nmin_replayed = 'many'\n",
    "an unknown severity": "[policy]\nfail_on = 'severe'\n",
    "a share beyond 1": "[policy]\nmin_route_coverage = 80\n",
    "a negative number": "[policy]\nmin_replayed = -1\n",
    "a boolean for a number": "[policy]\nmin_replayed = true\n",
    "a tag without routes": "[[tags]]\nname = 'payments'\n",
    "a tag that is none": "[policy.tags.paymets]\nfail_on = 'minor'\n[[tags]]\nname = 'payments'\nroutes = ['* /p']\n",
    "a route pattern that is none": "[[tags]]\nname = 'p'\nroutes = ['/pay']\n",
    "no reviewers": "[policy.tags.p]\nreviewers = 0\n[[tags]]\nname = 'p'\nroutes = ['* /pay/**']\n",
    "a noise rule without a reason": "[[noise]]\nroute = 'GET /a'\npath = '$.b'\n",
    "a noise rule with a path that is none": "[[noise]]\nroute = 'GET /a'\npath = 'b c['\nreason = 'r'\n",
    "a noise rule of an unknown kind": "[[noise]]\nroute = 'GET /a'\npath = '$.b'\nreason = 'r'\nkind = 'tiem'\n",
    "a noise rule that ends on no day": "[[noise]]\nroute = 'GET /a'\npath = '$.b'\nreason = 'r'\nuntil = 'soon'\n",
    "a target that is nothing": "[targets.next]\ndisposable = true\n",
    "a target that is two things": TARGET + "url = 'http://127.0.0.1:1'\n",
    "a start that is a text": "[targets.next]\nstart = 'gunicorn app'\n",
    "a start without a port": "[targets.next]\nstart = ['gunicorn', 'app']\n",
    "an address of another scheme": "[targets.next]\nurl = 'ftp://127.0.0.1'\n",
    "a mint hook that is none": TARGET + "mint = 'nowhere'\n",
    "a time-out of zero": TARGET + "timeout = 0\n",
    "a folder that is not there": TARGET + "cwd = 'nowhere/at/all'\ndisposable = true\n",
    "a token in clear": "[slack]\ntoken = 'xoxb-1'\n",
    "an unset variable": TARGET + "env = { A = '${NOT_SET_ANYWHERE}' }\n",
}

COMMANDS: dict[str, tuple[str, ...]] = {
    "an unknown command": ("gte",),
    "an unknown option": (*GATE, "next", "--fast"),
    "no candidate": ("gate", "tiny"),
    "a recording that is not there": ("gate", "tny", "--candidate", "http://127.0.0.1:1"),
    "a target that is not there": (*GATE, "nxt"),
    "an address that is none": (*GATE, "http://"),
    "a port that is none": (*GATE, "http://127.0.0.1:99999"),
    "a module that is none": (*GATE, "wsgi:"),
    "a run as the candidate": (*GATE, "run:abc"),
    "a run that is not there": (*GATE, "http://127.0.0.1:1", "--baseline", "run:absent"),
    "passes that are none": (*GATE, "http://127.0.0.1:1", "--passes", "1"),
    "a rate of nothing": (*GATE, "http://127.0.0.1:1", "--rate", "0"),
    "a speed that is none": (*GATE, "http://127.0.0.1:1", "--speed", "fast"),
    "a speed of nothing": (*GATE, "http://127.0.0.1:1", "--speed", "0"),
    "a number that is none": (*GATE, "http://127.0.0.1:1", "--concurrency", "four"),
    "an executor that is none": (*GATE, "http://127.0.0.1:1", "--executor", "threads"),
    "a budget and everything": (*GATE, "http://127.0.0.1:1", "--budget", "5", "--all"),
    "two reports on standard output": (*GATE, "http://127.0.0.1:1", "--json", "-", "--html", "-"),
    "a report in no folder": (*GATE, "http://127.0.0.1:1", "--json", "nowhere/at/all/r.json"),
    "a report that is a folder": (*GATE, "http://127.0.0.1:1", "--html", "."),
    "a settings file that is not there": (*GATE, "next", "--policy", "absent.toml"),
    "a database that is none": ("runs", "list", "--db", "nonsense"),
    "a database of another kind": ("runs", "list", "--db", "mysql://localhost/x"),
    "a database in no folder": ("runs", "list", "--db", "sqlite:////proc/nowhere/x.db"),
    "a database that is a text": ("runs", "list", "--db", "sqlite:///text.db"),
    "a run's report that is not there": ("runs", "show", "absent"),
    "a finding that is not there": ("findings", "approve", "abcdef01", "--reason", "r"),
    "a fingerprint that is too short": ("findings", "approve", "a", "--reason", "r"),
    "an approval without a reason": ("findings", "approve", "abcdef01", "--reason", " "),
    "a day that is none": ("findings", "approve", "abcdef01", "--reason", "r", "--until", "2027-02-30"),
    "a recording to show that is not there": ("recordings", "show", "absent"),
    "an export of nothing": ("export", "har", "absent", "-o", "x.har"),
    "an exchange that is not there": ("export", "curl", "tiny", "absent"),
    "a file to import that is not there": ("recordings", "import", "absent"),
    "a stream that is none": ("ingest", "http://127.0.0.1/x"),
    "a broker that is none": ("worker", "--broker", "amqp://localhost"),
    "an age that is none": ("recordings", "prune", "--older-than", "long"),
}

FILES: dict[str, tuple[str, bytes]] = {
    "nothing": ("empty.har", b""),
    "no JSON": ("a.har", b"{"),
    "JSON that is no HAR": ("a.har", b"[1, 2]"),
    "a HAR without entries": ("a.har", b'{"log": {"version": "1.2"}}'),
    "a HAR whose entries are none": ("a.har", json.dumps({"log": {"version": "1.2", "entries": [1, None]}}).encode()),
    "a text": ("spool.us1", b"hello, world\n" * 50),
    "a compressed text": ("spool.us1", gzip.compress(b"hello")),
    "zeros": ("spool.us1", bytes(4096)),
    "a picture": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "a spool of nothing but its header": ("spool.us1", b"\x00"),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recording; every command runs there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_KEY", SECRET)
    monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    for name in ("UNDERSTUDY_SINK", "UNDERSTUDY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id=key().id, source="a test")
        store.add_exchanges(info.id, record(users=1, rounds=1).exchanges)
        store.close_recording(info.id)
    (tmp_path / "text.db").write_text("this is no database, but a text that is long enough to be taken for one")
    return tmp_path


def refused(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says on standard error; it ends with 2."""
    status = main(arguments)
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert status == 2, said
    lines = [line for line in said.splitlines() if not line.startswith("[")]  # what it did before
    assert lines, "nothing was said"
    assert len(said) < 1500, "a sentence, not a page"
    return said


@pytest.mark.parametrize("content", SETTINGS.values(), ids=SETTINGS)
def test_a_wrong_settings_file_is_told(content: str | bytes, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    if b"[targets" not in data:
        data += TARGET.encode()
    (home / "understudy.toml").write_bytes(data)
    said = refused((*GATE, "next"), capsys)
    assert said.startswith("understudy: ")


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_wrong_command_is_told(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    refused(arguments, capsys)


@pytest.mark.parametrize(("name", "data"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_recording_is_told(
    name: str, data: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / name).write_bytes(data)
    said = refused(("recordings", "import", name), capsys)
    assert name in said


def test_a_spool_of_another_version_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = Header("k", "shop", "1", "host:1", 1, 0.0)
    (home / "later.us1").write_bytes(b"USPL" + bytes([99]) + frame(FrameKind.REPORT, b"{}", header.stamp))
    assert "later.us1" in refused(("recordings", "import", "later.us1"), capsys)


def test_there_are_enough_kinds() -> None:
    assert len(SETTINGS) + len(COMMANDS) + len(FILES) >= 60
