"""Noise rules from both homes: the settings file, and the store, where people keep them from pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from diffing.approvals import Withdrawal
from diffing.difference import Part
from diffing.kinds import KINDS
from diffing.noise import NoiseRule
from diffing.paths import parse_pattern

from .approving import one_line
from .errors import ConflictError, UsageError, nearest
from .judging import noise_rules
from .policy_settings import ROUTE_PATTERN
from .reports.proposal_words import rule_toml
from .settings import Settings
from .store import KeptRule, Store
from .store.dialect import storable

MAX_TEXT = 500  # characters of a route or a path
_WILD = frozenset({"any", "deep"})


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule with where it is kept. Of one that is in both homes, the file's words count."""

    rule: NoiseRule
    filed: bool
    kept: KeptRule | None = None  # in the store, and not withdrawn

    @property
    def home(self) -> str:
        """`file`, `store` or `both`."""
        return "both" if self.filed and self.kept else "file" if self.filed else "store"

    @property
    def identity(self) -> str:
        """Its id in the store; "" for one that only the file has."""
        return self.kept.id if self.kept else ""


def listed_rules(settings: Settings, store: Store) -> tuple[ListedRule, ...]:
    """Those of the file in its order, and then what the store has beside them, the oldest first."""
    kept = [each for each in store.kept_rules() if each.withdrawn is None]
    today = date.today()
    found = []
    for rule in noise_rules(settings):
        same = [each for each in kept if _place(each.rule) == _place(rule)] if rule.active(today) else []
        kept = [each for each in kept if each not in same]
        found.append(ListedRule(rule, True, same[-1] if same else None))
    return (*found, *(ListedRule(each.rule, False, each) for each in kept))


def rules_in_force(settings: Settings, store: Store) -> tuple[NoiseRule, ...]:
    """The rules that hold today; one that has expired or was withdrawn hides nothing any more."""
    return tuple(each.rule for each in listed_rules(settings, store) if each.rule.active(date.today()))


def exported(settings: Settings, store: Store) -> str:
    """What the store alone has and what still holds, as [[noise]] tables for the settings file."""
    found = [each for each in listed_rules(settings, store) if not each.filed and each.rule.active(date.today())]
    return "\n".join(rule_toml(each.rule) for each in found)


def find_rule(store: Store, identity: str) -> KeptRule:
    """The rule whose id is this, or begins with it. Raises UsageError for none, and for several."""
    found = [each for each in store.kept_rules() if identity and each.id.startswith(identity)]
    exact = [each for each in found if each.id == identity]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise UsageError(f"Several rules have ids that begin with {identity!r}.", "Give more of it.")
    raise UsageError(f"The store keeps no rule {identity!r}.", "`understudy rules list` shows the ids.")


def withdraw_rule(store: Store, identity: str, author: str, reason: str = "") -> KeptRule:
    """Sets a tombstone. Raises UsageError as `find_rule`, and for a rule that has one."""
    found = find_rule(store, identity)
    if found.withdrawn is not None:
        raise ConflictError(f"The rule {found.id} was taken back already, by {found.withdrawn.author}.")
    why = one_line(reason, "reason") if reason.strip() else ""
    tombstone = Withdrawal(one_line(author, "author"), datetime.now(UTC).replace(microsecond=0), why)
    store.withdraw_rule(found.id, tombstone)
    return replace(found, withdrawn=tombstone)


def typed_rule(route: str, path: str, kind: str) -> NoiseRule:
    """A rule as somebody typed it: the path says of which part it is. Raises UsageError, as the settings file does."""
    if max(len(route), len(path)) > MAX_TEXT or (storable(route), storable(path)) != (route, path):
        raise UsageError(f"A route and a path have {MAX_TEXT} characters at most, and can be written as text.")
    if not ROUTE_PATTERN.fullmatch(route):
        raise UsageError(
            f"{route!r} is no route: write a method, a space and a path.",
            "`*` stands for one segment, `**` for any number: GET /api/orders/*.",
        )
    if kind and kind not in KINDS:
        raise UsageError(f"{kind!r} is no kind of value.", nearest(kind, KINDS, "kinds"))
    try:
        first, *steps = parse_pattern(path)
    except ValueError as failure:
        raise UsageError(
            f"{failure}.", "There are no substrings: a rule names places, so that one can say which."
        ) from None
    sorts = {sort for sort, _ in steps}
    if sorts & _WILD and sorts <= _WILD | {"rows"}:
        raise UsageError(f"{path!r} names everything below the root, and nobody could say what: name a key.")
    part = Part.HEADER if first[0] == "field" else Part.OUTBOUND if first[1] == "$calls" else Part.BODY
    return NoiseRule(route, path, part, kind)


def _place(rule: NoiseRule) -> tuple[object, ...]:
    return rule.route, rule.path, rule.part, rule.kind
