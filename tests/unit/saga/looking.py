"""What there is to be seen of a clinic's sagas."""

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.notices import Kind
from telemed_core.domain.sagas import Phase
from telemed_core.testing.wiring import Clinic


def accepted(clinic: Clinic, appointment: Appointment, doctor: Doctor) -> Appointment:
    return clinic.accept_appointment(appointment_id=appointment.id, rev=appointment.rev, doctor=doctor)


def published(clinic: Clinic) -> list[tuple[Kind, int]]:
    return [(one.kind, one.seq) for one in clinic.publisher.published]


def phases(clinic: Clinic) -> dict[str, Phase]:
    """Of all sagas but those that wait for the time to remind."""
    return {row.id: row.progress.phase for row in clinic.log.list(limit=99) if row.name != "remind"}
