"""Exported tests on the example shop: `python -m benchmarks.exported_tests [--folder F] [--mutants N]`.

Records the shop, exports its tests, and runs them on the release that was recorded: in the order in which they were
written, shuffled, and a few alone. Then with each regression of the next release alone, and with faults in the answers
of one route each, as the gate's self-test plants them: each on the tests that exercise a route at which it shows.
Prints which no test saw, the endpoints that are covered, and what coverage.py says of the shop, if pytest-cov is there.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diffing.difference import Answer, Case
from diffing.inventory import take_inventory
from diffing.mutants import Mutator
from diffing.profile import NoiseProfile
from diffing.routes import RouteTable
from replayer.store import Store
from tests.e2e.servers import clean_environment, understudy
from tests.e2e.shop import SHOP, recorded_shop

Exercised = Mapping[str, set[tuple[str, str, int]]]
"""Test -> method, route and status of what it asks."""
ALONE = 5
"""Tests that are run alone."""
SEED = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="kept afterwards; what is in it already is not made again")
    parser.add_argument("--mutants", type=int, default=60)
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        return measure(options.folder.resolve(), options.mutants)
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), options.mutants)


def measure(folder: Path, mutants: int) -> int:
    """All of it; 1 when a test fails on the recorded release, or a regression is not seen."""
    known = folder / "environ.json"
    if not known.exists():
        with recorded_shop(folder) as shop:
            known.write_text(json.dumps(dict(shop.environ)))
    environ: dict[str, str] = json.loads(known.read_text())
    if not (folder / "recorded").exists():
        began = time.monotonic()
        print(export(folder, environ), f"  in {time.monotonic() - began:.0f} s", sep="\n", flush=True)
    store = environ["UNDERSTUDY_DATABASE_URL"]
    environ.pop("UNDERSTUDY_KEY", None)  # the tests need no key
    began = time.monotonic()
    measured = ["--cov=shop", "--cov-branch", "--cov-report=term"] if importlib.util.find_spec("pytest_cov") else []
    (folder / "noted").unlink(missing_ok=True)
    status, output = run(folder, {**environ, "NOTED": str(folder / "noted")}, *measured)
    failed = {line.split()[1] for line in output.splitlines() if line.startswith("FAILED ")}
    exercised = {test: asked for test, asked in noted(folder / "noted").items() if test not in failed}
    print("\n".join(line for line in output.splitlines() if line.startswith(("TOTAL", "Name", "FAILED"))))
    print(f"release 1: {output.strip().splitlines()[-1]} ({time.monotonic() - began:.0f} s)", flush=True)
    covered(environ, exercised)
    shuffled, output = run(folder, {**environ, "SHUFFLED": str(SEED)})
    print(f"shuffled: {output.strip().splitlines()[-1]}", flush=True)
    chosen = list(exercised)[:: max(1, len(exercised) // ALONE)][:ALONE]
    alone = [test for test in chosen if run(folder, environ, test)[0]]
    print(f"alone: {len(chosen) - len(alone)} of {len(chosen)} pass", flush=True)
    places = regressions()
    missed = tell("regressions that a response can show", experiment(folder, environ, faults(places, exercised)))
    tell("planted faults in routes that tests exercise", experiment(folder, environ, plant(store, mutants, exercised)))
    return 1 if status or shuffled or alone or missed else 0


def export(folder: Path, environ: Mapping[str, str]) -> str:
    """What the command says."""
    done = understudy(
        *("export", "pytest", "shop", "-o", "recorded", "--app", "shop:create_app", "--env", "SHOP_SECRET=staging"),
        *("--snapshot", f"SHOP_DATABASE={environ['SHOP_SNAPSHOT']}", "--mint", "shop.testing:credentials"),
        cwd=folder,
        environ=environ,
        seconds=3600,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.rstrip()


def run(folder: Path, environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Runs the tests, all unless some are named: status and output."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    command += ["-p", "benchmarks.exported_tests_plugin", *arguments]
    command += [] if any("::" in argument for argument in arguments) else ["recorded"]
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(environ), capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def noted(path: Path) -> Exercised:
    """What each test asked."""
    lines = map(json.loads, path.read_text().splitlines())
    return {test: {(method, route, status) for method, route, status in found} for test, found in lines}


def covered(environ: Mapping[str, str], exercised: Exercised) -> None:
    """Prints how many of the shop's endpoints the tests exercise."""
    code = (
        "import shop, tempfile, os; os.environ['SHOP_DATABASE'] = tempfile.mkdtemp() + '/x';"
        "print('\\n'.join(f'{m} {r.rule}' for r in shop.create_app().url_map.iter_rules() if r.endpoint != 'static'"
        " for m in r.methods - {'HEAD', 'OPTIONS'}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=clean_environment(environ), capture_output=True, text=True, check=True
    )
    endpoints = set(told.stdout.split("\n")) - {""}
    found = endpoints & {f"{method} {route}" for asked in exercised.values() for method, route, _ in asked}
    print(f"endpoints: {len(found)} of {len(endpoints)}, {len(found) / len(endpoints):.1%}")
    print(f"  not exercised: {', '.join(sorted(endpoints - found)) or 'none'}", flush=True)


def regressions() -> dict[str, set[str]]:
    """Name -> the endpoints at which a response shows it, of every regression of the next release that one shows."""
    truth = json.loads((SHOP / "truth.json").read_text())
    return {
        one["name"]: {f"{place['method']} {place['route']}" for place in one["places"]}
        for one in truth
        if one["class"] == "regression" and one["visible"] == "response"
    }


def faults(places: Mapping[str, set[str]], exercised: Exercised) -> list[dict[str, Any]]:
    """An experiment for each regression, with the tests that ask where it shows."""
    return [
        {
            "name": name,
            "environ": {"SHOP_FAULTS": name},
            "planted": [],
            "tests": [test for test, asked in exercised.items() if {f"{m} {r}" for m, r, _ in asked} & where],
        }
        for name, where in places.items()
    ]


def plant(store: str, number: int, exercised: Exercised) -> list[dict[str, Any]]:
    """An experiment for each of some faults in all answers of a route and status that tests ask for."""
    with Store.open(store) as opened:
        exchanges = list(opened.exchanges(opened.recording("shop").id))
    table = RouteTable((one.request.method, one.request.target, one.route) for one in exchanges)
    cases = [
        Case(one, table.route(one.request.method, one.request.target, one.route), (), (Answer(one.response),))
        for one in exchanges
    ]
    profile = NoiseProfile()
    asked = set().union(*exercised.values())
    inventory = take_inventory(cases, range(len(cases)), profile)
    drawn = (one for one in Mutator(cases, inventory, profile).draw(number * 20, SEED) if one.group in asked)
    return [
        {
            "name": f"{' '.join(map(str, one.group))} {one.fault.mutation.value} {one.fault.part.value} {one.place}",
            "environ": {"SHOP_FAULTS": ""},
            "planted": [{**asdict(one.fault), "group": one.group, "names": asdict(inventory.names)}],
            "tests": [test for test, found in exercised.items() if one.group in found],
        }
        for one, _ in zip(drawn, range(number), strict=False)
    ]


def experiment(folder: Path, environ: Mapping[str, str], wanted: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Experiment -> the first test that failed, if one did; without faults that change no answer of its tests."""
    path = folder / "experiments.json"
    path.write_text(json.dumps(wanted, default=lambda one: one.value))
    results = path.with_suffix(".results")
    results.unlink(missing_ok=True)
    status, output = run(folder, {**environ, "EXPERIMENTS": str(path)})
    if not results.exists() or "INTERNALERROR" in output:
        raise SystemExit(f"{status}: {output}")
    found: dict[str, list[str]] = dict(map(json.loads, results.read_text().splitlines()))
    return found


def tell(what: str, found: Mapping[str, list[str]]) -> list[str]:
    """Prints, and answers, which experiments no test saw."""
    missed = sorted(name for name, failed in found.items() if not failed)
    print(f"of {len(found)} {what}, {len(found) - len(missed)} make a test fail; not seen:", flush=True)
    print("\n".join(f"  {name}" for name in missed) or "  none", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
