from __future__ import annotations

import pytest

from recorder.client import client_address


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        ("198.51.100.1", 0, "10.0.0.1"),
        ("198.51.100.1", 1, "198.51.100.1"),
        ("6.6.6.6, 198.51.100.1", 1, "198.51.100.1"),  # what the client wrote itself is not believed
        ("198.51.100.1, 10.0.0.9", 2, "198.51.100.1"),
        ("198.51.100.1", 2, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
        ("198.51.100.1:4711", 1, "198.51.100.1"),
        ("[2001:db8::1]:4711", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
    ],
)
def test_the_client_behind_trusted_proxies(forwarded: str, trusted: int, address: str) -> None:
    assert client_address({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}, trusted) == address


def test_a_server_on_a_unix_socket_names_no_peer() -> None:
    assert client_address({}, 1) == ""
