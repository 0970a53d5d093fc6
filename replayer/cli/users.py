"""`understudy users`: who may use the dashboard, and for what."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from ..accounts import Accounts
from ..errors import UsageError
from ..service import open_context
from . import output
from .git import operator
from .options import AsJson, Database, SettingsFile

app = typer.Typer(add_completion=False, help="Who may use the dashboard, and for what.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="By which the user logs in; decisions bear it.")]
RoleName = Annotated[str, typer.Option(metavar="viewer|reviewer|admin", help="Look; decide, too; start runs, too.")]


@app.callback()
def group() -> None:
    """Who may use the dashboard, and for what."""


@app.command()
def add(name: Name, role: RoleName = "viewer", db: Database = "", policy: SettingsFile = None) -> None:
    """Add a user. The password is asked for, or read from standard input."""
    with open_context(policy, db).store as store:
        user = Accounts(store, operator()).add(name, role, _password())
    output.say(f"{user.name} may log in as {user.role}.")


@app.command("list")
def list_(json: AsJson = False, db: Database = "", policy: SettingsFile = None) -> None:
    """All users, the disabled ones too."""
    with open_context(policy, db).store as store:
        users = Accounts(store).users()
    if json:
        shown = [{name: value for name, value in asdict(user).items() if name != "password"} for user in users]
        output.data(shown)
    elif users:
        rows = [(user.name, user.role, "disabled" if user.disabled else "may log in") for user in users]
        output.table(("name", "role", "state"), rows)
    else:
        output.say("There are no users yet: understudy users add NAME --role admin")


@app.command()
def change(
    name: Name,
    role: Annotated[str, typer.Option(metavar="viewer|reviewer|admin", help="Another role.")] = "",
    password: Annotated[bool, typer.Option("--password", help="Another password, asked for as by add.")] = False,
    db: Database = "",
    policy: SettingsFile = None,
) -> None:
    """Change a user's role or password, and log the user out. A password lets a disabled user in again."""
    if not role and not password:
        raise UsageError("There is nothing to change.", "Give --role, --password or both.")
    with open_context(policy, db).store as store:
        Accounts(store, operator()).change(name, role=role, password=_password() if password else "")
    output.say(f"{name} was changed, and is logged out.")


@app.command()
def disable(name: Name, db: Database = "", policy: SettingsFile = None) -> None:
    """Let a user in no more. What the user decided stands."""
    with open_context(policy, db).store as store:
        Accounts(store, operator()).change(name, disable=True)
    output.say(f"{name} may not log in any more.")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise UsageError("The two passwords are not the same.", "Nothing was changed.")
    return first
