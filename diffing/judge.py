"""Case by case: what the candidate answered against what it should have, modulo all that is known to vary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from .bindings import Renaming
from .bodies import Form
from .card_digits import cards_in
from .compare import MAX_DIFFERENCES, bounded
from .contents import (
    Sides,
    body_pairs,
    count_leaves,
    estimated_leaves,
    header_pairs,
    is_coarse,
    location_of,
    media_difference,
    parsed,
    structural,
)
from .difference import Case, Comparison, Difference, DifferenceKind, Location, Reason, Ruled, Status
from .downstream import Taint
from .equality import equal_leaves
from .kinds import shown
from .knowledge import Scope, Scopes, by_prefix
from .leaf import BINDING, NOISE, LeafJudge, Verdict
from .noise import NoiseRule
from .outbound import fewer_calls, is_idempotency_key, judged_calls, names_an_operation, outbound_pairs
from .prejudgement import Ready, both_answered, both_succeeded, prejudge
from .profile import NoiseProfile, Place
from .repeats import READS
from .times import OTHER_TIME
from .walk import Pair, came
from .windows import RECORDED, PassClock

DOWNSTREAM = "downstream"
Witness = Callable[[Pair, str], None]


def judge(cases: Sequence[Case], profile: NoiseProfile, rules: Sequence[NoiseRule] = ()) -> Iterator[Comparison]:
    """One comparison per case, in the order given, which is to be the recorded order.

    What stands for what is kept across cases, so a whole recording is to be judged in one call.
    """
    court = Court(profile, rules, PassClock(cases))
    for case in cases:
        yield court.hear(case)


class Court:
    """Judges cases one after the other; keeps the renaming, the clock of the passes, and what is tainted.

    `witness` is told of every pair that differs and does not count, and why; of those that a rule hides, the comparison
    says it itself.
    """

    def __init__(
        self,
        profile: NoiseProfile,
        rules: Sequence[NoiseRule],
        clock: PassClock,
        renaming: Renaming | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._profile = profile
        self._rules = rules
        self._renaming = Renaming() if renaming is None else renaming
        self._witness = witness
        self._clock = clock
        self.taint = Taint(profile, self._renaming)
        watched = by_prefix({key for key, place in profile.places.items() if place.sort})
        self._scopes = Scopes(profile, self._renaming, watched)

    def hear(self, case: Case) -> Comparison:
        ready = prejudge(case, self._profile.drifting)
        if isinstance(ready, Comparison):
            self.taint.learn(case)
            both = both_succeeded(case)
            if both is not None and ready.status is Status.DIFFERED:
                # 201 became 200: what the two made still stands for one another in everything that follows
                self._hearing(case, both).outcome()
            answered = both_answered(case)
            if answered is not None and ready.status is Status.DIFFERED and judged_calls(case) is not None:
                return self._hearing(case, answered).beside(ready)
            return ready
        return self._hearing(case, ready).outcome()

    def _hearing(self, case: Case, ready: Ready) -> _Hearing:
        scope = self._scopes.of(case.method, case.route, ready.baseline.status)
        leaf = LeafJudge(self._profile, self._renaming)
        leaf.candidate = self._clock.window(case, 0, in_baseline=False)
        leaf.baseline = self._clock.window(case, 0, True) if case.baseline else self._clock.recorded(case.exchange)
        leaf.attribution = self._clock.between((True, 0) if case.baseline else RECORDED, (False, 0))
        leaf.cards = () if case.baseline else cards_in(case.exchange.request)
        leaf.first_seen_reading = case.method in READS
        return _Hearing(case, ready, scope, leaf, self._rules, self.taint, self._witness)


class _Hearing:
    """One case: collects what differs and what explains it."""

    def __init__(
        self,
        case: Case,
        ready: Ready,
        scope: Scope,
        leaf: LeafJudge,
        rules: Sequence[NoiseRule],
        taint: Taint,
        witness: Witness | None = None,
    ) -> None:
        self._case = case
        self._a, self._b = ready.baseline, ready.candidate
        self._scope = scope
        self._leaf = leaf
        self._rules = rules
        self._taint = taint
        self._witness = witness
        self._hidden: Counter[str] = Counter()
        self._rulings: Counter[tuple[str, Location, DifferenceKind]] = Counter()
        self._told = 0  # differences found that no rule hides
        self._found: list[tuple[Pair, Difference]] = []
        self._rows: dict[str, list[Pair]] = {}  # that came and went in an array where as many come as go
        self._unchecked: set[str] = set()
        self._doubtful: list[Difference] = []
        self._leaves = 0

    def outcome(self) -> Comparison:
        complete = self._a.body.complete and self._b.body.complete
        # the body says plainly what a Location or an ETag only spells: what it binds explains them
        media = self._bodies() if complete else None
        for pair in header_pairs(self._a, self._b, self._scope):
            self._take(pair)
        self._named_since()
        self._leaves += len(self._a.headers)
        self._calls()
        self._count_rows()
        differences = self._sifted()
        if media is not None and not self._ruled(media, media.candidate):
            differences.append(media)
        reason = self._reason(differences, complete)
        status = Status.DIFFERED if differences else Status.NOT_COMPARED if reason else Status.MATCHED
        return Comparison(
            self._case.exchange.id,
            self._case.method,
            self._case.route,
            status,
            None if differences else reason,
            self._taint.cause if reason is Reason.DOWNSTREAM and not differences else "",
            tuple(bounded(differences)),
            dict(self._hidden),
            self._leaves,
            tuple(sorted(self._unchecked)),
            tuple(Ruled(*ruling, count) for ruling, count in self._rulings.items()),
            tuple(self._doubtful),
        )

    def _named_since(self) -> None:
        """Texts that differ only in names which this very answer binds later: a redirect's page, and its header."""
        for pair, difference in list(self._found):
            a, b = pair.baseline, pair.candidate
            named = pair.kind is None and difference.kind is DifferenceKind.VALUE
            if named and isinstance(a, str) and isinstance(b, str) and self._leaf.renaming.explains(a, b):
                self._found.remove((pair, difference))
                self._told -= self._rule_on(difference, b) is None
                self._hide(pair, BINDING)

    def _reason(self, differences: list[Difference], complete: bool) -> Reason | None:
        if differences:
            return None
        if not complete:
            return Reason.TRUNCATED
        return Reason.DOWNSTREAM if self._hidden[DOWNSTREAM] else None

    def _calls(self, *, failed: bool = False) -> None:
        """What other systems were told. One who failed before may well have told them less, which follows from it."""
        calls = judged_calls(self._case)
        for pair in outbound_pairs(*calls, self._scope) if calls is not None else ():
            if not (failed and fewer_calls(pair)):
                self._take(pair)
                self._bind_key(pair)

    def _bind_key(self, pair: Pair) -> None:
        """An idempotency key stands for one operation, and for the same one whenever it is sent again."""
        if pair.kind is None and is_idempotency_key(pair.shape) and names_an_operation(pair.candidate):
            why = self._leaf.renaming.bind("idempotency key", str(pair.baseline), str(pair.candidate))
            if why and (not self._found or self._found[-1][0] is not pair):
                self._add(pair, Verdict(kind=DifferenceKind.IDENTITY, transition="id -> other id", detail=why))

    def beside(self, comparison: Comparison) -> Comparison:
        """A comparison of two statuses with what the calls show as well: a refused call often explains the status."""
        self._calls(failed=True)
        return replace(comparison, differences=(*comparison.differences, *self._sifted()))

    def _bodies(self) -> Difference | None:
        a, b = self._a, self._b
        same = a.body.data == b.body.data and a.headers == b.headers
        if same and not self._scope.watching:
            self._leaves += estimated_leaves(a)
            return None
        sides = parsed(a, b)
        media = None if same else media_difference(a, b, sides)
        if sides.alike:
            self._walk(sides)
        if sides.baseline.form is Form.JSON:
            self._leaves += count_leaves(sides.baseline.value, self._scope)
        else:
            self._leaves += estimated_leaves(a)
        return media

    def _count_rows(self) -> None:
        """Rows that nobody can name come and go between any two passes, but not more of the one than of the other."""
        for path, pairs in self._rows.items():
            if sum(map(came, pairs)):
                gone = [pair.baseline for pair in pairs if came(pair) < 0]
                new = [pair.candidate for pair in pairs if came(pair) > 0]
                length = Pair(path, pairs[0].shape.removesuffix("[*]"), DifferenceKind.LENGTH, gone, new)
                self._keep(length, structural(length))
        self._rows.clear()

    def _walk(self, sides: Sides) -> None:
        for pair in body_pairs(sides, self._scope):
            self._take(pair)
            if self._told > MAX_DIFFERENCES:
                break

    def _take(self, pair: Pair) -> None:
        if pair.kind is not None:
            self._structure(pair, self._scope.learned_at(pair.shape))
            return
        key = self._scope.key(pair.shape)
        a, b = pair.baseline, pair.candidate
        if equal_leaves(a, b):
            why = self._leaf.bind_equal(a, key)
            if why:
                self._add(pair, Verdict(kind=DifferenceKind.IDENTITY, transition="id -> other id", detail=why))
            return
        verdict = self._leaf.judge(a, b, key)
        if verdict.kind is not None:
            self._add(pair, verdict)
            return
        self._hide(pair, verdict.hidden)
        if verdict.hidden == NOISE and not self._scope.learned_at(pair.shape).checkable:
            self._unchecked.add(pair.shape)

    def _add(self, pair: Pair, verdict: Verdict) -> None:
        assert verdict.kind is not None
        detail = "; ".join(text for text in (pair.detail, verdict.detail) if text)
        difference = Difference(
            location_of(pair),
            verdict.kind,
            shown(pair.baseline),
            shown(pair.candidate),
            verdict.transition,
            detail,
        )
        self._keep(pair, difference)

    def _keep(self, pair: Pair, difference: Difference) -> None:
        """Of what rules hide, no more is kept than may be told: however much it is, it must not crowd out the rest."""
        if self._rule_on(difference, pair.candidate) is None:
            self._told += 1
        elif len(self._found) - self._told >= MAX_DIFFERENCES:
            self._ruled(difference, pair.candidate)
            return
        self._found.append((pair, difference))

    def _structure(self, pair: Pair, place: Place) -> None:
        kind = pair.kind
        # rows that can be named come and go one by one, others as a length; which it is depends on the rows at hand
        rows = self._scope.learned_at(pair.shape.removesuffix("[*]")) if pair.shape.endswith("[*]") else None
        noisy = (
            (place.presence_varies and kind in (DifferenceKind.MISSING, DifferenceKind.EXTRA))
            or (rows is not None and rows.length_varies and kind in (DifferenceKind.MISSING, DifferenceKind.EXTRA))
            or (place.length_varies and kind is DifferenceKind.LENGTH)
            or (kind is DifferenceKind.LENGTH and self._scope.learned_at(f"{pair.shape}[*]").presence_varies)
            or (place.order_varies and kind is DifferenceKind.ORDER)
            or (place.type_varies and kind is DifferenceKind.TYPE)
            or (place.null_varies and kind is DifferenceKind.NULL)
        )
        if noisy:
            self._hide(pair, NOISE)
            if rows is not None and place.rows_balance and not rows.length_varies:
                self._rows.setdefault(pair.array, []).append(pair)
        else:
            if is_coarse(pair):
                self._unchecked.add(pair.shape)
            self._keep(pair, structural(pair))

    def _sifted(self) -> list[Difference]:
        """What is left after what follows from an earlier difference, and after the rules."""
        kept = self._taint.sift(self._case, self._found, self._scope)
        if len(kept) < len(self._found):
            standing = {id(pair) for pair, _ in kept}
            for pair, difference in self._found:
                if id(pair) not in standing:
                    self._hide(pair, DOWNSTREAM)
                    if difference.transition == OTHER_TIME and self._rule_on(difference, pair.candidate) is None:
                        self._doubtful.append(difference)
        return [difference for pair, difference in kept if not self._ruled(difference, pair.candidate)]

    def _rule_on(self, difference: Difference, value: object) -> NoiseRule | None:
        """The first rule that hides a difference."""
        method, route = self._case.method, self._case.route
        return next((rule for rule in self._rules if rule.hides(method, route, difference, value)), None)

    def _ruled(self, difference: Difference, value: object) -> bool:
        rule = self._rule_on(difference, value)
        if rule is None:
            return False
        self._hidden[f"rule {rule.name}"] += 1
        location = Location(difference.location.part, difference.location.shape)
        self._rulings[rule.name, location, difference.kind] += 1
        return True

    def _hide(self, pair: Pair, why: str) -> None:
        self._hidden[why] += 1
        if self._witness is not None:
            self._witness(pair, why)
