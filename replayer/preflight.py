"""What is looked at before the first pass: a target that can not be had is better known then than an hour later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from recorder.exchange import RecordedRequest

from .errors import UsageError
from .process import check_command, environment, interpreter
from .safety import recorded_hosts, refusal
from .target_settings import TargetSettings
from .targets import wait_until_ready


async def preflight(later: Sequence[TargetSettings], production: Iterable[tuple[str, int]]) -> None:
    """Looks at the targets whose turn comes later: nothing is started, reset or changed.

    Raises UsageError for one that is refused or names a command that is not there, and InconclusiveError for a deploy
    that is not ready within its time, unless a reset is to bring it up.
    """
    hosts = frozenset(production)
    for target in later:
        refuse_production(target, hosts)
        check_commands(target)
    for target in later:
        if target.url and not target.reset:
            await wait_until_ready(target, target.url, target.name)


def refuse_production(target: TargetSettings, production: Iterable[tuple[str, int]]) -> None:
    """Raises UsageError for an address that production was recorded from; one that we start ourselves is none."""
    if not target.url:
        return
    for host, port in recorded_hosts(RecordedRequest("GET", target.url + "/", ())):
        why = refusal(host, port, production)
        if why is not None:
            raise UsageError(why, "Replay at a staging deploy, on another host or port.")


def check_commands(target: TargetSettings) -> None:
    """Raises UsageError when a command of the target, or its folder, is not there."""
    env = environment(target)
    ours = (interpreter(target),) if target.wsgi or target.mint else ()
    for argv in (target.start, target.reset, ours):
        if argv:
            check_command(argv, env, target.cwd)
