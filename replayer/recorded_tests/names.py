"""What tests, files and resources are called: after what happens, in the words of the routes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..nouns import singular

_NOT_RESOURCES = frozenset("api rest v1 v2 v3 v4 web public internal".split())
_WORD = re.compile(r"[^a-z0-9]+")
_DID = {
    "POST": "creates",
    "PUT": "sets",
    "PATCH": "changes",
    "DELETE": "deletes",
    "HEAD": "looks_at",
    "OPTIONS": "asks_about",
}
_DOING = {
    "GET": "reading", "POST": "creating", "PUT": "setting", "PATCH": "changing", "DELETE": "deleting",
    "HEAD": "looking_at", "OPTIONS": "asking_about",
}  # fmt: skip
_SAID = {
    400: "as_malformed", 401: "as_unauthorized", 403: "as_forbidden", 404: "as_unknown", 405: "as_not_allowed",
    409: "as_conflict", 410: "as_gone", 412: "as_outdated", 413: "as_too_large", 415: "of_this_type",
    422: "as_invalid", 429: "as_too_many",
}  # fmt: skip
_ACTIONS = frozenset(
    "login logout register refresh verify confirm cancel pay capture void refund refunds ship deliver apply assign"
    " close reopen approve reject publish archive restore activate deactivate enable disable merge move copy reset"
    " search export"
    " import send resend retry share accept decline checkout subscribe unsubscribe follow unfollow like unlike"
    " complete start stop pause resume lock unlock preview validate test ping quote redeem transfer invite".split()
)
MAX_LENGTH = 76
"""Characters of a test's name."""


def resource_of(route: str) -> str:
    """What a route is about: the first of its words that names something."""
    words = [_snake(word) for word in _static(route)]
    named = [word for word in words if word not in _NOT_RESOURCES]
    return (named or words or ["root"])[0] or "root"


def phrase(method: str, route: str, status: int) -> str:
    """What one exchange does: `creates_order`, `cancels_order`, `lists_orders`."""
    verb, thing = _said(method, route)
    if method == "GET" and 300 <= status < 400:
        verb = "follows"
    return _joined(verb, thing)


def refusal(method: str, route: str, status: int) -> str:
    """What one refusal refuses: `creating_order_as_invalid`."""
    verb, thing = _said(method, route)
    doing = _DOING.get(method, "doing") if verb in (*_DID.values(), "reads", "lists") else _gerund(verb)
    if verb == "lists":
        doing = "listing"
    return _joined(doing, thing)


def _said(method: str, route: str) -> tuple[str, str]:
    parts = [part for part in route.split("/") if part]
    static = [_snake(word) for word in _static(route)]
    things = [word for word in static if word not in _NOT_RESOURCES] or static or ["root"]
    last = things[-1]
    ends_in_value = bool(parts) and _is_value(parts[-1])
    if (
        not ends_in_value
        and len(things) > 1
        and (last in _ACTIONS or (method in ("POST", "PUT") and _after_value(parts)))
    ):
        if last in _ACTIONS:
            return _third(last), "" if things[-2] in _OF_ONESELF else singular(things[-2])
        return "adds", f"{singular(last)}_to_{singular(things[-2])}"
    if method == "POST" and len(things) == 1 and last in _ACTIONS:
        return _third(last), ""
    thing = last if len(things) == 1 or last not in _TELLS_LITTLE else f"{things[-2]}_{last}"
    if method == "GET":
        return ("reads", singular(thing)) if ends_in_value or singular(thing) == thing else ("lists", thing)
    return _DID.get(method, "asks"), singular(thing)


_OF_ONESELF = frozenset("auth account accounts users user me session sessions login".split())
_TELLS_LITTLE = frozenset("items me status history details summary count list content file".split())


def _after_value(parts: Sequence[str]) -> bool:
    return len(parts) > 1 and _is_value(parts[-2])


def _is_value(part: str) -> bool:
    return any(mark in part for mark in "<{*") or part.startswith(":")


def _static(route: str) -> list[str]:
    return [part for part in route.split("/") if part and not _is_value(part)]


def _snake(word: str) -> str:
    return _WORD.sub("_", word.lower()).strip("_")


def _third(verb: str) -> str:
    verb = singular(verb)
    known = {"login": "logs_in", "logout": "logs_out"}
    if verb in known:
        return known[verb]
    if verb.endswith(("s", "sh", "ch", "x")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2] not in "aeo" else f"{verb}s"


def _gerund(third: str) -> str:
    known = {"logs_in": "logging_in", "logs_out": "logging_out", "adds": "adding"}
    verb = third
    for ending, instead in (("ies", "y"), ("shes", "sh"), ("ches", "ch"), ("sses", "ss"), ("s", "")):
        if third.endswith(ending):
            verb = third[: -len(ending)] + instead
            break
    if verb.endswith(("ship", "reset")):
        return f"{verb}{verb[-1]}ing"
    return known.get(third) or (f"{verb[:-1]}ing" if verb.endswith("e") and not verb.endswith("ee") else f"{verb}ing")


def _joined(*words: str) -> str:
    return "_".join(word for word in words if word)


def test_name(steps: Sequence[tuple[str, str, int]], who: str) -> str:
    """The name of a test of these exchanges, without what makes it unique. `who` is who does it."""
    done: list[str] = []
    refused: list[tuple[str, int]] = []
    for method, route, status in steps:
        if status < 400:
            done.append(phrase(method, route, status))
        else:
            refused.append((refusal(method, route, status), status))
    writes = [phrase(method, route, status) for method, route, status in steps if status < 400 and method != "GET"]
    told = list(dict.fromkeys(writes or done))
    if not told:
        first = refused[0][0]
        statuses = list(dict.fromkeys(status for _, status in refused))
        end = f"_{_SAID.get(statuses[0], f'with_{statuses[0]}')}" if len(statuses) == 1 else ""
        return f"test_{first}_is_refused{end}"[:MAX_LENGTH].rstrip("_")
    name = f"test_{who}_{told[0]}"
    for index, more in enumerate(told[1:], 1):
        glue = "_and_" if index == len(told) - 1 or index == 2 else "_"
        if len(name) + len(glue) + len(more) > MAX_LENGTH or index > 2:
            break
        name += glue + more
    return name


class Unique:
    """Names that are given out once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, name: str, *details: str) -> str:
        """The name, with the details that it takes to tell it from others, or with a number."""
        for detail in details:
            if name not in self._taken:
                break
            if detail and len(name) + len(detail) < MAX_LENGTH + 20:
                name = f"{name}_{detail}"
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found
