"""Pages wait for what they may show: an overview names nothing in its address, and what a link does is no read."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.engine import closure
from replayer.plan import Plan, make_plan


def exchange(
    number: int, request: str, page: str = "", *, route: str = "", client: str = "ann", location: str = ""
) -> Exchange:
    method, _, path = request.partition(" ")
    headers = (("Content-Type", "text/html"), *([("Location", location)] if location else ()))
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest(method, path, (), Body()),
        response=RecordedResponse(302 if location else 200, "", headers, Body(page.encode())),
        started=float(number),
        ended=number + 0.1,
        route=route or path,
        client=client,
    )


def plan_of(exchanges: Sequence[Exchange]) -> Plan:
    return make_plan(exchanges, lambda one: one.route)


def waits(plan: Plan, later: int, earlier: int) -> bool:
    return earlier in closure(plan, [later])


def test_a_page_of_figures_waits_for_every_earlier_write_and_holds_up_the_later_ones() -> None:
    plan = plan_of(
        [
            exchange(0, "GET /reports/", "<p>Open: <b>3</b></p>"),
            exchange(1, "POST /submit/", client="bob", location="/thanks/"),
            exchange(2, "GET /reports/", "<p>Open: <b>4</b></p>"),
            exchange(3, "POST /submit/", client="carol", location="/thanks/"),
            exchange(4, "GET /about/", "<p>About us</p>", client="dave"),
            exchange(5, "GET /about/", "<p>About us</p>", client="dave"),
        ]
    )
    assert waits(plan, 2, 1)
    assert waits(plan, 3, 2)
    assert not waits(plan, 4, 3)
    assert not waits(plan, 5, 3)


def test_a_page_that_is_only_new_in_its_token_waits_for_nobody() -> None:
    field = '<form method="post"><input type="hidden" name="csrf" value="{}"></form>'
    plan = plan_of(
        [
            exchange(0, "GET /submit/", field.format("k3J9xQ2mPz81LsVd")),
            exchange(1, "POST /submit/", client="bob", location="/thanks/"),
            exchange(2, "GET /submit/", field.format("Zt7Lw0Bn5RcY4uEa")),
        ]
    )
    assert not waits(plan, 2, 1)


def test_a_link_that_redirects_may_have_changed_what_it_names() -> None:
    page = '<p>Yours?</p><a href="/tickets/{0}/hold/">hold</a><a href="/tickets/{0}/">see</a>'
    ticket = "/tickets/<int:ticket_id>/"
    plan = plan_of(
        [
            exchange(0, "GET /tickets/5/", page.format(5), route=ticket),
            exchange(1, "GET /tickets/5/hold/", route=f"{ticket}hold/", client="bob", location="/tickets/5/"),
            exchange(2, "GET /tickets/5/", page.format(5), route=ticket, client="carol"),
            exchange(3, "GET /tickets/6/", page.format(6), route=ticket, client="dave"),
        ]
    )
    assert waits(plan, 1, 0)
    assert waits(plan, 2, 1)
    assert not waits(plan, 3, 1)


def test_a_page_that_links_to_several_things_lists_them() -> None:
    def page(*numbers: int) -> str:
        return "".join(f'<a href="/tickets/{number}/">x</a>' for number in numbers)

    ticket = "/tickets/<int:ticket_id>/"
    plan = plan_of(
        [
            exchange(0, "GET /tickets/5/", page(5, 9), route=ticket),
            exchange(1, "POST /tickets/9/close/", route=f"{ticket}close/", client="bob", location="/tickets/9/"),
            exchange(2, "GET /tickets/5/merge/", page(5, 6, 7), route=f"{ticket}merge/", client="carol"),
        ]
    )
    assert waits(plan, 2, 1)
