"""Exported tests on the example shop: `python -m benchmarks.exported_tests [--folder F]`.

Records the shop, exports its tests, runs them on the release that was recorded, and then with each regression of
the next release alone, on the tests that exercise a route at which it shows. Prints which regressions no test saw, the
endpoints that are covered, and what coverage.py says of the shop, if it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.servers import clean_environment, understudy
from tests.e2e.shop import SHOP, recorded_shop

NOTING = '''
"""Notes which endpoints each test exercises."""
import json, os
import pytest
from flask import Flask, request

@pytest.fixture(autouse=True)
def noted(request):
    found = set()
    original = Flask.full_dispatch_request
    def dispatching(app):
        from flask import request as asked
        if asked.url_rule is not None:
            found.add(f"{asked.method} {asked.url_rule.rule}")
        return original(app)
    Flask.full_dispatch_request = dispatching
    yield
    Flask.full_dispatch_request = original
    with open(os.environ["NOTED"], "a") as notes:
        notes.write(json.dumps([request.node.nodeid, sorted(found)]) + "\\n")
'''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="kept afterwards; what is in it already is not made again")
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        return measure(options.folder.resolve())
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder))


def measure(folder: Path) -> int:
    """All of it; 1 when a test fails on the recorded release, or a regression is not seen."""
    known = folder / "environ.json"
    if not known.exists():
        with recorded_shop(folder) as shop:
            known.write_text(json.dumps(dict(shop.environ)))
    environ: dict[str, str] = json.loads(known.read_text())
    if not (folder / "recorded").exists():
        began = time.monotonic()
        print(export(folder, environ), f"  in {time.monotonic() - began:.0f} s", sep="\n", flush=True)
    environ.pop("UNDERSTUDY_KEY", None)  # the tests need no key
    began = time.monotonic()
    status, output, exercised = run(folder, environ, "--durations=3")
    print(f"release 1: {output.strip().splitlines()[-1]} ({time.monotonic() - began:.0f} s)", flush=True)
    covered(environ, exercised)
    missed = [name for name in regressions() if not seen(folder, environ, name, exercised)]
    print(f"release 2: of {len(regressions())} regressions that a response can show, not seen: {missed or 'none'}")
    return 1 if status or missed else 0


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


def run(folder: Path, environ: Mapping[str, str], *arguments: str) -> tuple[int, str, dict[str, set[str]]]:
    """Runs the tests: status, output, and the endpoints that each test exercised."""
    plugin, notes = folder / "noting_endpoints.py", folder / "noted"
    plugin.write_text(NOTING)
    notes.unlink(missing_ok=True)
    path = os.pathsep.join([str(folder), environ["PYTHONPATH"]])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=line",
            "-p",
            "no:cacheprovider",
            "-p",
            "noting_endpoints",
            *arguments,
        ]
        + ([] if any("::" in argument for argument in arguments) else ["recorded"]),
        cwd=folder,
        env=clean_environment({**environ, "PYTHONPATH": path, "NOTED": str(notes)}),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = notes.read_text().splitlines() if notes.exists() else []
    return done.returncode, done.stdout + done.stderr, {test: set(found) for test, found in map(json.loads, lines)}


def covered(environ: Mapping[str, str], exercised: Mapping[str, set[str]]) -> None:
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
    found = endpoints & set().union(*exercised.values())
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


def seen(folder: Path, environ: Mapping[str, str], name: str, exercised: Mapping[str, set[str]]) -> bool:
    """Whether a test fails where this regression is the only change."""
    tests = [test for test, endpoints in exercised.items() if endpoints & regressions()[name]]
    if not tests:
        print(f"  {name}: no test exercises {', '.join(sorted(regressions()[name]))}", flush=True)
        return False
    status, output, _ = run(folder, {**environ, "SHOP_FAULTS": name}, "-x", *tests)
    failed = re.search(r"^FAILED (\S+)", output, re.M)
    print(f"  {name}: {failed[1] if failed else f'none of {len(tests)} tests fails'}", flush=True)
    return status == 1


if __name__ == "__main__":
    sys.exit(main())
