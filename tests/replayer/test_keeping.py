"""What a run keeps is redacted by the names that the recorder was told."""

from __future__ import annotations

import pytest

from recorder.exchange import Body, RecordedResponse
from recorder.keys import Key
from replayer.errors import UsageError
from replayer.keeping import keeping_redactor

KEY = Key(b"k" * 32)


def kept(body: bytes) -> bytes:
    response = RecordedResponse(200, "", (("Content-Type", "application/json"),), Body.of(body))
    return keeping_redactor(KEY).redact_response(response).body.data


def test_names_of_the_recorders_settings_hold_for_what_a_run_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"tax_number": "DE-17-4711"}'
    assert kept(body) == body
    monkeypatch.setenv("UNDERSTUDY_SECRET_NAMES", "taxNumber")
    assert b"4711" not in kept(body)


def test_names_that_are_none_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_SECRET_NAMES", "--")
    with pytest.raises(UsageError, match="UNDERSTUDY_SECRET_NAMES holds '--'"):
        keeping_redactor(KEY)
