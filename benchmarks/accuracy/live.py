"""A running candidate with a generated fault: the shop's server, its application wrapped.

`python -m benchmarks.accuracy.live FILE -- arguments of shop.serve`; FILE holds the fault and the routes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from replayer.target_settings import TargetSettings

from .injection import Fault, FaultyApplication

ROOT = Path(__file__).resolve().parents[2]


def faulty_target(target: TargetSettings, fault: Fault, routes: Iterable[str], folder: Path) -> TargetSettings:
    """The target, started with the fault."""
    file = folder / f"fault-{fault.number}.json"
    file.write_text(json.dumps({"fault": json.loads(fault.to_json()), "routes": sorted(routes)}))
    python, dash_m, _module, *arguments = target.start
    env = dict(target.env)
    env["PYTHONPATH"] = os.pathsep.join([env.get("PYTHONPATH", ""), str(ROOT)])
    start = (python, dash_m, "benchmarks.accuracy.live", str(file), *arguments)
    return replace(target, start=start, env=tuple(env.items()))


def main() -> None:
    file = sys.argv.pop(1)
    told = json.loads(Path(file).read_text())
    fault = Fault.from_json(json.dumps(told["fault"]))
    serve: Any = importlib.import_module("shop.serve")
    load = serve.Server.load
    serve.Server.load = lambda self: FaultyApplication(load(self), fault, told["routes"], run=os.getpid())
    serve.main()


if __name__ == "__main__":
    main()
