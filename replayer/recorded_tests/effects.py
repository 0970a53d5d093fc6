"""What a write changes elsewhere, and what it must not: reads of several users that are sent after it.

A flow is what one session did with what it made. That an order takes from the stock, that what is in a deleted list is
gone from the list of everything, that a note for the staff is not shown to the customer: such things show in reads that
nothing ties to the write. Which reads those are is found by trying: what is answered otherwise without the write is
its effect. Where one user sees an effect, the others are told as well, since what they must not see counts as much.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import orjson

from ..flow import Step, consumed, handed_out
from ..plan import Plan, identifying
from .sayings import Unwritable
from .script import Call, Script, Seen
from .stage import Played, Stage
from .stories import usable
from .transcript import Transcriber
from .trials import needed_for

MAX_HISTORY = 12
"""Earlier writes that touched the same things, and are sent before."""
MAX_READS = 30
"""Reads that are tried after one write."""
MAX_SHOWN = 8
"""Reads that one test tells of."""
EXEMPLARS = 3
"""Writes of one kind that are looked at, each for reads that the others do not reach."""
REPEATS = 5
"""How often reads are repeated to see what varies by itself: of three values that come by chance, one shows alone in
less than one of a thousand cases."""
MAX_WRITES = 150
"""Writes that are looked at."""

_TABLES = re.compile(r"\b(FROM|JOIN|INTO|UPDATE)\s+([\w.\"`\[\]]+)", re.I)
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.I)

Thing = tuple[str, str]  # sort and value


@dataclass(frozen=True, slots=True)
class Effect:
    """One test to be: a write with what it needs, and reads after it."""

    write: int
    setup: tuple[int, ...]
    reads: tuple[int, ...]


def effect_scripts(
    plan: Plan, transcriber: Transcriber, working: Sequence[Script], stage: Stage, progress: Callable[[str], None]
) -> list[Script]:
    """Scripts of writes and of reads that show what they did. Raises InconclusiveError.

    `working` are scripts that have been tried: they know what a write needs.
    """
    prepared: dict[int, frozenset[int]] = {}
    for script in working:
        steps = [call.step for call in script.calls]
        for number, index in enumerate(steps):
            prepared.setdefault(index, frozenset(i for i in steps[:number] if not plan.steps[i].reads))
    tries = list(islice(_tries(plan, transcriber, prepared), MAX_WRITES))
    scripts: list[Script] = []
    for number, effect in enumerate(tries):
        try:
            full = _script(plan, transcriber, effect, f"e{number:04d}")
        except Unwritable:
            continue
        without = replace(full, key=f"{full.key}-", calls=tuple(c for c in full.calls if c.step != effect.write))
        reads = tuple(call for call in full.calls if call.step in effect.reads)
        scripts += [full, without, replace(full, key=f"{full.key}+", calls=full.calls + reads * REPEATS)]
    progress(f"looking for what {len(scripts) // 3} writes change elsewhere")
    played = stage.play(scripts)
    told: set[Hashable] = set()
    found: list[Script] = []
    for full, without, again in zip(scripts[::3], scripts[1::3], scripts[2::3], strict=True):
        effect = tries[int(full.key[1:])]
        repeated: dict[int, list[Seen]] = defaultdict(list)
        for call, seen in zip(again.calls, played[again.key].seen, strict=False):
            repeated[call.step].append(seen)
        shown = _shown(plan, effect, full, played[full.key], (without, played[without.key]), repeated, told)
        if shown:
            sent = {effect.write, *shown, *_that_worked(plan, effect, full, played[full.key])}
            chosen = sorted(sent | needed_for(transcriber, plan, sent))
            found.append(transcriber.script(chosen, frozenset({effect.write, *shown}), full.key))
    return found


def _script(plan: Plan, transcriber: Transcriber, effect: Effect, key: str) -> Script:
    told = {effect.write, *effect.reads}
    chosen = {*effect.setup, *told}
    return transcriber.script(sorted(chosen | needed_for(transcriber, plan, chosen)), frozenset(told), key)


def _that_worked(plan: Plan, effect: Effect, script: Script, played: Played) -> set[int]:
    """Steps of the preparation that went as recorded: others prepare nothing."""
    went = {
        c.step for c, seen in zip(script.calls, played.seen, strict=False) if seen.status == plan.steps[c.step].status
    }
    return went & set(effect.setup)


def _shown(
    plan: Plan,
    effect: Effect,
    script: Script,
    played: Played,
    without: tuple[Script, Played],
    again: Mapping[int, Sequence[Seen]],
    told: set[Hashable],
) -> tuple[int, ...]:
    """The reads that are worth telling, and are not told yet; none where the write itself did not go as recorded."""
    after = _by_step(script.calls, played.seen)
    write = plan.steps[effect.write]
    if effect.write not in after or after[effect.write].status != write.status:
        return ()
    before = _by_step(without[0].calls, without[1].seen)
    routes = {
        plan.steps[index].route
        for index in effect.reads
        if index in after
        and after[index].status == plan.steps[index].status
        and _differs(before.get(index), after[index], again.get(index, []))
    }
    found: list[int] = []
    for index in effect.reads:
        step = plan.steps[index]
        kind = (_kind(write), step.route, step.principal == write.principal)
        if step.route in routes and kind not in told and index in after and after[index].status == step.status:
            told.add(kind)
            found.append(index)
    return tuple(found[:MAX_SHOWN])


def _by_step(calls: Sequence[Call], seen: Sequence[Seen]) -> dict[int, Seen]:
    return {call.step: one for call, one in zip(calls, seen, strict=False)}


def _differs(before: Seen | None, after: Seen, again: Sequence[Seen]) -> bool:
    """Whether an answer is another one than without the write, at a place that does not vary by itself."""
    if before is None or before.status != after.status:
        return True
    varies = set().union(*(_changed(after.body, one.body) for one in again))
    return bool(_changed(before.body, after.body) - varies)


def _changed(one: bytes, other: bytes) -> set[str]:
    if one == other:
        return set()
    try:
        return set(_places(orjson.loads(one), orjson.loads(other), "$"))
    except orjson.JSONDecodeError:
        lines = zip(one.splitlines(), other.splitlines(), strict=False)
        changed = {f"line {number}" for number, (a, b) in enumerate(lines) if a != b}
        return changed | ({"length"} if one.count(b"\n") != other.count(b"\n") else set())


def _places(one: object, other: object, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _places(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _places(a, b, f"{path}[{index}]")
    elif one != other:
        yield path


def _tries(plan: Plan, transcriber: Transcriber, prepared: Mapping[int, frozenset[int]]) -> Iterator[Effect]:
    """Writes of each kind with what may show their effects, those first that are the first of their kind."""
    things = _Things(plan)
    reads = [step for step in plan.steps if step.reads and 200 <= step.status < 300 and usable(plan, step.index)]
    writes: dict[str, list[Step]] = defaultdict(list)
    for step in plan.steps:
        if not step.reads and 200 <= step.status < 400 and usable(plan, step.index):
            writes[_kind(step)].append(step)
    rounds: list[list[Effect]] = [[] for _ in range(EXEMPLARS)]
    for several in writes.values():
        reached: set[Hashable] = set()
        candidates = {step.index: _candidates(step, reads, things) for step in several}
        for found in rounds:
            best = max(several, key=lambda step: (len(candidates[step.index].keys() - reached), -step.index))
            if not candidates[best.index].keys() - reached:
                break
            reached |= candidates[best.index].keys()
            chosen = list(candidates[best.index].values())[:MAX_READS]
            setup = {*_history(plan, things, best), *prepared.get(best.index, ())}
            fit = [i for i in chosen if max(needed_for(transcriber, plan, [i]), default=0) <= best.index]
            if fit:
                found.append(Effect(best.index, tuple(sorted(setup)), tuple(sorted(fit))))
    for found in rounds:
        yield from found


def _candidates(write: Step, reads: Iterable[Step], things: _Things) -> Mapping[Hashable, int]:
    """(route, whether it is the writer who reads) -> the first such read after the write that has to do with it."""
    found: dict[Hashable, int] = {}
    touched = things.touched(write)
    for read in reads:
        key = (read.route, read.principal == write.principal)
        if read.index < write.index or key in found or not things.related(write, read):
            continue
        named = things.named(read)
        if not named or named & touched:
            found[key] = read.index
    return found


def _history(plan: Plan, things: _Things, write: Step) -> tuple[int, ...]:
    """Earlier writes that touched things that the write touches, and that were made in the recording."""
    core = things.made(things.touched(write), write.index)
    earlier = [
        index for thing in core for index in things.writes_of(thing) if index < write.index and usable(plan, index)
    ]
    return tuple(sorted(set(earlier)))[-MAX_HISTORY:]


class _Things:
    """Which things each exchange names or shows."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        names = identifying(plan.flow)
        self._sorts = {location: sort for location, sort in plan.flow.sorts.items() if sort in names}
        self._touched: dict[int, frozenset[Thing]] = {}
        self._writes: dict[Thing, list[int]] = defaultdict(list)
        # by route, or kind of write, over all of its exchanges: an empty list has the sorts and tables of a full one
        self._written: dict[str, set[str]] = defaultdict(set)
        self._looked: dict[str, set[str]] = defaultdict(set)
        self._sorts_of: dict[str, set[str]] = defaultdict(set)
        for step in plan.steps:
            if not 200 <= step.status < 400:
                continue
            statements = [one.statement for one in step.exchange.sql or ()]
            self._sorts_of[step.route if step.reads else _kind(step)] |= {sort for sort, _ in self.touched(step)}
            if step.reads:
                self._looked[step.route].update(*map(_tables, statements))
            else:
                self._written[_kind(step)].update(*map(_tables, filter(_WRITES.match, statements)))
                for thing in self.touched(step):
                    self._writes[thing].append(step.index)

    def touched(self, step: Step) -> frozenset[Thing]:
        """What a request names and its answer shows."""
        if step.index not in self._touched:
            asked = {(self._sorts[where], value) for _, where, value in consumed(step) if where in self._sorts}
            shown = {(self._sorts[where], value) for where, value in handed_out(step) if where in self._sorts}
            self._touched[step.index] = frozenset(asked | shown)
        return self._touched[step.index]

    def named(self, step: Step) -> frozenset[Thing]:
        """What the address of a request names."""
        return frozenset(
            (self._sorts[where], value)
            for slot, where, value in consumed(step)
            if where in self._sorts and slot.location.startswith(("path[", "query."))
        )

    def made(self, things: Iterable[Thing], before: int) -> list[Thing]:
        """Those of them that a write of the recording has made."""
        return [thing for thing in sorted(things) if self._plan.flow.created.get(thing, before + 1) <= before]

    def writes_of(self, thing: Thing) -> Sequence[int]:
        return self._writes.get(thing, ())

    def related(self, write: Step, read: Step) -> bool:
        """Whether a route may show a write: by what it looks at in the database, else by the sorts of what it shows."""
        written, looked = self._written[_kind(write)], self._looked[read.route]
        if written and looked:
            return bool(written & looked)
        shown = self._sorts_of[read.route]
        return not shown or bool(self._sorts_of[_kind(write)] & shown)  # a figure shows no thing, and may count any


def _tables(statement: str) -> set[str]:
    return {match[1].strip('"`[]').lower() for match in _TABLES.findall(statement)}


def _kind(step: Step) -> str:
    return f"{step.exchange.request.method} {step.route} {step.status}"
