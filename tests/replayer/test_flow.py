"""Value flow on small recordings made by hand: what counts as evidence, and what never does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse
from replayer.correlate import Correlator
from replayer.guide import make_guide
from replayer.plan import Plan, make_plan

JSON: Headers = (("Content-Type", "application/json"),)


class Tape:
    """Exchanges in the order in which they are added, one second apart."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.routes: dict[str, str] = {}

    def add(
        self, who: str, method: str, target: str, route: str, answer: object, status: int = 200, body: object = None
    ) -> None:
        number = len(self.exchanges)
        data = b"" if body is None else json.dumps(body).encode()
        request = RecordedRequest(method, target, JSON if data else (), Body.of(data))
        response = RecordedResponse(status, "", JSON, Body.of(json.dumps(answer).encode()))
        identity = f"{number:032x}"
        self.routes[identity] = route
        self.exchanges.append(
            Exchange(identity, request, response, started=1.7e9 + number, ended=1.7e9 + number + 0.1, client=who)
        )

    def plan(self) -> Plan:
        return make_plan(self.exchanges, lambda exchange: self.routes[exchange.id])


def sent(plan: Plan, answers: dict[int, object], index: int) -> str:
    """The target that is sent for step `index` after the given steps were answered so."""
    correlator = Correlator(make_guide(plan))
    for number, answer in answers.items():
        correlator.learn(plan.steps[number], RecordedResponse(201, "", JSON, Body.of(json.dumps(answer).encode())))
    return correlator.prepare(plan.steps[index]).request.target


def test_one_created_id_is_enough_when_the_names_agree() -> None:
    tape = Tape()
    tape.add("a", "POST", "/orders", "/orders", {"id": 7}, 201)
    tape.add("a", "GET", "/orders/7", "/orders/<int:order_id>", {"id": 7})
    assert sent(tape.plan(), {0: {"id": 58}}, 1) == "/orders/58"


def test_two_tables_may_use_the_same_numbers() -> None:
    tape = Tape()
    tape.add("a", "POST", "/users", "/users", {"id": 7}, 201)
    tape.add("a", "POST", "/orders", "/orders", {"id": 7}, 201)
    tape.add("a", "GET", "/orders/7", "/orders/<int:order_id>", {"id": 7})
    tape.add("a", "GET", "/users/7", "/users/<int:user_id>", {"id": 7})
    plan = tape.plan()
    answers: dict[int, object] = {0: {"id": 31}, 1: {"id": 58}}
    assert [sent(plan, answers, 2), sent(plan, answers, 3)] == ["/orders/58", "/users/31"]


def test_what_a_cart_and_its_items_share_is_told_apart() -> None:
    tape = Tape()
    for cart, item in ((2, 5), (3, 2), (5, 9)):
        tape.add(f"c{cart}", "POST", "/cart/items", "/cart/items", {"id": cart, "items": [{"id": item}]}, 201)
        tape.add(f"c{cart}", "PATCH", f"/cart/items/{item}", "/cart/items/<int:item_id>", {"id": cart, "items": []})
    plan = tape.plan()
    answers: dict[int, object] = {
        0: {"id": 102, "items": [{"id": 905}]},
        2: {"id": 103, "items": [{"id": 902}]},
        4: {"id": 105, "items": [{"id": 909}]},
    }
    assert [sent(plan, answers, n) for n in (1, 3, 5)] == ["/cart/items/905", "/cart/items/902", "/cart/items/909"]


def test_an_id_from_before_the_recording_stays_as_it_is() -> None:
    tape = Tape()
    tape.add("a", "GET", "/products", "/products", {"items": [{"id": 1}, {"id": 2}]})
    tape.add("a", "GET", "/products/2", "/products/<int:product_id>", {"id": 2})
    assert sent(tape.plan(), {0: {"items": [{"id": 2}, {"id": 1}]}}, 1) == "/products/2"


def test_a_listing_does_not_overrule_what_the_creating_answer_said() -> None:
    tape = Tape()
    tape.add("a", "POST", "/orders", "/orders", {"id": 7}, 201)
    tape.add("a", "GET", "/orders", "/orders", {"items": [{"id": 7}]})
    tape.add("a", "GET", "/orders/7", "/orders/<int:order_id>", {"id": 7})
    wrong_page = {"items": [{"id": 12}]}
    assert sent(tape.plan(), {0: {"id": 58}, 1: wrong_page}, 2) == "/orders/58"


@pytest.mark.parametrize("name", ["page", "quantity", "amount", "year"])
def test_a_figure_is_never_an_identifier(name: str) -> None:
    tape = Tape()
    for number in range(1, 9):
        tape.add("a", "POST", "/orders", "/orders", {"id": number}, 201)
        tape.add("a", "GET", f"/feed?{name}={number}", "/feed", {"items": []})
    assert sent(tape.plan(), {0: {"id": 58}}, 1) == f"/feed?{name}=1"


def test_a_cursor_is_rewritten_inside() -> None:
    tape = Tape()
    for number, cursor in ((4, "eyJhZnRlcl9pZCI6NH0"), (6, "eyJhZnRlcl9pZCI6Nn0"), (8, "eyJhZnRlcl9pZCI6OH0")):
        tape.add("a", "POST", "/orders", "/orders", {"id": number}, 201)
        tape.add("a", "GET", "/orders?limit=1", "/orders", {"items": [{"id": number}], "next": cursor})
        tape.add("a", "GET", f"/orders?cursor={cursor}", "/orders", {"items": []})
    new = {"items": [{"id": 54}], "next": "eyJhZnRlcl9pZCI6NTR9"}
    assert sent(tape.plan(), {0: {"id": 54}, 1: new}, 2) == "/orders?cursor=eyJhZnRlcl9pZCI6NTR9"


def test_overlapping_requests_keep_the_order_of_their_ends() -> None:
    tape = Tape()
    tape.add("a", "POST", "/orders", "/orders", {"id": 1}, 201)
    tape.add("b", "POST", "/orders", "/orders", {"id": 2}, 201)
    slow, quick = tape.exchanges
    tape.exchanges = [
        Exchange(slow.id, slow.request, slow.response, started=100.0, ended=100.9, client="a"),
        Exchange(quick.id, quick.request, quick.response, started=100.1, ended=100.2, client="b"),
    ]
    assert [step.exchange.id for step in tape.plan().steps] == [quick.id, slow.id]


def test_locations_that_call_one_value_two_names_are_of_two_kinds() -> None:
    tape = Tape()
    for number in range(1, 6):
        tape.add("a", "POST", "/orders", "/orders", {"id": number, "order_id": number}, 201)
        tape.add("a", "GET", f"/orders/{number}", "/orders/<int:order_id>", {"id": number})
    plan = tape.plan()
    locations = ["POST /orders|2xx|$.id", "POST /orders|2xx|$.order_id"]
    assert len({plan.flow.sorts[location] for location in locations}) == 1
    correlator = Correlator(make_guide(plan))
    for number, step in enumerate(plan.steps[::2], 1):
        answer = {"id": 50 + number, "order_id": 90 - number}
        correlator.learn(step, RecordedResponse(201, "", JSON, Body.of(json.dumps(answer).encode())))
    proven = correlator.proven_sorts()
    assert len({proven[location] for location in locations}) == 2


def test_a_random_selection_names_nothing_anew() -> None:
    tape = Tape()
    tape.add("a", "GET", "/picks", "/picks", {"items": [{"id": 3, "name": "rake"}, {"id": 9, "name": "pot"}]})
    tape.add("a", "GET", "/products/9", "/products/<int:product_id>", {"id": 9, "name": "pot"})
    others = {"items": [{"id": 3, "name": "rake"}, {"id": 7, "name": "spade"}]}
    assert sent(tape.plan(), {0: others}, 1) == "/products/9"


def test_a_new_row_of_a_listing_is_found_by_what_it_says() -> None:
    tape = Tape()
    row = {"id": 9, "number": "ORD-000009", "state": "new", "at": "2026-01-01T00:00:00Z"}
    tape.add("a", "GET", "/orders", "/orders", {"items": [row, {"id": 3, "number": "ORD-000003", "state": "paid"}]})
    tape.add("a", "GET", "/orders/9", "/orders/<int:order_id>", row)
    here = {"id": 709, "number": "ORD-000709", "state": "new", "at": "2026-02-02T00:00:00Z"}
    listed = {"items": [here, {"id": 3, "number": "ORD-000003", "state": "paid"}]}
    assert sent(tape.plan(), {0: listed}, 1) == "/orders/709"


def test_a_link_to_the_route_that_is_asked_for_hands_its_parameters_out() -> None:
    tape = Tape()
    tape.add("a", "POST", "/orders", "/orders", {"id": 7}, 201)
    links = ["/orders/7/copies/delete/1", "/orders/7/parts/delete/1"]
    tape.add("a", "GET", "/orders/7", "/orders/<int:order_id>", {"id": 7, "links": links})
    tape.add("a", "POST", "/orders/7/copies/delete/1", "/orders/<int:order_id>/copies/delete/<int:cc>", {})
    tape.add("a", "POST", "/orders/7/parts/delete/1", "/orders/<int:order_id>/parts/delete/<int:part>", {})
    plan = tape.plan()
    answers = {0: {"id": 58}, 1: {"id": 58, "links": ["/orders/58/copies/delete/40", "/orders/58/parts/delete/90"]}}
    assert sent(plan, answers, 2) == "/orders/58/copies/delete/40"
    assert sent(plan, answers, 3) == "/orders/58/parts/delete/90"


def test_a_parameter_that_a_link_carries_is_the_links() -> None:
    tape = Tape()
    tape.add("a", "POST", "/searches", "/searches", {"see": "/tickets?saved=3&page=2"}, 201)
    tape.add("a", "GET", "/tickets?saved=3&page=2", "/tickets", [])
    assert sent(tape.plan(), {0: {"see": "/tickets?saved=44&page=9"}}, 1) == "/tickets?saved=44&page=2"


# -- pages ----------------------------------------------------------------------------------------------------------

HTML: Headers = (("Content-Type", "text/html"),)
FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)


def page(tape: Tape, who: str, route: str, target: str, body: str) -> None:
    tape.add(who, "GET", target, route, None)
    last = tape.exchanges[-1]
    tape.exchanges[-1] = replace(last, response=RecordedResponse(200, "", HTML, Body.of(body.encode())))


def form(tape: Tape, who: str, route: str, target: str, fields: str) -> None:
    tape.add(who, "POST", target, route, None, 302)
    last = tape.exchanges[-1]
    tape.exchanges[-1] = replace(last, request=RecordedRequest("POST", target, FORM, Body.of(fields.encode())))


def test_a_link_names_what_the_route_that_it_leads_to_names() -> None:
    tape = Tape()
    page(tape, "a", "/<project_id>/", "/choir/", '<a href="/choir/edit/49">edit</a>')
    tape.add("a", "GET", "/choir/edit/49", "/<project_id>/edit/<int:bill_id>", {})
    tape.add("b", "GET", "/api/bills/3", "/api/bills/<int:bill_id>", {"id": 3})
    plan = tape.plan()
    correlator = Correlator(make_guide(plan))
    there = RecordedResponse(200, "", HTML, Body.of(b'<a href="/choir/edit/50">edit</a>'))
    correlator.learn(plan.steps[0], there)
    assert correlator.prepare(plan.steps[1]).request.target == "/choir/edit/50"


def test_what_a_form_sends_is_what_its_page_offered() -> None:
    tape = Tape()
    boxes = '<input type="checkbox" name="payed_for" value="{}"><input type="checkbox" name="payed_for" value="{}">'
    page(tape, "a", "/add", "/add", boxes.format(7, 9))
    form(tape, "a", "/add", "/add", "payed_for=7&payed_for=9&amount=9")
    plan = tape.plan()
    correlator = Correlator(make_guide(plan))
    correlator.learn(plan.steps[0], RecordedResponse(200, "", HTML, Body.of(boxes.format(31, 32).encode())))
    assert correlator.prepare(plan.steps[1]).request.body.data == b"payed_for=31&payed_for=32&amount=9"


def test_an_answer_that_is_nothing_but_a_number_is_the_id_of_what_was_made() -> None:
    tape = Tape()
    tape.add("a", "POST", "/bills", "/bills", 7, 201)
    tape.add("a", "GET", "/bills/7", "/bills/<int:bill_id>", {"id": 7})
    assert sent(tape.plan(), {0: 58}, 1) == "/bills/58"


def test_a_feed_is_found_by_the_token_in_its_files_name() -> None:
    tape = Tape()
    page(tape, "a", "/<project_id>/", "/choir/", '<a href="/choir/feed/WyJjaG9pciJd.nmwlCJ.xml">feed</a>')
    route = "/<project_id>/feed/<string:token>.xml"
    tape.add("a", "GET", "/choir/feed/WyJjaG9pciJd.nmwlCJ.xml", route, {})
    plan = tape.plan()
    correlator = Correlator(make_guide(plan))
    there = RecordedResponse(200, "", HTML, Body.of(b'<a href="/choir/feed/WyJjaG9pciJd.x_mCiB.xml">feed</a>'))
    correlator.learn(plan.steps[0], there)
    assert correlator.prepare(plan.steps[1]).request.target == "/choir/feed/WyJjaG9pciJd.x_mCiB.xml"


def test_a_field_that_is_called_after_a_thing_holds_its_id() -> None:
    tape = Tape()
    tape.add("a", "POST", "/api/tickets/", "/api/tickets/", {"id": 7}, 201)
    tape.add("a", "POST", "/api/followups/", "/api/followups/", {"id": 1}, 201, {"ticket": 7, "priority": 7})
    tape.add("b", "POST", "/api/tickets/", "/api/tickets/", {"id": 8}, 201)
    plan = tape.plan()
    correlator = Correlator(make_guide(plan))
    correlator.learn(plan.steps[0], RecordedResponse(201, "", JSON, Body.of(b'{"id": 58}')))
    assert json.loads(correlator.prepare(plan.steps[1]).request.body.data) == {"ticket": 58, "priority": 7}


def test_what_is_done_to_many_at_once_names_what_the_segment_before_it_names() -> None:
    tape = Tape()
    made = {"results": [{"status": 201, "id": 7}, {"status": 404}]}
    tape.add("a", "POST", "/visits/bulk", "/visits/bulk", made, 207)
    tape.add("a", "POST", "/visits/bulk-status", "/visits/bulk-status", {"changed": [7]}, 200, {"ids": [7, 999]})
    tape.add("a", "GET", "/visits/7", "/visits/<int:id>", {"id": 7})
    plan = tape.plan()
    correlator = Correlator(make_guide(plan))
    there = json.dumps({"results": [{"status": 201, "id": 58}, {"status": 404}]}).encode()
    correlator.learn(plan.steps[0], RecordedResponse(207, "", JSON, Body.of(there)))

    assert json.loads(correlator.prepare(plan.steps[1]).request.body.data) == {"ids": [58, 999]}
    assert correlator.prepare(plan.steps[2]).request.target == "/visits/58"
