"""What lists show of finished runs, and what a run has found by now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch: on SQLite it may make the table anew, and the old one takes with it what refers to it
    op.add_column("runs", sa.Column("summary", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("runs", sa.Column("found", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "found")
    op.drop_column("runs", "summary")
