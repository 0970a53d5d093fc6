"""What the passes of a baseline taught, kept for later runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "noise_profiles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("build", sa.String(length=200), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording"], ["recordings.id"], name=op.f("fk_noise_profiles_recording"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_noise_profiles")),
        sa.UniqueConstraint("recording", "build", name=op.f("uq_noise_profiles_recording_build")),
    )


def downgrade() -> None:
    op.drop_table("noise_profiles")
