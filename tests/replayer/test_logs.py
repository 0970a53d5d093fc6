"""What is logged: one line each, with what it is about, and nothing but such lines."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from replayer import logs
from replayer.cli.main import main
from replayer.errors import UsageError

logger = logging.getLogger("understudy.test")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours, celery = (logging.getLogger(name) for name in ("", "understudy", "celery"))
    levels = root.level, ours.level, celery.level
    yield
    logs.take_down()
    for each, level in zip((root, ours, celery), levels, strict=True):
        each.setLevel(level)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_says_what_it_is_about_and_others_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    with logs.about(run="r1", recording="shop"):
        with logs.about(pass_=7, worker="w\n1"):
            logger.info("sent %d", 3)
        thread = threading.Thread(target=logger.warning, args=("of nothing in particular",))
        thread.start()
        thread.join()
        logger.debug("not worth it")
        logging.getLogger("somebody.else").info("nor this")
    first, second = lines(capsys.readouterr().err)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "info", "logger": "understudy.test", "message": "sent 3",
        "run": "r1", "recording": "shop", "pass": "7", "worker": "w\n1",
    }  # fmt: skip
    assert second.keys() == {"time", "level", "logger", "message"}


def test_a_traceback_is_in_the_line_of_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    try:
        raise ValueError("this")
    except ValueError:
        logger.exception("it failed")
    (line,) = lines(capsys.readouterr().err)
    assert line["message"] == "it failed"
    assert line["exception"].endswith("ValueError: this")


def test_text_is_one_line_whatever_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("text")
    with logs.about(run="r1"):
        logger.warning("one\ntwo")
    assert re.fullmatch(r"\S+Z WARNING understudy\.test run=r1: one\\ntwo\n", capsys.readouterr().err)


def test_what_commands_tell_people_is_logged_instead(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["runs", "show", "none", "--db", "sqlite://"]) == 2
    assert capsys.readouterr().err.startswith("understudy: There is no run 'none'")
    monkeypatch.setenv("UNDERSTUDY_LOG", "json")
    assert main(["runs", "show", "none", "--db", "sqlite://"]) == 2
    (line,) = lines(capsys.readouterr().err)
    assert (line["level"], line["logger"]) == ("error", "understudy.command")
    assert line["message"].startswith("There is no run 'none'")


def test_a_format_that_there_is_not_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="'jsno'") as failure:
        logs.set_up("jsno")
    assert "json" in failure.value.hint
    monkeypatch.setenv("UNDERSTUDY_LOG", "xml")
    assert main(["runs", "list", "--db", "sqlite://"]) == 2
    assert "UNDERSTUDY_LOG is 'xml'" in capsys.readouterr().err
