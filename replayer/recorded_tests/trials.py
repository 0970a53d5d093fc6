"""From stories to scripts that work: played on a fresh database, given what they lack, relieved of the rest.

A script works when its exchanges are answered with the recorded statuses. What another exchange has to do first is
found by trying: its flow's earlier writes, then its session's, then all that it may depend on; and then without each.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from ..engine import closure
from ..plan import Plan
from .kinds import look_of
from .sayings import Unwritable
from .script import Script
from .stage import Played, Stage
from .stories import Story, usable
from .transcript import Transcriber

MAX_ROUNDS = 40
NEAR = 8
"""Writes of the same session before a step that may have prepared it."""
MAX_SETUP = 120
"""Writes that are tried as preparation, before what can be spared is left out."""

PIECES = 8
"""Pieces of a script that are left out in turn, to find what can be spared."""
NOT_AGAIN = "its recorded status could not be had again on a fresh database"

Steps = tuple[int, ...]
Trial = Generator[list[Script], list[Played], Script | None]
"""Asks for scripts to be played, and is given what they got; ends with the script that the test is written from."""


@dataclass(slots=True)
class Trials:
    """What came of all stories."""

    scripts: list[Script] = field(default_factory=list)
    dropped: dict[int, str] = field(default_factory=dict)  # step -> why no test tells of it
    working: dict[str, Script] = field(default_factory=dict)  # scripts that may have become shorter since


def tried(
    plan: Plan,
    transcriber: Transcriber,
    stories: Sequence[Story],
    stage: Stage,
    progress: Callable[[str], None] = lambda _: None,
) -> Trials:
    """Scripts of all stories that can be made to work."""
    trials = Trials()
    running: dict[str, Trial] = {}
    asked: dict[str, list[Script]] = {}
    for number, story in enumerate(stories):
        key = f"s{number:04d}"
        running[key] = _trial(plan, transcriber, story, key, trials)
        _advance(key, running[key], None, asked, trials)
    for number in range(MAX_ROUNDS):
        if not asked:
            break
        scripts = [replace(one, key=f"{key}-{i}") for key, several in asked.items() for i, one in enumerate(several)]
        progress(f"trying {len(scripts)} scripts for {len(asked)} tests, round {number + 1}")
        played = stage.play(scripts)
        answered = {key: [played[f"{key}-{i}"] for i in range(len(several))] for key, several in asked.items()}
        asked = {}
        for key, plays in answered.items():
            _advance(key, running[key], plays, asked, trials)
    for key in asked:  # longer than need be, but they work; or nothing was found at all
        if key in trials.working:
            trials.scripts.append(trials.working[key])
        else:
            trials.dropped.update(dict.fromkeys(stories[int(key[1:])].focus, NOT_AGAIN))
    trials.scripts.sort(key=lambda script: script.key)
    return trials


def _advance(
    key: str, trial: Trial, played: list[Played] | None, asked: dict[str, list[Script]], trials: Trials
) -> None:
    try:
        asked[key] = next(trial) if played is None else trial.send(played)
    except StopIteration as end:
        if end.value is not None:
            trials.scripts.append(end.value)


def _trial(plan: Plan, transcriber: Transcriber, story: Story, key: str, trials: Trials) -> Trial:
    try:
        chosen, match = yield from _working(plan, transcriber, story, key)
    except Unwritable as error:
        trials.dropped.update(dict.fromkeys(story.focus, str(error)))
        return None
    kept = match.right
    trials.dropped.update((index, NOT_AGAIN) for index in story.focus if index not in kept)
    if not kept:
        return None
    chosen = _only(plan, transcriber, chosen, kept)
    trials.working[key] = transcriber.script(chosen, frozenset(kept), key)
    if match.failed:
        worked = _without(plan, transcriber, chosen, kept, sorted(match.failed - story.kept))
        if (yield from _fine(plan, transcriber, [worked], chosen, match, key))[0]:
            chosen = worked
    chosen = yield from _smallest(plan, transcriber, chosen, match, story.kept, key)
    return transcriber.script(chosen, frozenset(kept), key)


def _working(
    plan: Plan, transcriber: Transcriber, story: Story, key: str
) -> Generator[list[Script], list[Played], tuple[Steps, _Match]]:
    """The fewest steps of those that may be sent with which most of the story goes as recorded, and how much does."""
    focus = tuple(story.focus)
    levels = _levels(plan, transcriber, story)
    best, match = levels[0], _Match((), 0)
    for tries in (levels[:1], levels[1:3], levels[3:]):
        scripts = [transcriber.script(chosen, frozenset(focus), key) for chosen in tries]
        plays = (yield scripts) if scripts else []
        for chosen, script, played in zip(tries, scripts, plays, strict=True):
            found = _match(plan, script, played, focus)
            if found.rank > match.rank:
                best, match = chosen, found
        if match.rank == (len(focus), len(focus)):
            break
    return best, match


def _smallest(
    plan: Plan, transcriber: Transcriber, chosen: Steps, match: _Match, held: frozenset[int], key: str
) -> Generator[list[Script], list[Played], Steps]:
    """What is left of the steps without those that make no difference; `held` stay, since their effect is read."""
    kept = match.right
    needed = needed_for(transcriber, plan, [*kept, *held]) | held
    pieces = PIECES
    while removable := [index for index in chosen if index not in kept and index not in needed]:
        size = -(-len(removable) // min(pieces, len(removable)))
        chunks = [removable[at : at + size] for at in range(0, len(removable), size)]
        fewer = [_without(plan, transcriber, chosen, kept, chunk) for chunk in chunks]
        fine = yield from _fine(plan, transcriber, fewer, chosen, match, key)
        spare = [chunk for chunk, ok in zip(chunks, fine, strict=True) if ok]
        if spare:
            # each can be spared, but not always all: one of three things that fill a cart has to stay
            more = [list(chain.from_iterable(spare[:n])) for n in range(len(spare), 0, -1)]
            fewer = [_without(plan, transcriber, chosen, kept, removed) for removed in more]
            fine = [True] if len(spare) == 1 else (yield from _fine(plan, transcriber, fewer[:-1], chosen, match, key))
            number = next((n for n, ok in enumerate(fine) if ok), len(fewer) - 1)
            chosen = fewer[number]
            if size == 1 and number == 0:
                break
        elif size == 1:
            break
        else:
            pieces *= 4
    return chosen


def _fine(
    plan: Plan, transcriber: Transcriber, several: Sequence[Steps], chosen: Steps, match: _Match, key: str
) -> Generator[list[Script], list[Played], list[bool]]:
    """For each choice of steps whether it is smaller and still goes as recorded."""
    scripts = [transcriber.script(one, frozenset(match.right), key) for one in several]
    plays = yield scripts
    return [
        len(one) < len(chosen) and _match(plan, script, played, match.right).rank >= match.rank
        for one, script, played in zip(several, scripts, plays, strict=True)
    ]


def _without(plan: Plan, transcriber: Transcriber, chosen: Steps, kept: Steps, removed: Sequence[int]) -> Steps:
    return _only(plan, transcriber, [index for index in chosen if index not in removed], kept)


def _levels(plan: Plan, transcriber: Transcriber, story: Story) -> list[Steps]:
    """What may be sent for a story, from the least to the most."""
    first, last = story.focus[0], story.focus[-1]
    sessions = {plan.steps[index].session for index in story.focus}
    own = [s.index for s in plan.steps if s.session in sessions and s.index < last and _writes(plan, s.index)]
    around = [index for index in closure(plan, [first]) if _writes(plan, index)]
    near: set[int] = set()
    for index in _only(plan, transcriber, story.setup, story.focus):
        session = plan.steps[index].session
        before = [s.index for s in plan.steps[:index] if s.session == session and _writes(plan, s.index)]
        near.update(before[-NEAR:])
    levels: list[Steps] = []
    for setup in (story.kept, story.setup, near, own[-MAX_SETUP:], sorted({*own, *near, *around})[-MAX_SETUP:]):
        chosen = _only(plan, transcriber, sorted({*setup, *story.kept, *story.focus}), story.focus)
        if chosen not in levels:
            levels.append(chosen)
    return levels


def _writes(plan: Plan, index: int) -> bool:
    step = plan.steps[index]
    return not step.reads and 200 <= step.status < 400 and usable(plan, index)


def needed_for(transcriber: Transcriber, plan: Plan, wanted: Iterable[int]) -> set[int]:
    """All that these steps need to be sent, directly or not."""
    found: set[int] = set()
    stack = list(wanted)
    while stack:
        for maker in transcriber.needs(plan.steps[stack.pop()]):
            if maker not in found:
                found.add(maker)
                stack.append(maker)
    return found


def _only(plan: Plan, transcriber: Transcriber, chosen: Sequence[int], focus: Sequence[int]) -> Steps:
    """These steps with all that they need."""
    return tuple(sorted({*chosen, *focus, *needed_for(transcriber, plan, [*chosen, *focus])}))


@dataclass(frozen=True, slots=True)
class _Match:
    """How well a script went: the steps of its focus with the recorded status, and how many look as recorded, too."""

    right: Steps
    alike: int
    failed: frozenset[int] = frozenset()  # what else was sent, and did not go as recorded: it prepared nothing

    @property
    def rank(self) -> tuple[int, int]:
        return len(self.right), self.alike


def _match(plan: Plan, script: Script, played: Played, focus: Sequence[int]) -> _Match:
    """An empty list has the status of a full one, and shows less: which fields an answer has counts as well."""
    wanted = set(focus)
    right: list[int] = []
    alike = 0
    failed: set[int] = set()
    for call, seen in zip(script.calls, played.seen, strict=False):
        recorded = plan.steps[call.step].exchange.response
        if call.step not in wanted and seen.status != plan.steps[call.step].status:
            failed.add(call.step)
        if call.step in wanted and recorded is not None and seen.status == recorded.status:
            right.append(call.step)
            alike += look_of(seen.body) == look_of(recorded.body.data)
    return _Match(tuple(right), alike, frozenset(failed))


def untried(plan: Plan, transcriber: Transcriber, stories: Sequence[Story]) -> Trials:
    """Scripts as the recording suggests them, where there is no application to try them with."""
    trials = Trials()
    for number, story in enumerate(stories):
        chosen = _only(plan, transcriber, sorted({*story.setup, *story.focus}), story.focus)
        try:
            trials.scripts.append(transcriber.script(chosen, frozenset(story.focus), f"s{number:04d}"))
        except Unwritable as error:
            trials.dropped.update(dict.fromkeys(story.focus, str(error)))
    return trials
