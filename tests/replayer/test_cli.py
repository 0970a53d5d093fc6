"""The command line used wrongly, and what it says; and that it is quick to say it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recorder.keys import Key
from replayer.cli import gate
from replayer.cli.main import GROUPS, main
from replayer.store import Store

from .tiny import record

UNDERSTUDY = Path(sys.executable).with_name("understudy")
SETTINGS = """
[targets.old]
url = "http://127.0.0.1:9"
disposable = true
ready_timeout = 0.2

[targets.new]
wsgi = "nowhere:app"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a settings file and a database that holds the recording `tiny`."""
    monkeypatch.chdir(tmp_path)
    for name in ("UNDERSTUDY_DATABASE_URL", "UNDERSTUDY_KEY_FILE", "UNDERSTUDY_DEBUG", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CI_API_V4_URL", raising=False)
    monkeypatch.setenv("UNDERSTUDY_KEY", "a key of at least thirty-two bytes")
    (tmp_path / "understudy.toml").write_text(SETTINGS)
    (tmp_path / ".understudy").mkdir()
    with Store.open("sqlite:///.understudy/understudy.db") as store:
        key_id = Key(b"a key of at least thirty-two bytes").id
        info = store.create_recording("tiny", service="tiny", release="1", key_id=key_id, source="a test")
        store.add_exchanges(info.id, record(users=3, rounds=4).exchanges)
        store.close_recording(info.id)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gat"], "no command 'gat'. Did you mean 'gate'?"),
        (["--verbose"], "no command '--verbose'"),
        (["gate"], "Missing argument 'RECORDING'"),
        (["gate", "tiny"], "Missing option '--candidate'"),
        (["gate", "tiny", "--candidate", "old", "--pases", "2"], "No such option: --pases"),
        (["gate", "tiny", "--candidate", "old", "--passes", "0"], "--passes"),
        (["gate", "tiny", "--candidate", "old", "--passes", "many"], "Invalid value for '--passes'"),
        (["gate", "tiny", "--candidate", "old", "--concurrency", "-1"], "--concurrency"),
        (["gate", "tiny", "--candidate", "old", "--speed", "fast"], "--speed must be max, or a number above 0"),
        (["gate", "tiny", "--candidate", "old", "--speed", "0"], "--speed 1 keeps the recorded timing"),
        (["gate", "tiny", "--candidate", "old", "--rate", "-3"], "--rate must be a number above 0, not -3."),
        (["gate", "tiny", "--candidate", "old", "--ramp-up", "inf"], "--ramp-up must be a number above 0"),
        (["gate", "tiny", "--candidate", "old", "--baseline"], "requires an argument"),
        (["gate", "tiny", "--candidate", "nwe"], "There is no target 'nwe'."),
        (["gate", "tiny", "--candidate", "ftp://host"], "ftp://host"),
        (["gate", "tiny", "--candidate", "http://"], "http://"),
        (["gate", "tiny", "--candidate", "wsgi:"], "wsgi:module:callable_or_factory"),
        (["gate", "tiny", "--candidate", "run:abc"], "not the candidate"),
        (["gate", "tiny", "--candidate", "old", "--baseline", "run:abc"], "abc"),
        (["gate", "tiny", "--candidate", "old", "--baseline", "run:"], "names no run"),
        (["gate", "tinny", "--candidate", "old"], "tinny"),
        (["gate", "", "--candidate", "old"], "recording"),
        (["gate", "tiny", "--candidate", "old", "--json", "no/such/folder/r.json"], "can not be written"),
        (["gate", "tiny", "--candidate", "old", "--all", "--budget", "9"], "contradict each other"),
        (["gate", "tiny", "--candidate", "old", "--html", "."], "can not be written"),
        (["gate", "tiny", "--candidate", "old", "--junit", "no/such/folder/r.xml"], "can not be written"),
        (["gate", "tiny", "--candidate", "old", "--json", "-", "--html", "-"], "both go to standard output"),
        (["gate", "tiny", "--candidate", "old", "--github", "--gitlab", "-"], "both go to standard output"),
        (["gate", "tiny", "--candidate", "old", "--json", "r", "--markdown", "r"], "both go to 'r'"),
        (["gate", "tiny", "--candidate", "old", "--wait", "0"], "--wait"),
        (["gate", "tiny", "--candidate", "old", "--wait", "a while"], "Invalid value for '--wait'"),
        (["gate", "tiny", "--candidate", "old", "--policy", "absent.toml"], "absent.toml"),
        (["gate", "tiny", "--candidate", "old", "--policy", "."], "."),
        (["gate", "tiny", "--candidate", "old", "--db", "nonsense"], "nonsense"),
        (["gate", "tiny", "--candidate", "old", "--db", "sqlite:///understudy.toml/x.db"], "understudy.toml"),
        (["gate", "tiny", "--candidate", "https://api.example"], "api.example"),
        (["recordings"], "Missing command."),
        (["recordings", "shw"], "shw"),
        (["recordings", "show", "tinny"], "tinny"),
        (["recordings", "show"], "Missing argument"),
        (["recordings", "import", "nowhere"], "There is no 'nowhere'."),
        (["recordings", "import", "understudy.toml"], "understudy.toml"),
        (["runs", "show", "abc"], "abc"),
        (["runs", "show", "abc", "--html", "r.html"], "There is no run 'abc'."),
        (["report"], "Missing command."),
        (["report", "comment"], "Missing argument 'FILE'"),
        (["report", "comment", "absent.md"], "can not be read: No such file or directory."),
        (["report", "comment", "."], "can not be read: Is a directory."),
        (["report", "comment", "understudy.toml"], "This is no job of GitHub Actions or GitLab CI."),
        (["findings", "list", "abc"], "abc"),
        (["rules", "lnt"], "lnt"),
        (["rules", "list", "--recording", "tinny"], "tinny"),
        (["rules", "lint", "--runs", "0"], "--runs"),
        (["findings", "approve"], "Missing argument 'FINGERPRINT'"),
        (["findings", "approve", "75cf471c"], "Missing option '--reason'"),
        (["findings", "approve", "75cf471c", "--reason", "r", "--author", "a"], "no finished run"),
        (["findings", "approve", "75cf471c", "--reason", "r", "--author", "a", "--scope", "ever"], "--scope"),
        (["findings", "approve", "75cf471c", "--reason", "r", "--author", "a", "--until", "soon"], "2027-01-31"),
        (["findings", "reject", "75cf471c", "--reason", "r", "--author", "a"], "no finished run"),
        (["findings", "withdraw", "abc", "--author", "a"], "There is no decision 'abc'."),
        (["db", "downgrade"], "downgrade"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_in_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.out == ""
    assert "Traceback" not in output.err
    assert "bug of ours" not in output.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[targets.old\n", "understudy.toml"),
        ("[targets.old]\nurl = 5\n", "url"),
        ("[targets.old]\nurl = 'http://127.0.0.1:9'\nredy = '/'\n", "ready"),
        ("[target.old]\nurl = 'http://127.0.0.1:9'\n", "targets"),
        ("[policy]\nfail_on = 'everything'\n", "fail_on"),
        ("[[noise]]\npath = '$.x'\n", "noise"),
        ("[targets.old]\nstart = ['x', '{port}']\nurl = 'http://h'\n", "old"),
        ("[targets.old]\nstart = ['x']\n", "{port}"),
        ("[targets.old]\nwsgi = 'module:app'\ncwd = 'absent'\n", "absent"),
        ("[targets.old]\nurl = 'http://${NOT_SET_ANYWHERE}'\n", "NOT_SET_ANYWHERE"),
        ("\x00\x01", "understudy.toml"),
    ],
)
def test_wrong_settings_end_in_a_sentence(home: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    (home / "understudy.toml").write_text(text)
    assert main(["gate", "tiny", "--candidate", "old"]) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert "Traceback" not in output.err
    assert "bug of ours" not in output.err


def test_a_settings_file_that_is_no_text_ends_in_a_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "understudy.toml").write_bytes(b"\xff\xfe\x00[targets]")
    assert main(["gate", "tiny", "--candidate", "old"]) == 2
    assert "understudy.toml" in capsys.readouterr().err


def test_a_file_that_is_no_database_ends_in_a_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "text.db").write_text("this is no database, but it is long enough to be looked at as if it were one\n" * 20)
    assert main(["runs", "list", "--db", "sqlite:///text.db"]) == 2
    assert "text.db" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "said"),
    [("old", "was not ready within 0.2 s"), ("new", "nowhere")],
)
def test_a_target_that_can_not_be_had_is_inconclusive(
    home: Path, capsys: pytest.CaptureFixture[str], target: str, said: str
) -> None:
    assert main(["gate", "tiny", "--candidate", target]) == 3
    output = capsys.readouterr()
    assert said in output.err
    assert "Traceback" not in output.err.replace('"Traceback', "")
    assert main(["runs", "list", "--json"]) == 0
    assert [run["state"] for run in json.loads(capsys.readouterr().out)] == ["failed"]


@pytest.mark.parametrize(
    "command", [[], *([name] for name in GROUPS)], ids=lambda words: " ".join(words) or "understudy"
)
def test_every_command_explains_itself(home: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    if command == ["demo"]:
        return  # a process of its own: see below
    assert main([*command, "--help"]) == 0
    assert "understudy" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        *("recordings import", "recordings list", "recordings show", "runs list", "runs show", "findings list"),
        *("findings approve", "findings reject", "findings withdraw", "findings approvals"),
        *("rules list", "rules lint", "rules propose", "db upgrade"),
    ],
)
def test_every_subcommand_explains_itself(home: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main([*words.split(), "--help"]) == 0
    assert f"understudy {words}" in capsys.readouterr().out


def test_the_demo_explains_itself() -> None:
    done = subprocess.run([str(UNDERSTUDY), "demo", "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--requests" in done.stdout


def test_nothing_at_all_shows_the_help_and_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: understudy" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("understudy ")


def test_lists_are_tables_and_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "list"]) == 0
    assert "tiny" in capsys.readouterr().out
    assert main(["recordings", "list", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["tiny"]
    assert main(["recordings", "show", "tiny", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert sum(route["recorded"] for route in shown["routes"]) == shown["recording"]["exchanges"]
    assert main(["runs", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["db", "upgrade"]) == 0


def test_a_reader_that_closes_its_end_early_sees_no_traceback(home: Path) -> None:
    with subprocess.Popen(
        [str(UNDERSTUDY), "recordings", "show", "tiny"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors


@pytest.mark.parametrize("command", ["gate", "replay"])
def test_an_interrupted_run_ends_with_130_and_says_so(
    command: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gate, "run_gate", interrupted)
    assert main([command, "tiny", "--candidate", "old"]) == 130
    assert "understudy: interrupted." in capsys.readouterr().err


def test_a_pipe_that_nobody_reads_is_no_regression(home: Path) -> None:
    with subprocess.Popen(
        [UNDERSTUDY, "recordings", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        assert (listing.stderr.read(), listing.wait()) == (b"", 141)
