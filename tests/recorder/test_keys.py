from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from recorder.keys import InvalidKey, Key, default_key_file, load_key

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_key_given_as_text_is_used_and_no_file_is_made(state_home: Path) -> None:
    key = load_key(SECRET, None)
    assert key == Key(SECRET.encode())
    assert not state_home.exists()


def test_the_id_is_public_and_the_secret_is_not_shown() -> None:
    key = Key(SECRET.encode())
    assert len(key.id) == 8
    assert repr(key) == f"Key(id={key.id!r})"


def test_digests_depend_on_key_purpose_and_value() -> None:
    key, other = Key(SECRET.encode()), Key(SECRET[::-1].encode())
    assert key.digest("client", "a") == key.digest("client", b"a")
    assert (
        len(
            {key.digest("client", "a"), key.digest("link", "a"), key.digest("client", "b"), other.digest("client", "a")}
        )
        == 4
    )
    assert len(key.digest("client", "a")) == 16


def test_a_short_secret_is_refused_with_a_way_out() -> None:
    with pytest.raises(InvalidKey, match=r"the key has 5 bytes, at least 32 are needed.*token_hex"):
        load_key("short", None)


def test_a_key_file_is_read_without_its_newline(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET + "\n")
    assert load_key(None, str(file)) == Key(SECRET.encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file"), (b"short", "has 5 bytes"), (b"x" * 65_537, "more than 65536 bytes")],
)
def test_a_key_file_that_cannot_serve_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidKey, match=message) as caught:
        load_key(None, str(file))
    assert str(file) in str(caught.value)


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidKey, match="cannot be read"):
        load_key(None, str(tmp_path))


def test_without_a_key_a_private_file_is_made_once(state_home: Path) -> None:
    first = load_key(None, None)
    file = state_home / "understudy" / "key"
    assert file == default_key_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first.secret) == 64
    assert load_key("", "") == first
    assert list(file.parent.iterdir()) == [file]


def test_a_relative_state_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_key_file() == tmp_path / ".local/state/understudy/key"


def test_a_state_folder_that_cannot_be_made_is_a_clear_error(state_home: Path) -> None:
    state_home.write_text("a file, not a folder")
    with pytest.raises(InvalidKey, match="set UNDERSTUDY_KEY"):
        load_key(None, None)


def _load_id(_: int) -> str:
    return load_key(None, None).id


def test_workers_that_start_together_end_with_the_same_key() -> None:
    with multiprocessing.get_context("fork").Pool(6) as pool:
        ids = pool.map(_load_id, range(24), chunksize=1)
    assert set(ids) == {load_key(None, None).id}
