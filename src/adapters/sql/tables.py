"""The tables: what is looked for stands in columns, the rest in ``body``, as ``adapters.serialization`` writes it.

No key holds anything personal: logins and CPFs are blind indexes, texts and CPFs are sealed.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

from adapters.serialization import instant_of, microseconds


class Instant(TypeDecorator[datetime]):
    """An instant in UTC, kept as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 # SQLAlchemy's
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # as above
        return None if value is None else instant_of(value)


class Instants(TypeDecorator[tuple[datetime, ...]]):
    """Instants in UTC, as their microseconds with spaces between."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[datetime, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002 # as above
        return None if value is None else " ".join(str(microseconds(one)) for one in value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[datetime, ...] | None:  # noqa: ARG002 # as above
        return None if value is None else tuple(instant_of(int(one)) for one in value.split())


# Text that is ordered by its bytes in every database, whatever its language.
KEY: Final = String(64).with_variant(String(64, collation="C"), "postgresql")
KEY_OF_ANY_LENGTH: Final = Text().with_variant(Text(collation="C"), "postgresql")


def _where(condition: str) -> dict[str, Any]:
    return dict.fromkeys(("sqlite_where", "postgresql_where"), text(condition))


_LIVE: Final = _where("due_at IS NOT NULL")

METADATA: Final = MetaData()

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
    Index("ix_live_due", "due_at", "id", **_LIVE),
    Index("ix_live_doctor_person", "doctor_person", **_LIVE),
    Index("ix_live_patient_person", "patient_person", **_LIVE),
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
    Index("ix_sagas_due", "due_at", "id", **_LIVE),
    Index("ix_sagas_owner", "owner", **_where("owner IS NOT NULL")),
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
    Index("ix_notices_pending", "reader", "subject", "seq", **_where("status = 'pending'")),
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
    Index("ix_signals_presence", "meeting_id", "side", unique=True, **_where("sealed IS NULL")),
    Index("ix_signals_owner", "owner", **_where("owner IS NOT NULL")),
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

RECEIPTS: Final = Table(
    "receipts",
    METADATA,
    Column("account_id", KEY, primary_key=True),
    Column("key", KEY_OF_ANY_LENGTH, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
