"""`understudy.approvals.toml`: decisions that travel with the code and are reviewed with it. Only ever added to.

What stands in the file is never rewritten: comments, order and spelling stay as people left them. Each line holds the
id of its entry, so that branches that both add to the file merge line by line. A file that cannot be read in full is
refused, for reading as for writing: an entry that was skipped might have been a rejection.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from diffing.approvals import Approval, Decision, Scope, Subject, Withdrawal
from diffing.difference import Location, Part, Severity

from .errors import UsageError
from .toml_table import Table

fcntl: Any
try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

FILE_NAME = "understudy.approvals.toml"
MAX_BYTES = 16 * 1024 * 1024
"""Of the file: some ten thousand approvals."""

LOCK_SECONDS = 10.0
"""How long a writer waits for another one, which takes some milliseconds."""

HEAD = """\
# What people say of changes of behaviour: `understudy findings approve`, `reject` and others add to this file.
# Review it like code. Nothing is taken out: a withdrawal is an entry, too. Merging branches, keep the lines of both.
"""
_APPROVAL = (
    "decision fingerprint scope run branch author reason created until method route part path kind transition"
    " severity members"
).split()
_WITHDRAWAL = ("author", "created", "reason")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Filed:
    """What the file holds, in its order."""

    approvals: tuple[Approval, ...] = ()
    withdrawals: tuple[tuple[str, Withdrawal], ...] = ()


def read_approvals(path: Path) -> Filed:
    """Everything in the file; nothing when there is none. Raises UsageError for a file that is not understood."""
    return _parsed(_bytes(path), path)


def add_approval(path: Path, approval: Approval) -> None:
    """Writes one more entry. Raises UsageError as `read_approvals`, and when the file cannot be written."""
    _add(path, _approval_text(approval))


def add_withdrawal(path: Path, identity: str, withdrawal: Withdrawal) -> None:
    """Writes a tombstone for the entry with this id. Raises UsageError as `add_approval`."""
    _add(path, _withdrawal_text(identity, withdrawal))


def as_file(approvals: Iterable[Approval]) -> str:
    """A whole file with these entries, or lines to be added to one that is there."""
    return "\n".join([HEAD, *map(_approval_text, approvals)])


# -- reading ----------------------------------------------------------------------------------------------------------


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UsageError(f"The approvals in {path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES} bytes.", "Take out what was withdrawn or has expired.")
    return data


def _parsed(data: bytes, path: Path) -> Filed:
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"{path}: the file is not UTF-8 text.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: the file is not valid TOML: {error}.", "Put it right by hand.") from None
    top = Table(content, "", path, ("approval", "withdrawal"))
    approvals = tuple(
        _approval(identity, Table(data, f"[approval.{identity}]", path, _APPROVAL))
        for identity, data in top.tables("approval").items()
    )
    withdrawals = tuple(
        (identity, _withdrawal(Table(data, f"[withdrawal.{identity}]", path, _WITHDRAWAL)))
        for identity, data in top.tables("withdrawal").items()
    )
    return Filed(approvals, withdrawals)


def _approval(identity: str, table: Table) -> Approval:
    table.required("fingerprint", "scope", "author", "reason", "created", "method", "kind", "severity")
    scope = Scope(table.choice("scope", tuple(each.value for each in Scope), ""))
    if scope is not Scope.ALWAYS:
        table.required(scope.value)
    for other in {Scope.RUN, Scope.BRANCH} - {scope}:
        if other.value in table:
            table.fail(f"names a {other.value}, and its scope is {scope.value!r}")
    return Approval(
        id=identity,
        fingerprint=table.text("fingerprint"),
        scope=scope,
        author=table.text("author"),
        reason=table.text("reason"),
        created=_moment(table, "created"),
        subject=Subject(
            method=table.text("method"),
            route=table.text("route"),
            location=Location(
                Part(table.choice("part", tuple(each.value for each in Part), "body")), table.text("path")
            ),
            kind=table.text("kind"),
            transition=table.text("transition"),
            severity=Severity(table.choice("severity", tuple(each.value for each in Severity), "")),
        ),
        of="" if scope is Scope.ALWAYS else table.text(scope.value),
        until=table.day("until"),
        decision=Decision(table.choice("decision", tuple(each.value for each in Decision), "approve")),
        members=tuple(sorted(table.texts("members"))),
    )


def _withdrawal(table: Table) -> Withdrawal:
    table.required("author", "created")
    return Withdrawal(table.text("author"), _moment(table, "created"), table.text("reason"))


def _moment(table: Table, key: str) -> datetime:
    value = table.data[key]
    if not isinstance(value, datetime) or value.tzinfo is None:
        table.wrong(key, "a point in time such as 2027-01-31T12:00:00Z")
    return value.astimezone(UTC).replace(microsecond=0)


# -- writing ----------------------------------------------------------------------------------------------------------


def _add(path: Path, block: str) -> None:
    target = path.resolve()  # of a link, what it leads to
    try:
        with _locked(target.parent):
            before = _bytes(target)
            known = _parsed(before, path)
            gap = b"" if not before or before.endswith(b"\n") else b"\n"
            after = (before or HEAD.encode()) + gap + b"\n" + block.encode()
            if not _grew(known, after, path):
                raise UsageError(
                    f"{path} cannot be added to: a table is open at its end.",
                    "Write its entries as `approval.ID.key = value`, or use --store-only.",
                )
            _replace(target, after)
    except OSError as error:
        raise UsageError(
            f"The approvals in {path} cannot be written: {error.strerror}.", "--store-only leaves the file alone."
        ) from None


def _grew(known: Filed, after: bytes, path: Path) -> bool:
    """Whether the new content says all that the old one did, and one thing more."""
    try:
        now = _parsed(after, path)
    except UsageError:
        return False
    return len(now.approvals) + len(now.withdrawals) == len(known.approvals) + len(known.withdrawals) + 1


def _replace(path: Path, data: bytes) -> None:
    """The whole content or the former one, whatever happens in between."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time. The lock goes with the process that holds it."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _approval_text(approval: Approval) -> str:
    subject = approval.subject
    values: dict[str, object] = {
        "decision": approval.decision.value,
        "fingerprint": approval.fingerprint,
        "scope": approval.scope.value,
        **({} if approval.scope is Scope.ALWAYS else {approval.scope.value: approval.of}),
        "author": approval.author,
        "reason": approval.reason,
        "created": approval.created,
        "until": approval.until,
        "method": subject.method,
        "route": subject.route,
        "part": subject.location.part.value,
        "path": subject.location.path,
        "kind": subject.kind,
        "transition": subject.transition,
        "severity": subject.severity.value,
        "members": approval.members,
    }
    return _lines("approval", approval.id, values)


def _withdrawal_text(identity: str, withdrawal: Withdrawal) -> str:
    values: dict[str, object] = {
        "author": withdrawal.author,
        "created": withdrawal.created,
        "reason": withdrawal.reason,
    }
    return _lines("withdrawal", identity, values)


def _lines(name: str, identity: str, values: dict[str, object]) -> str:
    key = identity if _BARE.fullmatch(identity) else _written(identity)
    written = {word: _written(value) for word, value in values.items() if value not in (None, "", ())}
    return "".join(f"{name}.{key}.{word} = {value}\n" for word, value in written.items())


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return f"[{', '.join(_written(each) for each in value)}]"
    return f'"{"".join(_escaped(character) for character in str(value))}"'


def _escaped(character: str) -> str:
    """As TOML 1.0 asks for in a basic string; what would not show in a review is written as an escape, too."""
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
