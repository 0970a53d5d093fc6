"""Pages wait for what they may show: an overview names nothing in its address, and what a link does is no read."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.engine import closure
from replayer.plan import Plan, make_plan


def exchange(
    number: int,
    request: str,
    page: str = "",
    *,
    route: str = "",
    client: str = "ann",
    location: str = "",
    media: str = "text/html",
) -> Exchange:
    method, _, path = request.partition(" ")
    headers = (("Content-Type", media), *([("Location", location)] if location else ()))
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


def test_a_table_and_lines_of_json_list_what_stands_in_their_rows() -> None:
    made = [
        exchange(n, "POST /parcels", f'{{"id": {40 + n}}}', client=f"user{n}", media="application/json")
        for n in range(6)
    ]
    seen = [
        exchange(10 + n, f"GET /parcels/{40 + n}", "{}", route="/parcels/<int:id>", client=f"user{n}") for n in range(6)
    ]
    table = "id;name\n" + "".join(f"{40 + n};x\n" for n in range(6))
    lines = "".join(f'{{"id": {40 + n}}}\n' for n in range(6))
    plan = plan_of(
        [
            *made,
            *seen,
            exchange(20, "GET /parcels/export", table, client="bob", media="text/csv"),
            exchange(21, "GET /parcels/stream", lines, client="carol", media="application/x-ndjson"),
            exchange(22, "DELETE /parcels/41", route="/parcels/<int:id>", client="user1", media="application/json"),
        ]
    )
    assert all(waits(plan, shown, 0) and waits(plan, 14, shown) for shown in (12, 13))


def test_a_file_that_is_another_one_later_waits_for_every_earlier_write() -> None:
    plan = plan_of(
        [
            exchange(0, "GET /export.zip", "PK one", media="application/zip"),
            exchange(1, "POST /submit/", client="bob", location="/thanks/"),
            exchange(2, "GET /export.zip", "PK two", media="application/zip"),
            exchange(3, "GET /logo.png", "png", media="image/png", client="carol"),
            exchange(4, "GET /logo.png", "png", media="image/png", client="dave"),
        ]
    )
    assert waits(plan, 2, 1)
    assert not waits(plan, 3, 1)


def test_a_page_of_a_tenant_waits_for_what_others_of_the_tenant_write_elsewhere() -> None:
    page, route = '<a href="/o/acme/">home</a><p>Open: {}, rendered in {} ms</p>', "/o/<slug>/"
    plan = plan_of(
        [
            exchange(0, "GET /o/acme/", page.format(3, 7.1), route=route),
            exchange(1, "POST /bills", client="bob", location="/thanks/"),
            exchange(2, "GET /o/acme/", page.format(4, 9.25), route=route),
            exchange(3, "POST /bills", client="carol", location="/thanks/"),
        ]
    )
    assert waits(plan, 2, 1)
    assert waits(plan, 3, 2)


def test_how_long_a_page_took_is_no_change_of_it() -> None:
    page, route = '<a href="/o/acme/">home</a><p>rendered in {} ms, {} ago</p>', "/o/<slug>/"
    plan = plan_of(
        [
            exchange(0, "GET /o/acme/", page.format(7.1, "3 seconds"), route=route),
            exchange(1, "POST /bills", client="bob", location="/thanks/"),
            exchange(2, "GET /o/acme/", page.format(9.25, "40 seconds"), route=route),
        ]
    )
    assert not waits(plan, 2, 1)


def test_a_job_goes_on_by_itself_whoever_writes_meanwhile() -> None:
    def job(number: int, status: str) -> Exchange:
        body = f'{{"id": "k3J9xQ2mPz81LsVd", "status": "{status}"}}'
        return exchange(number, "GET /jobs/k3J9xQ2mPz81LsVd", body, route="/jobs/<id>", media="application/json")

    made = '{"id": "k3J9xQ2mPz81LsVd", "status": "queued"}'
    plan = plan_of(
        [
            exchange(0, "POST /jobs", made, media="application/json"),
            job(1, "queued"),
            exchange(2, "POST /bills", client="bob", location="/thanks/"),
            job(3, "done"),
        ]
    )
    assert not waits(plan, 3, 2)


def test_a_ranking_waits_for_what_changes_the_shares_of_those_that_it_names() -> None:
    def ranking(number: int, share: float) -> Exchange:
        body = f'[{{"customer": {{"id": 7}}, "share": {share}}}]'
        return exchange(number, "GET /top", body, media="application/json")

    listed = '[{"id": 7, "open": 1}, {"id": 8, "open": 0}]'
    plan = plan_of(
        [
            exchange(0, "GET /customers", listed, media="application/json"),
            exchange(1, "GET /customers/7", "{}", route="/customers/<id>", media="application/json"),
            exchange(2, "GET /customers/8", "{}", route="/customers/<id>", media="application/json"),
            ranking(3, 40.5),
            exchange(4, "POST /bills", client="bob", location="/thanks/"),
            ranking(5, 38.25),
        ]
    )
    assert waits(plan, 5, 4)
