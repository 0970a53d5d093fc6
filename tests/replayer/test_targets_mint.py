"""`mint`: the target's own function makes credentials; whatever it does is a value."""

from __future__ import annotations

import asyncio
import os
import textwrap
from pathlib import Path

import pytest

from recorder.identity import principal_digest
from recorder.keys import Key
from replayer.mint import Credentials, Mint, Minted, MintFailure
from replayer.target_settings import TargetSettings

KEY = Key(b"k" * 32)
SOURCE = """
    import os, sys, time
    print("noise on standard output")
    USERS = {17: "ann", 18: "bob", 19: "cid"}
    calls = 0

    def credentials(principal, base_url):
        global calls
        calls += 1
        user = principal.find(USERS)
        print("asked for", user)
        if user is None:
            return None
        return {
            "headers": {"Authorization": f"Bearer {USERS[user]}-{calls}"},
            "cookies": [("sid", base_url)],
            "body": {"user_id": user},
        }

    def nothing(principal, base_url): return None
    def empty(principal, base_url): return {}
    def failing(principal, base_url): raise LookupError("no such user")
    def exiting(principal, base_url): sys.exit(2)
    def dying(principal, base_url):
        if principal.matches(17):
            os.write(2, b"segmentation fault\\n")
            os._exit(1)
        return {"headers": {"A": "b"}}
    def hanging(principal, base_url):
        if principal.matches(17): time.sleep(60)
        return {"headers": {"A": "b"}}
    def text(principal, base_url): return "token"
    def misspelt(principal, base_url): return {"header": {"A": "b"}}
    def wrong(principal, base_url): return {"headers": {"A": None}}
    constant = 1
"""


def minted(
    folder: Path, spec: str, *users: int, key: Key | None = KEY, timeout: float = 10.0, env: str = ""
) -> list[Minted]:
    (folder / "hooks.py").write_text(textwrap.dedent(SOURCE))

    async def main() -> list[Minted]:
        target = TargetSettings("staging", url="http://a", mint=spec, cwd=str(folder), env=(("X", env),))
        mint = Mint(target, key, "http://127.0.0.1:1", timeout=timeout)
        try:
            return [await mint.credentials(principal_digest(user, KEY)) for user in users]
        finally:
            await mint.aclose()

    return asyncio.run(main())


def test_credentials_are_made_once_per_principal(tmp_path: Path) -> None:
    def expected(token: str, user: str) -> Credentials:
        sid = (("sid", "http://127.0.0.1:1"),)
        return Credentials((("Authorization", f"Bearer {token}"),), sid, (("user_id", user),))

    assert minted(tmp_path, "hooks:credentials", 17, 18, 17) == [
        expected("ann-1", "17"),
        expected("bob-2", "18"),
        expected("ann-1", "17"),
    ]


@pytest.mark.parametrize(
    ("spec", "result"),
    [
        ("hooks:credentials", None),
        ("hooks:nothing", None),
        ("hooks:empty", Credentials()),
        ("hooks:failing", MintFailure("hooks:failing failed: LookupError: no such user")),
        ("hooks:exiting", MintFailure("hooks:exiting failed: SystemExit: 2")),
        (
            "hooks:text",
            MintFailure("hooks:text failed: TypeError: a mapping with headers, cookies or body is expected, not str"),
        ),
        (
            "hooks:misspelt",
            MintFailure(
                "hooks:misspelt failed: ValueError: unknown key 'header': headers, cookies and body are expected"
            ),
        ),
        (
            "hooks:wrong",
            MintFailure("hooks:wrong failed: TypeError: headers: names and values must be strings, not 'A': NoneType"),
        ),
        (
            "hooks:constant",
            MintFailure("hooks:constant cannot be loaded: TypeError: hooks:constant is no function but a int"),
        ),
        ("absent:f", MintFailure("absent:f cannot be loaded: ModuleNotFoundError: No module named 'absent'")),
        ("hooks:f", MintFailure("hooks:f cannot be loaded: AttributeError: module 'hooks' has no attribute 'f'")),
        ("", MintFailure("target staging has no `mint`")),
    ],
)
def test_whatever_comes_of_it_is_a_value(tmp_path: Path, spec: str, result: Minted) -> None:
    assert minted(tmp_path, spec, 99, 99) == [result, result]


def test_without_a_key_nobody_can_be_recognised(tmp_path: Path) -> None:
    assert minted(tmp_path, "hooks:credentials", 17, key=None) == [
        MintFailure("principals are keyed hashes, and there is no key to match them with")
    ]


def test_a_function_that_hangs_costs_its_own_principal_only(tmp_path: Path) -> None:
    assert minted(tmp_path, "hooks:hanging", 17, 18, timeout=1.0) == [
        MintFailure("hooks:hanging did not answer within 1 s"),
        Credentials((("A", "b"),)),
    ]


def test_a_process_that_dies_costs_its_own_principal_only(tmp_path: Path) -> None:
    assert minted(tmp_path, "hooks:dying", 17, 18) == [
        MintFailure("the process of hooks:dying ended: segmentation fault"),
        Credentials((("A", "b"),)),
    ]


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    async def main() -> Minted:
        target = TargetSettings("staging", url="http://a", mint="a:b", cwd=str(tmp_path / "absent"))
        return await Mint(target, KEY, "http://a").credentials("d")

    assert asyncio.run(main()) == MintFailure(f"the target's folder {tmp_path / 'absent'} does not exist")


def test_the_key_is_neither_in_arguments_nor_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text(
        "import pathlib, os\n"
        "def look(principal, base_url):\n"
        "    parts = [pathlib.Path(f'/proc/{os.getpid()}/{name}').read_bytes() for name in ('cmdline', 'environ')]\n"
        "    return {'headers': {'found': str(any(b'k' * 32 in p or b'6b' * 32 in p for p in parts))}}\n"
    )

    async def main() -> Minted:
        mint = Mint(TargetSettings("s", url="http://a", mint="hooks:look", cwd=str(tmp_path)), KEY, "http://a")
        try:
            return await mint.credentials("d")
        finally:
            await mint.aclose()

    assert os.path.exists("/proc/self/cmdline")
    assert asyncio.run(main()) == Credentials((("found", "False"),))
