"""The tables: what is looked for stands in columns, the rest in ``body``, as ``adapters.serialization`` writes it.

No key holds anything personal: logins and CPFs are blind indexes, texts and CPFs are sealed.
"""

from adapters.sql.tables.columns import KEY, METADATA, Instant, Instants
from adapters.sql.tables.following import FEEDS, INTERVENTIONS, NOTICES, PUBLISHED, SAGAS
from adapters.sql.tables.people import (
    ACCOUNTS,
    ATTEMPTS,
    CREDENTIALS,
    DECISIONS,
    DOCTOR_SPECIALTIES,
    DOCTOR_WORDS,
    DOCTORS,
    LOGINS,
    PERSONS,
    SESSIONS,
)
from adapters.sql.tables.scheduling import (
    APPOINTMENTS,
    BLOCK_CANCELLATIONS,
    BLOCKS,
    CLAIMS,
    EVENTS,
    QUOTAS,
    RECEIPTS,
    SCHEDULE_REVISIONS,
    SCHEDULES,
    TEXTS,
)
from adapters.sql.tables.visits import MEETINGS, RATING_SUMS, RATINGS, SIGNAL_LOGS, SIGNALS

__all__ = [
    "ACCOUNTS",
    "APPOINTMENTS",
    "ATTEMPTS",
    "BLOCKS",
    "BLOCK_CANCELLATIONS",
    "CLAIMS",
    "CREDENTIALS",
    "DECISIONS",
    "DOCTORS",
    "DOCTOR_SPECIALTIES",
    "DOCTOR_WORDS",
    "EVENTS",
    "FEEDS",
    "INTERVENTIONS",
    "KEY",
    "LOGINS",
    "MEETINGS",
    "METADATA",
    "NOTICES",
    "PERSONS",
    "PUBLISHED",
    "QUOTAS",
    "RATINGS",
    "RATING_SUMS",
    "RECEIPTS",
    "SAGAS",
    "SCHEDULES",
    "SCHEDULE_REVISIONS",
    "SESSIONS",
    "SIGNALS",
    "SIGNAL_LOGS",
    "TEXTS",
    "Instant",
    "Instants",
]
