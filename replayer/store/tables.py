"""The tables, as SQLAlchemy Core sees them. `migrations/` builds the same; a test compares the two.

Core, not mapped classes: rows are written and read by the ten thousand, and the mapper would double the time that
importing this package takes.

Bodies are shared by content. Everything else of an exchange is packed with its neighbours into blocks of some hundred,
which compress far better than one by one; a row in `exchanges` holds what is searched for and where the rest stands.
There are no foreign keys on `body` and `block` columns: each row deleted there would search all exchanges.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

# SQLite gives out row numbers only for a primary key that is declared INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")

recordings = Table(
    "recordings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("service", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("created", Double, nullable=False),
    Column("closed", Double),
    Column("exchanges", Integer, nullable=False),
    Column("first", Double),
    Column("last", Double),
)

routes = Table(
    "routes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("method", Text, nullable=False),
    Column("route", Text, nullable=False),
    UniqueConstraint("method", "route"),
)

dictionaries = Table(
    "dictionaries",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # derived from the content by zstd
    Column("recording", Integer, index=True),  # that it was made for; others may have come to share its bodies
    Column("data", LargeBinary, nullable=False),
)

bodies = Table(
    "bodies",
    metadata,
    Column("id", Number, primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),
    Column("dictionary", BigInteger),
    Column("data", LargeBinary, nullable=False),  # one zstd frame
)

blocks = Table(
    "blocks",
    metadata,
    Column("id", Number, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), index=True),
    Column("pass", ForeignKey("passes.id", ondelete="CASCADE"), index=True),
    Column("format", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),  # one zstd frame
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("number", Number, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    Column("exchange_id", LargeBinary, nullable=False),
    Column("started", Double, nullable=False),
    Column("ended", Double, nullable=False),
    Column("route", ForeignKey("routes.id"), nullable=False),
    Column("status", Integer),
    Column("block", Number, nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("request_body", Number),
    Column("response_body", Number),
    UniqueConstraint("recording", "exchange_id"),
)
Index("ix_exchanges_recording_started", exchanges.c.recording, exchanges.c.started)

producer_counts = Table(
    "producer_counts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    Column("producer", Text, nullable=False),
    Column("route", ForeignKey("routes.id"), nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("sampled_out", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
    UniqueConstraint("recording", "producer", "route"),
)

producers = Table(
    "producers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    Column("producer", Text, nullable=False),
    Column("at", Double, nullable=False),  # of the report that the counts are from
    UniqueConstraint("recording", "producer"),
)

producer_numbers = Table(
    "producer_numbers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    Column("producer", Text, nullable=False),
    Column(
        "numbers", LargeBinary, nullable=False
    ),  # sequence numbers of its exchanges: JSON, first and last of each run
    Column("base", LargeBinary),  # where it stood when the recording began, as JSON
    UniqueConstraint("recording", "producer"),
)

losses = Table(
    "losses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    Column("producer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    UniqueConstraint("recording", "producer", "reason"),
)

damage = Table(
    "damage",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("bytes_lost", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("recording", ForeignKey("recordings.id", ondelete="SET NULL"), index=True),
    Column("recording_name", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("baselines", Text, nullable=False),  # a JSON array of strings
    Column("state", String(20), nullable=False),
    Column("started", Double, nullable=False),
    Column("ended", Double),
    Column("verdict", String(20), nullable=False),
    Column("exit_code", SmallInteger),
    Column("branch", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("report", LargeBinary),  # the JSON report in one zstd frame
    Column("executor", String(20), nullable=False, server_default="local"),
    Column("asked", Text, nullable=False, server_default=text("''")),  # what the run was asked to do, as JSON
    Column("stop", Text, nullable=False, server_default=text("''")),  # who asked it to stop, and why
    Column("progress", Text, nullable=False, server_default=text("''")),  # what it does at the moment, for people
    Column("beat", Double),  # when whoever coordinates it last gave a sign of life
    Column("summary", Text, nullable=False, server_default=text("''")),  # a few figures of the report, as JSON
    Column("finding", String(64), nullable=False, server_default=text("''")),  # that it replayed alone; "": a release
    Column("found", LargeBinary),  # what a run under way has found by now, as JSON in one zstd frame
)

# One for each recording and build of the baseline: what its passes taught, as JSON in one zstd frame.
noise_profiles = Table(
    "noise_profiles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    Column("build", String(200), nullable=False),  # "" for a baseline whose build nobody knows
    Column("run", String(32), nullable=False),  # the id of the run that learned it
    Column("created", Double, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("recording", "build"),
)

results = Table(
    "results",
    metadata,
    Column("id", Number, primary_key=True),
    Column("run", ForeignKey("runs.number", ondelete="CASCADE"), nullable=False),
    Column("exchange_id", LargeBinary, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    UniqueConstraint("run", "exchange_id"),
)

passes = Table(
    "passes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.number", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("run", "name"),
)

answers = Table(
    "answers",
    metadata,
    Column("number", Number, primary_key=True),
    Column("pass", ForeignKey("passes.id", ondelete="CASCADE"), nullable=False),
    Column("exchange_id", LargeBinary, nullable=False),
    Column("block", Number, nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("body", Number),
    UniqueConstraint("pass", "exchange_id"),
)

# What people decided on findings. Rows are added and get a tombstone; none is deleted, not even with its run.
approvals = Table(
    "approvals",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("decision", String(20), nullable=False),
    Column("scope", String(20), nullable=False),
    Column("of", Text, nullable=False),  # the run's id or the branch's name that the scope means
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("until", String(10)),  # an ISO date
    Column("subject", Text, nullable=False),  # what was decided on, as JSON
    Column("members", Text, nullable=False),  # a JSON array of fingerprints
    Column("withdrawn", Double),
    Column("withdrawn_by", Text, nullable=False),
    Column("withdrawn_why", Text, nullable=False),
    Column("run", String(32), nullable=False, server_default=text("''")),  # at which it was decided; "" of old ones
)

# Noise rules that people keep from pages, beside those of the settings file. None is deleted, as in `approvals`.
noise_rules = Table(
    "noise_rules",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("route", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("part", String(20), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("until", String(10)),  # an ISO date
    Column("created", Double, nullable=False),
    Column("run", String(32), nullable=False),  # in which the finding was that it was made from
    Column("fingerprint", String(64), nullable=False),  # of that finding
    Column("withdrawn", Double),
    Column("withdrawn_by", Text, nullable=False),
    Column("withdrawn_why", Text, nullable=False),
)

# A pass that workers share: what each of them has to know, what was sent, and what came of it. Gone with its run, and
# emptied when the pass is over. What holds values that a target produced is sealed.
work_passes = Table(
    "work_passes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.number", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("began", Double, nullable=False),
    Column("terms", LargeBinary, nullable=False),  # where and how to send
    Column("guide", LargeBinary, nullable=False),
)

work_batches = Table(
    "work_batches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pass", ForeignKey("work_passes.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # within the pass
    Column("state", String(20), nullable=False),  # waiting, running or done
    Column("holder", Text, nullable=False),  # who runs it; "" for nobody yet
    Column("beat", Double, nullable=False),  # when its holder last gave a sign of life
    Column("steps", LargeBinary, nullable=False),
    Column("outcome", LargeBinary),  # of a batch that is done
    UniqueConstraint("pass", "number"),
)

# Writes that may have been sent: put down before they are.
work_intents = Table(
    "work_intents",
    metadata,
    Column("batch", ForeignKey("work_batches.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
)

work_answers = Table(
    "work_answers",
    metadata,
    Column("id", Number, primary_key=True),
    Column("pass", ForeignKey("work_passes.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("batch", ForeignKey("work_batches.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("answers", LargeBinary, nullable=False),
    Column("facts", LargeBinary, nullable=False),
)

# Credentials that a worker lacks: asked for by it, made by whoever coordinates the run.
work_mints = Table(
    "work_mints",
    metadata,
    Column("pass", ForeignKey("work_passes.id", ondelete="CASCADE"), primary_key=True),
    Column("principal", String(128), primary_key=True),
    Column("minted", LargeBinary),
)

# What was told of each finding: so that it is told again only when there is something new. It outlives the runs.
told = Table(
    "told",
    metadata,
    Column("id", Number, primary_key=True),
    Column("scope", String(64), nullable=False),  # digest of project and branch
    Column("subject", String(64), nullable=False),  # digest of route and fingerprint
    Column("route", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("rank", SmallInteger, nullable=False),  # of its severity when it was told, 0 for the gravest
    Column("run", String(32), nullable=False),  # the id of the run that told it
    Column("told", Double, nullable=False),
    Column("item", Text, nullable=False),  # what was told, as JSON
    UniqueConstraint("scope", "subject"),
)

# In which run of a service each finding was seen first, by its fingerprint and those of its places. Outlives runs.
first_seen = Table(
    "first_seen",
    metadata,
    Column("id", Number, primary_key=True),
    Column("project", String(200), nullable=False),  # a service's name; of a recording without one, the recording's
    Column("fingerprint", String(64), nullable=False),
    Column("run", String(32), nullable=False),
    Column("at", Double, nullable=False),  # when that run began
    Column("candidate", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("commit", Text, nullable=False),
    UniqueConstraint("project", "fingerprint"),
)

# Messages for people, sent or waiting. Gone with their run.
alerts = Table(
    "alerts",
    metadata,
    Column("number", Number, primary_key=True),
    Column("run", ForeignKey("runs.number", ondelete="CASCADE"), nullable=False),
    Column("way", String(20), nullable=False),
    Column("destination", String(100), nullable=False),
    Column("slot", String(40), nullable=False),
    Column("below", String(40), nullable=False),  # the slot of the message in whose thread it belongs
    Column("content", Text, nullable=False),  # the message, as JSON
    Column("revision", Integer, nullable=False),  # of its content
    Column("state", String(20), nullable=False, index=True),
    Column("ref", Text, nullable=False),  # by which it can be edited
    Column("attempts", Integer, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("limited", SmallInteger, nullable=False),  # 1: a server asked for the pause
    Column("leased", Double, nullable=False),  # until when it belongs to the process that sends it
    Column("said", Text, nullable=False),  # why it was not delivered
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),  # when its content became what it is
    Column("delivered", Double),
    UniqueConstraint("run", "way", "destination", "slot"),
)
