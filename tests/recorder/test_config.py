from __future__ import annotations

import logging

import pytest

from recorder import ConfigError, RecorderConfig, RecorderMiddleware
from tests.apps import conformance

from .test_conformance import environ, serve


def test_every_variable_is_read() -> None:
    assert RecorderConfig.from_env(
        {
            "UNDERSTUDY_SINK": "file:///var/spool/understudy",
            "UNDERSTUDY_SERVICE": "shop",
            "UNDERSTUDY_RELEASE": "1.2",
            "UNDERSTUDY_SAMPLE": "0.25",
            "UNDERSTUDY_MAX_BODY": "64KiB",
            "UNDERSTUDY_SPOOL_MAX": "2 GiB",
            "UNDERSTUDY_KEY": "k" * 40,
            "UNDERSTUDY_KEY_FILE": "/etc/key",
            "UNDERSTUDY_SECRET_NAMES": "tax_number, Membership-Number",
            "UNDERSTUDY_TRUSTED_PROXIES": "2",
            "UNDERSTUDY_OBSERVE": "1",
            "UNDERSTUDY_SQL": "off",
            "UNDERSTUDY_OUTBOUND": "off",
            "UNDERSTUDY_EGRESS": "block",
            "UNDERSTUDY_ALLOW_HOSTS": "search:9200, *.internal",
        }
    ) == RecorderConfig(
        sink="file:///var/spool/understudy",
        service="shop",
        release="1.2",
        sample=0.25,
        max_body=65536,
        spool_max=2 << 30,
        key="k" * 40,
        key_file="/etc/key",
        secret_names=("tax_number", "Membership-Number"),
        trusted_proxies=2,
        observe=True,
        sql=False,
        outbound=False,
        egress="block",
        allow_hosts=("search:9200", "*.internal"),
    )
    assert RecorderConfig.from_env({}) == RecorderConfig()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SAMPLE", "half", "UNDERSTUDY_SAMPLE is 'half'; expected a share from 0 to 1, such as 0.25"),
        ("SAMPLE", "nan", "UNDERSTUDY_SAMPLE is 'nan'; expected a share from 0 to 1, such as 0.25"),
        ("MAX_BODY", "-1", "UNDERSTUDY_MAX_BODY is '-1'; expected a number of bytes, such as 1048576 or 1MiB"),
        ("SPOOL_MAX", "10", "UNDERSTUDY_SPOOL_MAX is 10; expected at least 1048576 bytes"),
        ("TRUSTED_PROXIES", "x", "UNDERSTUDY_TRUSTED_PROXIES is 'x'; expected a whole number, 0 or more"),
        (
            "SECRET_NAMES",
            "email --",
            "UNDERSTUDY_SECRET_NAMES holds '--'; expected names of fields, such as tax_number",
        ),
        ("EGRESS", "open", "UNDERSTUDY_EGRESS is 'open'; expected lenient or block"),
        ("OBSERVE", "maybe", "UNDERSTUDY_OBSERVE is 'maybe'; expected 1 or 0"),
    ],
)
def test_a_wrong_value_is_named_and_turns_recording_off(
    name: str, value: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    variables = {"UNDERSTUDY_SINK": "memory:", f"UNDERSTUDY_{name}": value}
    with pytest.raises(ConfigError) as caught:
        RecorderConfig.parse(variables)
    assert str(caught.value) == message
    assert RecorderConfig.from_env(variables) == RecorderConfig()
    assert [record.message for record in caplog.records] == [f"understudy: recording is off: {message}"]


@pytest.mark.parametrize(
    ("sink", "message"),
    [
        (
            "redis://localhost/x",
            "redis://localhost/x: the path is no number of a database; expected redis://host:port/0?stream=NAME",
        ),
        ("https:///", "https:…: it names no host; expected https://host…"),
        (
            "ftp://u:pw@x",
            "unknown kind of sink in 'ftp://x'; expected file:///directory, redis://host:port/0?stream=NAME, "
            "https://host/path?token=TOKEN or memory:",
        ),
        ("file://spool", "'file://spool' names no absolute directory; expected file:///directory"),
    ],
)
def test_a_sink_that_cannot_be_opened_turns_recording_off(
    sink: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = RecorderMiddleware(conformance.bare, RecorderConfig(sink=sink, key="k" * 40))
    assert serve(app, environ("/plain")).chunks == [b"hello"]
    assert [record.message for record in caplog.records] == [
        f"understudy: recording is off: UNDERSTUDY_SINK: {message}"
    ]


def test_without_the_redis_library_a_redis_sink_turns_recording_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("recorder.sinks.find_spec", lambda name: None)
    app = RecorderMiddleware(conformance.bare, RecorderConfig(sink="redis://:s3cret@localhost/0", key="k" * 40))
    assert serve(app, environ("/plain")).chunks == [b"hello"]
    assert [record.message for record in caplog.records] == [
        "understudy: recording is off: UNDERSTUDY_SINK: redis: needs the redis library, which is not installed here; "
        "install understudy[redis], or use file:///directory"
    ]


def test_a_config_that_is_printed_shows_no_secret() -> None:
    config = RecorderConfig(sink="redis://:s3cret@localhost/0", key="k" * 40)
    assert "s3cret" not in repr(config)
    assert "kkk" not in repr(config)


def test_a_key_that_is_too_short_turns_recording_off(caplog: pytest.LogCaptureFixture) -> None:
    app = RecorderMiddleware(conformance.bare, RecorderConfig(sink="memory:", key="short"))
    assert serve(app, environ("/plain")).chunks == [b"hello"]
    (record,) = caplog.records
    assert record.message.startswith("understudy: recording is off: the key has 5 bytes")


def test_without_a_sink_nothing_is_recorded_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "understudy.recorder")
    result = object()
    app = RecorderMiddleware(lambda *_: result, RecorderConfig())  # type: ignore[arg-type]
    assert app({}, lambda *_: None) is result  # type: ignore[arg-type]
    app({}, lambda *_: None)  # type: ignore[arg-type]
    assert [record.message for record in caplog.records] == [
        "understudy: no sink is configured (UNDERSTUDY_SINK): nothing is recorded"
    ]


def test_the_key_is_not_shown() -> None:
    assert "kkkk" not in repr(RecorderConfig(key="k" * 40))
