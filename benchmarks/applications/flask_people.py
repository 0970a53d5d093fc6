"""Who is there before the recording, and what lets them in: for the seeding, the traffic and the mint hook."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

ADMIN_CODE = "the admin's own code"

PROJECTS = {
    "flat-share": ("Flat share", "EUR", ("Ada", "Ben", "Cleo")),
    "road-trip": ("Road trip", "XXX", ("Dora", "Emil", "Finn", "Gus")),
    "choir": ("Choir", "USD", ("Hedy", "Igor")),
    "allotment": ("Allotment", "XXX", ("Jo", "Kim", "Lou")),
}


def code_of(project: str) -> str:
    """The private code of a project that was there before the recording."""
    return f"code-of-{project}-9417"


class Principal(Protocol):
    def find(self, values: Iterable[str]) -> str | None: ...


def credentials(principal: Principal, base_url: str) -> dict[str, Any] | None:
    """The mint hook: `mint = "benchmarks.applications.flask_people:credentials"`."""
    database = Path(os.environ["APPLICATION_SNAPSHOT"]) / "ihatemoney.sqlite"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        projects = [row[0] for row in connection.execute("SELECT id FROM project")]
    project = principal.find(["admin", *projects])
    if project == "admin":
        return {"headers": {}, "cookies": {}, "body": {"admin_password": ADMIN_CODE}}
    if project is None:
        return None
    code = code_of(project)
    basic = base64.b64encode(f"{project}:{code}".encode()).decode()
    return {"headers": {"Authorization": f"Basic {basic}"}, "cookies": {}, "body": {"password": code}}
