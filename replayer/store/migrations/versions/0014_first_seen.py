"""In which run of a service each finding was seen first; filled from the reports that are kept."""

from __future__ import annotations

import json

import sqlalchemy as sa
import zstandard
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROWS = 500


def upgrade() -> None:
    table = op.create_table(
        "first_seen",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_first_seen"),
        sa.UniqueConstraint("project", "fingerprint", name="uq_first_seen_project_fingerprint"),
    )
    connection = op.get_bind()
    runs, recordings = sa.table("runs", *_columns(_RUNS)), sa.table("recordings", *_columns("id service"))
    query = sa.select(*(runs.c[name] for name in _RUNS.split() if name != "report"), recordings.c.service)
    query = query.select_from(runs.outerjoin(recordings, runs.c.recording == recordings.c.id))
    known: set[tuple[str, str]] = set()
    for run in connection.execute(query.where(runs.c.finding == "").order_by(runs.c.number)).all():
        report = connection.execute(sa.select(runs.c.report).where(runs.c.number == run.number)).scalar()
        project = (run.service or run.recording_name)[:200]
        new = [each for each in dict.fromkeys(_marks(report)) if (project, each) not in known]
        known.update((project, each) for each in new)
        facts = {"candidate": run.candidate, "branch": run.branch, "commit": run.commit}
        rows = [{"project": project, "fingerprint": e, "run": run.id, "at": run.started, **facts} for e in new]
        for start in range(0, len(rows), ROWS):
            connection.execute(table.insert(), rows[start : start + ROWS])


def downgrade() -> None:
    op.drop_table("first_seen")


_RUNS = "number id recording recording_name candidate branch commit started finding report"


def _columns(names: str) -> list[sa.ColumnClause[object]]:
    return [sa.column(name) for name in names.split()]


def _marks(report: bytes | None) -> list[str]:
    """The fingerprints of a report's findings and of their places; of what is no report, none."""
    try:
        found = json.loads(zstandard.ZstdDecompressor().decompress(report)) if report else {}
        findings = found.get("findings", [])
        return [
            mark
            for each in findings
            for mark in (each["fingerprint"], *(place["fingerprint"] for place in each["members"]))
        ]
    except (zstandard.ZstdError, ValueError, KeyError, TypeError, AttributeError):
        return []
