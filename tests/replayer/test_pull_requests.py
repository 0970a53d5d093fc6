from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from replayer.cli.main import main
from replayer.errors import InconclusiveError, UsageError
from replayer.pull_requests import Done, comment, pull_request
from replayer.reports.markdown import to_markdown

from .forge import Forge, forge
from .test_report import PRICES, REPORT

FIRST = to_markdown(REPORT)
AGAIN = to_markdown(replace(REPORT, run_id="r43", commit="def"))
OTHER = to_markdown(replace(REPORT, findings=(PRICES,), standings={}))
ELSEWHERE = to_markdown(replace(REPORT, recording="another"))


@pytest.fixture
def server() -> Iterator[Forge]:
    with forge() as answering:
        yield answering


@pytest.fixture(params=["github", "gitlab"])
def environ(request: pytest.FixtureRequest, server: Forge, tmp_path: Path) -> Mapping[str, str]:
    return server.github(tmp_path) if request.param == "github" else server.gitlab()


def test_there_is_one_comment_and_it_changes_when_something_else_is_found(
    server: Forge, environ: Mapping[str, str]
) -> None:
    where = pull_request(environ)
    server.add("Looks good.", ELSEWHERE)

    assert comment(where, FIRST) is Done.MADE
    assert comment(where, AGAIN) is Done.LEFT
    assert [each["body"] for each in server.comments] == ["Looks good.", ELSEWHERE, FIRST]
    assert comment(where, OTHER) is Done.UPDATED
    assert [each["body"] for each in server.comments] == ["Looks good.", ELSEWHERE, OTHER]
    writes = [each.split()[0] for each in server.asked if not each.startswith("GET")]
    assert writes[0] == "POST"
    assert len(writes) == 2


def test_it_is_found_on_a_later_page(server: Forge, environ: Mapping[str, str]) -> None:
    server.add(*["talk"] * 250, FIRST)

    assert comment(pull_request(environ), OTHER) is Done.UPDATED
    assert len(server.comments) == 251


def test_what_passes_makes_no_new_comment_and_updates_an_old_one(server: Forge, environ: Mapping[str, str]) -> None:
    where = pull_request(environ)

    assert comment(where, FIRST, only_update=True) is Done.NONE
    assert server.comments == []
    server.add(OTHER)
    assert comment(where, FIRST, only_update=True) is Done.UPDATED


@pytest.mark.parametrize("status", [302, 403, 422, 500])
def test_what_is_refused_is_said_and_no_token_goes_elsewhere(
    server: Forge, environ: Mapping[str, str], status: int
) -> None:
    server.fails = status

    with pytest.raises(InconclusiveError, match=f"can not be put into .*: {status} ") as failure:
        comment(pull_request(environ), FIRST)
    assert failure.value.hint
    assert not [each for each in server.asked if "elsewhere" in each]


def test_a_wrong_token_is_said(server: Forge, environ: Mapping[str, str]) -> None:
    where = replace(pull_request(environ), headers={"Authorization": "Bearer x", "PRIVATE-TOKEN": "x"})

    with pytest.raises(InconclusiveError, match="401") as failure:
        comment(where, FIRST)
    assert "must be allowed to write comments" in failure.value.hint


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no job of GitHub Actions or GitLab CI"),
        ({"GITHUB_REPOSITORY": "a/b"}, "not about a pull request"),
        ({"GITHUB_REPOSITORY": "a/b", "GITHUB_EVENT_PATH": "{event}"}, "GITHUB_TOKEN is not set"),
        ({"CI_API_V4_URL": "http://h"}, "not about a merge request"),
        ({"CI_API_V4_URL": "http://h", "CI_MERGE_REQUEST_IID": "7"}, "UNDERSTUDY_GITLAB_TOKEN is not set"),
    ],
)
def test_where_there_is_nothing_to_comment_on_that_is_said(given: dict[str, str], said: str, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 7}}')
    environ = {name: value.replace("{event}", str(tmp_path / "event.json")) for name, value in given.items()}

    with pytest.raises(UsageError, match=said) as failure:
        pull_request(environ)
    assert failure.value.hint


def test_the_command_says_what_it_did(
    server: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITHUB_REPOSITORY", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in server.github(tmp_path).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "report.md"

    assert main(["report", "comment", str(file)]) == 2
    file.write_text("# Something else")
    assert main(["report", "comment", str(file)]) == 2
    file.write_bytes(b"\xff")
    assert main(["report", "comment", str(file)]) == 2
    said = capsys.readouterr().err
    assert "can not be read: No such file or directory." in said
    assert "holds no report in Markdown" in said
    assert "can not be read: it is no text." in said
    file.write_text(FIRST, "utf-8")
    assert main(["report", "comment", str(file)]) == 0
    assert capsys.readouterr().out == "pull request 7 of acme/shop: the comment was made.\n"
    assert [each["body"] for each in server.comments] == [FIRST]
    server.fails = 403
    file.write_text(OTHER, "utf-8")
    assert main(["report", "comment", str(file)]) == 3
