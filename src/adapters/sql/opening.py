"""Opens the stores of one database."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, text

from adapters.sql.accounts import SqlAccounts, SqlPatients
from adapters.sql.appointments import SqlAppointments
from adapters.sql.doctors import SqlDoctors
from adapters.sql.engine import parse_url
from adapters.sql.feeds import SqlFeeds
from adapters.sql.ledger import SqlLedger
from adapters.sql.meetings import SqlMeetings
from adapters.sql.migrating import migrate as migrate_database
from adapters.sql.notices import SqlNotices
from adapters.sql.ratings import SqlRatings
from adapters.sql.records import SqlReceipts, SqlTexts
from adapters.sql.sagas import SqlSagaLog
from adapters.sql.schedules import SqlSchedules
from adapters.sql.signals import SqlSignals
from adapters.sql.signing_in import SqlAttempts, SqlCredentials, SqlSessions
from adapters.sql.transactions import Database
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores

_VERSION: Final = text("SELECT version_num FROM alembic_version")

PATIENCE: Final = timedelta(seconds=2)


def open_sql(
    url: str, *, sealing: Sealing, migrate: bool = True, pool_size: int = 16, patience: timedelta = PATIENCE
) -> Stores:
    """The stores in a SQLite file or a Postgres database, for all threads of this process and its forks.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://…``.
        migrate: bring the tables to this version first.
        pool_size: how many connections this process may have.
        patience: how long contention is waited out before ``BusyError``.

    Raises:
        InvalidError: the URL is another, naming ``database_url``.
        UnavailableError: the database does not answer.
    """
    parsed = parse_url(url)
    if migrate:
        migrate_database(url)
    database = Database(parsed, pool_size=pool_size, patience=patience)
    accounts = SqlAccounts(database, sealing)
    return Stores(
        accounts=accounts,
        doctors=SqlDoctors(database, sealing),
        patients=SqlPatients(accounts),
        schedules=SqlSchedules(database, sealing),
        appointments=SqlAppointments(database, sealing),
        receipts=SqlReceipts(database),
        texts=SqlTexts(database, sealing),
        ledger=SqlLedger(database),
        credentials=SqlCredentials(database),
        sessions=SqlSessions(database, sealing),
        attempts=SqlAttempts(database),
        sagas=SqlSagaLog(database, sealing),
        notices=SqlNotices(database),
        feeds=SqlFeeds(database, sealing),
        meetings=SqlMeetings(database),
        signals=SqlSignals(database, sealing),
        ratings=SqlRatings(database, sealing),
        check=lambda: database.read(_check),
        close=database.close,
    )


def _check(connection: Connection) -> None:
    connection.execute(_VERSION).all()
