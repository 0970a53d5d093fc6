from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from recorder.identity import MAXIMUM_LINKS, Principal, client_hash, identify, principal_digest
from recorder.keys import Key

KEY = Key(b"0123456789abcdef0123456789abcdef")
Fields = tuple[tuple[str, str], ...]


def jwt(**claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


def exchange(
    headers: Fields = (), body: bytes = b"", target: str = "/", answer: Fields = (), answer_body: bytes = b""
) -> Exchange:
    request = RecordedRequest("POST", target, headers, Body.of(body))
    return Exchange("0" * 32, request, RecordedResponse(200, "OK", answer, Body.of(answer_body)), 1.0, 2.0)


def identified(*, principal: str = "", **parts: Any) -> Exchange:
    return identify(exchange(**parts), remote_addr="10.0.0.1", principal=principal, key=KEY)


def links(**parts: Any) -> set[str]:
    return set(identified(**parts).links)


def test_a_client_is_an_address_and_an_agent() -> None:
    seen = identified(headers=(("User-Agent", "curl"),))
    assert seen.client == client_hash("10.0.0.1", "curl", KEY)
    assert len({seen.client, client_hash("10.0.0.2", "curl", KEY), client_hash("10.0.0.1", "wget", KEY)}) == 3


def test_a_login_is_linked_with_what_it_handed_out() -> None:
    sid = links(answer=(("Set-Cookie", "sid=abcdef012345; Path=/"),))
    assert sid == links(headers=(("Cookie", "theme=dark; sid=abcdef012345"),))
    token = links(answer_body=b'{"access_token": "t0ken-t0ken", "token_type": "bearer"}')
    assert token == links(headers=(("Authorization", "Bearer t0ken-t0ken"),))
    assert len(sid | token) == 2


def test_a_refresh_is_linked_with_both_its_tokens() -> None:
    refresh = links(body=b'{"refresh_token": "first-token"}', answer_body=b'{"data": {"accessToken": "second-token"}}')
    assert refresh == links(body=b"refresh_token=first-token") | links(headers=(("X-Access-Token", "second-token"),))
    assert len(refresh) == 2


def test_tokens_are_found_under_a_content_coding_and_in_a_query() -> None:
    packed = gzip.compress(b'{"access_token": "t0ken-t0ken"}')
    assert links(answer=(("Content-Encoding", "gzip"),), answer_body=packed) == links(
        target="/?access_token=t0ken-t0ken"
    )


def test_a_web_token_is_one_link_wherever_it_stands() -> None:
    token = jwt(sub="17")
    links_of_header = links(headers=(("Authorization", f"Bearer {token}"),))
    assert links_of_header == links(answer_body=json.dumps({"access": token}).encode())
    assert links_of_header < links(headers=(("Cookie", f"jwt={token}"),))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"headers": (("Cookie", "lang=en; theme=dark; n=1; locale=en_US.UTF-8; tz=Europe/Berlin; ab=variant-b-2024"),)},
        {"answer": (("Set-Cookie", "sid=; Max-Age=0"), ("Set-Cookie", "session=deleted; Max-Age=0"))},
        {"headers": (("Cookie", "sid=short"),)},
        {"body": b'{"password": "correct horse battery", "pin": "12345678", "card_number": "4111111111111111"}'},
        {"headers": (("Authorization", "Basic " + base64.b64encode(b"bob:long password").decode()),)},
        {"body": b'{"client_secret": "the-same-for-all-users"}'},
    ],
)
def test_what_many_sessions_share_links_none(kwargs: dict[str, Fields | bytes]) -> None:
    assert links(**kwargs) == set()


def test_equal_values_of_different_cookies_are_different_links() -> None:
    assert links(headers=(("Cookie", "a=abcdef012345"),)).isdisjoint(links(headers=(("Cookie", "b=abcdef012345"),)))


def test_links_are_sorted_unique_and_bounded() -> None:
    cookies = "; ".join(f"c{index}=abcdef01234{index}" for index in range(100))
    seen = identified(headers=(("Cookie", cookies), ("Cookie", cookies))).links
    assert len(seen) == MAXIMUM_LINKS
    assert list(seen) == sorted(set(seen))


def test_the_application_knows_best_who_it_was() -> None:
    seen = identified(headers=(("Authorization", f"Bearer {jwt(sub='17')}"),), principal="bob")
    assert seen.principal == principal_digest("bob", KEY)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "17"},
        {"sub": 17},
        {"user_id": 17},
        {"uid": "17"},
        {"identity": 17},
        {"sub": "17", "uid": "18"},
        {"sub": "", "uid": 17},
    ],
)
def test_a_web_token_names_the_principal(claims: dict[str, object]) -> None:
    token = jwt(**claims)
    for headers in ((("Authorization", f"Bearer {token}"),), (("Cookie", f"lang=en; access={token}"),)):
        assert identified(headers=headers).principal == principal_digest(17, KEY)


def test_the_authorization_counts_before_a_cookie() -> None:
    headers = (("Cookie", f"old={jwt(sub='18')}"), ("Authorization", f"Bearer {jwt(sub='17')}"))
    assert identified(headers=headers).principal == principal_digest("17", KEY)


def test_a_login_gets_the_principal_of_the_token_that_it_hands_out() -> None:
    body = json.dumps({"access_token": jwt(sub="17")}).encode()
    assert identified(answer_body=body).principal == principal_digest("17", KEY)
    headers = (("Authorization", f"Bearer {jwt(sub='1')}"),)
    assert identified(headers=headers, answer_body=body).principal == principal_digest("1", KEY)


@pytest.mark.parametrize("payload", ["bm9uZQ", "W10", "eyJzdWIiOm51bGx9", "eyJzdWIiOnRydWV9", "____", "eyJzdWIi"])
def test_a_token_that_names_nobody(payload: str) -> None:
    assert identified(headers=(("Authorization", f"Bearer eyJhbGciOiJub25lIn0.{payload}.sig"),)).principal == ""


def test_a_principal_is_found_among_candidates() -> None:
    principal = Principal(principal_digest("17", KEY), KEY)
    assert principal.matches(17)
    assert principal.matches("17")
    assert not principal.matches("017")
    assert principal.find([1, "x", 17, "17"]) == 17
    assert principal.find(range(10)) is None
    assert not Principal("", KEY).matches("")
    assert "0123" not in repr(principal)


def test_what_cannot_be_read_identifies_nobody_and_raises_nothing() -> None:
    seen = identified(
        headers=(("Cookie", "\u20ac"), ("Authorization", ""), ("Content-Encoding", "br, gzip, nope")),
        body=b"\xff\0" * 100,
        target="//[::bad?%zz=\u20ac",
    )
    assert (seen.links, seen.principal) == ((), "")
