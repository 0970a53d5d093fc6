"""The gate on ihatemoney, a shared-budget manager: Flask, SQLAlchemy, HTML pages and a REST API."""

from __future__ import annotations

import sys
from pathlib import Path

from .flask_faults import FAULTS, MIXTURES
from .flask_traffic import drive, seed
from .harness import Application, Run, main

MODULE = "benchmarks.applications.flask_ihatemoney"


def prepare(state: Path, run: Run) -> None:
    """ihatemoney makes its database by itself when it starts."""


APPLICATION = Application(
    name="ihatemoney",
    requirements="flask_requirements.txt",
    wsgi="benchmarks.applications.flask_serving:application",
    prepare=prepare,
    seed=seed,
    drive=drive,
    faults=FAULTS,
    mixtures=MIXTURES,
    ready="/healthcheck",
    mint="benchmarks.applications.flask_people:credentials",
)

if __name__ == "__main__":
    sys.exit(main(APPLICATION, MODULE))
