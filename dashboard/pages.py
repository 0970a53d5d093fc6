"""Server-rendered pages: one environment, in which every value is escaped and shown as it can be seen."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from replayer.accounts import Role
from replayer.review import environment_of, wording

STATIC = {
    "icon.svg": "image/svg+xml",
    "filter.js": "text/javascript; charset=utf-8",
    "keys.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "rule.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
}
"""The files that pages load, and their types. There are no others."""


CALLED = {"approve": "intended", "reject": "regression", "noise": "noise", "environment": "environment"}
"""What pages call a decision: the words of their buttons."""


HELP = (
    ("j k", "the next line, the one before; on a finding, the next finding and the one before"),
    ("Enter", "opens it"),
    ("1 2 3 4 5 6 7", "the first that blocks, is undecided, is tagged, is a status, is missing, is flaky, is approved"),
    ("y n i e", "intended, regression, noise, environment: asks why, and Enter sends it"),
    ("p", "proposes a rule"),
    ("r", "replays the finding alone: is it still there?"),
    ("c a", "a comment; who looks after it"),
    ("u", "takes the last decision back"),
    ("f", "all lines, or what differs"),
    ("s", "side by side, or in one column"),
    ("J K", "the next line that differs, the one before"),
    ("x g", "chooses the line, all lines; on a finding, g folds its places"),
    (". m", "copies the request as curl, the finding as Markdown"),
    ("/", "the filter"),
    ("Esc", "leaves a field; from a finding, back to the run"),
)
"""What the keys of `keys.js` do."""


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of this name with these values; who asks is known in every page."""
    person = getattr(request.state, "person", None)
    content = (
        _environment()
        .get_template(template)
        .render(
            person=person,
            csrf=getattr(request.state, "csrf", ""),
            path=request.url.path,
            may_decide=person is not None and person.role.may(Role.REVIEWER),
            may_start=person is not None and person.role.may(Role.ADMIN),
            **values,
        )
    )
    return HTMLResponse(content, status)


@cache
def asset(name: str) -> bytes:
    """One of the files in STATIC."""
    return files(__package__).joinpath("static", name).read_bytes()


@cache
def asset_address(name: str) -> str:
    """Where a file is loaded from: another one when its content is another."""
    return f"/static/{name}?v={sha256(asset(name)).hexdigest()[:12]}"


def query(**values: object) -> str:
    """What follows an address: `?q=…&exemplar=1`, without what is empty; "" when all is."""
    given = {name: value for name, value in values.items() if value not in ("", None)}
    return f"?{urlencode(given)}" if given else ""


def when(seconds: float | None) -> str:
    """A moment in UTC, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds else ""


def lasted(seconds: float) -> str:
    """`4 s`, `3 min`, `2 h`, `5 days`."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _visible_lines(value: object) -> str:
    """A text whose ends of lines stay."""
    return wording.visible(str(value), "\n")


@cache
def _environment() -> Environment:
    environment = environment_of(__package__)
    environment.globals.update(HELP=HELP, query=query, asset=asset_address, called=CALLED)
    environment.filters.update(lasted=lasted, quoted=shlex.quote, visible_lines=_visible_lines, when=when)
    return environment
