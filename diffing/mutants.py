"""A sample of mutants: one fault each, in one exchange or in all of a route that have the place, from a seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from recorder.exchange import RecordedResponse

from .bindings import Renaming
from .compare import compare
from .difference import Case, Part
from .faulty_answers import Fault, with_fault
from .inventory import Inventory, Knowledge, Site, knowledge_of
from .knowledge import Scopes
from .mutations import WHOLE, Mutation
from .profile import NoiseProfile

MAX_TRIES = 6
"""Sites and variants tried for one mutant before its route is left alone with that kind of fault."""
MAX_PROBED = 20
"""Exchanges of a route looked at to see that a fault shows in one of them at all."""
_SINGLES = 2
"""Of three mutants so many are in one exchange; the others are in all of a route."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault at one place. `case` is the exchange that has it; None: all of the site's route and status.

    `place` is the site's shape, or, where the site is a whole text, that of what was changed in it.
    """

    number: int
    site: Site
    fault: Fault
    case: int | None
    place: str = ""
    knowledge: Knowledge = Knowledge.FIXED

    @property
    def group(self) -> tuple[str, str, int]:
        """Method, route and status of the answers that it may be in."""
        return self.site.method, self.site.route, self.site.status


class Mutator:
    """Draws mutants, and makes their answers."""

    def __init__(self, cases: Sequence[Case], inventory: Inventory, profile: NoiseProfile) -> None:
        self._cases = cases
        self._inventory = inventory
        self._scopes = Scopes(profile, Renaming())

    def draw(self, budget: int, seed: int) -> Iterator[Mutant]:
        """At most `budget` mutants, no two alike: route after route, each with the kind of fault that is rarest so far.

        Only faults that a client can tell are drawn: a reversed list of equal rows is none.
        """
        chance = Random(seed)
        strata: dict[tuple[str, str], dict[Mutation, list[Site]]] = defaultdict(lambda: defaultdict(list))
        for site in self._inventory.sites:
            strata[site.method, site.route][site.mutation].append(site)
        routes = sorted(strata)
        planted: Counter[Mutation] = Counter()
        used: dict[tuple[str, str], Counter[Mutation]] = defaultdict(Counter)
        drawn: set[tuple[Site, int | None, int]] = set()
        number = 0
        while number < budget and routes:
            chance.shuffle(routes)
            for route in [*routes]:
                kinds = strata[route]
                mutation = min(kinds, key=lambda kind: (used[route][kind], planted[kind], kind.value), default=None)
                if mutation is None:
                    routes.remove(route)
                    continue
                mutant = self._one(number, kinds[mutation], chance, drawn)
                if mutant is None:
                    del kinds[mutation]
                    continue
                planted[mutation] += 1
                used[route][mutation] += 1
                drawn.add((mutant.site, mutant.case, mutant.fault.variant))
                yield mutant
                number += 1
                if number >= budget:
                    return

    def _one(
        self, number: int, sites: Sequence[Site], chance: Random, drawn: set[tuple[Site, int | None, int]]
    ) -> Mutant | None:
        for _ in range(MAX_TRIES):
            site = chance.choice(sites)
            variant = chance.randrange(240)  # a multiple of the numbers of ways that faults have
            fault = Fault(site.mutation, site.part, site.shape, variant)
            case = chance.choice(site.cases) if number % (_SINGLES + 1) < _SINGLES or len(site.cases) < 2 else None
            mutant = Mutant(number, site, fault, case)
            if (site, case, variant) in drawn:
                continue
            for index in site.cases[:MAX_PROBED] if case is None else (case,):
                made = self.mutated(mutant, index)
                if made is not None:
                    return self._placed(mutant, index, made)
        return None

    def _placed(self, mutant: Mutant, index: int, made: Case) -> Mutant:
        site = mutant.site
        if site.part is not Part.BODY or "." in site.shape or "[" in site.shape or site.mutation in WHOLE:
            return replace(mutant, place=site.shape, knowledge=site.knowledge)
        before, after = self._cases[index].candidate[0].response, made.candidate[0].response
        assert before is not None
        assert after is not None
        shapes = sorted({difference.location.shape for difference in compare(before, after)})
        scope = self._scopes.of(*mutant.group)
        return replace(mutant, place=shapes[0], knowledge=knowledge_of([scope.learned_at(shape) for shape in shapes]))

    def mutated(self, mutant: Mutant, index: int) -> Case | None:
        """The case with the fault in the candidate's answer; None where it does not apply or no client could tell."""
        case = self._cases[index]
        answer = case.candidate[0]
        if answer.response is None:
            return None
        scope = self._scopes.of(*mutant.group)
        changed = with_fault(
            answer.response, mutant.fault, scope, self._inventory.names, everywhere=mutant.case is None
        )
        if changed is None or not _can_be_told(answer.response, changed):
            return None
        return replace(case, candidate=(replace(answer, response=changed), *case.candidate[1:]))


def _can_be_told(response: RecordedResponse, changed: RecordedResponse) -> bool:
    return response != changed and bool(compare(response, changed))
