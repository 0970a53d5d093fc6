"""Whatever a finding holds, Slack takes the message, and nothing in it means anything to Slack."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.difference import Part
from replayer.alerts.message import DETAILS, RUN, TEST, Item, Message, from_data, to_data
from replayer.alerts.planning import PER_DETAILS
from replayer.alerts.public import public_path, public_route, public_target
from replayer.alerts.slack_blocks import code, rendered

from ...services.slack import refusal
from .release import PAYMENTS, finding

TEXT = st.one_of(st.text(max_size=400), st.sampled_from(["<!channel>", "`<@U1>`", "&lt;", "*a* _b_ ~c~", "a\n>b", ""]))
ITEMS = st.builds(
    Item,
    TEXT,
    st.sampled_from(["breaking", "info"]),
    TEXT,
    TEXT,
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(1, 99),
)
MESSAGES = st.builds(
    Message,
    kind=st.sampled_from([RUN, DETAILS, TEST]),
    run=TEXT,
    project=TEXT,
    recording=TEXT,
    candidate=TEXT,
    branch=TEXT,
    commit=TEXT,
    verdict=st.sampled_from(["", "pass", "fail", "inconclusive", "none"]),
    severities=st.lists(st.tuples(st.sampled_from(["breaking", "major"]), st.integers(1, 9)), max_size=4).map(tuple),
    tags=st.lists(st.tuples(TEXT, st.integers(1, 9)), max_size=3).map(tuple),
    items=st.lists(ITEMS, max_size=PER_DETAILS).map(tuple),
    more=st.integers(0, 1000),
    ended=st.lists(ITEMS, max_size=5).map(tuple),
)
CODE = re.compile(r"`[^`\n]*`")


def texts(value: Any) -> list[str]:
    """Every text that Slack shows."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for inner in value.values() for text in texts(inner)]
    return [text for inner in value for text in texts(inner)] if isinstance(value, list) else []


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_no_content_is_refused_or_calls_anybody(message: Message) -> None:
    text, blocks = rendered(message)
    assert refusal({"text": text, "blocks": blocks}) == ""
    for shown in [text, *texts(blocks)]:
        assert "<" not in shown
        assert ">" not in shown
        assert re.sub(r"&(amp|lt|gt);", "", shown).count("&") == 0
        assert CODE.sub("", shown).count("`") == 0


@settings(max_examples=100, deadline=None)
@given(MESSAGES)
def test_a_message_survives_the_store(message: Message) -> None:
    assert from_data(json.loads(json.dumps(to_data(message)))) == message


def test_long_messages_are_parted_at_lines() -> None:
    item = Item("f" * 16, "breaking", "&" * 900, "<`" * 900, 10**6, 10**6, 99)
    text, blocks = rendered(Message(DETAILS, items=(item,) * PER_DETAILS))
    assert refusal({"text": text, "blocks": blocks}) == ""
    assert len(blocks) > 1
    assert sum(shown.count("• *breaking*") for shown in texts(blocks)) == PER_DETAILS


def test_who_is_called_is_called_in_slacks_own_form() -> None:
    text, _ = rendered(Message(verdict="fail", project="shop", mentions=("here", "U0123456", "S0123456")))
    assert text == "shop: 0 findings fail the release. <!here> <@U0123456> <!subteam^S0123456>"


def test_a_code_span_has_no_way_out() -> None:
    assert code("a`b<c>&\n\x1b") == "`a'b&lt;c&gt;&amp;\\n\\x1b`"
    assert code("x" * 100, 10) == "`xxxxxxxxx…`"
    assert code("&" * 100, 20) == "`&amp;&amp;&amp;…`"
    assert code("") == "`(none)`"


def test_keys_that_can_be_values_are_left_out() -> None:
    kept = {
        "$.items[*].price": "$.items[*].price",
        "$.users['ann@example.com'].name": "$.users.*.name",
        "$.by_id.4711.state": "$.by_id.*.state",
        "$.tokens.9f86d081884c7d659a2feaa0c55ad015": "$.tokens.*",
        "$.map.*~key": "$.map.*~key",
        f"$.{'x' * 41}": "$.*",
        "$.café": "$.café",
        "set-cookie[sid].httponly": "set-cookie[sid].httponly",
        "x-request-id": "x-request-id",
        "": "",
    }
    assert {path: public_path(Part.BODY, path) for path in kept} == kept
    call = "$calls['POST api.pay.example/charges/{}'][*].body['ann@example.com']"
    assert public_path(Part.OUTBOUND, call) == "$calls['POST api.pay.example/charges/{}'][*].body.*"


def test_routes_without_a_template_name_nobody() -> None:
    def told(route: str) -> str:
        return public_route(finding(1, PAYMENTS[0].severity, "GET", route, "$.a", "int -> str"))

    assert told("/api/users/ann@example.com/orders/4711") == "GET /api/users/*/orders/*"
    assert told("/api/payments/<int:id>") == "GET /api/payments/<int:id>"
    assert told("/v2/r/(?P<year>[0-9]{4})") == "GET /v2/r/(?P<year>[0-9]{4})"
    assert public_target("https://me:secret@staging.example/app?key=1") == "https://staging.example"
    assert public_target("next") == "next"
