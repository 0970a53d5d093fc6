"""Two runs beside each other."""

from __future__ import annotations

from dataclasses import replace

from diffing.difference import Severity
from replayer.accounts import Role
from tests.replayer.test_report import COLOUR, PRICES

from .desk import Desk, many, run_of


def test_two_runs_are_held_against_each_other(empty_database: str) -> None:
    desk = Desk(empty_database)
    before = run_of(desk.url, [replace(PRICES, severity=Severity.MINOR), *many(1)])
    now = run_of(desk.url, [PRICES, COLOUR])
    text = desk.client(Role.VIEWER).get(f"/runs/{now}/compare/{before}").text
    parts = dict(zip(("New", "Graver", "Cannot be told"), text.split("<h2>")[1:4], strict=True))
    assert all(part.startswith(f"{title}</h2>") for title, part in parts.items())
    assert f"/runs/{now}/findings/{COLOUR.fingerprint}" in parts["New"]
    assert f"/runs/{now}/findings/{PRICES.fingerprint}" in parts["Graver"]
    assert "was minor" in parts["Graver"]
    assert f"/runs/{before}/findings/{0:016x}" in parts["Cannot be told"]
    assert "They replayed different recordings: r0 and r1." in text


def test_other_runs_of_the_recording_are_offered_and_what_is_not_there_is_told(empty_database: str) -> None:
    desk = Desk(empty_database)
    run = run_of(desk.url)
    client = desk.client(Role.VIEWER)
    assert "no other finished run of this recording" in client.get(f"/runs/{run}/compare").text
    assert "Neither found anything" not in client.get(f"/runs/{run}/compare/{run}").text
    assert client.get(f"/runs/{run}/compare/absent").status_code == 404
