"""The settings of a target, and what TARGET on the command line means."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from .errors import UsageError, nearest
from .toml_table import Table

MODULE_ATTRIBUTE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
TARGET_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
VARIABLE = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}")
SOURCES = ("url", "wsgi", "start", "run")


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One place that can be replayed at: exactly one of `url`, `wsgi`, `start` and `run` is set."""

    name: str
    url: str = ""  # base URL without a trailing slash; "" when `start` or `wsgi` makes the instance
    wsgi: str = ""  # "module:callable_or_factory"
    start: tuple[str, ...] = ()  # argv, no shell; "{port}" is replaced by a free port
    run: str = ""  # the id of an earlier run that serves as a baseline
    cwd: str = ""  # absolute (resolved against the settings file's folder); "" is the current folder
    python: str = ""  # interpreter for `wsgi` and `mint`; "" is the one that runs us
    env: tuple[tuple[str, str], ...] = ()  # added to the environment of `start`, `wsgi`, `reset` and `mint`
    ready: str = "/"  # path that answers below 500 when the instance is ready
    ready_timeout: float = 30.0  # seconds
    reset: tuple[str, ...] = ()  # argv that restores the state before each pass
    reset_timeout: float = 300.0  # seconds
    mint: str = ""  # "module:function" that makes credentials
    canary: tuple[str, ...] = ()  # paths read before each pass, to show that passes begin in the same state
    disposable: bool = False  # writes may be replayed
    timeout: float = 30.0  # seconds per request
    rate: float = 0.0  # requests per second at most; 0: as many as it answers
    ramp_up: float = 0.0  # seconds in which rate and concurrency rise at the beginning of a pass
    concurrency: int = 0  # requests under way at once; 0: what the run says
    build: str = ""  # what is deployed, e.g. a commit: what its passes teach is kept under it; "": not kept


@dataclass(slots=True)
class Expansion:
    """Replaces `${NAME}` by environment variables and remembers those that are not set; `$${NAME}` stays literal."""

    environ: Mapping[str, str]
    missing: list[str] = field(default_factory=list)

    def of(self, text: str) -> str:
        return VARIABLE.sub(self._value, text)

    def all(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.of(text) for text in texts)

    def _value(self, match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        if match[2] not in self.environ:
            self.missing.append(match[2])
            return match[0]
        return self.environ[match[2]]


def read_target(name: str, table: Table, expansion: Expansion) -> TargetSettings:
    """One `[targets.<name>]`; paths are resolved against the file's folder. Raises UsageError."""
    if not TARGET_NAME.fullmatch(name):
        table.fail("has a name that cannot be typed: use letters, digits, '.', '_' and '-'")
    given = [source for source in SOURCES if source in table]
    if len(given) != 1:
        found = " and ".join(repr(source) for source in given) or "none of them"
        table.fail(f"needs exactly one of 'url', 'wsgi', 'start' and 'run', and has {found}")
    defaults = TargetSettings(name)
    python = expansion.of(table.text("python"))
    target = TargetSettings(
        name=name,
        url=expansion.of(table.text("url")),
        wsgi=table.text("wsgi").removesuffix("()"),
        start=expansion.all(table.texts("start")),
        run=table.text("run").removeprefix("run:"),
        cwd=_beside(table.source, expansion.of(table.text("cwd", "."))),
        python=_beside(table.source, python) if "/" in python else python,  # a bare name is looked up in PATH
        env=tuple((key, expansion.of(value)) for key, value in table.mapping("env", empty=True)),
        ready=table.text("ready", defaults.ready),
        ready_timeout=table.seconds("ready_timeout", defaults.ready_timeout),
        reset=expansion.all(table.texts("reset")),
        reset_timeout=table.seconds("reset_timeout", defaults.reset_timeout),
        mint=table.text("mint"),
        canary=table.texts("canary"),
        disposable=table.flag("disposable"),
        timeout=table.seconds("timeout", defaults.timeout),
        rate=table.positive("rate", defaults.rate, "a number of requests per second above 0"),
        ramp_up=table.seconds("ramp_up", defaults.ramp_up),
        concurrency=table.whole("concurrency", defaults.concurrency, least=1) if "concurrency" in table else 0,
        build=expansion.of(table.text("build")),
    )
    return _checked(target, table, expansion)


def find_target(text: str, targets: tuple[TargetSettings, ...]) -> TargetSettings:
    """The target that TARGET means, from the file or made up on the spot. Raises UsageError."""
    for target in targets:
        if target.name == text:
            return target
    if text.startswith("run:"):
        if text == "run:":
            raise UsageError("The target 'run:' names no run.", "Write run:<id>; `understudy runs list` shows the ids.")
        return TargetSettings(name=text, run=text.removeprefix("run:"))
    if text.startswith("wsgi:"):
        wsgi = text.removeprefix("wsgi:").removesuffix("()")
        if not MODULE_ATTRIBUTE.fullmatch(wsgi):
            raise UsageError(f"The target {text!r} is not of the form wsgi:module:callable_or_factory.")
        return _same(text, "wsgi", wsgi, targets) or TargetSettings(name=text, wsgi=wsgi, cwd=os.getcwd())
    if "://" in text:
        url = normal_url(text)
        if not url:
            raise UsageError(
                f"The target {text!r} is not a base URL such as https://staging.internal or http://host:8000."
            )
        return _same(text, "url", url, targets) or TargetSettings(name=text, url=url)
    raise UsageError(
        f"There is no target {text!r}.",
        nearest(text, [target.name for target in targets], "targets in the settings file")
        or "Give a URL, wsgi:module:callable, run:<id>, or a name from [targets] in understudy.toml.",
    )


def normal_url(text: str) -> str:
    """A base URL in the form in which two can be compared, or "" when it is none.

    Scheme and host in small letters, no default port, no trailing slash; no query, fragment or user.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return ""
    if parts.query or parts.fragment or re.search(r"[\s\x00-\x1f]", text.strip()):
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port not in (None, 80 if parts.scheme == "http" else 443):
        host = f"{host}:{port}"
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def _same(text: str, source: str, value: str, targets: tuple[TargetSettings, ...]) -> TargetSettings | None:
    found = [target for target in targets if getattr(target, source) == value]
    if len(found) > 1:
        names = ", ".join(target.name for target in found)
        raise UsageError(f"The target {text!r} is what several targets have as {source!r}: {names}.", "Give a name.")
    return found[0] if found else None


def _beside(source: Path, text: str) -> str:
    """A path, absolute: what is relative is relative to the settings file's folder."""
    return os.path.abspath(source.parent / os.path.expanduser(text))


def _checked(target: TargetSettings, table: Table, expansion: Expansion) -> TargetSettings:
    """The target with a normal URL, once every text in it has been found to be of its form."""
    url = normal_url(target.url)
    if target.url and not url and not expansion.missing:
        table.wrong("url", "a base URL such as https://staging.internal, without query and user")
    if target.start and not any("{port}" in word for word in target.start):
        table.wrong("start", "argv with {port} in it", 'For example: ["env", "PORT={port}", "npm", "start"].')
    for key, text in (("wsgi", target.wsgi), ("mint", target.mint)):
        if text and not MODULE_ATTRIBUTE.fullmatch(text):
            table.wrong(key, "of the form module:name")
    for key, paths in (("ready", (target.ready,)), ("canary", target.canary)):
        if not all(re.fullmatch(r"/[^\s#]*", path) for path in paths):
            table.wrong(key, "a path that begins with /" if key == "ready" else "paths that begin with /")
    return target if url == target.url or not url else replace(target, url=url)


def repeatable(target: TargetSettings) -> bool:
    """Whether a second pass begins in the same state: a fresh instance, a reset, or nothing but reads."""
    return bool(target.start or target.wsgi or target.reset) or not target.disposable
