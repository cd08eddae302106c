"""One clinic's day over any stores: all that is written, and all that is read of it."""

from datetime import timedelta

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.instants import Interval
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.status import Status
from telemed_core.ports.storage import Stores
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

REASON = "um segredo entre dois"
BLOCKED = "uma viagem longa"


def a_day(stores: Stores) -> Clinic:
    """Registration, bookings, a block, a verification and a sweep."""
    clinic = a_clinic(stores)
    assert isinstance(clinic.clock, SettableClock)
    doctor, patient = clinic.doctor(), clinic.patient()
    key = Idempotency(patient.id, "key", "print")
    asked = clinic.request_appointment(
        doctor_id=doctor.id, start=clinic.noon(2), patient=patient, reason=REASON, idempotency=key
    )
    clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor)
    clinic.reschedule_appointment(appointment_id=asked.id, start=clinic.noon(3), actor=doctor)
    clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(5), patient=patient)
    clinic.block_time(
        interval=Interval.lasting(clinic.noon(4), timedelta(days=3)),
        doctor=doctor,
        reason=BLOCKED,
        cancel_appointments=True,
    )
    clinic.clock.advance(timedelta(hours=30))
    clinic.sweep()
    return clinic


def read_everything(clinic: Clinic) -> None:
    """Every read of every port, each with something to find."""
    stores, now = clinic.stores, clinic.clock.now()
    (doctor,) = stores.doctors.list(limit=9)
    assert stores.doctors.list(
        status=doctor.status, specialty=Specialty.CARDIOLOGY, name="ana li", after=None, limit=9
    ) == [doctor]
    assert stores.accounts.find(doctor.crm) == doctor
    assert stores.doctors.get(doctor.id) == doctor
    assert stores.schedules.of(doctor.id).bookable
    listed = stores.appointments.list(doctor.id, statuses=list(Status), limit=9, now=now)
    assert len(listed) == 2
    (patient_id,) = {one.patient_id for one in listed}
    assert len(stores.appointments.list(patient_id, limit=9, now=now)) == 2
    assert stores.accounts.get(patient_id).id == patient_id
    assert len(stores.accounts.names([patient_id, doctor.id])) == 2
    assert len(stores.appointments.many([one.id for one in listed])) == 2
    assert stores.appointments.get(listed[0].id).history
    assert stores.appointments.due(now=now + timedelta(days=9), limit=9)
    assert stores.appointments.due(now=now + timedelta(days=9), patient=patient_id, limit=9)
    assert stores.appointments.busy(doctor.person_id, Interval.lasting(now, timedelta(days=9)), now=now)
    people = stores.ledger.people(limit=9)
    assert len(people) == 2
    assert stores.ledger.read(people).appointments
    assert stores.texts.read([key for one in listed for key in (one.reason, one.cancel_reason) if key])
    assert stores.receipts.find(Idempotency(patient_id, "key", "print"), now=now - timedelta(hours=20)) is not None
    assert list(stores.schedules.cancellations(limit=9)) == []
