"""Runs that replay one finding alone say which, so that none is taken for a verdict of a release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch: on SQLite it may make the table anew, and the old one takes with it what refers to it
    op.add_column("runs", sa.Column("finding", sa.String(length=64), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    op.drop_column("runs", "finding")
