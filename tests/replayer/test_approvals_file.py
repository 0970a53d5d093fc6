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
        "# What people say of changes of behaviour: `understudy findings approve`, `reject` and others add to this"
        " file.\n"
        "# Review it like code. Nothing is taken out: a withdrawal is an entry, too. Merging branches, keep the"
        " lines of both.\n"
        """
approval.a1b2c3d4e5f6.decision = "approve"
approval.a1b2c3d4e5f6.fingerprint = "75cf471c6b25a327"
approval.a1b2c3d4e5f6.scope = "branch"
approval.a1b2c3d4e5f6.branch = "prices"
approval.a1b2c3d4e5f6.author = "ann@example.com"
approval.a1b2c3d4e5f6.reason = "for the \\"new\\" client"
approval.a1b2c3d4e5f6.created = 2026-11-27T12:00:00Z
approval.a1b2c3d4e5f6.until = 2027-01-31
approval.a1b2c3d4e5f6.method = "GET"
approval.a1b2c3d4e5f6.route = "/orders/<int:id>"
approval.a1b2c3d4e5f6.part = "body"
approval.a1b2c3d4e5f6.path = "$.items[*].price"
approval.a1b2c3d4e5f6.kind = "type"
approval.a1b2c3d4e5f6.transition = "int -> str"
approval.a1b2c3d4e5f6.severity = "breaking"
approval.a1b2c3d4e5f6.members = ["75cf471c6b25a327", "aaaaaaaaaaaaaaaa"]

withdrawal.a1b2c3d4e5f6.author = "bob@example.com"
withdrawal.a1b2c3d4e5f6.created = 2026-11-27T13:00:00Z
withdrawal.a1b2c3d4e5f6.reason = "a mistake"
"""
    )
    assert (path.stat().st_mode & 0o777, os.listdir(tmp_path)) == (0o644, [FILE_NAME])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert read_approvals(path) == Filed()
    add_approval(path, ANN)
    noise = replace(NO, id="n01", decision=Decision.NOISE)
    add_approval(path, NO)
    add_approval(path, noise)
    add_withdrawal(path, "elsewhere", replace(STONE, reason=""))

    assert read_approvals(path) == Filed((ANN, NO, noise), (("elsewhere", replace(STONE, reason="")),))


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
    mine = path.read_text("utf-8").replace("\napproval.a1", "\n# asked for by the app team\napproval . a1", 1)
    mine = mine.replace('author = "ann@example.com"', "author='ann@example.com' # us").rstrip("\n")
    path.write_text(mine, "utf-8")
    path.chmod(0o600)
    add_approval(path, NO)

    assert path.read_text("utf-8").startswith(mine + "\n\napproval.b0b.decision")
    assert read_approvals(path).approvals == (ANN, NO)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "real" / "shared.toml")
    add_approval(tmp_path / FILE_NAME, ANN)

    assert (tmp_path / FILE_NAME).is_symlink()
    assert read_approvals(tmp_path / "real" / "shared.toml").approvals == (ANN,)


def test_an_entry_may_be_written_as_a_table_and_its_id_be_any_text(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(GOOD.replace("approval.a1.", 'approval."ticket 7".'), "utf-8")
    add_withdrawal(path, "ticket 7", STONE)

    found = read_approvals(path)

    assert [each.id for each in found.approvals] == ["ticket 7"]
    assert found.withdrawals == (("ticket 7", STONE),)
    path.write_text("[approval.a1]\n" + GOOD.replace("approval.a1.", ""), "utf-8")
    assert [each.id for each in read_approvals(path).approvals] == ["a1"]
    with pytest.raises(UsageError, match="a table is open at its end"):
        add_approval(path, ANN)


@pytest.mark.parametrize("attribute", ["merge=union", "text"])
def test_branches_that_both_add_to_it_merge_line_by_line(tmp_path: Path, attribute: str) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=False, capture_output=True)

    path = tmp_path / FILE_NAME
    git("init", "-b", "main")
    (tmp_path / ".gitattributes").write_text(f"{FILE_NAME} {attribute}\n")
    add_approval(path, ANN)
    git("add", ".")
    git("commit", "-m", "one")
    git("checkout", "-b", "other")
    add_approval(path, replace(ANN, id="0ther"))
    add_withdrawal(path, "b0b", STONE)
    git("commit", "-am", "two")
    git("checkout", "main")
    add_approval(path, NO)
    git("commit", "-am", "three")
    git("merge", "other")
    if attribute == "text":  # a person who keeps both sides
        lines = path.read_text("utf-8").splitlines(keepends=True)
        assert [line[:7] for line in lines if line[0] in "<=>"] == ["<<<<<<<", "=======", ">>>>>>>"]
        path.write_text("".join(line for line in lines if line[0] not in "<=>"), "utf-8")

    assert {each.id: each for each in read_approvals(path).approvals} == {
        "a1b2c3d4e5f6": ANN,
        "0ther": replace(ANN, id="0ther"),
        "b0b": NO,
    }
    assert read_approvals(path).withdrawals == (("b0b", STONE),)


GOOD = """
approval.a1.fingerprint = "f"
approval.a1.scope = "always"
approval.a1.author = "ann"
approval.a1.reason = "wanted"
approval.a1.created = 2026-11-27T12:00:00Z
approval.a1.method = "GET"
approval.a1.kind = "type"
approval.a1.severity = "major"
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[approval]\n", "not valid TOML"),
        ("<<<<<<< HEAD\n" + GOOD, "not valid TOML"),
        (GOOD + GOOD, "not valid TOML"),
        (GOOD + "approval.a1.untill = 2027-01-31\n", "[approval.a1] has no key 'untill'"),
        (GOOD.replace("reason", "raeson"), "has no key 'raeson'"),
        (GOOD.replace('approval.a1.author = "ann"\n', ""), "[approval.a1] needs 'author'"),
        (GOOD.replace('"always"', '"branch"'), "needs 'branch'"),
        (GOOD + 'approval.a1.run = "r1"\n', "names a run, and its scope is 'always'"),
        (GOOD.replace('"always"', '"alway"'), "must be one of run, branch, always"),
        (GOOD + 'approval.a1.decision = "rejct"\n', "must be one of approve, reject"),
        (GOOD + "approval.a1.until = 2027\n", "must be a date"),
        (GOOD.replace("2026-11-27T12:00:00Z", "2026-11-27"), "must be a point in time"),
        (GOOD.replace("2026-11-27T12:00:00Z", "2026-11-27T12:00:00"), "must be a point in time"),
        ("approval = 1\n", "[approval] must be a table"),
        ("[[approval]]\nid = 'a1'\n", "[approval] must be a table"),
        ("approval.a1 = 7\n", "[approval.a1] must be a table"),
        ("aproval.a1.scope = 'run'\n", "has no key 'aproval'"),
        ("withdrawal.a1.reason = 'r'\n", "needs 'author'"),
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


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"approval = {}\n"])
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
