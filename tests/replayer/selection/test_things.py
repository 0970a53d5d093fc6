from __future__ import annotations

from replayer.selection.things import MAX_CHANGES, Answered, Things, asked_for, is_token, scalars

CREATE, CHANGE, LOGIN = ("POST", "/orders"), ("POST", "/orders/<int:id>/ship"), ("POST", "/login")


def noted(*writes: tuple[tuple[str, str], str, object]) -> Things:
    things = Things()
    routes: list[tuple[str, str]] = []
    for index, (route, target, value) in enumerate(writes):
        if route not in routes:
            routes.append(route)
        things.note(index, routes.index(route), route, Answered(201, target, [], value), frozenset())
    things.settle()
    return things


def test_who_made_a_thing_and_who_changed_it() -> None:
    things = noted(
        (CREATE, "/orders", {"id": 7}),
        (CHANGE, "/orders/7/ship", {"id": 7}),
        (CREATE, "/orders", {"id": 8}),
        (CHANGE, "/orders/8/ship", {"id": 8}),
        (CHANGE, "/orders/7/ship", {"id": 7}),
    )
    assert things.maker("order", "7") == 0
    assert things.changes("order", "7") == [0, 1, 4]
    assert things.changes("order", "8") == [2, 3]
    assert things.changes("user", "7") == []


def test_what_was_there_before_has_no_maker_and_its_changes_are_nobodys() -> None:
    things = noted((CHANGE, "/orders/3/ship", {"id": 3}), (CHANGE, "/orders/3/ship", {"id": 3}))
    assert things.maker("order", "3") is None
    assert things.changes("order", "3") == []


def test_what_an_answer_only_refers_to_is_not_made() -> None:
    things = noted(
        (CREATE, "/orders", {"id": 7, "product_id": 2, "product": {"id": 5}}),
        (CREATE, "/orders", {"id": 8, "product": {"id": 5}}),
    )
    assert things.maker("product", "2") is None
    # never seen before and beyond all that was: taken for new once
    assert things.maker("product", "5") == 0


def test_tokens_are_found_by_their_value_alone() -> None:
    token, cookie, link = "a8f3b2c4d5e6f7a8", "Zz91kd8sJd73hdK2", "lVQKv-si_qYJKducbqyHNpZG"
    things = Things()
    headers = [("set-cookie", f"sid={cookie}; Path=/"), ("location", "/orders/9")]
    value = {"token": token, "mail": f"https://shop.example/reset/{link}?x=1", "word": "confirmation"}
    things.note(3, 0, LOGIN, Answered(201, "/login", headers, value), frozenset())
    things.settle()
    assert [things.maker("", text) for text in (token, cookie, link)] == [3, 3, 3]
    assert things.maker("", "confirmation") is None
    assert things.maker("order", "9") == 3


def test_what_was_sent_is_not_made() -> None:
    things = Things()
    things.note(0, 0, CREATE, Answered(201, "/orders", [], {"id": 7}), scalars({"copy_of": 7}))
    things.settle()
    assert things.maker("order", "7") is None


def test_changes_are_bounded_and_the_latest_are_kept() -> None:
    writes: list[tuple[tuple[str, str], str, object]] = [(CREATE, "/orders", {"id": 7})]
    writes += [(CHANGE, "/orders/7/ship", None)] * 40
    assert noted(*writes).changes("order", "7") == [0, *range(41 - MAX_CHANGES, 41)]


def test_what_a_request_asks_for() -> None:
    consumed = [
        ("GET /orders/<int:id>|>path[1]", "17"),
        ("GET /orders/<int:id>|>query.page", "2"),
        ("GET /orders/<int:id>|>header.authorization~bearer", "a8f3b2c4d5e6f7a8"),
        ("GET /orders/<int:id>|>query.q", "chair"),
    ]
    assert [(noun, value) for _, noun, value in asked_for(consumed)] == [("order", "17"), ("", "a8f3b2c4d5e6f7a8")]


def test_a_token_may_have_hyphens_instead_of_digits() -> None:
    assert is_token("lVQKv-si_qYJKducbqyHNpZG")
    assert not any(map(is_token, ("Leave it with the neighbours", "export-all-orders", "internationalisation")))
