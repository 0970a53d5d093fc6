"""Which of the fields that speak of a connection are as true of ours as of the recorded one."""

from __future__ import annotations

import pytest

from recorder.exchange import RecordedRequest
from replayer.outgoing import Site, rebuild

SITE = Site.parse("http://staging:8000")


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        (("Connection", "keep-alive"), True),
        (("connection", " Keep-Alive "), True),
        (("Connection", "close"), False),
        (("Connection", "keep-alive, X-Mine"), False),
        (("Connection", ""), False),
        (("Keep-Alive", "timeout=5"), False),
        (("Proxy-Connection", "keep-alive"), False),
    ],
)
def test_only_a_connection_that_is_kept_alive_is_announced_again(field: tuple[str, str], sent: bool) -> None:
    request = RecordedRequest("GET", "/", (("Host", "shop.example"), field))
    assert rebuild(request, SITE).headers == (("Host", "staging:8000"), *((field,) if sent else ()))
