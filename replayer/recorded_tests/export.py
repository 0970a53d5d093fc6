"""From a recording to a folder of tests: stories, scripts that were tried, what they were answered, files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from diffing.routes import RouteTable
from recorder.exchange import Exchange
from recorder.keys import Key

from ..errors import UsageError
from ..guide import make_guide
from ..plan import Plan, make_plan
from .answers import Assertion, assertions, note
from .conftest_file import conftest
from .effects import effect_scripts
from .expectations import Known, Variation
from .names import Unique, resource_of, test_name
from .recorded_answers import as_played
from .rendering import WrittenTest, test_file
from .script import Call, Script, users_of
from .setting import Setting
from .stage import Played, Stage
from .stories import stories
from .transcript import Cast, Transcriber
from .trials import Trials, tried, untried
from .written_files import Written, write_files

PLAYS = 3
"""How often each script is played to learn what varies; the last time in reverse order."""
PLAYERS = 2
"""Processes that play scripts side by side."""
AMBIENT = 0.9
"""Headers of so many of all answers are asserted once in each test, not with each answer."""
_CHECKS = Path(__file__).with_name("copied") / "checks.py"
_NAMES = (
    "alice bob carol dave erin frank grace heidi ivan judy kim leo mallory nina oscar peggy quinn rupert sybil trent"
).split()


@dataclass(frozen=True, slots=True)
class Export:
    """What came of an export."""

    written: Written
    tests: int
    exchanges: int  # that tests assert something about
    routes: int
    routes_recorded: int
    dropped: Counter[str] = field(default_factory=Counter)  # reason -> exchanges
    tried: bool = True


def export_tests(
    exchanges: Sequence[Exchange],
    folder: Path,
    setting: Setting,
    *,
    key: Key | None = None,
    python: str = "",
    copies: int = 1,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Export:
    """Writes the tests. Raises UsageError and InconclusiveError as `replayer.errors` says."""
    if not exchanges:
        raise UsageError("The recording holds no exchanges.", "Record some traffic first.")
    table = RouteTable((e.request.method, e.request.target, e.route) for e in exchanges)
    plan = make_plan(exchanges, lambda e: table.route(e.request.method, e.request.target, e.route))
    guide = make_guide(plan)
    support = {"__init__.py": "", "checks.py": _CHECKS.read_text(encoding="utf-8")}
    before = write_files(folder, {**support, "conftest.py": conftest(setting, {}, folder)}, force=force)
    cast = Cast()
    users: dict[str, str] = {}
    if setting.mint and setting.app:
        progress("asking who is who")
        with Stage(folder, python) as stage:
            cast, users = _cast(plan, stage, key)
        support["conftest.py"] = conftest(setting, users, folder)
        write_files(folder, support, force=force)
    elif not setting.app:
        cast = _presumed_cast(plan)
    transcriber = Transcriber(plan, guide, cast)
    chosen = stories(plan, transcriber.needs, copies)
    if setting.app:
        alone = setting.snapshot is not None and "conftest.py" not in before.kept
        with Stage(folder, python, PLAYERS if alone else 1) as stage:
            trials = tried(plan, transcriber, chosen, stage, progress)
            trials.scripts += effect_scripts(plan, transcriber, trials.scripts, stage, progress)
        plays = []
        for number in range(PLAYS):
            progress(f"learning what varies, {number + 1} of {PLAYS}")
            with Stage(folder, python, PLAYERS if alone else 1, seed=number + 1) as stage:
                plays.append(stage.play(trials.scripts, fresh=number > 0, backwards=number == PLAYS - 1))
    else:
        trials = untried(plan, transcriber, chosen)
        plays = [as_played(plan, trials.scripts)]
    written = _written_tests(plan, trials, plays)
    texts = _files(plan, written)
    done = write_files(
        folder, {**support, "conftest.py": conftest(setting, users, folder), **texts}, force=force, clear="test_*.py"
    )
    told = {call.step for test in written for call in test.script.calls if call.focus}
    return Export(
        written=Written(done.written, tuple(sorted({*before.kept, *done.kept})), done.removed),
        tests=len(written),
        exchanges=len(told),
        routes=len({_route(plan, index) for index in told}),
        routes_recorded=len({_route(plan, step.index) for step in plan.steps}),
        dropped=Counter(trials.dropped.values()),
        tried=bool(setting.app),
    )


def _route(plan: Plan, index: int) -> tuple[str, str]:
    step = plan.steps[index]
    return step.exchange.request.method, step.route


def _cast(plan: Plan, stage: Stage, key: Key | None) -> tuple[Cast, dict[str, str]]:
    """Who of the recording is whom in the database, under a name each."""
    if key is None:
        raise UsageError(
            "Users of a recording are known by keyed hashes, and the key of this one is not here.",
            "Set UNDERSTUDY_KEY_FILE to the key that was recorded with, or leave --mint out.",
        )
    digests = list(dict.fromkeys(step.principal for step in plan.steps if step.principal))
    known = stage.principals(digests, key)
    names = dict(zip((digest for digest in digests if digest in known), _user_names(), strict=False))
    logins = {name: known[digest] for digest, name in names.items()}
    cast = Cast(
        names,
        {name: login.fields for name, login in logins.items()},
        frozenset(name for name, login in logins.items() if login.headers),
        frozenset(name for name, login in logins.items() if login.cookies),
    )
    return cast, {name: login.identity for name, login in logins.items()}


def _presumed_cast(plan: Plan) -> Cast:
    """Names for all who were logged in; the conftest has to know how."""
    digests = dict.fromkeys(step.principal for step in plan.steps if step.principal)
    names = dict(zip(digests, _user_names(), strict=False))
    everybody = frozenset(names.values())
    return Cast(names, by_header=everybody, by_cookie=everybody)


def _user_names() -> list[str]:
    return [*_NAMES, *(f"user_{number}" for number in range(len(_NAMES) + 1, 1000))]


def _written_tests(plan: Plan, trials: Trials, plays: Sequence[Mapping[str, Played]]) -> list[WrittenTest]:
    ambient = _ambient(plan)
    variation = _variation(plan, trials.scripts, plays, ambient)
    names: dict[str, Unique] = defaultdict(Unique)
    tests: list[WrittenTest] = []
    for script in trials.scripts:
        seen = [play[script.key] for play in plays]
        if any(len(one.seen) < len(script.calls) for one in seen) or _unsent(script, seen):
            for call in script.calls:
                if call.focus:
                    trials.dropped[call.step] = f"it did not go the same way each time: {seen[0].problem}"
            continue
        script, seen = _sent(script, seen)
        asserted = _asserted(plan, script, seen, ambient, variation)
        focus = [call for call in script.calls if call.focus]
        told = [(call.method, plan.steps[call.step].route, plan.steps[call.step].status) for call in focus]
        who = next(iter(sorted(users_of(script))), "") or _somebody(plan, script)
        name = names[_resource(plan, script)].of(test_name(told, who), *_details(plan, script))
        tests.append(WrittenTest(name, script, asserted))
    return tests


def _unsent(script: Script, plays: Sequence[Played]) -> bool:
    """Whether what the test is about could not be sent in some play."""
    return any(call.focus and not play.seen[i].status for play in plays for i, call in enumerate(script.calls))


def _sent(script: Script, plays: Sequence[Played]) -> tuple[Script, list[Played]]:
    """Without calls that could not be made in some play, and without values that were not handed out in one."""
    made = [i for i, call in enumerate(script.calls) if call.focus or all(play.seen[i].status for play in plays)]
    calls = tuple(
        replace(
            script.calls[i],
            captures=tuple(
                one for one in script.calls[i].captures if all(one.name in play.seen[i].variables for play in plays)
            ),
        )
        for i in made
    )
    return replace(script, calls=calls), [replace(play, seen=tuple(play.seen[i] for i in made)) for play in plays]


def _somebody(plan: Plan, script: Script) -> str:
    known = any(plan.steps[call.step].principal for call in script.calls)
    return "newcomer" if known else "anybody"


def _details(plan: Plan, script: Script) -> list[str]:
    """What may tell a test from another one that does the same."""
    details: list[str] = []
    focus = [plan.steps[call.step] for call in script.calls if call.focus]
    query = focus[0].exchange.request.query
    names = sorted({pair.partition("=")[0].lower() for pair in query.split("&") if pair})
    if names and all(name.isidentifier() for name in names):
        details.append("by_" + "_and_".join(names[:3]))
    details.append(f"as_{focus[0].status}" if focus[0].status >= 400 else "")
    return details


def _resource(plan: Plan, script: Script) -> str:
    focus = [plan.steps[call.step] for call in script.calls if call.focus]
    first = next((step for step in focus if not step.reads and step.status < 400), focus[0])
    return resource_of(first.route)


def _variation(
    plan: Plan, scripts: Sequence[Script], plays: Sequence[Mapping[str, Played]], ambient: frozenset[str]
) -> Variation:
    """What varies at each place of each route, over all scripts."""
    variation = Variation()
    for script in scripts:
        for call, seen in zip(
            script.calls, zip(*(play[script.key].seen for play in plays), strict=False), strict=False
        ):
            note(_named_route(plan, call), seen, variation, ambient)
    return variation


def _named_route(plan: Plan, call: Call) -> str:
    return f"{call.method} {plan.steps[call.step].route}"


def _asserted(
    plan: Plan, script: Script, plays: Sequence[Played], ambient: frozenset[str], variation: Variation
) -> tuple[tuple[Assertion, ...], ...]:
    found: list[tuple[Assertion, ...]] = []
    variables: list[str] = []
    first = True
    for number, call in enumerate(script.calls):
        seen = [play.seen[number] for play in plays]
        known = Known({name: seen[0].variables[name] for name in variables}, variation)
        told = first and call.focus
        everything = assertions(_named_route(plan, call), seen, known, ambient, all_headers=told)
        first = first and not call.focus
        found.append(tuple(everything if call.focus else everything[:1]))
        variables += [capture.name for capture in call.captures]
    return tuple(found)


def _ambient(plan: Plan) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for step in plan.steps:
        if step.exchange.response is not None:
            counts.update({name.lower() for name, _ in step.exchange.response.headers})
    return frozenset(name for name, n in counts.items() if n >= AMBIENT * len(plan.steps) and name != "content-type")


def _files(plan: Plan, tests: Sequence[WrittenTest]) -> dict[str, str]:
    by_resource: dict[str, list[WrittenTest]] = defaultdict(list)
    for test in tests:
        by_resource[_resource(plan, test.script)].append(test)
    return {f"test_{resource}.py": test_file(resource, found) for resource, found in sorted(by_resource.items())}
