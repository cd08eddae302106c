"""What is read of doctors and their time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.agenda import Block
from telemed_core.domain.doctor import Doctor, DoctorStatus
from telemed_core.domain.ids import AppointmentId, BlockId, DoctorId
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.slots import Slots
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import ForbiddenError, InvalidError, NotFoundError
from telemed_core.ports.people import Doctors
from telemed_core.ports.storage import Appointments, Schedules
from telemed_core.ports.system import Clock

LONGEST_LISTING: Final = timedelta(days=31)


def _visible(doctor_id: DoctorId, *, approved: bool, viewer: Account) -> None:
    if not approved and viewer.id != doctor_id and not isinstance(viewer, Administrator):
        raise NotFoundError


@attrs.frozen
class ShowDoctor:
    """A doctor's profile; one who is not approved is seen by themself and administrators only.

    Raises:
        NotFoundError: there is none, or it is not to be seen.
    """

    _doctors: Doctors

    def __call__(self, *, doctor_id: DoctorId, viewer: Account) -> Doctor:
        doctor = self._doctors.get(doctor_id)
        _visible(doctor_id, approved=doctor.approved, viewer=viewer)
        return doctor


@attrs.frozen
class ListDoctors:
    """The approved doctors, by id."""

    _doctors: Doctors

    def __call__(
        self,
        *,
        specialty: Specialty | None = None,
        name: str | None = None,
        after: DoctorId | None = None,
        limit: int = 20,
    ) -> Sequence[Doctor]:
        return self._doctors.list(
            specialty=specialty, name=name, status=DoctorStatus.APPROVED, after=after, limit=limit
        )


@attrs.frozen
class ListRegistrations:
    """Doctors of any status, or of one, last registered first: what administrators verify.

    Raises:
        ForbiddenError: the viewer is no administrator.
    """

    _doctors: Doctors

    def __call__(
        self,
        *,
        viewer: Account,
        status: DoctorStatus | None = None,
        after: tuple[datetime, DoctorId] | None = None,
        limit: int = 20,
    ) -> Sequence[Doctor]:
        if not isinstance(viewer, Administrator):
            raise ForbiddenError
        return self._doctors.queue(status=status, after=after, limit=limit)


@attrs.frozen
class ListSlots:
    """The free starts of a doctor; a patient sees only those in which the patient is free too.

    Raises:
        NotFoundError: there is no such doctor, or it is not to be seen.
        InvalidError: more than 31 days.
    """

    _schedules: Schedules
    _appointments: Appointments
    _clock: Clock

    def __call__(self, *, doctor_id: DoctorId, within: Interval, viewer: Account) -> tuple[Schedule, Slots]:
        if within.length > LONGEST_LISTING:
            raise InvalidError("to", "must be within 31 days of from")
        now = self._clock.now()
        schedule = self._schedules.of(doctor_id)
        _visible(doctor_id, approved=schedule.bookable, viewer=viewer)
        # A visit that starts inside may last up to four hours beyond.
        span = Interval(within.start, within.end + schedule.agenda.step)
        slots = schedule.slots(
            within,
            now=now,
            doctor_busy=self._appointments.busy(schedule.person_id, span, now=now),
            patient_busy=(
                self._appointments.busy(viewer.person_id, span, now=now) if isinstance(viewer, Patient) else ()
            ),
        )
        return schedule, slots


@attrs.frozen
class ShowAgenda:
    """The doctor's own schedule."""

    _schedules: Schedules

    def __call__(self, *, doctor: Doctor) -> Schedule:
        return self._schedules.of(doctor.id)


@attrs.frozen
class RecallVerification:
    """The doctor, and the live appointments that were named, as a decision left them, by the decision's receipt."""

    _doctors: Doctors

    def __call__(self, receipt: Receipt, /) -> tuple[Doctor, Sequence[AppointmentId]]:
        return self._doctors.verified(DoctorId(receipt.subject), receipt.rev)


@attrs.frozen
class RecallBlock:
    """A block as it was made, and whom it concerned then, by the receipt of its making."""

    _schedules: Schedules

    def __call__(self, receipt: Receipt, /) -> tuple[Block, Sequence[AppointmentId]]:
        block_id = BlockId(receipt.subject)
        interval, affected = self._schedules.block_of(block_id)
        return Block(interval, block_id), affected
