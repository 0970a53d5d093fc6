"""What lists show of finished runs, and what a run has found by now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("summary", sa.Text(), server_default=sa.text("''"), nullable=False))
        batch_op.add_column(sa.Column("found", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_column("found")
        batch_op.drop_column("summary")
