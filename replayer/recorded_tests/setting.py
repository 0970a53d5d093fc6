"""How recorded tests get at the application: what a user says of it, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

_NAMED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(\))?")

_FACTORY = re.compile(r"(create|make|build|get)(_|$)|.*_factory$")  # as the `wsgi:` targets have it


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An SQLite file, and the variable by which the application finds it."""

    variable: str
    path: str  # relative to the current folder; "" where a command fills a new one
    prefix: str = ""  # "sqlite:///" where the application wants a URL


@dataclass(frozen=True, slots=True)
class Setting:
    """All that `conftest.py` is written from."""

    app: str = ""  # module:attribute
    factory_arguments: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()
    snapshot: Snapshot | None = None
    seed: str = ""  # a command that fills a new database
    mint: str = ""  # module:function


def read_setting(
    app: str,
    factory_arguments: Sequence[str],
    snapshot: str,
    seed: str,
    environ: Sequence[str],
    mint: str,
    folder: Path,
) -> Setting:
    """What the options say. Raises UsageError for what cannot be meant."""
    for option, text in (("--app", app), ("--mint", mint)):
        if text and not _NAMED.fullmatch(text):
            raise UsageError(f"{option} {text!r} is not MODULE:NAME.", "For example: --app shop:create_app")
    if factory_arguments and not app:
        raise UsageError("--factory-arg needs --app.", "For example: --app shop:create_app --factory-arg testing")
    if seed and not snapshot:
        raise UsageError(
            "--seed does not say by which variable the application finds its database.",
            "Add --snapshot NAME= or --snapshot NAME=sqlite:///, without a file.",
        )
    if not folder.name.isidentifier() or (folder.exists() and not folder.is_dir()):
        raise UsageError(
            f"{folder} cannot be a folder of tests: they import one another by its name.",
            "Name one of letters, digits and underscores, e.g. -o tests/recorded",
        )
    return Setting(
        app=app,
        factory_arguments=tuple(factory_arguments),
        environ=tuple(map(_variable, environ)),
        snapshot=_snapshot(snapshot, seed) if snapshot else None,
        seed=seed,
        mint=mint,
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"--env {text!r} is not NAME=VALUE.")
    return name, value


def _snapshot(text: str, seed: str) -> Snapshot:
    name, equals, value = text.partition("=")
    prefix = "sqlite:///" if value.startswith("sqlite:///") else ""
    path = value[len(prefix) :]
    if not equals or not name.isidentifier() or "://" in path:
        raise UsageError(
            f"--snapshot {text!r} is not NAME=FILE.",
            "NAME is the variable by which the application finds its SQLite file, e.g. DATABASE_URL=sqlite:///shop.db; "
            "for another database, edit the `database` fixture of conftest.py.",
        )
    if seed and path:
        raise UsageError("--seed fills a new database, and --snapshot names one.", f"Say --snapshot {name}={prefix}")
    if not seed and not Path(path).is_file():
        raise UsageError(f"--snapshot: there is no file {path!r}.", "Make the snapshot first, or give --seed COMMAND.")
    return Snapshot(name, path, prefix)


def is_factory(setting: Setting) -> bool:
    """Whether the attribute is to be called: it says so, or has a name that factories have."""
    name = setting.app.partition(":")[2]
    if setting.factory_arguments or name.endswith("()"):
        return True
    return _FACTORY.match(name.rpartition(".")[2]) is not None
