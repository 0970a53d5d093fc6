"""The pool: candidates of all strata with what they need, planned a few thousand exchanges at a time.

A whole recording can not be planned in memory. Of each candidate's life only what may matter to it is loaded (writes
that went well, and what hands out cookies and forms, in the exchanges before it), and what it needs from other lives,
as the index of things says, in further rounds.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from recorder.exchange import Exchange

from ..plan import steps_and_flow
from .choose import MAX_CLOSURE, Chooser, Wanted, rounds
from .closures import WINDOW, Closures, needs
from .lives import Lives
from .strata import Strata
from .survey import ACTS, HANDS_OUT, LISTS, Survey

CHUNK = 4000
"""Exchanges planned at once: enough for figures on how values flow, few enough for memory (some 25 KiB each)."""

FACTOR = 3
"""The pool holds up to so many times the budget, and one candidate of each stratum in any case."""

MAX_LISTS = 10
"""Listings of a life, the latest before a candidate, that are loaded with it."""

ROUNDS = 4
"""How often what is needed from other lives is looked for; what that needs in turn is left out after the last time."""

Load = Callable[[Sequence[int]], Iterable[tuple[int, Exchange]]]
"""Rows of the store -> (row, exchange), in any order."""


class Pool:
    """What has been planned. `needs` holds for each exchange what it needs."""

    def __init__(
        self, survey: Survey, lives: Lives, strata: Strata, load: Load, route_of: Callable[[Exchange], str]
    ) -> None:
        self._survey = survey
        self._lives = lives
        self._strata = strata
        self._load = load
        self._route_of = route_of
        self._matter = _sums(survey, lives)
        self._loaded: dict[int, int] = defaultdict(int)  # life -> place behind the last one that is in the pool
        self._wanted: dict[int, set[int]] = defaultdict(set)  # life -> exchanges to be planned
        self._members: dict[int, list[int]] = defaultdict(list)
        self._seen: set[int] = set()
        self.needs: dict[int, array[int]] = {}

    @property
    def closures(self) -> Closures:
        return Closures(self.needs, self._lives)

    def members_of(self, stratum: int) -> Sequence[int]:
        """The exchanges of a stratum that are in the pool."""
        return self._members.get(stratum, ())

    def fill(self, wanted: Sequence[Wanted], budget: int, seed: int) -> None:
        """Puts candidates in, and plans them and what they need.

        What was loaded with a candidate may need more from other lives, too. That is left open: each life would bring
        others in until the pool holds most of the recording.
        """
        chooser = Chooser(self._strata.members_of, wanted, seed)
        candidates: list[int] = []
        for stratum, level in chain.from_iterable(rounds(self._strata.strata, wanted)):
            if level > 1 and len(self._seen) >= FACTOR * budget:
                break
            for index in chooser.fill(stratum, level, self._seen.__contains__, self._cost):
                candidates.append(index)
                for new in self._add(index):
                    chooser.have[self._strata.of[new]] += 1
        self._plan_wanted()
        for _ in range(ROUNDS):
            closures = self.closures
            needed = set[int]().union(*(closures.of(index, MAX_CLOSURE) or () for index in candidates))
            missing = needed - self.needs.keys()
            if not missing:
                break
            for index in sorted(missing):
                self._add(index)
            self._plan_wanted()

    def _cost(self, index: int) -> int:
        """How many exchanges have to be planned for this one: what may matter before it, and was not loaded yet."""
        life, place = self._lives.life[index], self._lives.place[index]
        begin = max(self._lives.starts[life], place - WINDOW, self._loaded[life])
        return 1 + (self._matter[place] - self._matter[begin] if begin < place else 0)

    def _add(self, index: int) -> Iterator[int]:
        """Marks the exchange and what may matter before it to be planned; gives those that are new."""
        life, place = self._lives.life[index], self._lives.place[index]
        new = []
        before = self._lives.before(index, WINDOW)
        lists = [other for other in before if self._survey.flags[other] & LISTS][-MAX_LISTS:]
        for other in before:
            if other == index or self._survey.flags[other] & (ACTS | HANDS_OUT) or other in lists:
                self._wanted[life].add(other)
                if other not in self._seen:
                    self._seen.add(other)
                    self._members[self._strata.of[other]].append(other)
                    new.append(other)
        self._loaded[life] = max(self._loaded[life], place + 1)
        return iter(new)

    def _plan_wanted(self) -> None:
        chunk: list[int] = []
        for life in sorted(
            self._wanted, key=lambda one: self._survey.times[self._lives.order[self._lives.starts[one]]]
        ):
            for index in sorted(self._wanted[life], key=self._lives.place.__getitem__):
                chunk.append(index)
                if len(chunk) >= 2 * CHUNK:
                    self._plan(chunk)
                    chunk = chunk[-WINDOW:]  # what goes on has its past with it
            if len(chunk) >= CHUNK:
                self._plan(chunk)
                chunk = []
        if chunk:
            self._plan(chunk)
        self._wanted.clear()

    def _plan(self, chunk: Sequence[int]) -> None:
        rows = {self._survey.numbers[index]: index for index in chunk}
        numbers: dict[str, int] = {}
        exchanges: list[Exchange] = []
        for row, exchange in self._load(list(rows)):
            numbers[exchange.id] = rows[row]
            exchanges.append(exchange)
        steps, flow = steps_and_flow(exchanges, self._route_of)
        order = [numbers[step.exchange.id] for step in steps]
        for index, found in needs(steps, flow, order, self._survey, self._lives).items():
            known = self.needs.get(index)
            self.needs[index] = found if known is None or len(found) >= len(known) else known


def _sums(survey: Survey, lives: Lives) -> array[int]:
    """For each place in the lives' order, how many exchanges before it may matter to others."""
    sums = array("I", [0])
    total = 0
    for index in lives.order:
        total += survey.flags[index] & (ACTS | HANDS_OUT) != 0
        sums.append(total)
    return sums
