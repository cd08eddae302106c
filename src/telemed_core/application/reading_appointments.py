"""Appointments as they are read: one of them, lists, as a command left them, and what is written beside them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from telemed_core.application.booking import Participant, own
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.ids import AccountId, AppointmentId
from telemed_core.domain.instants import Interval
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.status import Status
from telemed_core.domain.texts import TextKey
from telemed_core.ports.people import Accounts
from telemed_core.ports.storage import Appointments, Texts
from telemed_core.ports.system import Clock


@attrs.frozen
class ShowAppointment:
    """One of the actor's appointments as it is now, with its history.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """

    _appointments: Appointments
    _clock: Clock

    def __call__(self, *, appointment_id: AppointmentId, actor: Participant) -> Appointment:
        return own(self._appointments, appointment_id, actor).settled(now=self._clock.now())


@attrs.frozen
class ListAppointments:
    """The actor's appointments as they are now, by start, without their history."""

    _appointments: Appointments
    _clock: Clock

    def __call__(
        self,
        *,
        actor: Participant,
        statuses: Collection[Status] = (),
        starting: Interval | None = None,
        after: tuple[datetime, AppointmentId] | None = None,
        limit: int = 20,
    ) -> Sequence[Appointment]:
        return self._appointments.list(
            actor.id, statuses=statuses, starting=starting, after=after, limit=limit, now=self._clock.now()
        )


@attrs.frozen
class RecallAppointment:
    """The appointment as a command left it, by the command's receipt."""

    _appointments: Appointments

    def __call__(self, receipt: Receipt, /) -> Appointment:
        history = self._appointments.get(AppointmentId(receipt.subject)).history or ()
        return Appointment.fold(history[: receipt.rev])


@attrs.frozen
class Details:
    """What an appointment's two sides read beside it: names, and what was written."""

    names: Mapping[AccountId, str] = attrs.field(repr=False)
    texts: Mapping[TextKey, str] = attrs.field(repr=False)


@attrs.frozen
class DescribeAppointments:
    """The names and texts of appointments that the reader may see: one read each, however many."""

    _accounts: Accounts
    _texts: Texts

    def __call__(self, appointments: Collection[Appointment], /) -> Details:
        people = {account for one in appointments for account in (one.doctor_id, one.patient_id)}
        keys = {key for one in appointments for key in (one.reason, one.refusal_reason, one.cancel_reason) if key}
        return Details(self._accounts.names(people), self._texts.read(keys) if keys else {})
