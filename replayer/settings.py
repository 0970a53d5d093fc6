"""What the user has written in `understudy.toml`, or below `[tool.understudy]` in `pyproject.toml`.

`load_settings` reads and checks the whole file; `resolve_target` turns what was typed for TARGET into settings. Both
raise `UsageError` with one sentence that names the file, the place in it and what was expected there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path

from diffing.kinds import KINDS
from diffing.paths import parse_pattern

from .alert_settings import SlackSettings, WebhookSettings, read_slack, read_webhook
from .errors import UsageError, nearest
from .policy_settings import (
    SEVERITIES,
    BudgetSetting,
    PolicySettings,
    Tag,
    TagPolicy,
    check_route,
    check_tag,
    read_policy,
    read_tags,
)
from .target_settings import Expansion, TargetSettings, find_target, read_target
from .toml_table import Table

__all__ = [
    "DEFAULT_DATABASE_URL",
    "PARTS",
    "SEVERITIES",
    "BudgetSetting",
    "IngestSettings",
    "NoiseSetting",
    "PolicySettings",
    "Settings",
    "SlackSettings",
    "Tag",
    "TagPolicy",
    "TargetSettings",
    "WebhookSettings",
    "load_settings",
    "resolve_target",
]

DEFAULT_DATABASE_URL = "sqlite:///.understudy/understudy.db"
DEFAULT_BROKER_URL = "redis://localhost:6379/0"
SHORTEST_TOKEN = 16
"""Characters: what is shorter can be guessed."""

PARTS = ("status", "header", "body", "sql", "latency", "outbound")
"""Where in a response, or beside it, a difference can be."""


@dataclass(frozen=True, slots=True)
class NoiseSetting:
    """One place that may vary: its value's kind is still checked."""

    route: str  # "METHOD /glob/**"
    path: str  # "$.items[*].updated_at" in a body; a field's name in a header
    reason: str
    kind: str = ""  # what kind of value it must stay; "": the kind that it has
    part: str = "body"  # where: status, header, body, sql, latency or outbound
    until: date | None = None  # the last day on which the rule counts
    author: str = ""


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """What the server that recorders send to asks of them."""

    token: str = field(default="", repr=False)  # what they have to show; "": nothing is taken
    max_body: int = 16 * 1024 * 1024  # bytes of one request, as it is sent


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything in the file, checked. Without a file: all the defaults.

    A target that names an environment variable which is not set is no error until that target is asked for (a file
    serves laptops and CI alike): `unset` holds the sentence to raise then.
    """

    targets: tuple[TargetSettings, ...] = ()
    tags: tuple[Tag, ...] = ()
    policy: PolicySettings = field(default_factory=PolicySettings)
    noise: tuple[NoiseSetting, ...] = ()
    slack: SlackSettings = field(default_factory=SlackSettings)
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    ingest: IngestSettings = IngestSettings()
    database_url: str = DEFAULT_DATABASE_URL  # a relative SQLite path is relative to the current folder
    broker_url: str = DEFAULT_BROKER_URL  # where workers are told of what there is to do
    source: Path | None = None  # the file that was read
    unset: tuple[tuple[str, str], ...] = ()  # target name -> what is wrong with its environment variables


def load_settings(
    path: Path | None = None, cwd: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read `path`, or else `understudy.toml` or `pyproject.toml` in `cwd`; without either, the defaults.

    `UNDERSTUDY_DATABASE_URL`, `UNDERSTUDY_BROKER_URL` and `UNDERSTUDY_INGEST_TOKEN` in `environ` win over the file.
    Raises UsageError for whatever is wrong in it.
    """
    source, data = _find(path, Path.cwd() if cwd is None else cwd)
    database, broker = environ.get("UNDERSTUDY_DATABASE_URL", ""), environ.get("UNDERSTUDY_BROKER_URL", "")
    if source is None:
        return Settings(
            ingest=IngestSettings(_ingest_token("", environ)),
            database_url=database or DEFAULT_DATABASE_URL,
            broker_url=broker or DEFAULT_BROKER_URL,
        )
    keys = ("targets", "tags", "policy", "noise", "slack", "webhook", "ingest", "database_url", "broker_url")
    top = Table(data, "", source, keys)
    targets, unset = _targets(top, environ)
    tags = read_tags(top)
    return Settings(
        targets=targets,
        tags=tags,
        policy=read_policy(top, tags),
        noise=tuple(_noise(entry) for entry in top.entries("noise", _fields(NoiseSetting))),
        slack=_slack(top, tags),
        webhook=read_webhook(top, environ),
        ingest=_ingest(top, environ),
        database_url=database or _url(top, "database_url", DEFAULT_DATABASE_URL, environ),
        broker_url=broker or _url(top, "broker_url", DEFAULT_BROKER_URL, environ),
        source=source,
        unset=unset,
    )


def resolve_target(text: str, settings: Settings) -> TargetSettings:
    """What TARGET means: a target's name, a base URL, `wsgi:module:callable_or_factory`, or `run:<id>`.

    A URL or `wsgi:` text takes the settings of the target that has the same one. Raises UsageError when nothing fits,
    when several targets do, or when the target names an environment variable that is not set or a folder that is not
    there.
    """
    target = find_target(text, settings.targets)
    unset = dict(settings.unset).get(target.name, "")
    if unset:
        raise UsageError(unset, "Set it, or choose another target.")
    if target.cwd and not os.path.isdir(target.cwd):
        raise UsageError(f"The target {target.name!r} has the folder {target.cwd} as 'cwd', which does not exist.")
    return target


def _find(path: Path | None, cwd: Path) -> tuple[Path | None, dict[str, object]]:
    """The settings file and what is in it."""
    if path is not None:
        source = cwd / path
        data = _parse(source)
        if source.name == "pyproject.toml":
            data = _tool_section(source, data) or {}
        return source, data
    source = cwd / "understudy.toml"
    if source.exists():
        return source, _parse(source)
    source = cwd / "pyproject.toml"
    section = _tool_section(source, _parse(source)) if source.exists() else None
    return (None, {}) if section is None else (source, section)


def _parse(source: Path) -> dict[str, object]:
    try:
        return tomllib.loads(source.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"There is no settings file {source}.") from None
    except OSError as error:
        raise UsageError(f"The settings file {source} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{source}: the file is not UTF-8 text.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{source}: the file is not valid TOML: {error}.") from None


def _tool_section(source: Path, data: dict[str, object]) -> dict[str, object] | None:
    tools = data.get("tool")
    if not isinstance(tools, dict) or "understudy" not in tools:
        return None
    return dict(Table(tools["understudy"], "[tool.understudy]", source).data)


def _fields(settings_type: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(settings_type))


def _targets(top: Table, environ: Mapping[str, str]) -> tuple[tuple[TargetSettings, ...], tuple[tuple[str, str], ...]]:
    targets, unset = [], []
    known = tuple(name for name in _fields(TargetSettings) if name != "name")
    for name, data in top.tables("targets").items():
        table = Table(data, f"[targets.{name}]", top.source, known)
        expansion = Expansion(environ)
        targets.append(read_target(name, table, expansion))
        if expansion.missing:
            sentence = (
                f"{top.source}: {table.place} names the environment variable {expansion.missing[0]}, which is not set."
            )
            unset.append((name, sentence))
    return tuple(targets), tuple(unset)


def _url(top: Table, key: str, default: str, environ: Mapping[str, str]) -> str:
    expansion = Expansion(environ)
    url = expansion.of(top.text(key, default))
    if expansion.missing:
        top.fail(f"names the environment variable {expansion.missing[0]} in {key!r}, which is not set")
    return url


def _noise(table: Table) -> NoiseSetting:
    table.required("route", "path")
    if "reason" not in table:
        table.fail("needs 'reason'", "Say in a sentence why this place may differ.")
    check_route(table, "route", table.text("route"))
    kind, part = table.text("kind"), table.choice("part", PARTS, "body")
    if kind and kind not in KINDS:
        table.wrong("kind", "a kind of value", nearest(kind, KINDS, "kinds"))
    _check_path(table, table.text("path"), part)
    return NoiseSetting(
        route=table.text("route"),
        path=table.text("path"),
        reason=table.text("reason"),
        kind=kind,
        part=part,
        until=table.day("until"),
        author=table.text("author"),
    )


_FITTING = {
    "body": ("one in a body", 'Write part = "body", or leave it out.'),
    "header": ("a header field's", 'Write part = "header", or begin the path with $.'),
    "outbound": ("one of calls to other systems", 'Write part = "outbound".'),
}


def _check_path(table: Table, path: str, part: str) -> None:
    try:
        sort, first = parse_pattern(path)[0]
    except ValueError as failure:
        table.fail(f"has a 'path' that names no place: {failure}")
    fitting = "header" if sort == "field" else "outbound" if first == "$calls" else "body"
    if part in _FITTING and part != fitting:
        whose, hint = _FITTING[fitting]
        table.fail(f"is for the part {part!r} and has the path {path!r}, which is {whose}", hint)


def _ingest(top: Table, environ: Mapping[str, str]) -> IngestSettings:
    table = top.table("ingest", _fields(IngestSettings))
    expansion = Expansion(environ)
    token = expansion.of(table.text("token"))  # a variable that is not set: nothing is taken, and that is told
    return IngestSettings(
        token=_ingest_token("" if expansion.missing else token, environ),
        max_body=table.whole("max_body", IngestSettings().max_body, least=1024),
    )


def _ingest_token(written: str, environ: Mapping[str, str]) -> str:
    token = environ.get("UNDERSTUDY_INGEST_TOKEN", "") or written
    if token and len(token) < SHORTEST_TOKEN:
        raise UsageError(
            f"The token that recorders have to show has {len(token)} characters, and needs {SHORTEST_TOKEN} or more.",
            "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one.",
        )
    return token


def _slack(top: Table, tags: tuple[Tag, ...]) -> SlackSettings:
    slack = read_slack(top)
    for key, names in (("tag_channels", slack.tag_channels), ("mentions", slack.mentions)):
        for name, _ in names:
            check_tag(top.table("slack").table(key), name, tags)
    return slack
