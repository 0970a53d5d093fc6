"""The settings in force, as they may be seen: only what is known to be harmless. The dashboard comes here."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from .alerts.ways import HOOK, SECRET, TOKEN
from .errors import UsageError
from .kept_rules import listed_rules
from .policy_beside import Checked, checked
from .policy_settings import BudgetSetting, PolicySettings, TagPolicy
from .service import Context
from .settings import IngestSettings, Settings, SlackSettings, WebhookSettings, load_settings
from .store import Store
from .store.schema import HEAD
from .target_settings import TargetSettings

_PLAIN: Mapping[type, frozenset[str]] = {
    TargetSettings: frozenset(
        "wsgi run cwd python ready_timeout reset_timeout mint disposable timeout rate ramp_up concurrency build".split()
    ),
    PolicySettings: frozenset(field.name for field in fields(PolicySettings)) - {"tags", "budgets"},
    TagPolicy: frozenset(field.name for field in fields(TagPolicy)),
    BudgetSetting: frozenset(field.name for field in fields(BudgetSetting)),
    SlackSettings: frozenset(["channel", "tag_channels", "mentions"]),
    IngestSettings: frozenset(["max_body"]),
}
"""The keys whose values are shown as they are. Of every other one only what `_REDUCED` leaves, or that it is set."""

CHANGED = "The settings file says something else by now: gates read it anew, this server does when it is started again."


@dataclass(frozen=True, slots=True)
class Row:
    """One setting. A value of the file's, or the default's."""

    key: str
    value: str
    default: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that belong together."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ShownSettings:
    """Everything that may be seen of the settings, and what `understudy policy check` says of them."""

    sections: tuple[Section, ...]
    notes: tuple[str, ...]  # what is odd about them, in sentences
    check: Checked


def shown_settings(settings: Settings, store: Store, environ: Mapping[str, str] = os.environ) -> ShownSettings:
    """The settings of one server, without anything that could be a secret."""
    try:
        check = checked(Context(settings, store), "")
    except UsageError as error:
        check = Checked([], "", [f"{error.message} {error.hint}".strip()])
    notes = [sentence for _, sentence in settings.unset] + list(_changed(settings, environ))
    return ShownSettings(tuple(_sections(settings, store, environ)), tuple(notes), check)


def _sections(settings: Settings, store: Store, environ: Mapping[str, str]) -> Iterator[Section]:
    rules = listed_rules(settings, store)
    holding = [each for each in rules if each.rule.active(date.today())]
    yield Section(
        "Server",
        (
            Row("settings file", str(settings.source) if settings.source else "none", settings.source is None),
            Row("database", store.address, False),
            Row("broker", _host(settings.broker_url), False),
            Row("noise rules", f"{len(rules)}, of which {len(holding)} hold", not rules),
            Row(
                "retention",
                "nothing is deleted by itself; understudy recordings prune and understudy runs prune do it",
                True,
            ),
        ),
    )
    for target in settings.targets:
        yield Section(f"Target {target.name}", _rows(target, TargetSettings(target.name), skip=("name",)))
    for tag in settings.tags:
        yield Section(f"Tag {tag.name}", (Row("routes", ", ".join(tag.routes), False),))
    yield Section("Policy", _rows(settings.policy, PolicySettings(), skip=("tags", "budgets")))
    for name, rule in settings.policy.tags:
        yield Section(f"Policy for the tag {name}", _rows(rule, TagPolicy()))
    for number, budget in enumerate(settings.policy.budgets, 1):
        yield Section(f"Budget {number}", _rows(budget, BudgetSetting("")))
    yield Section("Slack", (*_rows(settings.slack, SlackSettings()), _secret(TOKEN, environ), _secret(HOOK, environ)))
    yield Section("Webhook", (*_rows(settings.webhook, WebhookSettings()), _secret(SECRET, environ)))
    yield Section("Receiving", _rows(settings.ingest, IngestSettings()))
    names = ("understudy", "fastapi", "sqlalchemy", "httpx", "celery")
    versions = [Row(name, version(name), True) for name in names]
    yield Section("Versions", (*versions, Row("schema", HEAD, True), Row("python", platform.python_version(), True)))


def _rows(given: Any, default: Any, skip: tuple[str, ...] = ()) -> tuple[Row, ...]:
    found = []
    for field in fields(given):
        if field.name in skip:
            continue
        value, usual = getattr(given, field.name), getattr(default, field.name)
        reduced = _REDUCED.get((type(given), field.name), _text if field.name in _PLAIN.get(type(given), ()) else _set)
        found.append(Row(field.name, reduced(value), value == usual))
    return tuple(found)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(": ".join(each) if isinstance(each, tuple) else str(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _set(value: Any) -> str:
    return "set, and not shown" if value else ""


def _host(value: str) -> str:
    """Scheme and host of an address: a user, a path and a query may be secrets."""
    try:
        parts = urlsplit(value)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _set(value)
    if not parts.hostname:
        return _set(value)
    return f"{parts.scheme}://{parts.hostname}{port}{'/…' if parts.path.strip('/') or parts.query else ''}"


def _command(value: tuple[str, ...]) -> str:
    """What is run; its arguments may be secrets."""
    more = f" and {len(value) - 1} argument{'s' if len(value) > 2 else ''}" if len(value) > 1 else ""
    return value[0] + more if value else ""


def _paths(value: str | tuple[str, ...]) -> str:
    """Paths without their queries."""
    texts = (value,) if isinstance(value, str) else value
    return ", ".join(text.partition("?")[0] + ("?…" if "?" in text else "") for text in texts)


def _names(value: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(name for name, _ in value)


_REDUCED: Mapping[tuple[type, str], Callable[[Any], str]] = {
    (TargetSettings, "url"): _host,
    (TargetSettings, "start"): _command,
    (TargetSettings, "reset"): _command,
    (TargetSettings, "env"): _names,
    (TargetSettings, "ready"): _paths,
    (TargetSettings, "canary"): _paths,
    (SlackSettings, "link"): _host,
    (WebhookSettings, "url"): _host,
}


def _secret(name: str, environ: Mapping[str, str]) -> Row:
    given = environ.get(name, "").strip()
    return Row(name, _set(given), not given)


def _changed(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Whether the file says something else by now."""
    if settings.source is None:
        return
    try:
        now = load_settings(settings.source, environ=environ)
    except UsageError as error:
        yield f"{error.message} {error.hint}".strip()
        return
    if replace(now, database_url=settings.database_url, source=settings.source) != settings:
        yield CHANGED
