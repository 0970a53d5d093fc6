"""Which numbers may belong to things that were made during a recording."""

from __future__ import annotations

from diffing.turned_up import TurnedUp, may_be_new
from recorder.exchange import Body, RecordedResponse


def answer(status: int, location: str = "") -> RecordedResponse:
    return RecordedResponse(status, "", (("Location", location),) if location else (), Body.of(b""))


def read(tape: list[tuple[str, str, int, str, list[int]]]) -> dict[str, int]:
    """(method, target, status, location, bill numbers in the answer) in order."""
    turned_up = TurnedUp()
    for method, target, status, location, numbers in tape:
        for number in numbers:
            turned_up.note("bill", str(number))
        turned_up.close(target, method == "GET", answer(status, location))
    return turned_up.least


def test_what_a_page_shows_after_a_form_and_did_not_show_before_was_made() -> None:
    made = read(
        [
            ("GET", "/choir/", 200, "", [3, 12]),
            ("POST", "/choir/add", 302, "http://127.0.0.1:81/choir/", []),
            ("GET", "/choir/", 200, "", [49, 3, 12]),
            ("POST", "/choir/add", 302, "/choir/", []),
            ("GET", "/choir/?page=1", 200, "", [50, 49, 3, 12]),
        ]
    )
    assert made == {"bill": 49}
    assert [may_be_new(made, "bill", text) for text in ("48", "49", "77", "x")] == [False, True, True, False]
    assert not may_be_new(made, "person", "49")


def test_the_page_that_a_login_leads_to_shows_what_was_there_before() -> None:
    assert read([("POST", "/login", 302, "/choir/", []), ("GET", "/choir/", 200, "", [3, 12])]) == {}


def test_a_page_that_shows_more_without_a_form_tells_nothing() -> None:
    assert read([("GET", "/choir/", 200, "", [3]), ("GET", "/choir/", 200, "", [3, 12])]) == {}


def test_a_smaller_number_than_others_is_no_new_one() -> None:
    tape = [
        ("GET", "/choir/", 200, "", [3]),
        ("GET", "/band/", 200, "", [20]),
        ("POST", "/choir/filter", 302, "/choir/", []),
        ("GET", "/choir/", 200, "", [3, 12]),
    ]
    assert read(tape) == {}


def test_what_others_make_meanwhile_is_larger_and_no_older() -> None:
    made = read(
        [
            ("GET", "/choir/", 200, "", [13, 18]),
            ("POST", "/choir/add", 302, "/choir/", []),  # makes 36
            ("POST", "/api/bills", 201, "", [37]),
            ("GET", "/api/bills", 200, "", [37, 38, 3]),
            ("GET", "/choir/", 200, "", [13, 18, 36]),
        ]
    )
    assert made == {"bill": 36}


def test_what_a_log_shows_beyond_what_the_same_reader_saw_before_was_made() -> None:
    log = [
        ("GET", "/audit", 200, "", [9, 8, 7]),
        ("GET", "/audit?page=2", 200, "", [12, 6]),
        ("GET", "/audit", 200, ""),
    ]
    assert read([*log[:2], (*log[2], [15, 11, 9])]) == {"bill": 11}
    assert read([*log[:2], (*log[2], [15, 9, 11])]) == {}  # no log: now it shows this, now that
    assert read([*log[1:2], (*log[2], [15, 11, 9])]) == {}
    stranger = TurnedUp()
    for reader, numbers in (("ann", [4, 3]), ("bob", [9, 8]), ("bob", [9, 8])):
        for number in numbers:
            stranger.note("bill", str(number))
        stranger.close("/audit", True, answer(200), reader)
    assert stranger.least == {}


def rows(*made: tuple[int, float]) -> dict[str, int]:
    """(number, time of the pass in the same row; 0: it says none) in the rows of one listing."""
    turned_up = TurnedUp()
    for place, (number, at) in enumerate(made):
        turned_up.note("bill", str(number), f"$.entries[{place}].id")
        if at:
            turned_up.note_time(at, f"$.entries[{place}].at")
    turned_up.close("/audit", True, answer(200))
    return turned_up.least


def test_rows_of_a_log_say_themselves_that_they_were_made() -> None:
    assert rows((31, 50.5), (30, 50.0), (29, 0.0), (28, 0.0)) == {"bill": 30}
    assert rows((31, 0.0), (30, 50.0), (29, 51.0)) == {}  # the latest has none: these were changed, not made
    assert rows((31, 50.0), (30, 51.0), (29, 52.0)) == {}
    assert rows((31, 50.5), (30, 50.0)) == {}


def test_what_is_no_address_leads_nowhere() -> None:
    turned_up = TurnedUp()
    turned_up.close("//[", True, answer(200, ""))
    turned_up.close("/bills", False, answer(302, "http://[next"))
    assert turned_up.least == {}
