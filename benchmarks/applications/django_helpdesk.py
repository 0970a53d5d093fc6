"""The gate on django-helpdesk, a ticket tracker: Django, sessions and CSRF forms, a REST API with tokens."""

from __future__ import annotations

import sys
from pathlib import Path

from .django_fault_list import FAULTS, MIXTURES
from .django_traffic import drive
from .harness import Application, Run, main

MODULE = "benchmarks.applications.django_helpdesk"
ROUNDS = 9
"""How many things each of eleven people does: about 450 exchanges."""


def prepare(state: Path, run: Run) -> None:
    """A database with users, queues and tickets; its addresses count from 1."""
    run("-m", "benchmarks.applications.django_site.seed")


def seed(base: str) -> None:
    """Nothing: the rows are there."""


APPLICATION = Application(
    name="helpdesk",
    requirements="django_requirements.txt",
    wsgi="benchmarks.applications.django_site.wsgi:application",
    prepare=prepare,
    seed=seed,
    drive=lambda base, seed: drive(base, seed, ROUNDS),
    faults=FAULTS,
    mixtures=MIXTURES,
    ready="/kb/",
    mint="benchmarks.applications.django_site.credentials:credentials",
)

if __name__ == "__main__":
    sys.exit(main(APPLICATION, MODULE))
