"""The URLs of network sinks: what they mean, what is wrong with them, and that no error shows their secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.config import ConfigError
from recorder.sinks import check_sink
from recorder.sinks.address import HttpAddress, RedisAddress, Tls, http_address, redis_address


def test_the_least_that_a_redis_url_says() -> None:
    assert redis_address("redis://cache") == RedisAddress("redis://cache", "cache", 6379, None, None)


def test_all_that_a_redis_url_may_say(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    url = (
        "rediss://ada:p%40ss%2F1@[::1]:6380/3?stream=shop&maxlen=5&policy=spill&spill=/var/a+b"
        f"&ssl_ca_certs={authority}&ssl_check_hostname=false"
    )
    assert redis_address(url) == RedisAddress(
        "rediss://[::1]:6380/3",
        "::1",
        6380,
        Tls(str(authority), None, None, True, False),
        Path("/var/a+b"),
        3,
        "shop",
        5,
        "ada",
        "p@ss/1",
    )


def test_what_an_http_url_says() -> None:
    assert http_address("http://h:8080/api/ingest?token=ab+/=") == HttpAddress(
        "http://h:8080/api/ingest", "h", 8080, None, None, "/api/ingest", "ab+/="
    )
    assert http_address("https://h?ssl_cert_reqs=none&spill=/s") == HttpAddress(
        "https://h", "h", 443, Tls(verify=False, check_hostname=False), Path("/s"), "/", ""
    )


WRONG = [
    ("redis://h/x", "the path is no number of a database"),
    ("redis://h/0?stream=", "stream is empty"),
    ("redis://h/0?maxlen=0", "maxlen is '0'; expected a number of entries, 1 or more"),
    ("redis://h/0?maxlen=many", "maxlen is 'many'"),
    ("redis://h/0?steam=a", "an unknown option 'steam' in its query; did you mean stream?"),
    ("redis://h/0?stream=a&stream=b", "the option stream is given twice"),
    ("redis://h/0?ssl_ca_certs=/x", "an unknown option 'ssl_ca_certs' in its query; known ones are stream, maxlen,"),
    ("rediss://h/0?ssl_ca_certs=/nowhere", "ssl_ca_certs names no file that can be read: '/nowhere'"),
    ("rediss://h/0?ssl_cert_reqs=perhaps", "ssl_cert_reqs is 'perhaps'; expected required or none"),
    ("rediss://h/0?ssl_check_hostname=maybe", "ssl_check_hostname is 'maybe'; expected true or false"),
    ("redis://h/0?policy=keep", "policy is 'keep'; expected drop or spill"),
    ("redis://h/0?policy=spill", "policy=spill needs a folder"),
    ("redis://h/0?spill=folder", "policy=spill needs a folder; expected spill=/absolute/folder"),
    ("redis://h/0?policy=drop&spill=/a", "policy=drop and spill= contradict each other"),
    ("redis:///0", "it names no host"),
    ("redis://h:port/0", "it cannot be read"),
    ("https://u:p@h/", "a user or password stands before the host; expected the token as"),
    ("https://h/?token=a%0ab", "the token holds characters that no header field may hold"),
    ("https://h/?tokne=a", "did you mean token?"),
    ("https://h/?token=a#b", "it holds a #; in a password or token that is written as %23"),
    ("redsi://h/0", "unknown kind of sink in 'redsi://h/0'"),
]


@pytest.mark.parametrize(("url", "message"), WRONG, ids=[url for url, _ in WRONG])
def test_what_is_wrong_is_said(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_sink(url)
    assert message in str(caught.value)
    assert str(caught.value).startswith("UNDERSTUDY_SINK: ")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@h/x",
        "redis://ada:s3cret@h:port/0",
        "redis://ada:s3cret@h/0?steam=a",
        "redis://:s3cret?more@h:6379/0",
        "redis://ada:12?s3cret@h:6379/0",
        "redis://ada:12#s3cret@h:6379/0",
        "redis://:s3cret/more@h:6379/0",
        "redsi://:s3cret@h/0",
        "redsi://:s3cret?@h/0",
        "redsi://s3cret?more@h/0",
        "redsi:s3cret",
        "https://h/?token=s3cret&x=1",
        "https://h/?token=s3cret%0a",
        "https://h/?token=s3cret&token=s3cret",
        "https://h/?token=a#s3cret",
        "https://s3cret@h/",
    ],
)
def test_no_error_shows_a_secret(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_sink(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["redis://h", "redis://:s3cret@h:1/0?stream=a", "https://h/?token=s3cret", "rediss://ada:s3cret@h/1?spill=/a"],
)
def test_neither_does_what_is_kept_of_it(url: str) -> None:
    check_sink(url)
    address = redis_address(url) if url.startswith("redis") else http_address(url)
    assert "s3cret" not in repr(address)
    assert "s3cret" not in address.shown
