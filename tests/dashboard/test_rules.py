"""Noise rules on pages and in the API: what there is, what one would hide, and what is kept."""

from __future__ import annotations

from dataclasses import replace

from diffing.profile import NoiseProfile, Place
from replayer.accounts import Role
from replayer.settings import NoiseSetting, Settings
from replayer.store import Store
from replayer.tokens import TokenScope
from tests.replayer.test_report import COLOUR, PRICES

from .desk import Desk, run_of
from .test_api import program

SEEN = NoiseSetting("GET /api/**", "$.items[*].seen_at", "when it was <b>asked</b>", "timestamp", author="kim")
IDLE = NoiseSetting("GET /api/nowhere", "$.id", "was needed once")


def desk_of(url: str, *rules: NoiseSetting, **settings: object) -> Desk:
    """A dashboard whose settings file has these rules."""
    return Desk(url, base=replace(Settings(), noise=rules, **settings))  # type: ignore[arg-type]


def profile(url: str, run: str, *keys: str) -> None:
    """As if passes of the baseline had shown that these places vary, and no others do."""
    with Store.open(url) as store:
        places = {key: Place(varies=True) for key in keys}
        recording = store.run(run).recording_id
        assert recording is not None
        store.keep_profile(recording, "", run, NoiseProfile(places, pairs=9).to_json())


def test_rules_are_shown_with_hits_and_with_what_is_wrong(empty_database: str) -> None:
    desk = desk_of(empty_database, SEEN, IDLE)
    assert "There are no rules" in Desk(empty_database).client(Role.VIEWER).get("/rules").text
    run = run_of(desk.url, [PRICES])
    text = desk.client(Role.VIEWER).get("/rules").text
    first, second = text.split("<tr><td>")[1:]
    assert "active" in first
    assert "4 <span" in first
    assert "when it was &lt;b&gt;asked&lt;/b&gt;" in first
    assert "GET /api/orders/&lt;int:id&gt;" in first
    assert "no such route: The last run replayed no route of this name." in second
    assert "no author" in second
    assert "What varies between passes of the baseline is not known" in text
    profile(desk.url, run)
    assert "is not known" not in desk.client(Role.VIEWER).get("/rules").text


def test_the_api_lists_rules_as_the_page_does(empty_database: str) -> None:
    desk = desk_of(empty_database, SEEN, IDLE)
    run = run_of(desk.url, [PRICES, COLOUR])
    client = program(desk, TokenScope.READ)
    told = client.get("/api/v1/rules", params={"limit": 1}).json()
    (rule,) = told["items"]
    assert (rule["name"], rule["state"], rule["hid"]) == ("GET /api/** $.items[*].seen_at (timestamp)", "active", 4)
    assert rule["runs"] == [{"run": run, "hid": 4}]
    assert [each["location"]["path"] for each in rule["places"]] == ["$.items[*].seen_at"]
    assert (told["runs"], len(told["not_judged"])) == (1, 1)
    (idle,) = client.get("/api/v1/rules", params={"cursor": told["next"]}).json()["items"]
    assert [each["fault"] for each in idle["remarks"]] == ["no such route", "no author"]
