"""XML and calendars are compared by name: a time in one place hides nothing in another one."""

from __future__ import annotations

import pytest

from diffing.bodies import Form, comparable
from diffing.markup import card_value, xml_value
from recorder.exchange import Body, RecordedResponse


def test_xml_is_taken_apart_by_name() -> None:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<c:shop xmlns:c="urn:c" made="10:00">'
        '<item id="7"><name>Lamp</name><tag>a</tag><tag>b</tag><price cur="EUR">5</price></item>'
        "<item><id>8</id></item><note>so <b>it</b> is</note></c:shop>"
    )
    assert xml_value(text) == {
        "shop": {
            "made": "10:00",
            "item": [
                {"id": "7", "name": "Lamp", "tag": ["a", "b"], "price": [{"cur": "EUR", "#text": "5"}]},
                {"id": "8"},
            ],
            "note": [{"b": "it", "#text": "sois"}],
        }
    }


@pytest.mark.parametrize(
    "text",
    ["<a>", "<a></b>", "", "no", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "<a>" * 80 + "</a>" * 80],
)
def test_what_is_no_xml_or_no_harmless_one_is_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        xml_value(text)


def test_a_calendar_is_taken_apart_by_component_and_property() -> None:
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261201\r\n"
        "SUMMARY:Call th\r\n em: now\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nCATEGORIES:A\r\nCATEGORIES:B\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    first = {"UID": "1", "DTSTART;VALUE=DATE": "20261201", "SUMMARY": "Call them: now"}
    second = {"UID": "2", "CATEGORIES": ["A", "B"]}
    assert card_value(text) == {"VCALENDAR": [{"VERSION": "2.0", "VEVENT": [first, second]}]}


@pytest.mark.parametrize("text", ["", "BEGIN:A\nX:1", "BEGIN:A\nEND:B", "X:1", "BEGIN:A\nno\nEND:A", "END:A"])
def test_what_is_no_calendar_is_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        card_value(text)


def test_what_is_broken_is_compared_line_by_line() -> None:
    def form(media: str, data: bytes) -> Form:
        return comparable(RecordedResponse(200, "", (("Content-Type", media),), Body.of(data))).form

    assert form("application/xml", b"<a>1</a>") is Form.MARKUP
    assert form("application/atom+xml", b"<a>1</a>") is Form.MARKUP
    assert form("application/xml", b"<a>1") is Form.TEXT
    assert form("text/calendar", b"BEGIN:A\nEND:A\n") is Form.MARKUP
    assert form("text/calendar", b"BEGIN:A\n") is Form.TEXT
    assert form("application/xhtml+xml", b"<p>1</p>") is Form.PAGE
