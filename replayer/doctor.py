"""The look before a rehearsal: settings, database, recording, key and targets.

Nothing is changed by it but what a target changes by being started, and by its reset where that is asked for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from recorder.keys import InvalidKey, Key, default_key_file, load_key

from .checks import Check, State
from .client import Client
from .errors import UnderstudyError, UsageError
from .examination import Examination, Recorded
from .passes import read_canaries
from .safety import recorded_hosts
from .settings import DEFAULT_BROKER_URL, Settings, load_settings, resolve_target
from .store import Store
from .store.records import RecordingInfo
from .store.schema import HEAD, Condition
from .stream import Stream
from .target_settings import TargetSettings

EXCHANGES = 5000
"""Of the recording, that are looked at: enough to know its users and its hosts."""
STALE_DAYS = 30
"""A recording that is older is worth a note: clients and data have moved on."""
REDIS_SCHEMES = ("redis:", "rediss:")

_DATABASE_WORDS = ("DATABASE", "DB_", "_DB", "DSN")


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What was asked on the command line."""

    targets: tuple[str, ...] = ()  # as TARGET; none: all of the settings file
    recording: str = ""  # its name; "": the newest one
    settings_path: Path | None = None
    database_url: str = ""
    reset: bool = False  # run the targets' reset commands


async def examine(options: DoctorOptions) -> list[Check]:
    """Everything that can be found out. Raises nothing that a user could have done wrong: it is among the checks."""
    found: list[Check] = []
    try:
        settings = load_settings(options.settings_path)
    except UnderstudyError as failure:
        return [Check.failed("settings", "valid", failure)]
    where = str(settings.source) if settings.source else "there is no file: the defaults hold"
    found.append(Check("settings", "valid", State.OK, where))
    recorded = Recorded()
    with suppress(_Stop):
        recorded = _look_at_store(options, settings, found)
    found += _redis(settings)
    targets = list(_targets(options, settings, found))
    found += _twins(targets)
    return found + await _examined(targets, recorded, options.reset)


class _Stop(Exception):
    """What comes next can not be looked at."""


def _look_at_store(options: DoctorOptions, settings: Settings, found: list[Check]) -> Recorded:
    """Looks at database, recording and key, as far as they are there. Raises _Stop where they are not."""
    url = options.database_url or settings.database_url
    try:
        condition, shown = Store.condition(url)
    except UnderstudyError as failure:
        found.append(Check.failed("database", "reachable", failure))
        raise _Stop from None
    if condition is not Condition.CURRENT:
        said = "is not there yet" if condition is Condition.NEW else f"has an older schema than this version's, {HEAD}"
        hint = "The next command that opens it sees to that; `understudy db upgrade` does nothing else."
        found.append(Check("database", "schema", State.NOTE, f"{shown} {said}", hint))
        raise _Stop
    found.append(Check("database", "schema", State.OK, f"{shown} is of this version"))
    with Store.open(url) as store:
        try:
            info = _recording(store, options.recording)
        except UnderstudyError as failure:
            found.append(Check.failed("recording", "there", failure))
            raise _Stop from None
        if info is None:
            hint = "understudy recordings import PATH"
            found.append(Check("recording", "there", State.NOTE, "the database holds none yet", hint))
            raise _Stop
        found.append(_age(info))
        key = _key(info, found)
        exchanges = tuple(islice(store.exchanges(info.id), EXCHANGES))
        hosts = {host for each in exchanges for host in recorded_hosts(each.request)}
        return Recorded(key, frozenset(hosts), exchanges)


def _recording(store: Store, name: str) -> RecordingInfo | None:
    return store.recording(name) if name else next(iter(store.recordings()), None)


def _age(info: RecordingInfo) -> Check:
    said = f"{info.name}: {info.exchanges} exchanges"
    if not info.exchanges or info.last is None:
        return Check("recording", "there", State.FIX, said, "Record some traffic first.")
    days = (time.time() - info.last) / 86400
    said += f", the last one of {days:.0f} days ago" if days >= 1 else ", the last one of today"
    if info.closed is None:
        hint = f"understudy recordings close {info.name}, once nothing more is to come."
        return Check("recording", "there", State.NOTE, f"{said}; it is still open", hint)
    if days > STALE_DAYS:
        return Check("recording", "there", State.NOTE, said, "Record again: clients and data have moved on.")
    return Check("recording", "there", State.OK, said)


def _key(info: RecordingInfo, found: list[Check]) -> Key | None:
    """The recording's key, if it is here. None is made, as it would be for a recorder."""
    text, file = os.environ.get("UNDERSTUDY_KEY"), os.environ.get("UNDERSTUDY_KEY_FILE")
    hint = "Set UNDERSTUDY_KEY or UNDERSTUDY_KEY_FILE to the one that the recorder had."
    if not text and not file and not default_key_file().exists():
        found.append(Check("key", "there", State.FIX, "there is none", hint))
        return None
    try:
        key = load_key(text, file)
    except InvalidKey as failure:
        found.append(Check("key", "there", State.FIX, str(failure), hint))
        return None
    if key.id != info.key_id:
        said = f"{info.name} was recorded with the key {info.key_id or '(unknown)'}, and the one here is {key.id}"
        found.append(Check("key", "matches", State.FIX, said, hint))
        return None
    found.append(Check("key", "matches", State.OK, f"{key.id}, as in the recording"))
    return key


def _redis(settings: Settings) -> Iterator[Check]:
    """Looks at each Redis that is named: by the sink of recorders, and as the broker of workers."""
    broker = settings.broker_url if settings.broker_url != DEFAULT_BROKER_URL else ""
    for what, url in (("sink", os.environ.get("UNDERSTUDY_SINK", "")), ("broker", broker)):
        if not url.startswith(REDIS_SCHEMES):
            continue
        try:
            stream = Stream(url)
            stream.ping()
        except UnderstudyError as failure:
            yield Check.failed("redis", what, failure)
        else:
            yield Check("redis", what, State.OK, stream.shown.partition("?")[0])


def _targets(options: DoctorOptions, settings: Settings, found: list[Check]) -> Iterator[TargetSettings]:
    """The targets that are deploys; what is wrong with others goes into `found`."""
    for text in options.targets or tuple(target.name for target in settings.targets):
        try:
            target = resolve_target(text, settings)
            if target.run and options.targets:
                raise UsageError("It is an earlier run, which is there or not: `understudy runs list` shows it.")
        except UnderstudyError as failure:
            found.append(Check.failed(f"target {text}", "declared", failure))
        else:
            if not target.run:
                yield target


def _twins(targets: Sequence[TargetSettings]) -> Iterator[Check]:
    """Targets that look as if they shared what each is to have for itself."""
    for number, one in enumerate(targets):
        for other in targets[:number]:
            shared = _shared(one, other)
            if shared:
                hint = "Two targets must not share a database, unless each has a reset."
                yield Check(f"target {one.name}", "apart", State.NOTE, f"{shared} as {other.name}", hint)


def _shared(one: TargetSettings, other: TargetSettings) -> str:
    if one.url and one.url == other.url:
        return f"is the same deploy, {one.url},"
    theirs = dict(other.env)
    for name, value in one.env:
        named = any(word in name.upper() for word in _DATABASE_WORDS)
        if named and value and theirs.get(name) == value and not (one.reset and other.reset):
            return f"has the same {name}"
    return ""


async def _examined(targets: Sequence[TargetSettings], recorded: Recorded, reset: bool) -> list[Check]:
    """Looks at the targets one after the other; with `reset`, also whether the reset of one changes another."""
    found: list[Check] = []
    watched = [target for target in targets if target.url and target.canary] if reset else []
    said = {target.name: await _canaries(target) for target in watched}
    for target in targets:
        found += await Examination(target, recorded, reset=reset).checks()
        for other in watched if target.reset else ():
            now = await _canaries(other)
            before = said[other.name]
            said[other.name] = now
            changed = [path for path, text in before.items() if now.get(path, text) != text]
            if other is not target and changed:
                what = f"the reset of {target.name} changed what GET {changed[0]} says: the two share a database"
                found.append(
                    Check(f"target {other.name}", "apart", State.FIX, what, "Give each a database of its own.")
                )
    return found


async def _canaries(target: TargetSettings) -> dict[str, str]:
    """What the canary paths say, without those that say something else each time."""
    async with Client(target.url, timeout=target.timeout) as client:
        read, noisy = await read_canaries(client, target.canary)
    return {path: text for path, text in read.items() if path not in noisy}
