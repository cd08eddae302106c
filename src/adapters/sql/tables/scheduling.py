"""Schedules, appointments and everyone's time, and what each commit leaves beside them."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from adapters.sql.tables.columns import KEY, KEY_OF_ANY_LENGTH, LIVE, METADATA, Instant

SCHEDULES: Final = Table(
    "schedules",
    METADATA,
    Column("doctor_id", KEY, ForeignKey("accounts.id"), primary_key=True),
    Column("rev", Integer, nullable=False),
    Column("bookable", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)

# Which command made each revision: what a lost answer is looked up by.
SCHEDULE_REVISIONS: Final = Table(
    "schedule_revisions",
    METADATA,
    Column("doctor_id", KEY, primary_key=True),
    Column("rev", Integer, primary_key=True),
    Column("command_id", KEY, nullable=False),
    sqlite_with_rowid=False,
)

BLOCKS: Final = Table(
    "blocks",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("body", Text, nullable=False),
)

BLOCK_CANCELLATIONS: Final = Table(
    "block_cancellations",
    METADATA,
    Column("block_id", KEY, ForeignKey("blocks.id"), primary_key=True),
    Column("appointment_id", KEY, primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

QUOTAS: Final = Table(
    "quotas",
    METADATA,
    Column("person_id", KEY, primary_key=True),
    Column("pending", Integer, nullable=False),
    Column("live", Integer, nullable=False),
    Column("open", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# `due_at` is set while the appointment is live, and then only.
APPOINTMENTS: Final = Table(
    "appointments",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("doctor_id", KEY, nullable=False),
    Column("patient_id", KEY, nullable=False),
    Column("doctor_person", KEY, nullable=False),
    Column("patient_person", KEY, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("status", String(16), nullable=False),
    Column("rev", Integer, nullable=False),
    Column("due_at", Instant),
    Column("body", Text, nullable=False),
    Index("ix_appointments_doctor", "doctor_id", "starts_at", "id"),
    Index("ix_appointments_patient", "patient_id", "starts_at", "id"),
    Index("ix_live_due", "due_at", "id", **LIVE),
    Index("ix_live_doctor_person", "doctor_person", **LIVE),
    Index("ix_live_patient_person", "patient_person", **LIVE),
)
CLAIMS: Final = Table(
    "claims",
    METADATA,
    Column("person_id", KEY, primary_key=True),
    Column("cell", Integer, primary_key=True),
    Column("appointment_id", KEY, nullable=False),
    sqlite_with_rowid=False,
)

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("appointment_id", KEY, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("command_id", KEY, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

TEXTS: Final = Table(
    "texts",
    METADATA,
    Column("owner", KEY, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

RECEIPTS: Final = Table(
    "receipts",
    METADATA,
    Column("account_id", KEY, primary_key=True),
    Column("key", KEY_OF_ANY_LENGTH, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
