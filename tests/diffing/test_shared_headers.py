"""A header that one place sets for all routes varies on all of them, however few answers a route gave."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from diffing.difference import Answer, Case
from diffing.profile import NoiseProfile, learn
from diffing.trial import Trial
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse

Headers = Callable[[random.Random, str, bool], dict[str, str]]
"""Headers, by chance, route and whether the candidate gives them."""

ROUTES = tuple(f"/r{number}" for number in range(10))
NODES = ("web-1", "web-2", "web-3")


def cases(headers: Headers, each: int | dict[str, int] = 2, passes: int = 3, seed: int = 1) -> list[Case]:
    chance = random.Random(seed)
    made = []
    for route in ROUTES:
        for number in range(each if isinstance(each, int) else each.get(route, 2)):
            answers = tuple(answer(headers(chance, route, False)) for _ in range(passes))
            judged = answer(headers(chance, route, True))
            exchange = Exchange(f"{route}-{number}", RecordedRequest("GET", route, ()), answers[0].response, 1.0, 2.0)
            made.append(Case(exchange, route, answers, (judged,)))
    return made


def answer(headers: dict[str, str]) -> Answer:
    given = (("Content-Type", "application/json"), *headers.items())
    return Answer(RecordedResponse(200, "OK", given, Body.of(b'{"ok": true}')), "", 1.0, 2.0)


def changed(made: list[Case]) -> set[tuple[str, str]]:
    """(route, place) of everything that differs."""
    comparisons = Trial(learn(made, {}), ()).first(made)
    routes = {case.exchange.id: case.route for case in made}
    return {(routes[c.exchange_id], d.location.shape) for c in comparisons for d in c.differences}


@pytest.mark.parametrize("seed", range(20))
def test_what_varies_on_most_routes_varies_on_a_route_that_showed_it_the_same_by_chance(seed: int) -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        stale = chance.random() < 0.02
        return {"X-Served-By": chance.choice(NODES), "X-Cache": "STALE" if stale else chance.choice(("HIT", "MISS"))}

    made = cases(headers, each={route: 1 + i for i, route in enumerate(ROUTES)}, seed=seed)
    assert {shape for _, shape in changed(made)} <= {"x-cache"}  # a word seen in one of fifty answers may be new
    assert not {found for found in changed(made) if found[1] == "x-served-by"}


def test_a_value_that_no_route_ever_gave_is_found() -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        return {"X-Served-By": "db-primary" if candidate else chance.choice(NODES)}

    assert changed(cases(headers, each=4)) == {(route, "x-served-by") for route in ROUTES}


def test_a_value_without_the_format_of_all_the_others_is_found_on_a_route_asked_once() -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        return {"X-Quota": "none left" if candidate and route == "/r3" else str(chance.randrange(100, 999))}

    assert changed(cases(headers, each={"/r3": 1})) == {("/r3", "x-quota")}


def test_what_varies_on_few_routes_stays_strict_on_the_others() -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        if route in ROUTES[:4]:
            return {"X-Cache": chance.choice(("HIT", "MISS"))}
        return {"X-Cache": "MISS" if candidate and route == "/r7" else "HIT"}

    assert ("/r7", "x-cache") in changed(cases(headers))


def test_a_route_that_is_constant_over_many_answers_has_a_rule_of_its_own() -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        if route == "/r7":
            return {"X-Cache": "MISS" if candidate else "BYPASS"}
        return {"X-Cache": chance.choice(("HIT", "MISS"))}

    assert ("/r7", "x-cache") in changed(cases(headers, each={"/r7": 12}))


@pytest.mark.parametrize("name", ["ETag", "Location", "Content-Language", "Cache-Control", "Last-Modified"])
def test_what_a_header_says_of_the_one_resource_is_never_shared(name: str) -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        if route != "/r7":
            return {name: f"w{chance.randrange(10**6)}x"}
        return {name: "w77y" if candidate else "w55x"}

    assert any(route == "/r7" for route, _ in changed(cases(headers)))


def test_a_header_that_is_lost_on_one_route_is_found() -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        return {} if candidate and route == "/r3" else {"X-Served-By": chance.choice(NODES)}

    assert changed(cases(headers)) == {("/r3", "x-served-by")}


def test_the_profile_keeps_what_is_shared() -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        return {"X-Served-By": chance.choice(NODES)}

    profile = learn(cases(headers), {})
    assert profile.shared == {f"GET {route}|2xx|header:x-served-by" for route in ROUTES}
    assert NoiseProfile.from_json(profile.to_json()) == profile


@pytest.mark.parametrize("seed", range(3))
def test_a_time_that_means_the_same_moment_on_some_routes_only_varies_on_all(seed: int) -> None:
    def headers(chance: random.Random, route: str, candidate: bool) -> dict[str, str]:
        return {"X-RateLimit-Reset": str(1_795_814_700 + chance.choice((0, 2, 60)) + 600 * candidate)}

    assert changed(cases(headers, each={route: 1 + i for i, route in enumerate(ROUTES)}, seed=seed)) == set()
