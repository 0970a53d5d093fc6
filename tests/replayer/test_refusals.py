"""What is a storm of refusals, and what is a route that refuses."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from recorder.exchange import Headers
from replayer.flow import Step
from replayer.refusals import IN_A_ROW, LEAST, STORM, Refusals, how_refused

from .replies import BEARER, answered, step

Said = tuple[Step, int]  # a request and the status that it got
ROUTES = ("/a", "/b", "/c", "/d")


def told(
    said: Iterable[Said], minted: bool = False, headers: Headers = (), keyless: bool = False
) -> tuple[str, int, Refusals]:
    """The sentence, after how many requests it came, and what was noted."""
    refusals = Refusals(minted, keyless)
    number = 0
    for number, (each, status) in enumerate(said, 1):
        response = answered(status, headers).response
        assert response is not None
        sentence = refusals.note(each, each.status, how_refused(response), 100.0 + number)
        if sentence:
            return sentence, number, refusals
    return "", number, refusals


def requests(count: int, status: int, routes: tuple[str, ...] = ROUTES, headers: Headers = BEARER) -> list[Said]:
    return [(step(i, routes[i % len(routes)], headers=headers), status) for i in range(count)]


def test_everything_refused_is_told_after_a_few_requests() -> None:
    sentence, number, refusals = told(requests(100, 401))
    assert number == IN_A_ROW
    assert sentence.startswith(f"{STORM}: 10 of the last 10 requests with credentials (10 times 401); ")
    assert refusals.refused == set(range(IN_A_ROW))
    assert refusals.onset == 101.0


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_other_answers_are_no_refusals(status: int) -> None:
    assert told(requests(100, status))[0] == ""


def test_what_was_refused_in_the_recording_is_no_refusal() -> None:
    said = [(step(i, ROUTES[i % 4], status=401, headers=BEARER), 401) for i in range(100)]
    assert told(said)[0] == ""


def test_one_route_that_refuses_is_an_answer_however_often_it_is_asked() -> None:
    busy = requests(9, 403, ("/busy",)) + requests(1, 200)
    assert told(busy * 20)[0] == ""


def test_a_recording_of_one_route_can_storm() -> None:
    assert told(requests(100, 401, ("/graphql",)))[1] == LEAST


def test_a_user_who_is_let_in_nowhere_is_no_storm() -> None:
    others = [(step(i, ROUTES[i % 4], headers=BEARER), 200) for i in range(50)]
    stranger = [(step(i, ROUTES[i % 4], headers=BEARER, session=7), 401) for i in range(50, 150)]
    assert told(others + stranger)[0] == ""
    two = [(step(i, ROUTES[i % 4], headers=BEARER, session=7 + i % 2), 401) for i in range(50, 150)]
    assert told(others + two)[0] == ""


def test_one_route_that_lets_everybody_in_shows_that_it_is_the_others() -> None:
    said = [(step(i, "/a" if i % 5 else "/b", headers=BEARER), 401 if i % 5 else 200) for i in range(100)]
    assert told(said)[0] == ""


def test_most_requests_refused_is_a_storm() -> None:
    said = [(step(i, ROUTES[i % 4], headers=BEARER), 200 if i % 9 == 0 else 401) for i in range(100)]
    assert "of the last 30" in told(said)[0] or "of the last 2" in told(said)[0]


def test_half_of_the_users_refused_is_no_storm() -> None:
    said = [pair for both in zip(requests(60, 401), requests(60, 200), strict=True) for pair in both]
    assert told(said)[0] == ""


def test_public_answers_in_between_do_not_hide_a_storm() -> None:
    said = [
        pair
        for both in zip(requests(60, 401), requests(60, 200, headers=()), strict=True)
        for pair in both
    ]  # fmt: skip
    assert told(said)[0].startswith(STORM)


def test_credentials_that_expire_amid_a_pass() -> None:
    sentence, number, refusals = told(requests(200, 200) + requests(100, 401))
    assert "it let 2" in sentence
    assert "have expired" in sentence
    assert number == 200 + IN_A_ROW
    assert refusals.onset == 301.0


def test_credentials_that_never_worked_are_the_mint_hooks_doing_if_there_is_one() -> None:
    assert "the mint hook makes credentials that it does not take" in told(requests(50, 401), minted=True)[0]
    assert "a `mint` hook for this target" in told(requests(50, 401))[0]


def test_a_key_that_is_missing_is_named_before_the_hook_is() -> None:
    assert "the recording's key is not here" in told(requests(50, 401), minted=True, keyless=True)[0]


def test_a_login_in_front_of_everything() -> None:
    said = [
        pair
        for both in zip(requests(60, 403), requests(60, 403, headers=()), strict=True)
        for pair in both
    ]  # fmt: skip
    assert "something in front of it asks for a login" in told(said)[0]


def test_a_redirect_to_a_login_page_is_a_refusal() -> None:
    sentence = told(requests(50, 302), headers=(("Location", "/login?next=%2Fa"),))[0]
    assert "(10 times 302 to /login)" in sentence


def test_a_redirect_to_another_scheme_is_told_as_what_it_is() -> None:
    said = requests(50, 301, headers=())
    sentence = told(said, headers=(("Location", "https://staging.internal/a"),))[0]
    assert "it sends everybody to https://staging.internal: give the target that address" in sentence


@pytest.mark.parametrize(
    ("location", "how"),
    [
        ("https://sso.internal/login?next=/a", "302 to https://sso.internal"),
        ("/login", "302 to /login"),
        ("", "302 to nowhere"),
        ("http://[next", "302 to what is no address"),
    ],
)
def test_how_a_redirect_refuses(location: str, how: str) -> None:
    response = answered(302, (("Location", location),)).response
    assert response is not None
    assert how_refused(response) == how
