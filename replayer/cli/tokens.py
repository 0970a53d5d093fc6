"""`understudy tokens`: what programs show to the dashboard's API."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from ..ages import age
from ..service import open_context
from ..tokens import Tokens
from . import output
from .git import operator
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="What programs show to the dashboard's API.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the token is called.")]


@app.callback()
def group() -> None:
    """What programs show to the dashboard's API."""


@app.command()
def add(
    name: Name,
    scope: Annotated[
        list[str], typer.Option(metavar="read|decide|runs", help="What it is for; may be given more than once.")
    ],
    user: Annotated[str, typer.Option(metavar="NAME", help="For whom it acts; decide takes one.")] = "",
    expires_in: Annotated[str, typer.Option(metavar="AGE", help="How long it lasts: 12h, 90d, 52w.")] = "90d",
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Make a token, and print it: it is not kept, and can not be shown again."""
    seconds = age(expires_in)
    with open_context(policy, db).store as store:
        secret = Tokens(store, operator()).add(name, scope, user, seconds)
    output.say(secret)


@app.command("list")
def list_(json: AsJson = False, db: Database = "", policy: SettingsFile = None) -> None:
    """All tokens: what for, until when, and when they were used last. Those that are over, too."""
    with open_context(policy, db).store as store:
        tokens = Tokens(store).tokens()
    if json:
        output.data([asdict(token) for token in tokens])
    elif tokens:
        now = time.time()
        rows = [
            (
                token.name,
                " ".join(token.scopes),
                token.owner or "-",
                "expired" if token.expires <= now else _time(token.expires),
                _time(token.used) if token.used else "never",
            )
            for token in tokens
        ]
        output.table(("name", "scopes", "user", "expires", "used last"), rows)
    else:
        output.say("There are no tokens yet: understudy tokens add NAME --scope read")


@app.command()
def remove(name: Name, db: Database = "", policy: SettingsFile = None) -> None:
    """End a token at once."""
    with open_context(policy, db).store as store:
        Tokens(store, operator()).remove(name)
    output.say(f"The token {name} works no more.")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
