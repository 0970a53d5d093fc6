"""Recordings with their exchanges, runs with their results and answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bodies",
        sa.Column("id", Number, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("dictionary", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bodies")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bodies_sha256")),
    )
    op.create_table(
        "dictionaries",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recording", sa.Integer(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionaries")),
    )
    with op.batch_alter_table("dictionaries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dictionaries_recording"), ["recording"], unique=False)

    op.create_table(
        "recordings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("closed", sa.Double(), nullable=True),
        sa.Column("exchanges", sa.Integer(), nullable=False),
        sa.Column("first", sa.Double(), nullable=True),
        sa.Column("last", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("name", name=op.f("uq_recordings_name")),
    )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recordings_fingerprint"), ["fingerprint"], unique=False)

    op.create_table(
        "routes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
        sa.UniqueConstraint("method", "route", name=op.f("uq_routes_method_route")),
    )
    op.create_table(
        "damage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("bytes_lost", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], name=op.f("fk_damage_recording"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_damage")),
    )
    with op.batch_alter_table("damage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_damage_recording"), ["recording"], unique=False)

    op.create_table(
        "exchanges",
        sa.Column("number", Number, nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("exchange_id", sa.LargeBinary(), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=False),
        sa.Column("route", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("block", Number, nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("request_body", Number, nullable=True),
        sa.Column("response_body", Number, nullable=True),
        sa.ForeignKeyConstraint(
            ["recording"], ["recordings.id"], name=op.f("fk_exchanges_recording"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["route"], ["routes.id"], name=op.f("fk_exchanges_route")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_exchanges")),
        sa.UniqueConstraint("recording", "exchange_id", name=op.f("uq_exchanges_recording_exchange_id")),
    )
    with op.batch_alter_table("exchanges", schema=None) as batch_op:
        batch_op.create_index("ix_exchanges_recording_started", ["recording", "started"], unique=False)

    op.create_table(
        "losses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("producer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], name=op.f("fk_losses_recording"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_losses")),
        sa.UniqueConstraint("recording", "producer", "reason", name=op.f("uq_losses_recording_producer_reason")),
    )
    op.create_table(
        "producer_counts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("producer", sa.Text(), nullable=False),
        sa.Column("route", sa.Integer(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("sampled_out", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording"], ["recordings.id"], name=op.f("fk_producer_counts_recording"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["route"], ["routes.id"], name=op.f("fk_producer_counts_route")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_producer_counts")),
        sa.UniqueConstraint("recording", "producer", "route", name=op.f("uq_producer_counts_recording_producer_route")),
    )
    op.create_table(
        "producers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=False),
        sa.Column("producer", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording"], ["recordings.id"], name=op.f("fk_producers_recording"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_producers")),
        sa.UniqueConstraint("recording", "producer", name=op.f("uq_producers_recording_producer")),
    )
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording", sa.Integer(), nullable=True),
        sa.Column("recording_name", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("baselines", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("exit_code", sa.SmallInteger(), nullable=True),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], name=op.f("fk_runs_recording"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_runs")),
        sa.UniqueConstraint("id", name=op.f("uq_runs_id")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_runs_recording"), ["recording"], unique=False)

    op.create_table(
        "passes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.number"], name=op.f("fk_passes_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passes")),
        sa.UniqueConstraint("run", "name", name=op.f("uq_passes_run_name")),
    )
    op.create_table(
        "results",
        sa.Column("id", Number, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("exchange_id", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.number"], name=op.f("fk_results_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
        sa.UniqueConstraint("run", "exchange_id", name=op.f("uq_results_run_exchange_id")),
    )
    op.create_table(
        "answers",
        sa.Column("number", Number, nullable=False),
        sa.Column("pass", sa.Integer(), nullable=False),
        sa.Column("exchange_id", sa.LargeBinary(), nullable=False),
        sa.Column("block", Number, nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("body", Number, nullable=True),
        sa.ForeignKeyConstraint(["pass"], ["passes.id"], name=op.f("fk_answers_pass"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_answers")),
        sa.UniqueConstraint("pass", "exchange_id", name=op.f("uq_answers_pass_exchange_id")),
    )
    op.create_table(
        "blocks",
        sa.Column("id", Number, nullable=False),
        sa.Column("recording", sa.Integer(), nullable=True),
        sa.Column("pass", sa.Integer(), nullable=True),
        sa.Column("format", sa.SmallInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pass"], ["passes.id"], name=op.f("fk_blocks_pass"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["recording"], ["recordings.id"], name=op.f("fk_blocks_recording"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
    )
    with op.batch_alter_table("blocks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blocks_pass"), ["pass"], unique=False)
        batch_op.create_index(batch_op.f("ix_blocks_recording"), ["recording"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("blocks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blocks_recording"))
        batch_op.drop_index(batch_op.f("ix_blocks_pass"))

    op.drop_table("blocks")
    op.drop_table("answers")
    op.drop_table("results")
    op.drop_table("passes")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runs_recording"))

    op.drop_table("runs")
    op.drop_table("producers")
    op.drop_table("producer_counts")
    op.drop_table("losses")
    with op.batch_alter_table("exchanges", schema=None) as batch_op:
        batch_op.drop_index("ix_exchanges_recording_started")

    op.drop_table("exchanges")
    with op.batch_alter_table("damage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_damage_recording"))

    op.drop_table("damage")
    op.drop_table("routes")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recordings_fingerprint"))

    op.drop_table("recordings")
    with op.batch_alter_table("dictionaries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dictionaries_recording"))

    op.drop_table("dictionaries")
    op.drop_table("bodies")
