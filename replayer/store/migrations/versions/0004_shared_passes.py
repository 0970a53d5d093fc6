"""Passes that workers share, and runs that can be stopped and taken up again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # no batch: on SQLite it may make the table anew, and the old one takes with it what refers to it
    op.add_column("runs", sa.Column("executor", sa.String(length=20), server_default="local", nullable=False))
    op.add_column("runs", sa.Column("asked", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("runs", sa.Column("stop", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("runs", sa.Column("progress", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("runs", sa.Column("beat", sa.Double(), nullable=True))
    op.create_table(
        "work_passes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("guide", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.number"], name=op.f("fk_work_passes_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_passes")),
    )
    op.create_index(op.f("ix_work_passes_run"), "work_passes", ["run"])
    op.create_table(
        "work_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pass", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.Column("steps", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["pass"], ["work_passes.id"], name=op.f("fk_work_batches_pass"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_batches")),
        sa.UniqueConstraint("pass", "number", name=op.f("uq_work_batches_pass_number")),
    )
    op.create_table(
        "work_intents",
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["work_batches.id"], name=op.f("fk_work_intents_batch"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch", "step", name=op.f("pk_work_intents")),
    )
    op.create_table(
        "work_answers",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("pass", sa.Integer(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pass"], ["work_passes.id"], name=op.f("fk_work_answers_pass"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["batch"], ["work_batches.id"], name=op.f("fk_work_answers_batch"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_answers")),
    )
    op.create_index(op.f("ix_work_answers_pass"), "work_answers", ["pass"])
    op.create_index(op.f("ix_work_answers_batch"), "work_answers", ["batch"])
    op.create_table(
        "work_mints",
        sa.Column("pass", sa.Integer(), nullable=False),
        sa.Column("principal", sa.String(length=128), nullable=False),
        sa.Column("minted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["pass"], ["work_passes.id"], name=op.f("fk_work_mints_pass"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pass", "principal", name=op.f("pk_work_mints")),
    )


def downgrade() -> None:
    op.drop_table("work_mints")
    op.drop_table("work_answers")
    op.drop_table("work_intents")
    op.drop_table("work_batches")
    op.drop_table("work_passes")
    for name in ("beat", "progress", "stop", "asked", "executor"):
        op.drop_column("runs", name)
