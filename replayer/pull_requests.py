"""The report as one comment on a pull request of GitHub, or a merge request of GitLab: found again, and updated."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Any

from .errors import InconclusiveError, UsageError
from .reports.markdown import marker_of, says_the_same

TIMEOUT_SECONDS = 30.0
PAGE = 100  # comments: the most that both give at once
MAX_PAGES = 50
MAX_ANSWER = 32 * 2**20  # bytes
MAX_BODY = 65_536  # characters that GitHub takes; GitLab takes more


class Done(Enum):
    """What became of the comment."""

    MADE = "made"
    UPDATED = "updated"
    LEFT = "left as it is: it says the same already"
    NONE = "not made: there is nothing to say"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """Where the comments of one pull or merge request are, in the API of whoever keeps it."""

    name: str  # for people
    comments: str  # URL of all of them
    one: str  # URL of one of them but for its id
    update: str  # the method that changes one
    headers: Mapping[str, str]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes where it was meant to go, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def pull_request(environ: Mapping[str, str]) -> PullRequest:
    """The one that this CI job is about. Raises UsageError where there is none, or no token."""
    if environ.get("GITHUB_REPOSITORY"):
        return _of_github(environ)
    if environ.get("CI_API_V4_URL"):
        return _of_gitlab(environ)
    raise UsageError(
        "This is no job of GitHub Actions or GitLab CI.", "Neither GITHUB_REPOSITORY nor CI_API_V4_URL is set."
    )


def comment(where: PullRequest, text: str, only_update: bool = False) -> Done:
    """Makes the comment, or updates it where it says something else. `only_update`: makes no new one.

    Raises UsageError for a text that is no report of ours, and InconclusiveError where it can not be delivered.
    """
    marker = marker_of(text)
    if not marker:
        raise UsageError("The file holds no report in Markdown.", "Give what `understudy gate --markdown FILE` wrote.")
    if len(text) > MAX_BODY:
        raise UsageError(f"The report has {len(text)} characters, and a comment {MAX_BODY} at most.")
    for known in _comments(where):
        body = str(known.get("body") or "")
        if marker_of(body) == marker:
            if says_the_same(body, text):
                return Done.LEFT
            _ask(where, where.update, f"{where.one}/{known['id']}", {"body": text})
            return Done.UPDATED
    if only_update:
        return Done.NONE
    _ask(where, "POST", where.comments, {"body": text})
    return Done.MADE


def _of_github(environ: Mapping[str, str]) -> PullRequest:
    repository, token = environ["GITHUB_REPOSITORY"], environ.get("GITHUB_TOKEN", "")
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_bytes())
        number = int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError("This job is not about a pull request.", "Run it on pull_request.") from None
    if not token:
        raise UsageError("GITHUB_TOKEN is not set.", "Give the step `GITHUB_TOKEN: ${{ github.token }}`.")
    base = f"{environ.get('GITHUB_API_URL') or 'https://api.github.com'}/repos/{urllib.parse.quote(repository)}/issues"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    name = f"pull request {number} of {repository}"
    return PullRequest(name, f"{base}/{number}/comments", f"{base}/comments", "PATCH", headers)


def _of_gitlab(environ: Mapping[str, str]) -> PullRequest:
    number, project = environ.get("CI_MERGE_REQUEST_IID"), environ.get("CI_PROJECT_ID", "")
    if not number:
        raise UsageError("This job is not about a merge request.", "Run it on merge_request_event.")
    token = environ.get("UNDERSTUDY_GITLAB_TOKEN", "")
    if not token:
        raise UsageError(
            "UNDERSTUDY_GITLAB_TOKEN is not set.", "Make a project access token that may use the API, and set it."
        )
    quoted = urllib.parse.quote(project, safe=""), urllib.parse.quote(number, safe="")
    notes = f"{environ['CI_API_V4_URL']}/projects/{quoted[0]}/merge_requests/{quoted[1]}/notes"
    return PullRequest(f"merge request {number}", notes, notes, "PUT", {"PRIVATE-TOKEN": token})


def _comments(where: PullRequest) -> Iterator[Mapping[str, Any]]:
    """All of them, the oldest first."""
    for page in range(1, MAX_PAGES + 1):
        query = urllib.parse.urlencode({"per_page": PAGE, "page": page, "sort": "asc", "order_by": "created_at"})
        found = _ask(where, "GET", f"{where.comments}?{query}")
        if not isinstance(found, list):
            raise InconclusiveError(f"The comments of {where.name} can not be read: the answer is no list.")
        yield from (each for each in found if isinstance(each, dict))
        if len(found) < PAGE:
            return


def _ask(where: PullRequest, method: str, url: str, data: Mapping[str, str] | None = None) -> Any:
    sent = None if data is None else json.dumps(data).encode()
    headers = {**where.headers, "Content-Type": "application/json", "User-Agent": "understudy"}
    failed = f"The report can not be put into {where.name}"
    try:
        request = urllib.request.Request(url, sent, headers, method=method)
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read(MAX_ANSWER))
    except urllib.error.HTTPError as failure:
        with failure:
            raise InconclusiveError(f"{failed}: {failure.code} {failure.reason}.", _hint(failure.code)) from None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "reason", failure)
        raise InconclusiveError(f"{failed}: {reason}.", "The verdict is not concerned.") from None


def _hint(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return "The token must be allowed to write comments: `pull-requests: write` on GitHub, `api` on GitLab."
    return "The verdict is not concerned."
