"""What a script got, taken from the recording: where there is no application that it could be played at."""

from __future__ import annotations

from collections.abc import Sequence

from diffing.media import Undecodable, decode_body

from ..plan import Plan
from .script import Script, Seen
from .stage import Played


def as_played(plan: Plan, scripts: Sequence[Script]) -> dict[str, Played]:
    """By the script's key: the recorded answers, with the values of variables as they were recorded."""
    found: dict[str, Played] = {}
    for script in scripts:
        variables: dict[str, object] = {}
        seen: list[Seen] = []
        for call in script.calls:
            step = plan.steps[call.step]
            response = step.exchange.response
            assert response is not None  # what has none is never told
            leaves = dict(step.produced.leaves())
            for capture in call.captures:
                if capture.source == "json":
                    path = "$" + "".join(f".{key}" if isinstance(key, str) else f"[{key}]" for key in capture.path)
                    variables[capture.name] = leaves.get(path)
            try:
                body = decode_body(response)
            except Undecodable:
                body = response.body.data
            seen.append(Seen(response.status, response.headers, body, dict(variables)))
        found[script.key] = Played(tuple(seen))
    return found
