"""The Redis server that other tests rely on."""

from __future__ import annotations

import secrets
import shutil
import sys

import pytest
import redis

from tests.processes import end_of_owner

from .redis import RedisServer


def test_a_server_of_the_session_takes_keys(redis_url: str) -> None:
    key = f"test:{secrets.token_hex(8)}"
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        client.set(key, "1", ex=60)
        assert client.getdel(key) == b"1"


def test_a_killed_server_comes_back_empty_on_the_same_port(redis_server: RedisServer) -> None:
    url = redis_server.url
    redis_server.client().set("a", "1")
    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        redis_server.client().ping()
    redis_server.start()
    assert redis_server.url == url
    assert redis_server.client().get("a") is None


def test_a_persistent_server_comes_back_with_what_it_answered_for_until_it_is_wiped() -> None:
    with RedisServer(persistent=True) as server:
        server.client().set("a", "1")
        server.kill()
        server.start()
        assert server.client().get("a") == b"1"
        server.stop()
        server.wipe()
        server.start()
        assert server.client().get("a") is None
        folder = server.folder
    assert not folder.exists()
    assert not server.running


def test_options_are_followed() -> None:
    with RedisServer(requirepass="s3cret", maxmemory="3mb", maxmemory_policy="noeviction") as server:
        assert server.client().config_get("maxmemory") == {"maxmemory": "3145728"}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=server.port, protocol=2).ping()


def test_a_paused_server_accepts_and_does_not_answer(redis_server: RedisServer) -> None:
    redis_server.pause()
    with redis.Redis(port=redis_server.port, socket_timeout=0.1, protocol=2, retry=None) as client:
        with pytest.raises(redis.TimeoutError):
            client.ping()
        redis_server.resume()
        assert client.ping()


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(RuntimeError, match=r"apt-get install --no-install-recommends redis-server\)"):
        RedisServer()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other systems do not tell a child of its parent's end"
)
def test_a_server_ends_with_the_process_that_started_it() -> None:
    code = (
        "import time\n"
        "from tests.services.redis import RedisServer\n"
        "server = RedisServer()\n"
        "print(server._process.pid, server.folder, flush=True)\n"
        "time.sleep(60)\n"
    )
    shutil.rmtree(end_of_owner(code))
