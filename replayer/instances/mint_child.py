"""Calls the target's own function that makes credentials: a child process of the target's interpreter.

    mint_child.py DESCRIPTOR module:function FOLDER

DESCRIPTOR is an inherited socket that carries lines of JSON. First comes `{"secret": hexadecimal}`, answered by
`{"ready": true}` or `{"error": …}`; then, for each principal, `{"digest", "base_url"}`, answered by
`{"credentials": {"headers", "cookies", "body"} or null}` or `{"error": "sentence"}`. FOLDER holds the `recorder`
package and is searched last, so that nothing in it hides a module of the target's.
"""

from __future__ import annotations

# ruff: noqa: E402  this file's folder must leave sys.path before anything is looked for there
import os
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = ["", *(folder for folder in sys.path if folder != _HERE)]  # as with `python -m`

import importlib
import json
import socket
import traceback
from collections.abc import Callable
from typing import Any

PARTS = ("headers", "cookies", "body")


def sentence(error: BaseException) -> str:
    """An exception's last line, for the one who configured the hook; the rest goes to the log."""
    traceback.print_exception(type(error), error, error.__traceback__)
    return traceback.format_exception_only(type(error), error)[-1].strip()


def load(spec: str) -> Callable[..., Any]:
    """The function that `module:attribute` names."""
    module_name, _, attribute = spec.partition(":")
    found: Any = importlib.import_module(module_name)
    for name in attribute.split("."):
        found = getattr(found, name)
    if not callable(found):
        raise TypeError(f"{spec} is no function but a {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def plain(result: Any) -> dict[str, list[tuple[str, str]]] | None:
    """What the function returned, as pairs of strings. Raises TypeError or ValueError naming what is wrong."""
    if result is None:
        return None
    if not hasattr(result, "keys"):
        raise TypeError(f"a mapping with headers, cookies or body is expected, not {type(result).__name__}")
    unknown = sorted(set(map(str, result.keys())) - set(PARTS))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}: headers, cookies and body are expected")
    return {part: pairs(part, result[part]) for part in PARTS if result.get(part)}


def pairs(part: str, value: Any) -> list[tuple[str, str]]:
    """A mapping, or a sequence of pairs, as pairs of strings."""
    items = value.items() if hasattr(value, "items") else value
    found = []
    for item in items:
        name, content = item
        if not isinstance(name, str) or not isinstance(content, (str, int)) or isinstance(content, bool):
            raise TypeError(f"{part}: names and values must be strings, not {name!r}: {type(content).__name__}")
        found.append((name, str(content)))
    return found


def main(descriptor: int, spec: str, folder: str) -> int:
    """Answer until the other end is closed."""
    sys.path.append(folder)
    with socket.socket(fileno=descriptor) as channel, channel.makefile("rw", encoding="utf-8", newline="\n") as lines:

        def answer(message: dict[str, Any]) -> None:
            lines.write(json.dumps(message) + "\n")
            lines.flush()

        secret = bytes.fromhex(json.loads(lines.readline())["secret"])
        try:
            function = load(spec)
            from recorder.identity import Principal
            from recorder.keys import Key

            key = Key(secret)
        except (Exception, SystemExit) as error:
            answer({"error": f"{spec} cannot be loaded: {sentence(error)}"})
            return 1
        answer({"ready": True})
        for line in lines:
            question = json.loads(line)
            try:
                principal = Principal(question["digest"], key)
                answer({"credentials": plain(function(principal, question["base_url"]))})
            except (Exception, SystemExit) as error:
                answer({"error": f"{spec} failed: {sentence(error)}"})
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
