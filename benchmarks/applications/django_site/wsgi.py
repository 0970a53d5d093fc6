"""What gunicorn serves: the site, recorded as the README says, with the fault that the environment names."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from django.core.wsgi import get_wsgi_application

from recorder import RecorderMiddleware

FIRST_STEP, STEP = 37, 13
"""How much further a staging database counts: no two tables alike, so that a number says whose id it is."""


def _count_from_elsewhere(database: Path) -> None:
    """A staging deploy gives other ids than production did: its snapshot is older, and others use it too."""
    with closing(sqlite3.connect(database)) as connection, connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' ORDER BY name")
        for place, (table,) in enumerate(tables.fetchall()):
            more = FIRST_STEP + STEP * place
            changed = connection.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (more, table))
            if not changed.rowcount:
                connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, more))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.applications.django_site.settings")
if os.environ.get("APPLICATION_SNAPSHOT"):  # an instance that is replayed at
    _count_from_elsewhere(Path(os.environ["APPLICATION_STATE"]) / "db.sqlite3")
_application = get_wsgi_application()
if os.environ.get("APPLICATION_FAULT"):
    from .faults import switch_on

    switch_on(os.environ["APPLICATION_FAULT"])
application = RecorderMiddleware(_application)
