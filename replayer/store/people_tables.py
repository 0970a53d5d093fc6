"""The tables of people: who may do what, what they say of findings to each other, and what was done."""

from __future__ import annotations

from sqlalchemy import Column, Double, LargeBinary, String, Table, Text

from .tables import Number, metadata

# Who may use the dashboard. Never deleted: what they decided bears their names.
users = Table(
    "users",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("password", Text, nullable=False),  # its argon2 hash
    Column("created", Double, nullable=False),
    Column("disabled", Double),  # since when they may not log in any more
)

# Who is logged in at the dashboard. The cookie holds a secret of which only the digest is here.
logins = Table(
    "logins",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("name", String(100), nullable=False, index=True),
    Column("role", String(20), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
)

# What programs show to the API instead of logging in: of its secret, too, only the digest is here.
tokens = Table(
    "tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("scopes", String(100), nullable=False),  # in alphabetical order, with spaces between them
    Column("owner", String(100), nullable=False),  # the user for whom it acts; "": nobody
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("used", Double),  # last, to the minute; NULL: never
)

# What people say to each other of a finding. Never deleted; it outlives the runs.
comments = Table(
    "comments",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("members", Text, nullable=False),  # a JSON array of fingerprints
    Column("subject", Text, nullable=False),  # the finding, in words
    Column("run", String(32), nullable=False),  # the id of the run at which it was said
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("resolved", Double),
    Column("resolved_by", Text, nullable=False),
)

# Who looks after a finding: the last row counts, the others are its history.
assignments = Table(
    "assignments",
    metadata,
    Column("number", Number, primary_key=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("members", Text, nullable=False),  # a JSON array of fingerprints
    Column("subject", Text, nullable=False),  # the finding, in words
    Column("assignee", String(100), nullable=False),  # "": nobody
    Column("author", Text, nullable=False),
    Column("created", Double, nullable=False),
)

# What was done and by whom, as far as no other table keeps it. Only added to.
journal = Table(
    "journal",
    metadata,
    Column("number", Number, primary_key=True),
    Column("at", Double, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
