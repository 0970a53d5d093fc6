"""Closures: an exchange with all that must be replayed before it so that it finds what it found.

Of the edges of a plan most only keep an order. What an exchange *needs* is less:

- who handed out the tokens and ids that it uses, unless they were there before the recording,
- what was done before to the things that its path, its query or a write's body names, and to what these belong to: by
  its own people in any way, by others where their path named it or they made it,
- when its path names nothing (`/cart`, `/orders`, `/checkout` mean what is theirs): what its own people did before to
  the things that its answer shows, and below the same prefix (`POST /cart/items` for `GET /cart`),
- who first told a password or an address that a write tells again (a login needs the registration),
- when a write did that named nothing, all that its own people did below the prefix of that one, and what showed the
  same things: a cart holds what all of them left in it,
- when it was not let in with a credential that was handed out, or names what appeared without being made by a write (a
  notice): all that its own people did before, and the read that showed it.

A read changes nothing, and what was refused changed nothing: nobody needs these but for a token that they handed out.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from diffing.atoms import is_integer, is_opaque

from ..flow import Flow, Step, consumed, handed_out
from ..nouns import noun_of
from ..plan import identifying
from ..spans import Part
from .lives import Lives
from .survey import Survey
from .things import asked_for

WINDOW = 200
"""Exchanges of one life that are looked back at: what a service account did before is not replayed."""

WINDOWS = (WINDOW, 100, 50, 25, 10, 0)
"""How far back a closure goes, the widest that is not too large."""

SHARED = 0.6
"""Of the routes that a prefix must have to say nothing about what they are for."""

Needs = Mapping[int, "array[int]"]
"""Exchange -> the exchanges that it needs, by their numbers in the survey."""

Thing = tuple[str, str]


def needs(
    steps: Sequence[Step], flow: Flow, numbers: Sequence[int], survey: Survey, lives: Lives
) -> dict[int, array[int]]:
    """What each step needs; `numbers` gives for each step its number in the survey."""
    return _Needs(steps, flow, numbers, survey, lives).all()


class _Needs:
    def __init__(self, steps: Sequence[Step], flow: Flow, numbers: Sequence[int], survey: Survey, lives: Lives) -> None:
        self._steps = steps
        self._flow = flow
        self._numbers = numbers
        self._survey = survey
        self._lives = lives
        self._identifying = identifying(flow)
        self._parents: dict[Thing, frozenset[Thing]] = {}
        self._mine: dict[tuple[int, Thing], list[int]] = defaultdict(list)  # life, thing -> writes
        self._anybody: dict[Thing, list[int]] = defaultdict(list)  # thing -> writes that name it in a path or made it
        self._told: dict[tuple[int, str], int] = {}  # life, secret or address -> who first told it with success
        self._acts: dict[int, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)  # life -> writes, and their routes
        self._loose: dict[int, tuple[str, ...]] = {}  # write whose path names nothing -> the prefix of its route
        self._told_by: dict[int, frozenset[Thing]] = {}  # write whose path names nothing -> what its body names
        self._shown_by_acts: dict[tuple[int, Thing], list[int]] = defaultdict(list)
        self._showers: dict[tuple[int, Thing], int] = {}  # life, thing -> its own read that showed it last
        self._made: set[Thing] = set()
        self._seen_by: dict[Thing, int] = {}  # thing -> the life that alone saw it before
        self._base = _base({_static(step.route) for step in steps})

    def all(self) -> dict[int, array[int]]:
        """In the plan's order: whoever is needed comes first."""
        for step in self._steps:
            life = self._lives.life[self._numbers[step.index]]
            for thing in self._asked_for(step):
                if self._seen_by.setdefault(thing, life) != life:
                    self._seen_by[thing] = -1
        return {self._numbers[step.index]: self._of(step) for step in self._steps}

    def _of(self, step: Step) -> array[int]:
        number = self._numbers[step.index]
        life, place = self._lives.life[number], self._lives.place[number]
        asked = self._asked(step)
        acts = not step.reads and 0 < step.status < 400
        shown, made = self._shown(step) if acts or not asked.named else (set(), set())
        wanted = self._with_parents(asked.named | (set() if step.reads else asked.told))
        touched: set[int] = set()
        for thing in wanted:
            touched.update(self._mine.get((life, thing), ()))
            if thing in self._made:
                touched.update(self._anybody.get(thing, ()))
        if not asked.named:
            for thing in shown:
                touched.update(self._own(thing, life) if step.reads else self._mine.get((life, thing), ()))
        prefixes = {self._loose[other] for other in touched if other in self._loose and self._lives.life[other] == life}
        if not asked.named:
            prefixes.add(self._prefix(step))
        below = self._acts_below(life, prefixes)
        found = asked.makers | touched | below
        for other in below:  # an order takes out of the cart what was put in
            for thing in self._told_by.get(other, ()):
                found.update(self._shown_by_acts.get((life, thing), ()))
        appeared = [thing for thing in asked.named if step.status < 400 and self._appeared(thing, life)]
        found.update(self._showers[life, thing] for thing in appeared if (life, thing) in self._showers)
        if appeared or (step.status == 401 and asked.credentials):
            found.update(other for other, _ in self._acts.get(life, ()))
        near = {
            other
            for other in found
            if self._lives.life[other] != life or 0 < place - self._lives.place[other] <= WINDOW
        }
        if acts or (step.reads and 300 <= step.status < 400 and asked.named):
            self._note(step, number, life, asked, wanted, made)
            if not asked.named:
                self._told_by[number] = frozenset(asked.told)
                for thing in shown:
                    self._shown_by_acts[life, thing].append(number)
        elif step.reads and step.status < 300:
            for thing in shown:
                self._showers[life, thing] = number
        near.discard(number)
        return array("I", sorted(near))

    def _asked_for(self, step: Step) -> set[Thing]:
        return {
            (sort, value)
            for _, location, value in consumed(step)
            if (sort := self._flow.sorts.get(location)) is not None and sort in self._identifying
        }

    def _own(self, thing: Thing, life: int) -> Iterable[int]:
        return (other for other in self._anybody.get(thing, ()) if self._lives.life[other] == life)

    def _acts_below(self, life: int, prefixes: set[tuple[str, ...]]) -> set[int]:
        """What its own people did before below any of the prefixes."""
        return {
            number
            for number, route in self._acts.get(life, ())
            if any(route[: len(prefix)] == prefix for prefix in prefixes)
        }

    def _prefix(self, step: Step) -> tuple[str, ...]:
        """What the collection of a route is called: its first segment after those that most routes share."""
        static = _static(step.route)
        shared = len(self._base)
        return static[: shared + 1] if static[:shared] == self._base else static[:1]

    def _appeared(self, thing: Thing, life: int) -> bool:
        """Whether the thing is its own people's and nobody made it: it came as a side effect of what they did."""
        return thing not in self._made and thing in self._seen_by and self._seen_by[thing] == life

    def _asked(self, step: Step) -> _Asked:
        asked = _Asked()
        moment = self._survey.times[self._numbers[step.index]]
        consumed_ = consumed(step)
        for slot, location, value in consumed_:
            sort = self._flow.sorts.get(location)
            thing = (sort, value) if sort is not None and sort in self._identifying else None
            if thing is not None:
                (asked.named if slot.location.startswith(("path[", "query.")) else asked.told).add(thing)
            maker = self._flow.created.get((sort, value)) if sort is not None else None
            if maker is not None and thing is not None and thing not in self._made:
                maker = None  # its first sight was a write, but it was there before
            if maker is None and thing is None and is_opaque(value):
                maker = self._flow.tokens.get(value)
            if maker is not None and maker < step.index:
                asked.makers.add(self._numbers[maker])
                asked.credentials |= slot.location.startswith(("header.", "cookie."))
            if not step.reads and slot.part is Part.BODY and (is_opaque(value) or "@" in value):
                asked.secrets.add(value)
        life = self._lives.life[self._numbers[step.index]]
        tellers = (self._told.get((life, value), self._told.get((-1, value))) for value in asked.secrets)
        asked.makers.update(teller for teller in tellers if teller is not None)
        for location, noun, value in set(asked_for((location, value) for _, location, value in consumed_)):
            known = self._elsewhere(noun, value)
            asked.makers.update(other for other in known if self._survey.times[other] < moment)
            if known and (sort := self._flow.sorts.get(location)) is not None:
                self._made.add((sort, value))
        return asked

    def _elsewhere(self, noun: str, value: str) -> list[int]:
        if noun:
            return self._survey.things.changes(noun, value)
        maker = self._survey.things.maker(noun, value)
        return [] if maker is None else [maker]

    def _shown(self, step: Step) -> tuple[set[Thing], set[Thing]]:
        """The things that the answer shows, and those of them that it made."""
        shown: set[Thing] = set()
        made: set[Thing] = set()
        for location, value in handed_out(step):
            sort = self._flow.sorts.get(location)
            if sort is not None and sort in self._identifying:
                shown.add((sort, value))
                if self._flow.created.get((sort, value)) == step.index and self._is_new(location, value):
                    made.add((sort, value))
        return shown, made

    def _is_new(self, location: str, value: str) -> bool:
        """Whether the index knows who made it, too: few reads are loaded, and a write may be the first to show it."""
        noun = noun_of(location)
        return noun is None or not is_integer(value) or self._survey.things.maker(noun, value) is not None

    def _with_parents(self, things: set[Thing]) -> set[Thing]:
        return things.union(*(self._parents.get(thing, frozenset()) for thing in things))

    def _note(self, step: Step, number: int, life: int, asked: _Asked, wanted: set[Thing], made: set[Thing]) -> None:
        self._made |= made
        if not asked.named:
            self._loose[number] = self._prefix(step)
        for thing in made - asked.named:
            self._parents.setdefault(thing, frozenset(self._with_parents(asked.named)))
        for thing in wanted | made:
            self._mine[life, thing].append(number)
        for thing in asked.named | made:
            self._anybody[thing].append(number)
        for value in asked.secrets:
            self._told.setdefault((life, value), number)
            if "@" in value:
                self._told.setdefault((-1, value), number)
        self._acts[life].append((number, _static(step.route)))


@dataclass(slots=True)
class _Asked:
    named: set[Thing] = field(default_factory=set)  # in the path and the query
    told: set[Thing] = field(default_factory=set)  # in the body
    secrets: set[str] = field(default_factory=set)  # in a write's body: passwords, tokens, addresses
    makers: set[int] = field(default_factory=set)  # of what is used
    credentials: bool = False  # whether a header or cookie holds what was handed out


def _static(route: str) -> tuple[str, ...]:
    """A route's segments up to the first that it leaves open."""
    found = []
    for segment in route.split("/"):
        if segment.startswith(("<", "{", ":", "(")):
            break
        if segment:
            found.append(segment)
    return tuple(found)


def _base(routes: set[tuple[str, ...]]) -> tuple[str, ...]:
    """The segments that most routes begin with, such as `api` and a version."""
    base: tuple[str, ...] = ()
    while True:
        following = Counter(route[: len(base) + 1] for route in routes if route[: len(base)] == base)
        longer, count = max(following.items(), key=lambda each: (each[1], each[0]), default=(base, 0))
        if len(longer) == len(base) or count < SHARED * len(routes):
            return base
        base = longer


class Closures:
    """Closures over what is known of needs so far. What nobody has planned yet is taken to need nothing.

    Of each life nothing is followed that lies further back than WINDOW from where the closure comes upon it; less far,
    where that would be too much: such a closure is `cut`.
    """

    def __init__(self, found: Needs, lives: Lives) -> None:
        self._needs = found
        self._lives = lives
        self.cut: set[int] = set()  # targets whose closures were

    def of(self, target: int, most: int) -> set[int] | None:
        """The target and what it needs, directly or not; None when these are more than `most` however they are cut."""
        for window in WINDOWS:
            found = self._within(target, most, window)
            if found is not None:
                if window < WINDOW:
                    self.cut.add(target)
                return found
        return None

    def _within(self, target: int, most: int, window: int) -> set[int] | None:
        life, place = self._lives.life, self._lives.place
        found: set[int] = set()
        first: dict[int, int] = {}  # life -> place from which on it is followed
        stack = [target]
        while stack:
            index = stack.pop()
            if index in found or place[index] < first.setdefault(life[index], place[index] - window):
                continue
            found.add(index)
            if len(found) > most:
                return None
            stack.extend(self._needs.get(index, ()))
        return found

    def unplanned(self, closure: Iterable[int]) -> int:
        """How many of a closure's exchanges nobody has planned: what they need in turn is not known."""
        return sum(index not in self._needs for index in closure)
