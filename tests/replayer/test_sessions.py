"""Which exchanges belong together, and whose they are."""

from __future__ import annotations

from recorder.exchange import Exchange, RecordedRequest, RecordedResponse
from replayer.sessions import principals, sessions


def exchange(number: int, client: str = "", links: tuple[str, ...] = (), principal: str = "") -> Exchange:
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest("GET", "/", ()),
        response=RecordedResponse(200, "OK", ()),
        started=float(number),
        ended=float(number),
        client=client,
        links=links,
        principal=principal,
    )


def numbered(*described: tuple[str, tuple[str, ...], str]) -> list[Exchange]:
    return [exchange(number, *one) for number, one in enumerate(described)]


def test_a_login_and_a_refresh_do_not_end_a_session() -> None:
    chain = numbered(
        ("a", ("anonymous",), ""), ("b", ("anonymous", "t1"), "p"), ("c", ("t1", "t2"), "p"), ("d", ("t2",), "p")
    )
    assert sessions(chain) == [0, 0, 0, 0]


def test_one_client_is_one_session_until_it_has_too_many_principals() -> None:
    few = numbered(("c", (), ""), ("c", ("t1",), "p1"), ("c", ("t2",), "p2"))
    assert sessions(few) == [0, 0, 0]
    gateway = numbered(*(("c", (f"t{n}",), f"p{n}") for n in range(5)))
    assert sessions(gateway) == [0, 1, 2, 3, 4]


def test_a_value_that_two_principals_carry_links_nothing() -> None:
    theme = numbered(("a", ("theme", "t1"), "p1"), ("b", ("theme", "t2"), "p2"), ("a", ("t1",), "p1"))
    assert sessions(theme) == [0, 1, 0]


def test_a_made_up_token_that_several_clients_try_links_nothing() -> None:
    garbage = numbered(("a", ("garbage",), ""), ("b", ("garbage",), ""))
    assert sessions(garbage) == [0, 1]


def test_what_is_known_of_nobody_is_a_session_of_its_own() -> None:
    assert sessions(numbered(("", (), ""), ("", (), ""))) == [0, 1]


def test_a_login_belongs_to_the_principal_whose_token_it_hands_out() -> None:
    chain = numbered(("a", ("t1",), ""), ("a", ("t1",), "p"), ("a", (), ""))
    assert principals(chain) == ["p", "p", ""]
