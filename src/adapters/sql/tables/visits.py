"""The visits themselves: where they take place, what is said to find each other, and what patients thought of them."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from adapters.sql.tables.columns import KEY, METADATA, Instant, where

MEETINGS: Final = Table(
    "meetings",
    METADATA,
    Column("appointment_id", KEY, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("meeting_id", KEY, nullable=False),
    sqlite_with_rowid=False,
)

# How far each meeting's log has come; who writes to the log holds this row.
SIGNAL_LOGS: Final = Table(
    "signal_logs",
    METADATA,
    Column("meeting_id", KEY, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("closed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# `sealed` is set of what is said; `number` is its, or that of the last that the connection in the seat has said.
SIGNALS: Final = Table(
    "signals",
    METADATA,
    Column("meeting_id", KEY, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("side", String(16), nullable=False),
    Column("connection_id", KEY),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("owner", Text),
    Column("sealed", LargeBinary),
    Index("ix_signals_presence", "meeting_id", "side", unique=True, **where("sealed IS NULL")),
    Index("ix_signals_owner", "owner", **where("owner IS NOT NULL")),
    sqlite_with_rowid=False,
)

# Comments are texts under (appointment id, comment_seq).
RATINGS: Final = Table(
    "ratings",
    METADATA,
    Column("appointment_id", KEY, primary_key=True),
    Column("doctor_id", KEY, nullable=False),
    Column("score", Integer, nullable=False),
    Column("comment_seq", Integer),
    Column("at", Instant, nullable=False),
    Column("command_id", KEY, nullable=False),
    Index("ix_ratings_doctor", "doctor_id", "at", "appointment_id"),
    sqlite_with_rowid=False,
)

RATING_SUMS: Final = Table(
    "rating_sums",
    METADATA,
    Column("doctor_id", KEY, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    sqlite_with_rowid=False,
)
