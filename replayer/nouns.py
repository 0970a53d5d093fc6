"""What locations are called, and what that says: which kind of thing a value there names, by convention."""

from __future__ import annotations

import re

from diffing.atoms import link_suffix

# the last word before it that says what it is: `cc` in `/tickets/5/cc/delete/7`
_LINKED = re.compile(
    r"^[^~]*~url\[(?:[A-Za-z_-]+/)*?([A-Za-z_-]+)(?:/(?:add|change|delete|edit|remove|update|view))?:\d+\]$"
)
_WRAPPERS = frozenset(
    "items data results rows list records content entries edges node nodes result response payload object objects"
    " attributes value values hits docs documents page".split()
)

_NOT_IDENTIFIERS = re.compile(
    r"(^|_)(page|per_page|size|limit|offset|count|total|totals|quantity|qty|amount|price|cost|rating|score|year|month"
    r"|day|age|version|weight|width|height|length|duration|seconds|minutes|percent|rate|stock|balance|points|position"
    r"|rank|order_by|sort|depth|level|status_code|took_ms|ms|expires_in|exp|iat|nbf|subtotal|tax|discount)$"
)

# what is done with things that the segment before names: `/visits/bulk`, `/visits/bulk-status`
_OF_SEVERAL = re.compile(
    r"(?:bulk|batch|multi)(?:[-_].*)?|search|query|filter|import|recent|latest|mine|archived", re.I
)


def is_choice_of(consumer: str, producer: str) -> bool:
    """Whether a form sent what a page had offered for the field: an option, a box to tick, one of several forms."""
    name = consumer.rpartition("|>form.")[2] if "|>form." in consumer else ""
    return bool(name) and producer.endswith(f"|$html.input.{name}[*]")


def leaf_name(location: str) -> str:
    """The last name in a location key: `order_id` of `POST /pay|>$.order_id`; "" for a path segment or a bare lens."""
    where = location.rpartition("|")[2].lstrip(">")
    name = re.split(r"[.?]", where.split("~")[0] if "~url?" not in where else where)[-1]
    return _snake(re.sub(r"\[\*\]$", "", name))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def may_identify(location: str) -> bool:
    """Whether a location's name allows it to carry identifiers: amounts, pages and counts never do."""
    return _NOT_IDENTIFIERS.search(leaf_name(location)) is None


def singular(word: str) -> str:
    """A word in the singular, in small letters and with underscores."""
    word = word.lower().replace("-", "_")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        return word[:-1]
    return word


def _static(route: str) -> list[str]:
    return [s for s in route.split("/") if s and not s.startswith(("<", "{", ":", "("))]


def _things(route: str) -> list[str]:
    """The static segments of a route up to the last one that names things."""
    static = _static(route)
    while len(static) > 1 and _OF_SEVERAL.fullmatch(static[-1]):
        static.pop()
    return static


def noun_of(location: str) -> str | None:
    """The kind of thing that a location names, by convention; None when its name says nothing."""
    head, _, where = location.rpartition("|")
    where = where.lstrip(">")
    route = head.partition(" ")[2].partition("|")[0]
    linked = _LINKED.search(where)
    if linked is not None:
        return singular(_snake(linked[1]))
    if "~" in where:
        return None  # a number within a code is rarely the id of the thing: that takes figures, not names
    if where.startswith("path["):
        return _path_noun(route, int(where[5 : where.index("]")]))
    static = _things(route)
    if where in ("$", "$text"):  # the whole answer is one value: of what was made, its id
        return singular(static[-1]) if static and head.startswith("POST ") else None
    name = leaf_name(location)
    if name.endswith("_id") and len(name) > 3:
        return singular(name[:-3].rpartition("_")[2] or name[:-3])
    if name.endswith("_ids"):
        return singular(name[:-4])
    if name not in ("id", "ids", "pk", "uuid"):
        return None
    parents = [_snake(p) for p in re.sub(r"\[\*\]", "", where).split(".")[:-1]]
    for parent in reversed(parents):
        if parent not in ("$", "form", "query", "$html") and parent not in _WRAPPERS:
            return singular(parent)
    return singular(static[-1]) if static else None


def leads_to(producer: str, consumer: str) -> bool:
    """Whether the producer is a part of a link that leads to the consumer's route, or to any with such a parameter."""
    head, _, where = consumer.rpartition("|>")
    path, parameter = re.fullmatch(r"path\[(\d+)\]", where), re.fullmatch(r"query\.(\w+)", where)
    if parameter is not None:
        return producer.endswith(f"~url?{parameter[1]}")
    if path is None:
        return False
    before = [segment for segment in head.partition(" ")[2].split("/") if segment][: int(path[1])]
    return producer.removesuffix("~stem").endswith(link_suffix(before))


def is_of_an_action(location: str) -> bool:
    """Whether a location is the `id` of an answer whose route ends in a singular word: an action more often than not.

    `POST /cart/coupon` answers with the cart. Collections have plural names.
    """
    head, _, where = location.rpartition("|")
    static = _static(head.partition(" ")[2].partition("|")[0])
    match = re.fullmatch(r"\$(?:\.([^.]+))?\.(id|pk|uuid)", where)
    nameless = where in ("$", "$text") or (match is not None and (match[1] is None or match[1] in _WRAPPERS))
    return nameless and bool(static) and singular(static[-1]) == static[-1]


def _path_noun(route: str, index: int) -> str | None:
    segments = [s for s in route.split("/") if s]
    if index >= len(segments):
        return None
    placeholder = re.search(r"<([^>]*)>|\{([^}]*)\}", segments[index])
    variable = (placeholder[1] or placeholder[2] or "") if placeholder else segments[index].strip("():")
    name = _snake(variable.rpartition(":")[2])
    if name.endswith("_id"):
        return singular(name[:-3])
    before = [s for s in segments[:index] if not s.startswith(("<", "{", ":", "("))]
    return singular(before[-1]) if before else None
