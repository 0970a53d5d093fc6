"""The understudy.toml of an application: one target without a fault, and one for each fault."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def settings_file(
    *,
    start: Sequence[str],
    wsgi: str,
    cwd: Path,
    env: Mapping[str, str],
    ready: str,
    mint: str,
    python: str,
    faults: Sequence[str],
    mixtures: Sequence[Sequence[str]],
    fault_variable: str,
    build: str,
) -> str:
    """The text. JSON's strings and lists of strings are TOML's too.

    `kept` is the baseline of the faults: what its passes teach is learned once, for all of them.
    """

    def target(name: str, more: Mapping[str, str]) -> str:
        table = ", ".join(f"{key} = {json.dumps(value)}" for key, value in {**env, **more}.items())
        lines = [
            f"[targets.{name}]",
            f"start = {json.dumps([*start, wsgi])}",
            f"cwd = {json.dumps(str(cwd))}",
            f"python = {json.dumps(python)}",
            f"env = {{ {table} }}",
            f"ready = {json.dumps(ready)}",
            "disposable = true",
        ]
        lines += [f"mint = {json.dumps(mint)}"] if mint else []
        return "\n".join(lines) + "\n"

    targets = [target("baseline", {}), target("same", {}), target("kept", {}) + f"build = {json.dumps(build)}\n"]
    targets += [target(f"fault-{fault}", {fault_variable: fault}) for fault in faults]
    targets += [target(f"mixed-{number}", {fault_variable: "+".join(mixed)}) for number, mixed in enumerate(mixtures)]
    return "\n".join(targets)
