"""Opens the stores in one installation's tables, each when it is first asked for: few functions need all of them."""

from __future__ import annotations  # what is only written as a type is not loaded

from typing import TYPE_CHECKING, Any, Final, Self

from adapters.dynamodb.actions import key
from telemed_core.ports.storage import Stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.dynamodb.access import Dynamo
    from telemed_core.ports.meetings import Meetings, Signals
    from telemed_core.ports.notices import Feeds, Notices
    from telemed_core.ports.people import Accounts, Attempts, Credentials, Doctors, Patients, Sessions
    from telemed_core.ports.sagas import SagaLog
    from telemed_core.ports.services import Sealing
    from telemed_core.ports.storage import Appointments, Ledger, Ratings, Receipts, Schedules, Texts

_NOTHING: Final = key("CHECK", "M")
"""A key that no item has."""


def open_dynamodb(
    dynamo: Dynamo, *, sealing: Sealing, notices: Notices, beside: Callable[[], None] = lambda: None
) -> Stores:
    """The stores in these tables, for all threads of this process and its forks.

    Args:
        dynamo: the tables, which are there already.
        notices: they are kept elsewhere, and are closed by whoever has opened them.
        beside: looks whether that answers, as ``Stores.check`` does.
    """

    def check() -> None:
        dynamo.get(dynamo.tables.scheduling, _NOTHING)
        beside()

    # Connections are the process's own: they end with it.
    return _Later.over(dynamo, sealing, notices=notices, check=check, close=lambda: None)


class _Later(Stores):
    """Stores that are not there before they are asked for; two threads that ask first may get one each, as good."""

    @classmethod
    def over(cls, dynamo: Dynamo, sealing: Sealing, **given: Any) -> Self:
        later = cls.__new__(cls)
        vars(later).update(opened_by=(dynamo, sealing))
        for name, part in given.items():
            object.__setattr__(later, name, part)
        return later

    def __getattr__(self, name: str) -> Any:
        """Asked for what is not there yet."""
        if name not in _OPENED:
            raise AttributeError(name)
        store = _OPENED[name](*vars(self)["opened_by"])
        object.__setattr__(self, name, store)
        return store


def _accounts(dynamo: Dynamo, sealing: Sealing) -> Accounts:
    from adapters.dynamodb.accounts import DynamoAccounts

    return DynamoAccounts(dynamo, sealing)


def _doctors(dynamo: Dynamo, sealing: Sealing) -> Doctors:
    from adapters.dynamodb.doctors import DynamoDoctors

    return DynamoDoctors(dynamo, sealing)


def _patients(dynamo: Dynamo, sealing: Sealing) -> Patients:
    from adapters.dynamodb.accounts import DynamoAccounts, DynamoPatients

    return DynamoPatients(DynamoAccounts(dynamo, sealing))


def _schedules(dynamo: Dynamo, sealing: Sealing) -> Schedules:
    from adapters.dynamodb.schedules import DynamoSchedules

    return DynamoSchedules(dynamo, sealing)


def _appointments(dynamo: Dynamo, sealing: Sealing) -> Appointments:
    from adapters.dynamodb.appointments import DynamoAppointments

    return DynamoAppointments(dynamo, sealing)


def _receipts(dynamo: Dynamo, _: Sealing) -> Receipts:
    from adapters.dynamodb.records import DynamoReceipts

    return DynamoReceipts(dynamo)


def _texts(dynamo: Dynamo, sealing: Sealing) -> Texts:
    from adapters.dynamodb.records import DynamoTexts

    return DynamoTexts(dynamo, sealing)


def _ledger(dynamo: Dynamo, _: Sealing) -> Ledger:
    from adapters.dynamodb.ledger import DynamoLedger

    return DynamoLedger(dynamo)


def _credentials(dynamo: Dynamo, _: Sealing) -> Credentials:
    from adapters.dynamodb.signing_in import DynamoCredentials

    return DynamoCredentials(dynamo)


def _sessions(dynamo: Dynamo, sealing: Sealing) -> Sessions:
    from adapters.dynamodb.signing_in import DynamoSessions

    return DynamoSessions(dynamo, sealing)


def _attempts(dynamo: Dynamo, _: Sealing) -> Attempts:
    from adapters.dynamodb.attempts import DynamoAttempts

    return DynamoAttempts(dynamo)


def _sagas(dynamo: Dynamo, sealing: Sealing) -> SagaLog:
    from adapters.dynamodb.sagas import DynamoSagaLog

    return DynamoSagaLog(dynamo, sealing)


def _feeds(dynamo: Dynamo, sealing: Sealing) -> Feeds:
    from adapters.dynamodb.feeds import DynamoFeeds

    return DynamoFeeds(dynamo, sealing)


def _meetings(dynamo: Dynamo, _: Sealing) -> Meetings:
    from adapters.dynamodb.meetings import DynamoMeetings

    return DynamoMeetings(dynamo)


def _signals(dynamo: Dynamo, sealing: Sealing) -> Signals:
    from adapters.dynamodb.signals import DynamoSignals

    return DynamoSignals(dynamo, sealing)


def _ratings(dynamo: Dynamo, sealing: Sealing) -> Ratings:
    from adapters.dynamodb.ratings import DynamoRatings

    return DynamoRatings(dynamo, sealing)


_OPENED: Final[dict[str, Callable[[Dynamo, Sealing], Any]]] = {
    "accounts": _accounts,
    "doctors": _doctors,
    "patients": _patients,
    "schedules": _schedules,
    "appointments": _appointments,
    "receipts": _receipts,
    "texts": _texts,
    "ledger": _ledger,
    "credentials": _credentials,
    "sessions": _sessions,
    "attempts": _attempts,
    "sagas": _sagas,
    "feeds": _feeds,
    "meetings": _meetings,
    "signals": _signals,
    "ratings": _ratings,
}
