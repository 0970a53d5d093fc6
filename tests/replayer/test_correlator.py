"""What one answer teaches about the target's names: the rows of a page, and what its cursor says of them."""

from __future__ import annotations

import base64
import hashlib
import json

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.correlate import Correlator
from replayer.flow import Flow
from replayer.guide import make_guide
from replayer.plan import Plan, make_plan

IDS, CURSOR, PATH = (
    "GET /patients|2xx|$.items[*].id",
    "GET /patients|2xx|$.next~b64.after",
    "GET /patients/<int:id>|>path[1]",
)


def page(*ids: int) -> RecordedResponse:
    cursor = base64.urlsafe_b64encode(json.dumps({"after": ids[-1], "v": 1}).encode()).decode()
    body = {"next": cursor, "items": [{"id": number, "name": chr(64 + number % 20) * 3} for number in ids]}
    return RecordedResponse(200, "", (("Content-Type", "application/json"),), Body(json.dumps(body).encode()))


def exchange(number: int, target: str, response: RecordedResponse, method: str = "GET") -> Exchange:
    return Exchange(
        id=f"{number:032x}",
        request=RecordedRequest(method, target, (), Body(b"")),
        response=response,
        started=float(number),
        ended=number + 0.1,
    )


def asked_after(shown: RecordedResponse) -> str:
    """What is asked for in the place of patient 23, who ends the recorded page, where the target shows another page."""
    exchanges = [exchange(1, "/patients", page(14, 17, 20, 23)), exchange(2, "/patients/23", page(23))]
    drafted = make_plan(
        exchanges, lambda one: "/patients" if one.request.target == "/patients" else "/patients/<int:id>"
    )
    flow = Flow(dict.fromkeys((IDS, CURSOR, PATH), "patient"), {PATH: {IDS: 1.0, CURSOR: 1.0}}, {}, {}, {})
    plan = Plan(drafted.steps, flow, drafted.depends, drafted.skipped)
    correlator = Correlator(make_guide(plan))
    correlator.learn(plan.steps[0], shown)
    return correlator.prepare(plan.steps[1]).request.target


def test_a_cursor_that_names_another_row_of_the_page_renames_none() -> None:
    assert asked_after(page(11, 14, 17, 20)) == "/patients/23"


def test_a_cursor_is_followed_where_the_target_counts_otherwise() -> None:
    assert asked_after(page(114, 117, 120, 123)) == "/patients/123"


def shared(number: int, expiry: int) -> RecordedResponse:
    """The answer that hands out a signed link to one thing."""
    signature = hashlib.sha256(f"{number}.{expiry}".encode()).hexdigest()
    body = {"url": f"https://parcels.example/shared/{number}?exp={expiry}&sig={signature}"}
    return RecordedResponse(201, "", (("Content-Type", "application/json"),), Body(json.dumps(body).encode()))


def link_of(response: RecordedResponse) -> str:
    url: str = json.loads(response.body.data)["url"]
    return url.removeprefix("https://parcels.example")


def test_a_signed_link_is_followed_with_all_that_belongs_to_its_signature() -> None:
    made = range(20)
    recorded = [shared(number, 1795818200 + number // 4) for number in made]  # four links a second
    here = [shared(number, 1795904700 + number // 3) for number in made]
    posts = [exchange(number + 1, f"/things/{number}/share", recorded[number], "POST") for number in made]
    gets = [exchange(number + 101, link_of(recorded[number]), page(1)) for number in made]
    routes = {"POST": "/things/<int:id>/share", "GET": "/shared/<int:id>"}
    plan = make_plan([*posts, *gets], lambda one: routes[one.request.method])
    correlator = Correlator(make_guide(plan))
    for number in made:
        correlator.learn(plan.steps[number], here[number])
    sent = [correlator.prepare(step).request.target for step in plan.steps[len(made) :]]
    assert sent == [link_of(response) for response in here]


def made(*ids: int) -> RecordedResponse:
    body = {"results": [{"id": number, "ok": True} for number in ids]}
    return RecordedResponse(201, "", (("Content-Type", "application/json"),), Body(json.dumps(body).encode()))


def test_what_one_request_made_together_is_followed_in_its_order() -> None:
    """The first of three is called here as the second was in production, since somebody made one more before."""
    exchanges = [
        exchange(1, "/patients/bulk", made(126, 127, 128), "POST"),
        *(exchange(place + 2, f"/patients/{number}", page(number)) for place, number in enumerate((126, 127, 128))),
    ]
    drafted = make_plan(
        exchanges, lambda one: "/patients/<int:id>" if one.request.method == "GET" else "/patients/bulk"
    )
    bulk = "POST /patients/bulk|2xx|$.results[*].id"
    flow = Flow(
        dict.fromkeys((bulk, PATH), "patient"),
        {PATH: {bulk: 1.0}},
        {("patient", str(number)): 0 for number in (126, 127, 128)},
        {},
        {},
    )
    plan = Plan(drafted.steps, flow, drafted.depends, drafted.skipped)
    correlator = Correlator(make_guide(plan))
    correlator.learn(plan.steps[0], made(127, 128, 129))
    asked = [correlator.prepare(step).request.target for step in plan.steps[1:]]
    assert asked == ["/patients/127", "/patients/128", "/patients/129"]
