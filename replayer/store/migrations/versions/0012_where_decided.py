"""The run at which a finding was decided on, so that it can be shown wherever the decision holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch: on SQLite it may make the table anew, and the old one takes with it what refers to it
    op.add_column("approvals", sa.Column("run", sa.String(length=32), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    op.drop_column("approvals", "run")
