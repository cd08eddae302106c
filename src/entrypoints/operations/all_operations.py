"""All operations of the API."""

from typing import Final

from entrypoints.operations import (
    accounts,
    agendas,
    appointments,
    calendars,
    doctors,
    health,
    notifications,
    sagas,
    sign_in,
    visits,
)
from entrypoints.operations.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *health.OPERATIONS,
    *sign_in.OPERATIONS,
    *accounts.OPERATIONS,
    *doctors.OPERATIONS,
    *agendas.OPERATIONS,
    *appointments.OPERATIONS,
    *visits.OPERATIONS,
    *notifications.OPERATIONS,
    *calendars.OPERATIONS,
    *sagas.OPERATIONS,
)
