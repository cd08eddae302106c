"""Opens the stores in one installation's tables."""

from typing import Final

from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.accounts import DynamoAccounts, DynamoPatients
from adapters.dynamodb.actions import key
from adapters.dynamodb.appointments import DynamoAppointments
from adapters.dynamodb.attempts import DynamoAttempts
from adapters.dynamodb.doctors import DynamoDoctors
from adapters.dynamodb.feeds import DynamoFeeds
from adapters.dynamodb.ledger import DynamoLedger
from adapters.dynamodb.meetings import DynamoMeetings
from adapters.dynamodb.ratings import DynamoRatings
from adapters.dynamodb.records import DynamoReceipts, DynamoTexts
from adapters.dynamodb.sagas import DynamoSagaLog
from adapters.dynamodb.schedules import DynamoSchedules
from adapters.dynamodb.signals import DynamoSignals
from adapters.dynamodb.signing_in import DynamoCredentials, DynamoSessions
from telemed_core.ports.notices import Notices
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores

_NOTHING: Final = key("CHECK", "M")
"""A key that no item has."""


def open_dynamodb(dynamo: Dynamo, *, sealing: Sealing, notices: Notices) -> Stores:
    """The stores in these tables, for all threads of this process and its forks.

    Args:
        dynamo: the tables, which are there already.
        notices: they are kept elsewhere, and are closed by whoever has opened them.
    """
    accounts = DynamoAccounts(dynamo, sealing)
    return Stores(
        accounts=accounts,
        doctors=DynamoDoctors(dynamo, sealing),
        patients=DynamoPatients(accounts),
        schedules=DynamoSchedules(dynamo, sealing),
        appointments=DynamoAppointments(dynamo, sealing),
        receipts=DynamoReceipts(dynamo),
        texts=DynamoTexts(dynamo, sealing),
        ledger=DynamoLedger(dynamo),
        credentials=DynamoCredentials(dynamo),
        sessions=DynamoSessions(dynamo, sealing),
        attempts=DynamoAttempts(dynamo),
        sagas=DynamoSagaLog(dynamo, sealing),
        notices=notices,
        feeds=DynamoFeeds(dynamo, sealing),
        meetings=DynamoMeetings(dynamo),
        signals=DynamoSignals(dynamo, sealing),
        ratings=DynamoRatings(dynamo, sealing),
        check=lambda: _check(dynamo),
        # Connections are the process's own: they end with it.
        close=lambda: None,
    )


def _check(dynamo: Dynamo) -> None:
    dynamo.get(dynamo.tables.scheduling, _NOTHING)
