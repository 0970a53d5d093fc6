"""What the user has written in `understudy.toml`, or below `[tool.understudy]` in `pyproject.toml`.

`load_settings` reads and checks the whole file; `resolve_target` turns what was typed for TARGET into settings. Both
raise `UsageError` with one sentence that names the file, the place in it and what was expected there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DEFAULT_DATABASE_URL = "sqlite:///.understudy/understudy.db"
SEVERITIES = ("breaking", "major", "minor", "info")
"""From the gravest to the lightest."""


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


@dataclass(frozen=True, slots=True)
class Tag:
    """A name for some routes, for policy and alerts."""

    name: str
    routes: tuple[str, ...]  # "METHOD /glob/**"; the method may be *


@dataclass(frozen=True, slots=True)
class TagPolicy:
    """What blocks a release on tagged routes: stricter than elsewhere unless the file says otherwise."""

    fail_on: str = "major"  # the lightest severity that fails
    reviewers: int = 1  # users that must approve


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What blocks a release, and how much evidence a verdict needs.

    The defaults let a recording of any size be judged: one replayed exchange is enough, and no share of the known
    routes is asked for, since nobody but the user knows which routes matter. Fidelity below 0.9 is inconclusive by
    default: when the baseline itself does not do what was recorded in one exchange of ten, a comparison of what it
    does proves little.
    """

    fail_on: str = "breaking"  # the lightest severity that fails
    min_route_coverage: float = 0.0  # share of the known routes that must have been replayed, 0..1
    min_replayed: int = 1  # exchanges that must have been replayed
    min_fidelity: float = 0.9  # share of replayed exchanges to which the baseline gave the recorded status, 0..1
    inconclusive: str = "fail"  # or "pass", never for tagged routes
    tags: tuple[tuple[str, TagPolicy], ...] = ()

    def for_tag(self, name: str) -> TagPolicy:
        """The policy of a tag, which is the default one where the file has none."""
        return dict(self.tags).get(name, TagPolicy())


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
class SlackSettings:
    """Where alerts go; no channel: nowhere."""

    channel: str = ""
    tag_channels: tuple[tuple[str, str], ...] = ()  # tag name -> channel


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything in the file, checked. Without a file: all the defaults.

    A target that names an environment variable which is not set is no error until that target is asked for (a file
    serves laptops and CI alike): `unset` holds the sentence to raise then.
    """

    targets: tuple[TargetSettings, ...] = ()
    tags: tuple[Tag, ...] = ()
    policy: PolicySettings = PolicySettings()
    noise: tuple[NoiseSetting, ...] = ()
    slack: SlackSettings = SlackSettings()
    database_url: str = DEFAULT_DATABASE_URL  # a relative SQLite path is relative to the current folder
    source: Path | None = None  # the file that was read
    unset: tuple[tuple[str, str], ...] = ()  # target name -> what is wrong with its environment variables


def load_settings(
    path: Path | None = None, cwd: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read `path`, or else `understudy.toml` or `pyproject.toml` in `cwd`; without either, the defaults.

    `UNDERSTUDY_DATABASE_URL` in `environ` wins over the file. Raises UsageError for whatever is wrong in the file.
    """
    from .settings_file import find_settings_file, read_settings  # imports this module's types

    source = find_settings_file(path, Path.cwd() if cwd is None else cwd)
    return read_settings(source, environ)


def resolve_target(text: str, settings: Settings) -> TargetSettings:
    """What TARGET means: a target's name, a base URL, `wsgi:module:callable_or_factory`, or `run:<id>`.

    A URL or `wsgi:` text takes the settings of the target that has the same one. Raises UsageError when nothing fits,
    when several targets do, or when the target names an environment variable that is not set.
    """
    from .settings_file import resolve

    return resolve(text, settings)
