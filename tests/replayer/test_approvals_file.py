from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing.approvals import Approval, Decision, Scope, Subject, Withdrawal
from diffing.difference import Location, Part, Severity
from replayer.approvals_file import FILE_NAME, Filed, add_approval, add_withdrawal, read_approvals
from replayer.errors import UsageError

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANN = Approval(
    id="a1b2c3d4e5f6",
    fingerprint="75cf471c6b25a327",
    scope=Scope.BRANCH,
    author="ann@example.com",
    reason='for the "new" client',
    created=NOON,
    subject=Subject(
        "GET", "/orders/<int:id>", Location(Part.BODY, "$.items[*].price"), "type", "int -> str", Severity.BREAKING
    ),
    of="prices",
    until=date(2027, 1, 31),
    members=("75cf471c6b25a327", "aaaaaaaaaaaaaaaa"),
)
STATUS = Subject("GET", "", Location(Part.STATUS), "status", "", Severity.MAJOR)
NO = replace(ANN, id="b0b", scope=Scope.ALWAYS, of="", until=None, decision=Decision.REJECT, members=(), subject=STATUS)
STONE = Withdrawal("bob@example.com", NOON.replace(hour=13), "a mistake")


def test_the_file_is_made_to_be_read_and_reviewed(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    add_approval(path, ANN)
    add_withdrawal(path, ANN.id, STONE)

    assert path.read_text("utf-8") == (
        "# Changes of behaviour that are intended, or are not: `understudy findings approve` and `reject` add to this"
        " file.\n"
        "# Review it like code. Nothing is taken out of it: a withdrawal is an entry, too.\n"
        """
[[approval]]
id = "a1b2c3d4e5f6"
decision = "approve"
fingerprint = "75cf471c6b25a327"
scope = "branch"
branch = "prices"
author = "ann@example.com"
reason = "for the \\"new\\" client"
created = 2026-11-27T12:00:00Z
until = 2027-01-31
method = "GET"
route = "/orders/<int:id>"
part = "body"
path = "$.items[*].price"
kind = "type"
transition = "int -> str"
severity = "breaking"
members = [
    "75cf471c6b25a327",
    "aaaaaaaaaaaaaaaa",
]

[[withdrawal]]
id = "a1b2c3d4e5f6"
author = "bob@example.com"
created = 2026-11-27T13:00:00Z
reason = "a mistake"
"""
    )
    assert (path.stat().st_mode & 0o777, os.listdir(tmp_path)) == (0o644, [FILE_NAME])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert read_approvals(path) == Filed()
    add_approval(path, ANN)
    add_approval(path, NO)
    add_withdrawal(path, "elsewhere", replace(STONE, reason=""))

    assert read_approvals(path) == Filed((ANN, NO), (("elsewhere", replace(STONE, reason="")),))


@given(text=st.text(min_size=1, max_size=40).filter(lambda text: text.strip() and text.isprintable()))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / FILE_NAME
    odd = replace(ANN, reason=f'{text}\n\t\x7f\u202e\\"', author=text, of=text)
    add_approval(path, odd)

    assert read_approvals(path).approvals == (odd,)
    assert path.read_text("utf-8").replace("\n", "").isprintable()


def test_what_people_wrote_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    add_approval(path, ANN)
    mine = path.read_text("utf-8").replace("[[approval]]", "# asked for by the app team\n[[approval]]   # ours")
    mine = mine.replace('author = "ann@example.com"', "author='ann@example.com'").rstrip("\n")
    path.write_text(mine, "utf-8")
    path.chmod(0o600)
    add_approval(path, NO)

    assert path.read_text("utf-8").startswith(mine + "\n\n[[approval]]\n")
    assert read_approvals(path).approvals == (ANN, NO)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "real" / "shared.toml")
    add_approval(tmp_path / FILE_NAME, ANN)

    assert (tmp_path / FILE_NAME).is_symlink()
    assert read_approvals(tmp_path / "real" / "shared.toml").approvals == (ANN,)


def test_an_entry_that_merging_branches_left_twice_is_one(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    add_approval(path, ANN)
    path.write_text(path.read_text("utf-8") * 2, "utf-8")

    assert read_approvals(path).approvals == (ANN,)


GOOD = """
[[approval]]
id = "a1"
fingerprint = "f"
scope = "always"
author = "ann"
reason = "wanted"
created = 2026-11-27T12:00:00Z
method = "GET"
kind = "type"
severity = "major"
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[approval]\n", "not valid TOML"),
        ("<<<<<<< HEAD\n" + GOOD, "not valid TOML"),
        (GOOD + "untill = 2027-01-31\n", "has no key 'untill'"),
        (GOOD.replace("reason", "raeson"), "has no key 'raeson'"),
        (GOOD.replace('author = "ann"\n', ""), "needs 'author'"),
        (GOOD.replace('"always"', '"branch"'), "needs 'branch'"),
        (GOOD + 'run = "r1"\n', "names a run, and its scope is 'always'"),
        (GOOD.replace('"always"', '"alway"'), "must be one of run, branch, always"),
        (GOOD + 'decision = "rejct"\n', "must be one of approve, reject"),
        (GOOD + "until = 2027\n", "must be a date"),
        (GOOD.replace("2026-11-27T12:00:00Z", "2026-11-27"), "must be a point in time"),
        (GOOD.replace("2026-11-27T12:00:00Z", "2026-11-27T12:00:00"), "must be a point in time"),
        (GOOD + GOOD.replace('"f"', '"g"'), "has the id 'a1' of another entry"),
        ("approval = 1\n", "written as [[approval]]"),
        ("[[aproval]]\n", "has no key 'aproval'"),
        ("[[withdrawal]]\nid = 'a1'\n", "needs 'author'"),
    ],
)
def test_what_is_not_understood_is_refused_for_reading_and_left_alone(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(content, "utf-8")
    for attempt in (lambda: read_approvals(path), lambda: add_approval(path, ANN)):
        with pytest.raises(UsageError) as caught:
            attempt()
        assert said in caught.value.message
        assert str(path) in caught.value.message
    assert path.read_text("utf-8") == content


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"approval = []\n"])
def test_what_can_not_be_added_to_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(UsageError):
        add_approval(path, ANN)
    assert path.read_bytes() == content


def test_a_place_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "absent" / FILE_NAME, tmp_path / "file" / FILE_NAME, tmp_path):
        with pytest.raises(UsageError, match="cannot be"):
            add_approval(path, ANN)
    assert os.listdir(tmp_path) == ["file"]


def test_several_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    code = f"""
import sys
from dataclasses import replace
from pathlib import Path
from replayer.approvals_file import add_approval
from tests.replayer.test_approvals_file import ANN
sys.stdin.read()
for number in range(5):
    add_approval(Path({str(tmp_path / FILE_NAME)!r}), replace(ANN, id=f"{{sys.argv[1]}}.{{number}}"))
"""
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(n)], stdin=subprocess.PIPE, cwd=Path(__file__).parents[2])
        for n in range(3)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0, 0, 0]
    found = {each.id for each in read_approvals(tmp_path / FILE_NAME).approvals}
    assert found == {f"{writer}.{number}" for writer in range(3) for number in range(5)}
