"""Who there is, what they sign in with, and how doctors are found."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from adapters.sql.tables.columns import KEY, KEY_OF_ANY_LENGTH, METADATA, Instant, Instants

PERSONS: Final = Table(
    "persons",
    METADATA,
    Column("cpf_index", KEY, primary_key=True),
    Column("id", KEY, nullable=False),
    sqlite_with_rowid=False,
)

# Without a profile it is only reserved.
ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("saga_id", KEY, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("cpf", LargeBinary),
    Column("profile", Text),
)

LOGINS: Final = Table(
    "logins",
    METADATA,
    Column("space", String(32), primary_key=True),
    Column("login_index", KEY, primary_key=True),
    Column("account_id", KEY, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Index("ix_logins_account", "account_id"),
    sqlite_with_rowid=False,
)

CREDENTIALS: Final = Table(
    "credentials",
    METADATA,
    Column("username", KEY, primary_key=True),
    Column("secret_hash", Text, nullable=False),
    Column("rev", Integer, nullable=False, server_default="1"),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("account_id", KEY, nullable=False),
    Column("password_rev", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("graces", Instants, nullable=False),
    Index("ix_sessions_account", "account_id"),
    sqlite_with_rowid=False,
)

# Without a count it is only being written.
ATTEMPTS: Final = Table(
    "attempts",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("count", Integer),
    Column("until", Instant),
    Column("locked_until", Instant),
    Index("ix_attempts_until", "until"),
    sqlite_with_rowid=False,
)

DOCTORS: Final = Table(
    "doctors",
    METADATA,
    Column("id", KEY, ForeignKey("accounts.id"), primary_key=True),
    Column("status", String(32), nullable=False),
    Column("registered_at", Instant, nullable=False, server_default="0"),
    Index("ix_doctors_status", "status", "id"),
    Index("ix_doctors_queue", "registered_at", "id"),
    Index("ix_doctors_queue_status", "status", "registered_at", "id"),
    sqlite_with_rowid=False,
)

DOCTOR_SPECIALTIES: Final = Table(
    "doctor_specialties",
    METADATA,
    Column("specialty", String(64), primary_key=True),
    Column("doctor_id", KEY, ForeignKey("doctors.id"), primary_key=True),
    sqlite_with_rowid=False,
)

DOCTOR_WORDS: Final = Table(
    "doctor_words",
    METADATA,
    Column("word", KEY_OF_ANY_LENGTH, primary_key=True),
    Column("doctor_id", KEY, ForeignKey("doctors.id"), primary_key=True),
    sqlite_with_rowid=False,
)

# What each decision on a registration left, for whoever asks for it again.
DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("doctor_id", KEY, ForeignKey("accounts.id"), primary_key=True),
    Column("rev", Integer, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("affected", Text, nullable=False),
    sqlite_with_rowid=False,
)
