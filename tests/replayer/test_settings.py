from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from replayer.errors import ExitCode, UsageError
from replayer.settings import (
    NoiseSetting,
    PolicySettings,
    Settings,
    SlackSettings,
    Tag,
    TagPolicy,
    TargetSettings,
    load_settings,
    resolve_target,
)

DOCUMENTED = """
[targets.candidate]
start = ["gunicorn", "-b", "127.0.0.1:{port}", "shop:create_app()"]
cwd = "shop-next"
ready = "/health"
disposable = true

[targets.staging]
url = "https://staging.internal"
reset = ["make", "staging-reset"]
mint = "shop.testing:credentials"
disposable = true

[[tags]]
name = "payments"
routes = ["* /api/payments/**"]

[policy]
fail_on = "breaking"
min_route_coverage = 0.8
min_replayed = 50
inconclusive = "fail"

[policy.tags.payments]
fail_on = "minor"
reviewers = 2

[[noise]]
route = "GET /api/orders/**"
path = "$.items[*].updated_at"
kind = "timestamp"
reason = "set by a trigger"
until = 2027-01-31

[slack]
channel = "#releases"
tag_channels = { payments = "#payments-alerts" }
"""


def write(folder: Path, text: str, name: str = "understudy.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    return load_settings(write(folder, text), environ=environ or {})


def test_the_documented_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "shop-next").mkdir()
    assert load(tmp_path, DOCUMENTED) == Settings(
        targets=(
            TargetSettings(
                name="candidate",
                start=("gunicorn", "-b", "127.0.0.1:{port}", "shop:create_app()"),
                cwd=str(tmp_path / "shop-next"),
                ready="/health",
                disposable=True,
            ),
            TargetSettings(
                name="staging",
                url="https://staging.internal",
                cwd=str(tmp_path),
                reset=("make", "staging-reset"),
                mint="shop.testing:credentials",
                disposable=True,
            ),
        ),
        tags=(Tag("payments", ("* /api/payments/**",)),),
        policy=PolicySettings(
            fail_on="breaking",
            min_route_coverage=0.8,
            min_replayed=50,
            inconclusive="fail",
            tags=(("payments", TagPolicy("minor", 2)),),
        ),
        noise=(
            NoiseSetting(
                route="GET /api/orders/**",
                path="$.items[*].updated_at",
                reason="set by a trigger",
                kind="timestamp",
                until=date(2027, 1, 31),
            ),
        ),
        slack=SlackSettings("#releases", (("payments", "#payments-alerts"),)),
        source=tmp_path / "understudy.toml",
    )


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load_settings(cwd=tmp_path, environ={}) == Settings()
    assert Settings().database_url == "sqlite:///.understudy/understudy.db"
    assert Settings().policy == PolicySettings(
        "breaking", 0.0, 1, 0.9, "fail", (), 0.0, 0, 0.1, 0.0, 0.0, "recording", "", (), ()
    )
    assert Settings().policy.for_tag("payments") == TagPolicy("major", 1, 0, 0)


def test_understudy_toml_goes_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path, "[tool.understudy.policy]\nmin_replayed = 7\n", "pyproject.toml")
    settings = load_settings(cwd=tmp_path, environ={})
    assert (settings.policy.min_replayed, settings.source) == (7, tmp_path / "pyproject.toml")
    write(tmp_path, "policy.min_replayed = 8\n")
    settings = load_settings(cwd=tmp_path, environ={})
    assert (settings.policy.min_replayed, settings.source) == (8, tmp_path / "understudy.toml")


def test_pyproject_without_our_section_is_no_settings_file(tmp_path: Path) -> None:
    write(tmp_path, "[project]\nname = 'x'\n", "pyproject.toml")
    assert load_settings(cwd=tmp_path, environ={}) == Settings()


def test_the_environment_names_the_database(tmp_path: Path) -> None:
    text = 'database_url = "postgresql://db/${NAME}"'
    assert load(tmp_path, text, {"NAME": "x"}).database_url == "postgresql://db/x"
    assert load(tmp_path, text, {"UNDERSTUDY_DATABASE_URL": "sqlite:///y"}).database_url == "sqlite:///y"
    with pytest.raises(UsageError, match="names the environment variable NAME in 'database_url', which is not set"):
        load(tmp_path, text)


def test_variables_are_expanded_in_a_target(tmp_path: Path) -> None:
    text = """
    [targets.t]
    start = ["${PYTHON}", "-p", "{port}", "$${LITERAL}", "$PLAIN"]
    cwd = "${PLACE}"
    python = "venv/bin/${PYTHON}"
    reset = ["sh", "${PLACE}/reset"]
    env = { TOKEN = "a${SECRET}b", EMPTY = "" }
    """
    environ = {"PYTHON": "python3", "PLACE": "here", "SECRET": "s"}
    (target,) = load(tmp_path, text, environ).targets
    assert target == TargetSettings(
        name="t",
        start=("python3", "-p", "{port}", "${LITERAL}", "$PLAIN"),
        cwd=str(tmp_path / "here"),
        python=str(tmp_path / "venv/bin/python3"),
        reset=("sh", "here/reset"),
        env=(("TOKEN", "asb"), ("EMPTY", "")),
    )


def test_a_variable_that_is_not_set_spoils_only_its_target(tmp_path: Path) -> None:
    text = '[targets.a]\nurl = "https://${HOST_A}/x"\n[targets.b]\nurl = "http://b"\n'
    settings = load(tmp_path, text)
    assert resolve_target("b", settings).url == "http://b"
    with pytest.raises(UsageError) as caught:
        resolve_target("a", settings)
    assert caught.value.message == (
        f"{tmp_path}/understudy.toml: [targets.a] names the environment variable HOST_A, which is not set."
    )
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("polcy = 1", "the file has no key 'polcy'", "Did you mean 'policy'?"),
        ("[targets.t]\nurll = 'http://x'", "[targets.t] has no key 'urll'", "Did you mean 'url'?"),
        (
            "[targets.t]\nxyz = 't'\nurl = 'http://x'",
            "[targets.t] has no key 'xyz'",
            "The valid keys are: build, canary, ",
        ),
        ("[policy]\nfail = 'minor'", "[policy] has no key 'fail'", "Did you mean 'fail_on'?"),
        ("[policy.tags.x]\nfail_on = 'minor'", "names the tag 'x', which no [[tags]] defines", ""),
        ("[slack]\ntag_channels = { x = '#x' }", "names the tag 'x', which no [[tags]] defines", ""),
        ("[slack]\nmentions = { x = 'here' }", "[slack.mentions] names the tag 'x', which no [[tags]] defines", ""),
        ("[slack]\nmentions = { x = '@ann' }", "here, channel, everyone, or the id of a user or a group", "page"),
        ("[slack]\nchannel = '#a b'", "'channel' in [slack] must be a channel, not '#a b'", "#releases"),
        ("[slack]\nlink = 'https://ci/'", "an http(s) address with {run} in it", "https://ci.example/runs/{run}"),
        ("[slack]\ntoken = 'xoxb-1-2-abc'", "'token' in [slack] looks like a Slack token", "UNDERSTUDY_SLACK_TOKEN"),
        (
            "[slack]\nchannel = 'https://hooks.slack.com/services/T/B/x'",
            "'channel' in [slack] looks like a Slack token or webhook, which is not to stand in a file",
            "Revoke it",
        ),
        ("[webhook]\nurl = 'ftp://x'", "'url' in [webhook] must be an http or https address", ""),
        ("[webhook]\nsecret = 'x'", "[webhook] has no key 'secret'", "url"),
        ("[policy]\nfail_on = 'braking'", "must be one of breaking, major, minor, info, not 'braking'", "'breaking'"),
        ("[policy]\ninconclusive = true", "must be one of fail, pass, not true", ""),
        ("[policy]\nmin_route_coverage = 80", "must be a number from 0 to 1, not 80", "0.8 means 80 %."),
        ("[policy]\nmin_sensitivity = 98", "must be a number from 0 to 1, not 98", ""),
        ("[policy]\nmin_fidelity = nan", "must be a number from 0 to 1, not nan", ""),
        ("[policy]\nmin_replayed = 1.5", "must be a whole number from 0 on, not 1.5", ""),
        ("[policy]\nmin_replayed = true", "must be a whole number from 0 on, not true", ""),
        ("[policy]\ntags = 3", "[policy.tags] must be a table, not 3", ""),
        ("policy = 3", "[policy] must be a table, not 3", ""),
        ("[targets]\nx = 3", "[targets.x] must be a table, not 3", ""),
        ("[targets.t]\ndisposable = true", "needs exactly one of 'url', 'wsgi', 'start' and 'run', and has none", ""),
        ("[targets.t]\nurl = 'http://x'\nwsgi = 'a:b'", "and has 'url' and 'wsgi'", ""),
        ("[targets.'a b']\nurl = 'http://x'", "has a name that cannot be typed", ""),
        ("[targets.t]\nurl = 'staging'", "must be a base URL such as https://staging.internal", ""),
        ("[targets.t]\nurl = 'http://x:y'", "must be a base URL", ""),
        ("[targets.t]\nurl = 'http://u:p@x'", "must be a base URL", ""),
        ("[targets.t]\nurl = ''", "must be a string that is not empty, not ''", ""),
        ("[targets.t]\nstart = 'gunicorn x'", "must be an array of strings that is not empty", "a string of its own"),
        ("[targets.t]\nstart = ['gunicorn']", "must be argv with {port} in it", "PORT={port}"),
        ("[targets.t]\nwsgi = 'shop.py'", "must be of the form module:name, not 'shop.py'", ""),
        ("[targets.t]\nurl = 'http://x'\nmint = 'm'", "must be of the form module:name, not 'm'", ""),
        ("[targets.t]\nurl = 'http://x'\nready = 'ok'", "must be a path that begins with /, not 'ok'", ""),
        ("[targets.t]\nurl = 'http://x'\ncanary = ['/a', 'b']", "must be paths that begin with /", ""),
        ("[targets.t]\nurl = 'http://x'\ntimeout = 0", "must be a number of seconds above 0, not 0", ""),
        ("[targets.t]\nurl = 'http://x'\ntimeout = inf", "must be a number of seconds above 0, not inf", ""),
        ("[targets.t]\nurl = 'http://x'\nrate = 0", "must be a number of requests per second above 0, not 0", ""),
        ("[targets.t]\nurl = 'http://x'\nramp_up = -1", "must be a number of seconds above 0, not -1", ""),
        ("[targets.t]\nurl = 'http://x'\nconcurrency = 0", "must be a whole number from 1 on, not 0", ""),
        ("[targets.t]\nurl = 'http://x'\ndisposable = 'yes'", "must be true or false, not 'yes'", ""),
        ("[targets.t]\nurl = 'http://x'\nenv = { A = 1 }", "'A' in [targets.t.env] must be a string", ""),
        ("[tags]\nname = 'x'", "'tags' must be written as [[tags]], once for each, not a table", ""),
        ("[[tags]]\nname = 'x'", "[[tags]] number 1 needs 'routes'", ""),
        ("[[tags]]\nname = 'x'\nroutes = ['/api']", "must be a method, a space and a path", "For example"),
        (
            "[[tags]]\nname = 'x'\nroutes = ['* /a']\n[[tags]]\nname = 'x'\nroutes = ['* /b']",
            "[[tags]] number 2 is a second tag with the name 'x'",
            "",
        ),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'", "[[noise]] number 1 needs 'reason'", "Say in a sentence why"),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'\nreason = ' '", "a string that is not empty", ""),
        ("[[noise]]\nroute = 'GET /a'\npath = '**'\nreason = 'r'", "'**' names every place there is", ""),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x**'\nreason = 'r'", "no path from '**' on: a step is", ""),
        ("[[noise]]\nroute = 'GET /a'\npath = 'created_at'\nreason = 'r'", "a header field's", 'part = "header"'),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'\npart = 'header'\nreason = 'r'", "in a body", 'part = "body"'),
        (
            "[[noise]]\nroute = 'GET /a'\npath = \"$calls['POST x']\"\nreason = 'r'",
            "calls to other",
            'part = "outbound"',
        ),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'\npart = 'outbound'\nreason = 'r'", "in a body", 'part = "body"'),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'\nkind = 'timestmp'\nreason = 'r'", "kind of value", "'timestamp'"),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'\nreason = 'r'\nuntil = 'soon'", "a date such as 2027-01-31", ""),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'\nreason = 'r'\nuntil = 12:00:00", "a date such as", ""),
        ("[[noise]]\nroute = 'GET /a'\npath = '$.x'\nreason = 'r'\npart = 'bdy'", "must be one of status", "'body'"),
        ("[targets.t]\nurl = 'a'\n[targets.t]\nurl = 'b'", "the file is not valid TOML", ""),
        ("a = [", "the file is not valid TOML", ""),
    ],
)
def test_what_is_wrong_is_named_with_file_and_place(tmp_path: Path, text: str, sentence: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    message = caught.value.message
    assert message.startswith(f"{tmp_path}/understudy.toml: ")
    assert sentence in message
    assert hint in caught.value.hint
    assert "\n" not in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no settings file "):
        load_settings(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_settings(tmp_path)
    (tmp_path / "understudy.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        load_settings(cwd=tmp_path)


def test_a_target_is_found_by_name_url_and_wsgi(tmp_path: Path) -> None:
    text = """
    [targets.staging]
    url = "HTTPS://Staging.internal:443/api/"
    disposable = true
    [targets.app]
    wsgi = "shop:create_app()"
    disposable = true
    """
    settings = load(tmp_path, text)
    staging, app = settings.targets
    assert (staging.url, app.wsgi) == ("https://staging.internal/api", "shop:create_app")
    assert [
        resolve_target(typed, settings)
        for typed in ("staging", "https://staging.internal/api", "https://STAGING.internal:443/api/")
    ] == [staging] * 3
    assert [resolve_target(typed, settings) for typed in ("app", "wsgi:shop:create_app")] == [app] * 2


def test_a_target_need_not_be_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert resolve_target("http://[::1]:8000/", settings) == TargetSettings(
        name="http://[::1]:8000/", url="http://[::1]:8000"
    )
    assert resolve_target("wsgi:shop.web:app", settings) == TargetSettings(
        name="wsgi:shop.web:app", wsgi="shop.web:app", cwd=str(tmp_path)
    )
    assert resolve_target("run:0a1b", settings) == TargetSettings(name="run:0a1b", run="0a1b")


@pytest.mark.parametrize(
    ("typed", "sentence", "hint"),
    [
        ("stagng", "There is no target 'stagng'", "Did you mean 'staging'?"),
        ("ftp://x", "is not a base URL", ""),
        ("http://x?y=1", "is not a base URL", ""),
        ("wsgi:shop", "is not of the form wsgi:module:callable_or_factory", ""),
        ("run:", "names no run", "run:<id>"),
        ("wsgi:shop:app", "is what several targets have as 'wsgi': one, two", "Give a name."),
        ("lost", "has the folder", ""),
    ],
)
def test_a_target_that_is_not_there_is_explained(tmp_path: Path, typed: str, sentence: str, hint: str) -> None:
    text = """
    [targets.staging]
    url = "https://staging.internal"
    [targets.one]
    wsgi = "shop:app"
    [targets.two]
    wsgi = "shop:app"
    [targets.lost]
    wsgi = "x:app"
    cwd = "nowhere"
    """
    with pytest.raises(UsageError) as caught:
        resolve_target(typed, load(tmp_path, text))
    assert sentence in caught.value.message
    assert hint in caught.value.hint


def test_without_targets_the_error_says_what_can_be_given() -> None:
    with pytest.raises(UsageError) as caught:
        resolve_target("x", Settings())
    assert "Give a URL" in caught.value.hint


def test_every_exit_code_has_a_sentence() -> None:
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3]
    assert len({code.sentence for code in ExitCode}) == 4
