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
)
from entrypoints.operations.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *health.OPERATIONS,
    *sign_in.OPERATIONS,
    *accounts.OPERATIONS,
    *doctors.OPERATIONS,
    *agendas.OPERATIONS,
    *appointments.OPERATIONS,
    *notifications.OPERATIONS,
    *calendars.OPERATIONS,
    *sagas.OPERATIONS,
)
