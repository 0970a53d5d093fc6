"""What a database reports, as one sentence with the next step. A password is never in it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, ProgrammingError

from ..errors import InconclusiveError, UnderstudyError, UsageError

LONGEST_REASON = 300
"""Characters of the database's own words that are shown."""

AGAIN = "What was committed is kept. Run the command again once the database can be reached."
OTHER = "Choose another database with --db."

_SECRETS = re.compile(r"(?:^|&)(?:password|sslpassword|passfile)=", re.IGNORECASE)

# The words of a server that refuses a connection: for those there is no code. Sentence and next step.
_REFUSALS = (
    (
        re.compile(r"authentication failed"),
        "refuses the user or the password",
        "Check both in the URL, or the password in ~/.pgpass.",
    ),
    (re.compile(r"no password supplied"), "wants a password", "Put it into the URL, or into ~/.pgpass."),
    (
        re.compile(r'^role ".*" does not exist'),
        "does not know the user",
        "Check the user's name in the URL, or create the user on the server.",
    ),
    (
        re.compile(r'^database ".*" does not exist'),
        "does not exist",
        "Create it (createdb NAME), or check its name in the URL.",
    ),
    (re.compile(r"pg_hba\.conf"), "lets nobody in from here", "Allow it in the server's pg_hba.conf."),
)
_NOT_YET = re.compile(r"starting up|shutting down|recovery mode|not yet accepting connections")
_CROWDED = re.compile(r"too many (clients|connections)|connection slots")


class Unstorable(InconclusiveError):
    """What was to be kept is nothing that the database takes: trying again does not help."""


def shown(url: URL) -> str:
    """A database URL without what is secret in it."""
    query = {
        name: "***" if name.lower() in ("password", "sslpassword", "passfile") else value
        for name, value in url.query.items()
    }
    return url.set(query=query).render_as_string(hide_password=True).replace("postgresql+psycopg:", "postgresql:")


def shown_text(text: str) -> str:
    """The text of a URL that could not be parsed, without what may be a password."""
    rest = f"...@{text.rpartition('@')[2]}" if "@" in text else text
    return rest.partition("?")[0] if _SECRETS.search(rest.partition("?")[2]) else rest


def lost(error: DBAPIError) -> bool:
    """Whether the connection was lost, so that nobody knows how far the transaction came."""
    return error.connection_invalidated or _state(error).startswith(("08", "57P"))


def contended(error: DBAPIError) -> bool:
    """Whether other transactions stood in the way of this one, which may be made again."""
    return _state(error) in ("40001", "40P01")


def failure_of(url: URL, error: DBAPIError, *, opening: bool = False) -> UnderstudyError:
    """What to tell of an error: a `UsageError` where the user can put it right, else an `InconclusiveError`."""
    subject = f"The database {shown(url)}"
    reason = _reason(url, error)
    for found in (_sqlite(subject, reason, error), _refused(subject, reason, error), _server(subject, reason, error)):
        if found is not None:
            return found
    if isinstance(error, DataError) or _state(error).startswith(("22", "54")):  # wrong values, or too large ones
        return Unstorable(
            f"{subject} does not take what was to be kept: {reason}.", "Report it: this is a bug of ours."
        )
    if opening and isinstance(error.orig, sqlite3.Error):
        return UsageError(f"{subject} cannot be opened: {reason}.", OTHER)
    return InconclusiveError(f"{subject} cannot be {'opened' if opening else 'used'}: {reason}.")


def _sqlite(subject: str, reason: str, error: DBAPIError) -> UnderstudyError | None:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF if isinstance(error.orig, sqlite3.Error) else 0
    if code == sqlite3.SQLITE_FULL:
        return _full(subject, reason)
    if code == sqlite3.SQLITE_READONLY:
        return UsageError(
            f"{subject} is read-only: {reason}.", "Make the file and its folder writable, or choose another with --db."
        )
    if code == sqlite3.SQLITE_BUSY:
        return InconclusiveError(
            f"{subject} is busy: another process has been writing to it for too long.", "Run the command again."
        )
    return None


def _refused(subject: str, reason: str, error: DBAPIError) -> UnderstudyError | None:
    """A connection that a PostgreSQL server, or the way to it, refuses: these have no code, only words."""
    if isinstance(error.orig, sqlite3.Error) or _state(error) or error.connection_invalidated:
        return None
    if isinstance(error, ProgrammingError):
        return UsageError(f"{subject} has a URL that cannot be used: {reason}.", "Correct it.")
    said = reason.rpartition("FATAL: ")[2].strip()
    for words, sentence, hint in _REFUSALS:
        if words.search(said):
            return UsageError(f"{subject} {sentence}: {said}.", hint)
    if _NOT_YET.search(said):
        return InconclusiveError(f"{subject} does not answer yet: {said}.", "Run the command again in a moment.")
    if _CROWDED.search(said):
        return InconclusiveError(
            f"{subject} has no connection left: {said}.", "Raise max_connections, or run fewer workers."
        )
    return InconclusiveError(
        f"{subject} cannot be reached: {reason}.", "Is the server running, and are host and port those of the URL?"
    )


def _server(subject: str, reason: str, error: DBAPIError) -> UnderstudyError | None:
    state = _state(error)
    if state == "53100":
        return _full(subject, reason)
    if state == "25006":
        return UsageError(
            f"{subject} is read-only: {reason}.", "Give the address of the primary, and a user that may write."
        )
    if state == "42501":
        return UsageError(
            f"{subject} does not let this user do that: {reason}.", "Make the user the owner of the database."
        )
    if contended(error):
        return InconclusiveError(f"{subject} was too busy: {reason}.", "Run the command again.")
    if lost(error):
        return InconclusiveError(f"The connection to {subject[:1].lower()}{subject[1:]} was lost: {reason}.", AGAIN)
    return None


def _full(subject: str, reason: str) -> InconclusiveError:
    return InconclusiveError(
        f"{subject} has no room left: {reason}.",
        "Free some space, or let `understudy recordings prune` do it, and run the command again.",
    )


def _state(error: DBAPIError) -> str:
    """The SQLSTATE of a PostgreSQL server's error; "" elsewhere."""
    return getattr(error.orig, "sqlstate", None) or ""


def _reason(url: URL, error: DBAPIError) -> str:
    """The database's own words on one line, without secrets."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    words = " ".join(str(primary or error.orig).split()).partition(" Is the server running")[0]
    for secret in _secrets(url):
        words = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", words)
    return words[:LONGEST_REASON].removesuffix(".")


def _secrets(url: URL) -> Iterator[str]:
    yield from filter(None, (url.password,))
    for name, value in url.query.items():
        if "password" in name.lower():
            yield from filter(None, (value,) if isinstance(value, str) else value)
