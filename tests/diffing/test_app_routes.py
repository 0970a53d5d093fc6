from __future__ import annotations

import pytest

from diffing.app_routes import AppRoutes

ROUTES = AppRoutes(
    [
        ("GET", "/orders/<int:id>"),
        ("GET", "/orders/{order_id}"),
        ("GET", "/orders/new"),
        ("GET", "/"),
        ("post", "/orders"),
        ("GET", "/static/<path:filename>"),
    ],
    excluded=["* /static/**"],
)


def test_two_names_of_one_route_are_one_and_what_is_excluded_is_not_there() -> None:
    assert ROUTES.all == {
        ("GET", "/"),
        ("GET", "/orders/<int:id>"),
        ("GET", "/orders/new"),
        ("POST", "/orders"),
    }


@pytest.mark.parametrize(
    ("method", "path", "template", "route"),
    [
        ("GET", "/orders/7", "/orders/<int:id>", ("GET", "/orders/<int:id>")),
        ("GET", "/orders/7", "/orders/{int}", ("GET", "/orders/<int:id>")),
        ("GET", "/orders/7?x=1", "", ("GET", "/orders/<int:id>")),
        ("GET", "/orders/new", "", ("GET", "/orders/new")),
        ("HEAD", "/orders/7", "", ("GET", "/orders/<int:id>")),
        ("POST", "/orders", "", ("POST", "/orders")),
        ("DELETE", "/orders/7", "", None),
        ("GET", "/orders", "", None),
        ("GET", "/orders/seven", "", None),
        ("GET", "", "/elsewhere", None),
        ("GET", "/static/a.css", "/static/<path:filename>", None),
    ],
)
def test_an_exchange_is_for_the_route_of_its_template_or_its_path(
    method: str, path: str, template: str, route: tuple[str, str] | None
) -> None:
    assert ROUTES.of(method, path, template) == route


def test_new_is_what_the_others_have_under_no_name() -> None:
    assert ROUTES.without([("GET", "/orders/{id}"), ("GET", "/elsewhere")]) == {
        ("GET", "/"),
        ("GET", "/orders/new"),
        ("POST", "/orders"),
    }
