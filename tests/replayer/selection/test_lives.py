from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange import Exchange, RecordedRequest
from replayer.selection.lives import lives
from replayer.selection.survey import Surveyor
from replayer.sessions import sessions
from replayer.store.survey import Glance

from .market import Crowd

WHO = st.sampled_from("abcd")
SENT = st.tuples(WHO, st.lists(st.sampled_from("uvwxyz"), max_size=3), st.sampled_from(["", "", "P", "Q", "R"]))


def surveyed(exchanges: list[Exchange]) -> Surveyor:
    surveyor = Surveyor(lambda _method, _target, recorded: recorded)
    surveyor.run(glance(number, exchange) for number, exchange in enumerate(exchanges))
    return surveyor


def glance(number: int, exchange: Exchange) -> Glance:
    """An exchange as the store would show it, every body for the first time."""
    request, response = exchange.request, exchange.response
    answer = response.body.data if response is not None else b""
    return Glance(
        number,
        request.method,
        request.target,
        exchange.route,
        request.scheme,
        [list(field) for field in request.headers],
        2 * number if request.body.data else None,
        request.body.data or None,
        response.status if response is not None else 0,
        [list(field) for field in response.headers] if response is not None else [],
        2 * number + 1 if answer else None,
        answer or None,
        exchange.started,
        exchange.ended,
        exchange.client,
        list(exchange.links),
        exchange.principal,
    )


@given(st.lists(SENT, max_size=25))
def test_lives_are_sessions_joined_by_their_principals(sent: list[tuple[str, list[str], str]]) -> None:
    exchanges = [
        Exchange(
            f"{n:032x}",
            RecordedRequest("GET", "/", ()),
            None,
            float(n),
            n + 0.5,
            client=client,
            links=tuple(dict.fromkeys(links)),
            principal=principal,
        )
        for n, (client, links, principal) in enumerate(sent)
    ]
    found = lives(surveyed(exchanges).survey) if exchanges else None
    expected = sessions(exchanges)
    assert found is None or len(found.life) == len(exchanges)
    for one in range(len(exchanges)):
        for other in range(one):
            if expected[one] == expected[other]:
                assert found is not None
                assert found.life[one] == found.life[other]
            if exchanges[one].principal and exchanges[one].principal == exchanges[other].principal:
                assert found is not None
                assert found.life[one] == found.life[other]


def test_a_crowd_lives_as_many_lives_as_it_has_people() -> None:
    exchanges = Crowd().live(20)
    survey = surveyed(exchanges).survey
    found = lives(survey)
    people = defaultdict(set)
    for index, exchange in enumerate(exchanges):
        people[exchange.client].add(found.life[index])
    assert {len(numbers) for numbers in people.values()} == {1}
    assert len({number for numbers in people.values() for number in numbers}) == 21
    for number in range(len(found.starts) - 1):
        times = [survey.times[index] for index in found.order[found.starts[number] : found.starts[number + 1]]]
        assert times == sorted(times)
    late = found.order[found.starts[1] + 5]
    assert list(found.before(late, 3)) == list(found.order[found.starts[1] + 2 : found.starts[1] + 6])
    assert list(found.before(late, 100)) == list(found.order[found.starts[1] : found.starts[1] + 6])
