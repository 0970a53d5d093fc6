"""How long the dashboard's pages take when there is much to show, and whether its memory stays flat.

    python -m benchmarks.dashboard [--requests N]

One run of 10,000 exchanges with 10,000 differences, compared and grouped as the gate does: 300 findings on 60 routes;
and 50 runs like it, for the trends. Each page is asked for in process, over HTTP from `understudy serve` in a process
of its own, and in Chromium, until what the page loads has run (`domContentLoadedEventEnd`). Budget: 150 ms on the
server and 1 s to interactive for each page, and memory that is flat over 200 requests. What others do on the machine
shows in all times but the CPU's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from dashboard.access import COOKIE
from dashboard.app import create_app
from diffing.difference import Answer, Case
from diffing.gate import Outcome, Verdict
from diffing.grouping import CONFIRMED, Finding, group
from diffing.ledger import build_ledger
from diffing.profile import learn
from diffing.signatures import ExchangeContext
from diffing.trial import Trial
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.accounts import Accounts, Person, Role
from replayer.first_seen import noted
from replayer.reports.json_report import to_json
from replayer.reports.model import Coverage, CoverageRoute, RunReport
from replayer.settings import Settings
from replayer.store import Store, StoredAnswer
from replayer.summary import summary_of
from tests.services.chromium import NAMES

PAGE = {"Accept": "text/html"}
EXCHANGES, FINDINGS, ROUTES, RUNS = 10_000, 300, 60, 50
SERVER_MS, INTERACTIVE_MS = 150.0, 1000.0
TAGS = (("payments", ("* /api/things1*/**",)),)


def findings_of(cases: Sequence[Case]) -> tuple[list[Finding], RunReport]:
    """What the gate finds in the cases, and the report without a verdict of its own."""
    comparisons = Trial(learn(cases, {})).first(cases)
    contexts = {
        case.exchange.id: ExchangeContext(case.exchange.client, order, 500, case.exchange.client, 200)
        for order, case in enumerate(cases)
    }
    findings = [replace(each, state=CONFIRMED) for each in group(comparisons, contexts, TAGS)]
    ledger = build_ledger(comparisons)
    routes = tuple(
        CoverageRoute(each.method, each.route, each.tally.recorded, {"200": each.tally.recorded})
        for each in ledger.routes
    )
    blocking = tuple(each.fingerprint for each in findings if each.tags)
    report = RunReport(
        run_id="",
        recording="large",
        candidate="next",
        baselines=("prod",),
        started_at=time.time(),
        seconds=300.0,
        branch="main",
        verdict=Verdict(Outcome.FAIL, (f"{len(blocking)} findings that policy fails on.",), 1, blocking),
        ledger=ledger,
        fidelity=1.0,
        coverage=Coverage(ROUTES, ROUTES, routes),
        findings=findings,
        suppressed={"binding": 30_000, "noise profile": 4_000},
    )
    return findings, report


def cases() -> Iterator[Case]:
    """Each exchange shows one change, of one of the findings."""
    dice = random.Random(1)
    for number in range(EXCHANGES):
        finding = number % FINDINGS
        route, field = finding % ROUTES, f"field_{finding}"
        rows = [
            {
                "id": dice.randrange(10**6),
                "name": f"thing {dice.randrange(99)}",
                "price": {"amount": f"{dice.randrange(99_999) / 100:.2f}", "currency": "EUR"},
                **{f"field_{each}": dice.randrange(10**6) for each in range(route, FINDINGS, ROUTES)},
            }
            for _ in range(4)
        ]
        good = _response({"items": rows, "total": len(rows)})
        bad = _response({"items": [row | {field: str(row[field])} for row in rows], "total": len(rows)})
        request = RecordedRequest("GET", f"/api/things{route}/{number}?page=2", (("Host", "shop.example"),))
        exchange = Exchange(
            id=f"{number:032x}",
            request=request,
            response=good,
            started=number / 10,
            ended=number / 10 + 0.05,
            client=f"client {number % 50}",
            route=f"/api/things{route}/<int:id>",
        )
        yield Case(exchange, exchange.route, (Answer(good), Answer(good)), (Answer(bad),))


def _response(value: object) -> RecordedResponse:
    body = json.dumps(value).encode()
    return RecordedResponse(200, "OK", (("Content-Type", "application/json"),), Body.of(body))


def filled(url: str) -> tuple[str, str, list[Finding]]:
    """Puts everything into a database: the run, another one, and the findings of each."""
    given = list(cases())
    findings, report = findings_of(given)
    with Store.open(url) as store:
        recording = store.create_recording("large", service="shop", release="1", key_id="k", source="made up")
        store.add_exchanges(recording.id, (case.exchange for case in given))
        made = [
            store.create_run(recording.id, candidate="next", baselines=("prod",), branch="main") for _ in range(RUNS)
        ]
        for run in made:
            data = to_json(noted(store, "shop", replace(report, run_id=run)))
            store.finish_run(run, "fail", 1, data, summary_of(data))
        for name, side in (("baseline 1", "baseline"), ("candidate", "candidate")):
            store.add_answers(
                made[-1], name, (StoredAnswer(c.exchange.id, getattr(c, side)[0].response) for c in given)
            )
    return made[-1], made[0], findings


def pages(run: str, other: str, findings: Sequence[Finding]) -> dict[str, str]:
    """Every page whose size depends on what there is, by name."""
    return {
        "runs": "/",
        "run": f"/runs/{run}",
        "run, filtered": f"/runs/{run}?q=route:/api/things1*+!state:approved",
        "run, last page": f"/runs/{run}?first={len(findings) - 10}",
        "finding": f"/runs/{run}/findings/{findings[0].fingerprint}",
        "finding, whole": f"/runs/{run}/findings/{findings[-1].fingerprint}?whole=1",
        "ledger": f"/runs/{run}/ledger",
        "routes": f"/runs/{run}/routes",
        "compare": f"/runs/{run}/compare/{other}",
        "trends": "/trends?recording=large",
        "recordings": "/recordings",
        "decisions": "/decisions",
        "API: findings": f"/api/v1/runs/{run}/findings?limit=50",
        "API: report": f"/api/v1/runs/{run}/report",
    }


def timed(ask: Callable[[], httpx.Response], times: int) -> tuple[float, float, int]:
    """Median and 95th percentile in milliseconds, and bytes of the answer."""
    took = []
    size = 0
    for _ in range(times):
        began = time.perf_counter()
        answer = ask()
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (answer.status_code, answer.text[:500])
        size = len(answer.content)
    return statistics.median(took), sorted(took)[int(0.95 * len(took))], size


@contextmanager
def serving(url: str) -> Iterator[tuple[str, int]]:
    """`understudy serve` in a process of its own: its address, and its process id."""
    program = [sys.executable, "-c", "from replayer.cli.main import script; script()", "serve", "--port", "0"]
    environ = os.environ | {"UNDERSTUDY_INGEST_TOKEN": "a-token-of-enough-characters"}
    process = subprocess.Popen([*program, "--db", url], stderr=subprocess.PIPE, text=True, env=environ)
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if "serving at " in line)
        yield line.partition("serving at ")[2].strip().rstrip("/"), process.pid
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


def megabytes(pid: int) -> float:
    """What a process has in memory (VmRSS)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def interactive(page: Page, address: str, times: int = 5) -> float:
    """Milliseconds from the click to a page whose script has run: the median."""
    took = []
    for _ in range(times):
        page.goto(address)
        took.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
    return float(statistics.median(took))


async def in_process(url: str, asked: Mapping[str, str], secret: str, times: int) -> dict[str, tuple[float, ...]]:
    """Median and 95th percentile in milliseconds of each page, without a socket between; and the median of CPU."""
    transport = httpx.ASGITransport(create_app(replace(Settings(), database_url=url)))
    found: dict[str, tuple[float, ...]] = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://dashboard.example") as client:
        client.cookies.set(COOKIE, secret)
        for name, path in asked.items():
            took, busy = [], []
            for _ in range(times):
                began, cpu = time.perf_counter(), time.process_time()
                answer = await client.get(path, headers=PAGE)
                took.append((time.perf_counter() - began) * 1000)
                busy.append((time.process_time() - cpu) * 1000)
                assert answer.status_code == 200, (name, answer.text[:300])
            found[name] = statistics.median(took), sorted(took)[int(0.95 * len(took))], statistics.median(busy)
    return found


@contextmanager
def browsing(address: str, secret: str) -> Iterator[Page]:
    """A page of somebody who is logged in."""
    program = next(found for name in NAMES if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        context = browser.new_context()
        context.add_cookies([{"name": COOKIE, "value": secret, "url": address}])
        yield context.new_page()
        browser.close()


def main() -> int:
    options = argparse.ArgumentParser(description="Times of the dashboard's pages.")
    options.add_argument("--requests", type=int, default=20, help="to each page")
    times = options.parse_args().requests
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        run, other, findings = filled(url)
        with Store.open(url) as store:
            secret = Accounts(store).admit(Person("ann", Role.ADMIN))
            size = len(json.dumps(store.run_report(run)))
        print(f"{EXCHANGES:,} differences, {len(findings)} findings, a report of {size / 1e6:.2f} MB, {RUNS} runs")
        asked = pages(run, other, findings)
        inside = asyncio.run(in_process(url, asked, secret, times))
        with serving(url) as (address, pid), browsing(address, secret) as page, httpx.Client(headers=PAGE) as client:
            client.cookies.set(COOKIE, secret)
            over = 0
            print(
                f"{'page':16} {'in process: median, p95, CPU':>32} {'HTTP: median, p95':>20} {'KB':>6}"
                f" {'interactive':>12}"
            )
            for name, path in asked.items():
                middle, late, size = timed(partial(client.get, address + path), times)
                shown = interactive(page, address + path) if not name.startswith("API") else None
                over += middle > SERVER_MS or (shown or 0) > INTERACTIVE_MS
                own, slow, cpu = inside[name]
                print(
                    f"{name:16} {own:15.0f} {slow:5.0f} {cpu:5.0f} ms {middle:11.0f} {late:5.0f} ms"
                    f" {size / 1024:6.0f} " + (f"{shown:9.0f} ms" if shown is not None else "")
                )
            marks = []
            for _ in range(5):
                for number in range(40):
                    client.get(address + list(asked.values())[number % len(asked)])
                marks.append(megabytes(pid))
            print("memory after each 40 of 200 requests:", ", ".join(f"{mark:.0f}" for mark in marks), "MB")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
