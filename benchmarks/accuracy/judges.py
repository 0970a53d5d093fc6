"""Fresh passes of the shop, faults put into their answers, and what the product and the reference policies say."""

from __future__ import annotations

import pickle
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from diffing.difference import Answer
from diffing.grouping import CONFIRMED, Finding
from recorder.exchange import Body
from replayer.confirmation import MAX_ROUNDS
from replayer.passes import Pass
from replayer.rehearsal import Request

from .detector import Bench
from .draw import SHOP
from .injection import KINDS, Fault, Injector
from .live import faulty_target
from .places import Place, find_places
from .policies import POLICIES, Asked
from .pool import FromSupply, Lessons, Supply, rehearsed, with_answers
from .response_faults import Message

BASELINES, REPEATED, CANDIDATES = 3, MAX_ROUNDS, MAX_ROUNDS + 1
"""Passes: of the baseline, and as many of each side as the confirmation has rounds, and the candidate's first."""
MAX_TRIES = 60
"""Draws for one fault of a kind that changes an answer."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault, or one control, and what was said of it."""

    number: int
    fault: str
    kind: str
    stratum: str
    route: str
    path: str
    varies: bool
    source: str  # "answers" or "live"
    changed: int  # answers that the fault changed, in the first pass
    found: bool = False  # a confirmed finding at the fault's route
    flaky: bool = False  # only one that was not confirmed
    verdict: str = ""
    right: int = 0  # confirmed findings that have the fault's route among their places
    elsewhere: tuple[str, ...] = ()  # confirmed findings that do not
    places: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    policies: dict[str, bool] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""


class Judges:
    """The passes, and what is said of faults in them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.request: Request = bench.request(SHOP)
        self.prepared = FromSupply(self.request)
        self._lessons = Lessons()
        self.baselines: list[Pass] = []
        self.repeated: list[Pass] = []
        self.candidates: list[Pass] = []
        self._named = [f"{s.exchange.request.method} {s.route}" for s in self.prepared.steps]
        self._controls: dict[str, set[Any]] = {}

    async def fill(self, kept: Path | None = None) -> None:
        """Replays, or reads the passes that an earlier run kept in that folder."""
        file = kept / "passes.pickle" if kept else None
        made = False
        if file is not None and file.exists():
            self.baselines, self.repeated, self.candidates = pickle.loads(file.read_bytes())  # our own file
        for passes, wanted, target in (
            (self.baselines, BASELINES, self.request.baselines[0]),
            (self.repeated, REPEATED, self.request.baselines[0]),
            (self.candidates, CANDIDATES, self.request.candidate),
        ):
            for one in passes:
                one.target = target  # what was kept may be of an older release's settings
            while len(passes) < wanted:
                passes.append(await self.prepared.fresh(target))
                made = True
        if file is not None and made:
            file.write_bytes(pickle.dumps((self.baselines, self.repeated, self.candidates)))
        for name, policy in POLICIES.items():
            self._controls[name] = policy(self.asked(self.candidates[0]))

    def asked(self, candidate: Pass) -> list[Asked]:
        """What the reference policies get: the baseline's answers and the candidate's."""
        passes = [*(one.result.answers for one in self.baselines), candidate.result.answers]
        pairs = zip(self._named, zip(*passes, strict=True), strict=True)
        return [(name, answers) for name, answers in pairs if all(answer.reason is None for answer in answers)]

    def places(self) -> list[Place]:
        passes = [one.result.answers for one in (*self.baselines, *self.candidates)]
        return find_places(zip(self._named, zip(*passes, strict=True), strict=True))

    def faulty(self, one: Pass, faults: Sequence[Fault], run: int) -> tuple[Pass, list[int]]:
        """The pass as a candidate with those faults had answered, and how many answers each changed."""
        answers = list(one.result.answers)
        injectors = [(fault.route, Injector(fault, run)) for fault in faults]
        for index in sorted(range(len(answers)), key=lambda number: answers[number].started):
            for route, injector in injectors:
                if route == self._named[index]:
                    answers[index] = _injected(answers[index], injector)
        return with_answers(one, answers), [injector.changed for _, injector in injectors]

    async def judge(self, faults: Sequence[Fault], turn: int = 0) -> tuple[Any, list[int], Pass]:
        """The product's run on candidates with those faults; `turn` says which pass is the first."""
        turned = [*self.candidates[turn:], *self.candidates[:turn]]
        passes = [self.faulty(one, faults, run + turn) for run, one in enumerate(turned)]
        supply = Supply([*self.baselines, *self.repeated], [one for one, _ in passes])
        rehearsal = await rehearsed(self.prepared, self.request, supply, self._lessons)
        return rehearsal, passes[0][1], passes[0][0]

    async def live(self, fault: Fault, folder: Path) -> Any:
        """The same in running instances; only the baseline's passes are kept."""
        candidate = faulty_target(self.request.candidate, fault, set(self._named), folder)
        request = replace(self.request, candidate=candidate)
        return await rehearsed(self.prepared, request, Supply([*self.baselines, *self.repeated]), self._lessons)

    def referees(self, fault: Fault, candidate: Pass) -> dict[str, bool]:
        """Whether each reference policy reports a place of the route that it does not report without the fault."""
        asked = self.asked(candidate)
        reports = {name: policy(asked) - self._controls[name] for name, policy in POLICIES.items()}
        return {name: any(route == fault.route for route, _ in places) for name, places in reports.items()}


def _injected(answer: Answer, injector: Injector) -> Answer:
    response = answer.response
    if response is None:
        return answer
    message = Message(response.status, response.headers, response.body.data)
    wrong = injector.apply(message)
    if wrong is message:
        return answer
    headers = tuple(
        (name, str(len(wrong.body)) if name.lower() == "content-length" else value) for name, value in wrong.headers
    )
    return replace(answer, response=replace(response, status=wrong.status, headers=headers, body=Body.of(wrong.body)))


def draw(judges: Judges, places: Sequence[Place], seed: int, count: int) -> list[Fault]:
    """Faults that change an answer: every kind in turn, then a kind of place, a route, and a place, by chance."""
    chance = random.Random(seed)
    fitting: dict[str, dict[str, dict[str, list[Place]]]] = {}
    for kind in KINDS.values():
        strata: defaultdict[str, defaultdict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
        for place in places:
            if kind.fits(place):
                strata[f"{place.kind} {place.varies}"][place.route].append(place)
        if strata:
            fitting[kind.name] = {name: dict(routes) for name, routes in strata.items()}
    drawn: list[Fault] = []
    seen: set[tuple[str, Place]] = set()
    names: list[str] = []
    idle = 0
    while len(drawn) < count and idle < len(fitting):
        if not names:
            names = sorted(fitting)
            chance.shuffle(names)
        name = names.pop()
        fault = _one(judges, fitting[name], name, chance, len(drawn) + 1, seen)
        idle = 0 if fault else idle + 1
        if fault:
            drawn.append(fault)
    return drawn


def _one(
    judges: Judges,
    strata: dict[str, dict[str, list[Place]]],
    name: str,
    chance: random.Random,
    number: int,
    seen: set[tuple[str, Place]],
) -> Fault | None:
    for _ in range(MAX_TRIES):
        routes = strata[chance.choice(sorted(strata))]
        place = chance.choice(routes[chance.choice(sorted(routes))])
        fault = Fault.at(number, KINDS[name], place, chance.randrange(1 << 30))
        if (name, place) in seen:
            continue
        if judges.faulty(judges.candidates[0], [fault], 0)[1][0]:
            seen.add((name, place))
            return fault
    return None


def told(fault: Fault | None, number: int, source: str, changed: int, rehearsal: Any) -> FaultRow:
    """The row of what the product said."""
    findings: list[Finding] = list(rehearsal.report.findings)
    confirmed = [finding for finding in findings if finding.state == CONFIRMED]
    route = fault.route if fault else ""
    right = [finding for finding in confirmed if route in routes_of(finding)]
    return FaultRow(
        number=number,
        fault=str(fault) if fault else "unmutated",
        kind=fault.kind if fault else "",
        stratum=fault.stratum if fault else "",
        route=route,
        path=fault.path if fault else "",
        varies=bool(fault and fault.varies),
        source=source,
        changed=changed,
        found=bool(right),
        flaky=not right and any(route in routes_of(finding) for finding in findings),
        verdict=rehearsal.report.verdict.outcome.value,
        right=len(right),
        elsewhere=tuple(named(finding) for finding in confirmed if finding not in right),
        places=tuple(named(finding) for finding in (confirmed or findings))[:12],
        fingerprints=tuple(sorted(finding.fingerprint for finding in confirmed)),
        problem="; ".join(rehearsal.report.problems),
    )


def routes_of(finding: Finding) -> set[str]:
    return {f"{finding.method} {finding.route}", *(f"{each.method} {each.route}" for each in finding.members)}


def named(finding: Finding) -> str:
    where = finding.location.path or finding.location.part.value
    seen = f"{finding.count} of {finding.out_of}, {len(finding.members)} places, {finding.state}"
    return f"{finding.method} {finding.route} {where} {finding.kind} {finding.transition} ({seen})"
