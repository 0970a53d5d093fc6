"""What a change means for the clients of an API: the rows of `severity_table.toml`, the first that fits decides."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from .difference import Difference, DifferenceKind, Part, Severity

_READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_LAST_KEY = re.compile(r"""(?:\.([^.\[\]]+)|\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\])(?:\[\*\])*$""")
_LENS = re.compile(r"(?:~[A-Za-z][\w.-]*(?:\[\*\])?)+$")  # "$.link~url[*]": a part inside of a value
_FIELDS = frozenset({"kind", "part", "from", "to", "method", "leaf", "transition", "numbers", "severity", "why"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. An empty condition always holds."""

    severity: Severity
    why: str
    kinds: frozenset[DifferenceKind] = frozenset()
    parts: frozenset[Part] = frozenset()
    baseline: tuple[str, ...] = ()  # statuses or classes: "404", "2xx"
    candidate: tuple[str, ...] = ()
    method: str = ""  # "write", "read"
    leaf: re.Pattern[str] | None = None
    transition: re.Pattern[str] | None = None
    same_number: bool = False

    def fits(self, difference: Difference, method: str, leaf: str, statuses: tuple[int | None, int | None]) -> bool:
        """Whether every condition of the row holds."""
        return (
            (not self.kinds or difference.kind in self.kinds)
            and (not self.parts or difference.location.part in self.parts)
            and (not self.method or self.method == ("read" if method.upper() in _READS else "write"))
            and (not self.baseline or _status_in(statuses[0], self.baseline))
            and (not self.candidate or _status_in(statuses[1], self.candidate))
            and (self.leaf is None or self.leaf.fullmatch(leaf) is not None)
            and (self.transition is None or self.transition.search(difference.transition) is not None)
            and (not self.same_number or _same_number(difference.baseline, difference.candidate))
        )


def severity(
    difference: Difference, method: str, route: str, *, baseline_status: int | None, candidate_status: int | None
) -> Severity:
    """What the difference means for clients of the route. A status is None where it is not known."""
    return explain(
        difference, method, route, baseline_status=baseline_status, candidate_status=candidate_status
    ).severity


def explain(
    difference: Difference, method: str, route: str, *, baseline_status: int | None, candidate_status: int | None
) -> Rule:
    """The row that decides the severity, with its sentence. `route` is not looked at: tags are the policy's."""
    leaf = leaf_of(difference.location.part, difference.location.shape)
    statuses = (baseline_status, candidate_status)
    return next((rule for rule in table() if rule.fits(difference, method, leaf, statuses)), _OTHERWISE)


_OTHERWISE = Rule(Severity.MAJOR, "The response differs.")


def leaf_of(part: Part, shape: str) -> str:
    """The key that a location ends in, with `[*]` where it is a row: `price`, `tags[*]`; a header's whole path.

    Of an outbound call: the same, with `headers.` in front of a header's name; of a whole call its operation.
    """
    if part is Part.OUTBOUND and "].headers." in shape:
        return "headers." + shape.partition("].headers.")[2]
    if part not in (Part.BODY, Part.OUTBOUND):
        return shape
    shape = _LENS.sub("", shape)
    found = _LAST_KEY.search(shape)
    if found is None:
        return "[*]" if shape.endswith("[*]") else ""
    key = next((group for group in found.groups() if group is not None), "")
    return key + ("[*]" if shape.endswith("[*]") else "")


@cache
def table() -> tuple[Rule, ...]:
    """The rows, in the order in which they are tried."""
    text = files(__package__).joinpath("severity_table.toml").read_text("utf-8")
    return tuple(_rule(row) for row in tomllib.loads(text)["rule"])


def _rule(row: Mapping[str, object]) -> Rule:
    unknown = set(row) - _FIELDS
    if unknown or row.get("numbers") not in (None, "same") or row.get("method") not in (None, "read", "write"):
        raise ValueError(f"severity_table.toml: a row that is not understood: {dict(row)!r}")
    return Rule(
        severity=Severity(row["severity"]),
        why=str(row["why"]),
        kinds=frozenset(DifferenceKind(kind) for kind in _strings(row, "kind")),
        parts=frozenset(Part(part) for part in _strings(row, "part")),
        baseline=_strings(row, "from"),
        candidate=_strings(row, "to"),
        method=str(row.get("method", "")),
        leaf=_pattern(row, "leaf"),
        transition=_pattern(row, "transition"),
        same_number="numbers" in row,
    )


def _strings(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = row.get(name, [])
    if not isinstance(value, list):
        raise ValueError(f"severity_table.toml: {name} is not a list in {dict(row)!r}")
    return tuple(str(item) for item in value)


def _pattern(row: Mapping[str, object], name: str) -> re.Pattern[str] | None:
    value = row.get(name)
    return None if value is None else re.compile(str(value), re.IGNORECASE)


def _status_in(status: int | None, wanted: tuple[str, ...]) -> bool:
    return status is not None and (str(status) in wanted or f"{status // 100}xx" in wanted)


def _same_number(baseline: object, candidate: object) -> bool:
    numbers = [
        value for value in (baseline, candidate) if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    return len(numbers) == 2 and numbers[0] == numbers[1]
