"""The gate against generated faults. Run: python -m benchmarks.accuracy.faults --seed N --count 200

The shop is recorded once, and fresh unmutated instances replay it: three as the baseline, two as its repetitions, the
others as candidates. A fault is applied to the answers of candidates that nobody has mutated, each time to another
pass's, so that a confirmation judges another pass with the same fault; nothing is replayed for it. With `--live N` the
first N faults are judged a second time in running candidates, where they have their effects on state, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from diffing.difference import Answer
from diffing.grouping import CONFIRMED, Finding
from recorder.exchange import Body
from replayer.passes import Pass
from replayer.rehearsal import Request

from .detector import Bench, Traffic
from .draw import SHOP
from .injection import KINDS, Fault, Injector
from .live import faulty_target
from .places import Place, find_places
from .policies import POLICIES, Asked
from .pool import FromSupply, Lessons, Supply, rehearsed, with_answers
from .response_faults import Message

RESULTS = Path(__file__).with_name("results")
BASELINES, REPEATED = 3, 3
CANDIDATES = 6
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

    async def fill(self, candidates: int = CANDIDATES) -> None:
        for _ in range(BASELINES):
            self.baselines.append(await self.prepared.fresh(self.request.baselines[0]))
        for _ in range(REPEATED):
            self.repeated.append(await self.prepared.fresh(self.request.baselines[0]))
        for _ in range(candidates):
            self.candidates.append(await self.prepared.fresh(self.request.candidate))
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
    return {f"{each.method} {each.route}" for each in (finding, *finding.members)}


def named(finding: Finding) -> str:
    where = finding.location.path or finding.location.part.value
    seen = f"{finding.count} of {finding.out_of}, {len(finding.members)} places, {finding.state}"
    return f"{finding.method} {finding.route} {where} {finding.kind} {finding.transition} ({seen})"


# -- the command ----------------------------------------------------------------------------------------------------

_JUDGES: list[Judges] = []  # for the forked processes


def _judged(fault: Fault) -> FaultRow:
    began = time.monotonic()
    judges = _JUDGES[0]
    rehearsal, changed, candidate = asyncio.run(judges.judge([fault]))
    row = told(fault, fault.number, "answers", changed[0], rehearsal)
    policies = judges.referees(fault, candidate)
    return replace(row, policies=policies, seconds=round(time.monotonic() - began, 2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the draw")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--live", type=int, default=0, help="so many of them are judged in running candidates, too")
    parser.add_argument("--pairs", type=int, default=0, help="pairs of found faults that are judged together")
    parser.add_argument("--repeated", type=int, default=0, help="so many of them are judged on another pass, too")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--traffic-seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--requests", type=int, default=800, help="about how many to record")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        bench = Bench(Path(folder), Traffic(options.traffic_seed, options.users, options.requests), BASELINES)
        with bench.serving("provider") as provider:
            bench.record(provider)
            _Run(options, bench, Path(folder)).run()
    return 0


class _Run:
    def __init__(self, options: argparse.Namespace, bench: Bench, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._began = time.monotonic()
        self._judges = Judges(bench)
        self._path: Path = options.results / f"faults-{options.seed}.json"
        self._faults: list[Fault] = []
        self._rows: list[FaultRow] = []
        self._more: dict[str, Any] = {"pairs": [], "repeated": []}

    def run(self) -> None:
        asyncio.run(self._judges.fill())
        _JUDGES[:] = [self._judges]
        self._say(f"{len(self._judges.prepared.steps)} requests, {BASELINES + REPEATED + CANDIDATES} passes")
        if not self._resume():
            self._faults = draw(self._judges, self._judges.places(), self._options.seed, self._options.count)
        self._say(f"{len(self._faults)} faults of {len({fault.kind for fault in self._faults})} kinds")
        self._controls()
        for row in self._answers():
            self._add(row)
        asyncio.run(self._live())
        asyncio.run(self._pairs())
        asyncio.run(self._again())
        self._save()

    def _resume(self) -> bool:
        """Takes up the draw and the rows of an interrupted run; a fault is judged on this run's passes."""
        if not self._path.exists():
            return False
        data = json.loads(self._path.read_text())
        self._faults = [Fault.from_json(json.dumps(each)) for each in data["faults"]][: self._options.count]
        self._rows = [FaultRow(**row) for row in data["rows"]]
        self._more = data["more"]
        return len(self._faults) == self._options.count

    def _done(self, source: str) -> set[int]:
        return {row.number for row in self._rows if row.source == source}

    def _controls(self) -> None:
        """Each candidate's pass without a fault: what is found there is false."""
        for turn in range(CANDIDATES):
            if -turn - 1 not in self._done("control"):
                rehearsal, _, _ = asyncio.run(self._judges.judge([], turn))
                self._add(told(None, -turn - 1, "control", 0, rehearsal))

    def _answers(self) -> Iterator[FaultRow]:
        done = self._done("answers")
        wanted = [fault for fault in self._faults if fault.number not in done]
        if self._options.jobs < 2:
            yield from map(_judged, wanted)
            return
        with multiprocessing.get_context("fork").Pool(self._options.jobs) as processes:
            yield from processes.imap(_judged, wanted)

    async def _live(self) -> None:
        done = self._done("live")
        for fault in self._faults[: self._options.live]:
            if fault.number not in done:
                began = time.monotonic()
                rehearsal = await self._judges.live(fault, self._folder)
                row = told(fault, fault.number, "live", -1, rehearsal)
                self._add(replace(row, seconds=round(time.monotonic() - began, 1)))

    async def _pairs(self) -> None:
        """Two faults at once: does one finding claim places of both?"""
        alone = {row.number: row for row in self._rows if row.source == "answers" and row.found}
        faults = [fault for fault in self._faults if fault.number in alone]
        chance = random.Random(self._options.seed)
        while len(self._more["pairs"]) < self._options.pairs:
            first, second = chance.sample(faults, 2)
            if first.route == second.route:
                continue
            rehearsal, _, _ = await self._judges.judge([first, second])
            joined = [
                named(finding)
                for finding in rehearsal.report.findings
                if {first.route, second.route} <= routes_of(finding)
            ]
            self._more["pairs"].append({"faults": [str(first), str(second)], "joined": joined})
            if joined:
                self._say(f"joined: {first} | {second}: {joined[0]}")
            self._save()

    async def _again(self) -> None:
        """The same faults on other candidates' passes: are the fingerprints the same?"""
        alone = {row.number: row for row in self._rows if row.source == "answers" and row.found}
        for fault in self._faults:
            if len(self._more["repeated"]) >= self._options.repeated:
                break
            if fault.number in alone and KINDS[fault.kind].share == 1:
                rehearsal, _, _ = await self._judges.judge([fault], 1)
                row = told(fault, fault.number, "answers", 0, rehearsal)
                before = set(alone[fault.number].fingerprints)
                now = set(row.fingerprints)
                self._more["repeated"].append(
                    {"fault": str(fault), "same": len(before & now), "different": len(before ^ now)}
                )
                if before ^ now:
                    self._say(f"other fingerprints: {fault}: {row.places}")
                self._save()

    def _add(self, row: FaultRow) -> None:
        self._rows.append(row)
        word = "control" if not row.kind else "found" if row.found else "NOT CONFIRMED" if row.flaky else "MISSED"
        self._say(f"{row.number:4} {row.source} {word} {row.fault}; {row.changed} answers, {row.right} findings")
        for place in (*row.elsewhere, *(row.places if not row.found else ())):
            self._say(f"      - {place}")
        self._save()

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def _save(self) -> None:
        """After each row: an interrupted run has its rows."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = {
            "seed": self._options.seed,
            "requests": len(self._judges.prepared.steps),
            "traffic_seed": self._options.traffic_seed,
            "seconds": round(time.monotonic() - self._began, 1),
            "faults": [asdict(fault) for fault in self._faults],
            "rows": [asdict(row) for row in self._rows],
            "more": self._more,
        }
        self._path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
