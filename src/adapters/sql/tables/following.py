"""What follows from changes: sagas, notices, calendars."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from adapters.sql.tables.columns import KEY, LIVE, METADATA, Instant, where

SAGAS: Final = Table(
    "sagas",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("subject", KEY, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(12), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("error", Text),
    Column("stuck_in", String(16)),
    Column("seq", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("claims", Integer, nullable=False),
    Column("owner", Text),
    Column("lease_until", Instant),
    Column("due_at", Instant),
    Column("started_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    # `due_at` is set while the saga is to be run, and then only.
    Index("ix_sagas_due", "due_at", "id", **LIVE),
    Index("ix_sagas_owner", "owner", **where("owner IS NOT NULL")),
    Index("ix_sagas_started", "started_at", "id"),
    Index("ix_sagas_name", "name", "started_at", "id"),
    Index("ix_sagas_phase", "phase", "started_at", "id"),
    Index("ix_sagas_subject", "subject", "started_at", "id"),
    sqlite_with_rowid=False,
)

# What administrators did with sagas; their reasons are texts under (saga id, seq).
INTERVENTIONS: Final = Table(
    "interventions",
    METADATA,
    Column("saga_id", KEY, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", KEY, nullable=False),
    Column("verb", String(16), nullable=False),
    sqlite_with_rowid=False,
)

# Up to which seq the events of a subject have been published.
PUBLISHED: Final = Table(
    "published",
    METADATA,
    Column("subject", KEY, primary_key=True),
    Column("seq", Integer, nullable=False),
    sqlite_with_rowid=False,
)

NOTICES: Final = Table(
    "notices",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("event", KEY, nullable=False),
    Column("reader", KEY, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("subject", KEY, nullable=False),
    Column("appointment_id", KEY),
    Column("about", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("due_at", Instant),
    Column("read_at", Instant),
    Index("ix_notices_once", "event", "reader", "channel", unique=True),
    Index("ix_notices_inbox", "reader", "channel", "at", "seq", "id"),
    Index("ix_notices_pending", "reader", "subject", "seq", **where("status = 'pending'")),
    Index("ix_notices_log", "at", "seq", "id"),
    Index("ix_notices_status", "status", "at", "seq", "id"),
    Index("ix_notices_appointment", "appointment_id", "at", "seq", "id"),
    sqlite_with_rowid=False,
)

# The secrets of private calendars: found by a blind index, kept sealed.
FEEDS: Final = Table(
    "feeds",
    METADATA,
    Column("account_id", KEY, primary_key=True),
    Column("secret_index", KEY, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_feeds_secret", "secret_index", unique=True),
    sqlite_with_rowid=False,
)
