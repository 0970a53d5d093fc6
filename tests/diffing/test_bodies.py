"""What a body says of itself, and what it is."""

from __future__ import annotations

import pytest

from diffing.bodies import Form, comparable
from recorder.exchange import Body, RecordedResponse


def parsed(content_type: str, data: bytes) -> tuple[Form, object, str]:
    body = comparable(RecordedResponse(200, "", (("Content-Type", content_type),), Body.of(data)))
    return body.form, body.value, body.oddities


@pytest.mark.parametrize(
    ("content_type", "data", "oddity"),
    [
        ("text/csv; charset=utf-8", "Name\nMüller\n".encode(), ""),
        ("text/csv; charset=utf-8", "Name\nMüller\n".encode("latin-1"), "not utf-8"),
        ("text/csv", "Name\nMüller\n".encode("latin-1"), "not utf-8"),
        ("text/csv; charset=iso-8859-1", "Name\nMüller\n".encode("latin-1"), ""),
        ("text/csv; charset=windows-1252", "Name\nMüller\n".encode("cp1252"), ""),
    ],
)
def test_a_text_in_another_charset_than_it_says_is_odd(content_type: str, data: bytes, oddity: str) -> None:
    assert parsed(content_type, data) == (Form.TABLE, [{"Name": "Müller"}], oddity)
