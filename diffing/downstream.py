"""What follows from an earlier difference: objects that only one side made are missing, or left over, ever after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recorder.exchange import RecordedResponse

from .atoms import atoms, is_opaque, location_key
from .bindings import Renaming
from .bodies import comparable
from .difference import Case, Difference, DifferenceKind
from .headers import header_tree
from .knowledge import Scope
from .profile import NoiseProfile
from .repeats import READS
from .times import OTHER_TIME
from .walk import Pair, Plain, leaves

MAX_TAINTED = 100_000
"""Values kept; a recording in which more went wrong has one cause that is reported a thousand times over."""
_PLAIN = Plain()


class Taint:
    """The identifiers that one side made and the other did not, because an exchange succeeded on one side only."""

    def __init__(self, profile: NoiseProfile, renaming: Renaming) -> None:
        self._profile = profile
        self._renaming = renaming
        self._baseline: dict[tuple[str, str], str] = {}  # (sort, value) -> exchange id
        self._candidate: dict[tuple[str, str], str] = {}
        self._parted: dict[str, str] = {}  # whose state went another way -> exchange id
        self.cause = ""

    def mark(self) -> tuple[str, tuple[int, int, int]]:
        """Where the record stands, for `back_to`."""
        return self.cause, (len(self._baseline), len(self._candidate), len(self._parted))

    def back_to(self, mark: tuple[str, tuple[int, int, int]]) -> None:
        """Forgets what was noted since the mark. Entries are only ever added: the last ones are the new ones."""
        self.cause, lengths = mark
        records: tuple[dict[Any, str], ...] = (self._baseline, self._candidate, self._parted)
        for record, length in zip(records, lengths, strict=True):
            while len(record) > length:
                record.popitem()

    def learn(self, case: Case) -> None:
        """Takes note of what a case's succeeding side made when the other side did not succeed."""
        reference = case.baseline[0].response if case.baseline else case.exchange.response
        candidate = case.candidate[0].response if case.candidate else None
        if (case.baseline and case.baseline[0].reason) or (case.candidate and case.candidate[0].reason):
            return
        answered = candidate is not None and reference is not None and case.method not in READS
        if answered and _succeeded(reference) is not _succeeded(candidate) and len(self._parted) < MAX_TAINTED:
            self._parted.setdefault(_owner(case), case.exchange.id)
        if _succeeded(reference) and not _succeeded(candidate):
            self._note(case, reference, self._baseline, self._renaming.forward)
        elif _succeeded(candidate) and reference is not None and not _succeeded(reference):
            self._note(case, candidate, self._candidate, self._renaming.backward)

    def _note(
        self,
        case: Case,
        response: RecordedResponse | None,
        tainted: dict[tuple[str, str], str],
        known: dict[str, dict[str, str]],
    ) -> None:
        if response is None:
            return
        prefix = location_key(case.method, case.route, response.status, "")
        for shape, leaf in _all_leaves(response):
            for suffix, text in atoms(leaf):
                sort = self._profile.sort_of(prefix + shape + suffix)
                if (sort or is_opaque(text)) and text not in known.get(sort, {}) and len(tainted) < MAX_TAINTED:
                    tainted.setdefault((sort, text), case.exchange.id)
                    if sort and tainted is self._baseline:
                        self._renaming.lose(sort, text)

    def sift(self, case: Case, found: Sequence[tuple[Pair, Difference]], scope: Scope) -> list[tuple[Pair, Difference]]:
        """The differences that do not follow from an earlier one; `cause` then says from which exchange."""
        if not (self._baseline or self._candidate or self._parted) or not found:
            return list(found)
        gone: dict[str, int] = {}
        come: dict[str, int] = {}
        rest: list[tuple[Pair, Difference]] = []
        for pair, difference in found:
            if difference.kind is DifferenceKind.MISSING and self._is_tainted(pair, scope, self._baseline):
                gone[pair.shape] = gone.get(pair.shape, 0) + 1
            elif difference.kind is DifferenceKind.EXTRA and self._is_tainted(pair, scope, self._candidate):
                come[pair.shape] = come.get(pair.shape, 0) + 1
            elif pair.kind is None and (
                self._names_tainted(pair, scope) or self._is_new(case, pair, difference, scope)
            ):
                continue
            else:
                rest.append((pair, difference))
        if not gone and not come:
            return rest
        return [
            (pair, difference)
            for pair, difference in _without_moved_up(rest, gone, come)
            if not _counts(pair, sum(gone.values()) - sum(come.values()))
        ]

    def _names_tainted(self, pair: Pair, scope: Scope) -> bool:
        """Whether one of two leaves names an object that only one side made, as `latest_order_id` may."""
        key = scope.key(pair.shape)
        return self._holds(key, pair.baseline, self._baseline) or self._holds(key, pair.candidate, self._candidate)

    def _is_new(self, case: Case, pair: Pair, difference: Difference, scope: Scope) -> bool:
        """Whether the candidate made a new object, or at another time, where the baseline went on with one it had.

        That follows when a write of the same principal succeeded on one side only (an order that should have been
        refused used up the cart). The new object must be nobody else's: another one's is a finding in any case.
        """
        cause = self._parted.get(_owner(case))
        if cause is not None and difference.transition == OTHER_TIME:
            self.cause = f"downstream of {cause}"
            return True
        if cause is None or difference.kind is not DifferenceKind.IDENTITY:
            return False
        key = scope.key(pair.shape)
        moved = [(suffix, text) for suffix, text in atoms(pair.candidate) if self._profile.sort_of(key + suffix)]
        if not moved or pair.baseline == pair.candidate:
            return False
        if any(text in self._renaming.backward.get(self._profile.sort_of(key + suffix), {}) for suffix, text in moved):
            return False
        self.cause = f"downstream of {cause}"
        return True

    def _is_tainted(self, pair: Pair, scope: Scope, tainted: dict[tuple[str, str], str]) -> bool:
        value = pair.baseline if pair.baseline is not None else pair.candidate
        found = leaves(value, pair.path, pair.shape, scope)
        return any(self._holds(scope.key(shape), leaf, tainted) for _, shape, leaf in found)

    def _holds(self, key: str, leaf: object, tainted: dict[tuple[str, str], str]) -> bool:
        for suffix, text in atoms(leaf):
            cause = tainted.get((self._profile.sort_of(key + suffix), text))
            if cause is not None:
                self.cause = f"downstream of {cause}"
                return True
        return False


def _owner(case: Case) -> str:
    return case.exchange.principal or case.exchange.client or case.exchange.id


def _without_moved_up(
    rest: list[tuple[Pair, Difference]], gone: dict[str, int], come: dict[str, int]
) -> list[tuple[Pair, Difference]]:
    """On a page of fixed size a row that is gone lets another one move up, and the other way round."""
    kept: list[tuple[Pair, Difference]] = []
    for pair, difference in rest:
        room = gone if difference.kind is DifferenceKind.EXTRA else come
        if difference.kind in (DifferenceKind.EXTRA, DifferenceKind.MISSING) and room.get(pair.shape, 0) > 0:
            room[pair.shape] -= 1
        else:
            kept.append((pair, difference))
    return kept


def _counts(pair: Pair, fewer: int) -> bool:
    """Whether two integers differ by exactly the rows that one side lacks."""
    a, b = pair.baseline, pair.candidate
    return type(a) is int and type(b) is int and fewer != 0 and a - b == fewer


def _succeeded(response: RecordedResponse | None) -> bool:
    return response is not None and 200 <= response.status < 400


def _all_leaves(response: RecordedResponse) -> list[tuple[str, object]]:
    parsed = comparable(response)
    found = [(shape, leaf) for _, shape, leaf in leaves(parsed.value, parsed.root, parsed.root, _PLAIN)]
    for name, value in header_tree(response.headers).items():
        found.extend((shape, leaf) for _, shape, leaf in leaves(value, name, f"header:{name}", _PLAIN))
    return found
