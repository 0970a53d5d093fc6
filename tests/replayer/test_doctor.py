"""What `understudy doctor` says of a setup that works, and of each thing that can be wrong with one."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recorder.identity import principal_digest
from recorder.keys import Key
from replayer.checks import Check, State, exit_code
from replayer.cli.main import main
from replayer.doctor import DoctorOptions, examine
from replayer.errors import ExitCode, InconclusiveError, UsageError
from replayer.examination import clock_skew
from replayer.store import Store

from ..services.certificates import self_signed
from ..services.redis import RedisServer
from .tiny import record

ROOT = Path(__file__).parents[2]
KEY = Key(b"a key of at least thirty-two bytes")
SERVE = json.dumps([sys.executable, "-m", "tests.replayer.tiny_server", "{port}"])

HOOK = """
import json
from urllib.request import Request, urlopen

def credentials(principal, base_url):
    user = next((n for n in range(1, 20) if principal.matches(str(n))), None)
    request = Request(base_url + "/login", json.dumps({"user": user}).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        return {"headers": {"Authorization": "Bearer " + json.load(answer)["token"]}}

def wrong(principal, base_url):
    return {"headers": {"Authorization": "Bearer of-another-secret"}}

def broken(principal, base_url):
    raise RuntimeError("staging is closed")

def nobody(principal, base_url):
    return None
"""

OBSERVING = """
import sqlalchemy
from recorder import RecorderMiddleware

def bare(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ready"]

app = RecorderMiddleware(bare)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recording, its key, a mint hook, and no settings yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("UNDERSTUDY_KEY", KEY.secret.decode())
    for name in ("UNDERSTUDY_KEY_FILE", "UNDERSTUDY_SINK", "UNDERSTUDY_DATABASE_URL", "UNDERSTUDY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    now = time.time()
    exchanges = [
        replace(
            each,
            started=now + number / 100,
            ended=now + number / 100,
            principal=principal_digest(each.principal.rpartition("-")[2], KEY) if each.principal else "",
        )
        for number, each in enumerate(record(users=3, rounds=8).exchanges)
    ]
    with Store.open("sqlite:///.understudy/understudy.db") as store:
        info = store.create_recording("tiny", service="tiny", release="1", key_id=KEY.id, source="a test")
        store.add_exchanges(info.id, exchanges)
        store.close_recording(info.id)
    (tmp_path / "hook.py").write_text(HOOK)
    (tmp_path / "observing.py").write_text(OBSERVING)
    return tmp_path


def settings(folder: Path, *targets: str, name: str = "staging", more: str = "") -> None:
    """Targets `staging`, `other` …, each with the lines given."""
    names = [name, "other", "third"]
    tables = [f"[targets.{name}]\n{text}\n" for name, text in zip(names, targets, strict=False)]
    (folder / "understudy.toml").write_text("\n".join([more, *tables]))


STARTED = f'start = {SERVE}\nready = "/products"\ndisposable = true\nmint = "hook:credentials"'


def look(*targets: str, **options: object) -> list[Check]:
    return asyncio.run(examine(DoctorOptions(targets, **options)))  # type: ignore[arg-type]


def one(found: list[Check], subject: str, what: str) -> Check:
    (check,) = [each for each in found if (each.subject, each.what) == (subject, what)]
    return check


@dataclass
class Web:
    """A deploy that is running: what it says, and what a reset does to it."""

    answers: dict[str, str] = field(default_factory=lambda: {"/": "ready"})
    ahead: float = 0.0  # seconds that its clock is ahead
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@contextmanager
def serving(web: Web, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/reset":
                web.answers["/stats"] = "0"
            data = json.dumps(web.answers.get(self.path, "")).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(time.time() + web.ahead)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.port = server.server_address[1]
        if tls is not None:
            web.scheme = "https"
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield web
        server.shutdown()
        thread.join()


# -- what works ------------------------------------------------------------------------------------------------------


def test_a_setup_that_works(folder: Path) -> None:
    settings(folder, STARTED + '\nbuild = "release 7"')
    found = look()
    assert {check.state for check in found} <= {State.OK, State.NOTE}
    assert exit_code(found) is ExitCode.PASS
    assert one(found, "settings", "valid").said.endswith("understudy.toml")
    assert one(found, "database", "schema").state is State.OK
    assert "exchanges, the last one of today" in one(found, "recording", "there").said
    assert one(found, "key", "matches").said == f"{KEY.id}, as in the recording"
    ready = one(found, "target staging", "ready").said
    assert ready.startswith("GET /products was answered 200 within ")
    assert ready.endswith(", build release 7")
    minted = one(found, "target staging", "credentials")
    assert (minted.state, minted.said) == (State.OK, "minted for a recorded user: GET /orders was answered 200")
    assert one(found, "target staging", "observes").state is State.NOTE


def test_a_target_that_observes(folder: Path) -> None:
    settings(folder, 'wsgi = "observing:app"\nenv = { UNDERSTUDY_OBSERVE = "1" }')
    assert one(look(), "target staging", "observes").state is State.OK


def test_a_single_target_is_looked_at_by_its_url(folder: Path) -> None:
    with serving(Web()) as web:
        found = look(web.url)
    assert {check.subject for check in found if check.subject.startswith("target")} == {f"target {web.url}"}
    assert one(found, f"target {web.url}", "clock").state is State.OK
    assert "by BaseHTTP" in one(found, f"target {web.url}", "ready").said
    assert "writes are not sent" in one(found, f"target {web.url}", "disposable").said


# -- what does not ---------------------------------------------------------------------------------------------------


def test_settings_that_can_not_be_read_are_all_there_is(folder: Path) -> None:
    settings(folder, "urll = 'http://x'")
    (check,) = look()
    assert (check.subject, check.state, check.hint) == ("settings", State.FIX, "Did you mean 'url'?")


def test_a_database_that_is_not_there_is_not_made(folder: Path) -> None:
    found = look(database_url="sqlite:///elsewhere/new.db")
    assert one(found, "database", "schema").state is State.NOTE
    assert "is not there yet" in one(found, "database", "schema").said
    assert not (folder / "elsewhere").exists()
    assert [check for check in found if check.subject in ("recording", "key")] == []


def test_a_database_of_an_older_version_is_left_as_it_is(folder: Path) -> None:
    import sqlite3
    from contextlib import closing

    path = folder / ".understudy" / "understudy.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
        database.commit()
    assert "has an older schema" in one(look(), "database", "schema").said
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    check = one(look(), "database", "reachable")
    assert check.state is State.FIX
    assert "newer version" in check.said


@pytest.mark.parametrize(
    ("url", "state"),
    [("nonsense", State.FIX), ("sqlite:///hook.py", State.FIX), ("postgresql://127.0.0.1:9/x", State.LATER)],
)
def test_a_database_that_can_not_be_used(folder: Path, url: str, state: State) -> None:
    assert one(look(database_url=url), "database", "reachable").state is state


def test_a_recording_that_is_not_there(folder: Path) -> None:
    check = one(look(recording="tinny"), "recording", "there")
    assert (check.state, check.hint) == (State.FIX, "Did you mean 'tiny'?")


def test_a_key_that_is_not_there_is_not_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERSTUDY_KEY")
    assert one(look(), "key", "there").state is State.FIX
    assert not (folder / "state").exists()


@pytest.mark.parametrize(
    ("key", "what", "said"),
    [
        ("x" * 40, "matches", f"was recorded with the key {KEY.id}, and the one here is "),
        ("short", "there", "at least 32"),
    ],
)
def test_a_key_that_does_not_fit(folder: Path, monkeypatch: pytest.MonkeyPatch, key: str, what: str, said: str) -> None:
    monkeypatch.setenv("UNDERSTUDY_KEY", key)
    check = one(look(), "key", what)
    assert check.state is State.FIX
    assert said in check.said
    assert key not in check.said


def test_where_production_was_recorded_is_refused(folder: Path) -> None:
    check = one(look("https://api.example"), "target https://api.example", "declared")
    assert check.state is State.FIX
    assert "is where the recording was made" in check.said


@pytest.mark.parametrize(
    ("text", "what", "state", "said"),
    [
        ('url = "http://127.0.0.1:9"\nready_timeout = 0.2', "ready", State.LATER, "was not ready within 0.2 s"),
        ('url = "${NOWHERE}"', "declared", State.FIX, "NOWHERE, which is not set"),
        ('start = ["no-such-command", "{port}"]', "declared", State.FIX, "no-such-command"),
        (STARTED.replace("hook:credentials", "hook:broken"), "credentials", State.FIX, "staging is closed"),
        (
            STARTED.replace("hook:credentials", "hook:nobody"),
            "credentials",
            State.FIX,
            "knows none of 3 recorded users",
        ),
        (
            STARTED.replace("hook:credentials", "hook:wrong"),
            "credentials",
            State.FIX,
            "refuses what the mint hook made: GET /orders was answered 401",
        ),
        (STARTED.replace('\nmint = "hook:credentials"', ""), "credentials", State.NOTE, "the recording has 3 users"),
        (STARTED + '\nreset = ["false"]', "reset", State.NOTE, "not tried"),
    ],
)
def test_what_can_be_wrong_with_a_target(folder: Path, text: str, what: str, state: State, said: str) -> None:
    settings(folder, text)
    found = look()
    check = one(found, "target staging", what)
    assert check.state is state
    assert said in check.said
    assert check.hint or state is State.LATER or what == "declared"
    expected = {State.FIX: ExitCode.USAGE, State.LATER: ExitCode.INCONCLUSIVE, State.NOTE: ExitCode.PASS}
    assert exit_code(found) is expected[state]


def test_a_reset_is_run_only_when_it_is_asked_for(folder: Path) -> None:
    settings(folder, STARTED + '\nreset = ["touch", "was-reset"]')
    look()
    assert not (folder / "was-reset").exists()
    assert one(look(reset=True), "target staging", "reset").state is State.OK
    assert (folder / "was-reset").exists()
    settings(folder, STARTED + '\nreset = ["false"]')
    found = look(reset=True)
    assert one(found, "target staging", "ready").said == "staging: the reset `false` failed with status 1"
    assert exit_code(found) is ExitCode.INCONCLUSIVE


@pytest.mark.parametrize(("ahead", "state"), [(60.0, State.NOTE), (-60.0, State.NOTE), (4000.0, State.FIX)])
def test_a_clock_that_is_off(folder: Path, ahead: float, state: State) -> None:
    with serving(Web(ahead=ahead)) as web:
        check = one(look(web.url), f"target {web.url}", "clock")
    assert check.state is state
    assert ("ahead of" if ahead > 0 else "behind") in check.said


def test_targets_that_look_as_if_they_shared_a_database(folder: Path) -> None:
    with serving(Web()) as web:
        same = f'url = "{web.url}"'
        apart = STARTED + '\nenv = { DATABASE_URL = "sqlite:///x.db", SECRET = "s" }'
        settings(folder, same, same)
        assert "is the same deploy" in one(look(), "target other", "apart").said
        settings(folder, apart, apart.replace('"s"', '"t"'))
        assert one(look(), "target other", "apart").said == "has the same DATABASE_URL as staging"
        settings(folder, apart + '\nreset = ["true"]', apart + '\nreset = ["true"]')
        assert [check for check in look() if check.what == "apart"] == []


def test_a_reset_that_changes_another_target_shows_that_they_share_a_database(folder: Path) -> None:
    web = Web({"/": "ready", "/stats": "17"})
    with serving(web), serving(Web(web.answers)) as twin, serving(Web({"/stats": "17"})) as stranger:
        ask = json.dumps([sys.executable, "-c", f"import urllib.request as u; u.urlopen('{web.url}/reset').read()"])
        canary = '\ncanary = ["/stats"]\ndisposable = true'
        settings(
            folder,
            f'url = "{web.url}"\nreset = {ask}{canary}',
            f'url = "{twin.url}"{canary}',
            f'url = "{stranger.url}"{canary}',
        )
        found = look(reset=True)
    check = one(found, "target other", "apart")
    assert check.state is State.FIX
    assert check.said == "the reset of staging changed what GET /stats says: the two share a database"
    assert [each.subject for each in found if each.what == "apart"] == ["target other"]


def test_a_redis_that_is_gone_and_one_that_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_SINK", "redis://:secret@127.0.0.1:9/0")
    check = one(look(), "redis", "sink")
    assert check.state is State.LATER
    assert "secret" not in check.said
    with RedisServer() as server:
        monkeypatch.setenv("UNDERSTUDY_SINK", server.url)
        settings(folder, STARTED, more=f'broker_url = "{server.url}"')
        found = look()
        assert one(found, "redis", "sink").state is State.OK
        assert one(found, "redis", "broker") == Check("redis", "broker", State.OK, server.url)
    assert one(look(), "redis", "broker").state is State.LATER


def test_a_certificate_that_ends_soon_and_one_that_nobody_trusts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(Web(), context) as web:
        settings(folder, f'url = "{web.url}"\nready_timeout = 5')
        check = one(look(), "target staging", "certificate")
        assert (check.state, check.said, check.hint) == (State.NOTE, "ends in 2 days", "Renew it.")
        monkeypatch.delenv("SSL_CERT_FILE")
        settings(folder, f'url = "{web.url}"\nready_timeout = 0.2')
        check = one(look(), "target staging", "certificate")
        assert check.state is State.FIX
        assert "is not trusted: self-signed certificate" in check.said


# -- how it is said --------------------------------------------------------------------------------------------------


def test_the_command_says_a_line_for_each_and_ends_with_its_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(folder, 'url = "http://127.0.0.1:9"\nready_timeout = 0.2')
    assert main(["doctor"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["state", "of", "what", "found"]
    (line,) = [line for line in lines if line.startswith("not now")]
    assert "target staging" in line
    assert "`ready` names the path that is asked" in line
    assert main(["doctor", "--json", "--recording", "tinny"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["version"], said["exit_code"]) == (1, 2)
    assert {"of": "recording", "what": "there", "state": "fix"}.items() <= said["checks"][2].items()
    assert said["checks"][2]["next"] == "Did you mean 'tiny'?"


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.OK, State.NOTE], ExitCode.PASS),
        ([State.OK, State.LATER], ExitCode.INCONCLUSIVE),
        ([State.LATER, State.FIX], ExitCode.USAGE),
    ],
)
def test_what_has_to_be_fixed_counts_before_what_can_not_be_had(states: list[State], code: ExitCode) -> None:
    assert exit_code([Check("a", "b", state, "c") for state in states]) is code


def test_errors_become_checks() -> None:
    assert Check.failed("a", "b", UsageError("wrong", "do")) == Check("a", "b", State.FIX, "wrong", "do")
    assert Check.failed("a", "b", InconclusiveError("gone")).state is State.LATER


def test_a_clock_is_read_in_the_middle_of_the_second_that_it_says() -> None:
    assert clock_skew("Fri, 01 Nov 2024 00:00:30 GMT", 1730419230.4, 1730419230.6) == pytest.approx(0.0)
    assert clock_skew("Fri, 01 Nov 2024 00:00:30 GMT", 1730419220.4, 1730419220.6) == pytest.approx(10.0)
    assert clock_skew("", 1.0, 2.0) is None
    assert clock_skew("yesterday", 1.0, 2.0) is None
