"""One clinic's day over any stores: all that is written, and all that is read of it."""

from datetime import timedelta
from typing import Final

import attrs
import orjson

from telemed_core.domain.attempts import failed_login
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, AppointmentId, SagaId, SessionId
from telemed_core.domain.instants import Interval
from telemed_core.domain.meetings import Meeting
from telemed_core.domain.notices import Channel, DeliveryStatus, NoticeId
from telemed_core.domain.places import Cents
from telemed_core.domain.ratings import RatingSum
from telemed_core.domain.sagas import Phase, Progress, SagaEntry, SagaStart
from telemed_core.domain.signals import MOST_KEPT, SignalKind
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.status import Status
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import a_session, an_administrator
from telemed_core.testing.contracts.ratings import a_rated
from telemed_core.testing.contracts.signals import (
    DOCTOR,
    MEETING,
    NEWER_DOCTOR,
    OTHER,
    OWNER,
    PATIENT,
    a_seat,
    entered,
    is_lost,
    say,
)
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

REASON: Final = "um segredo entre dois"
BLOCKED: Final = "uma viagem longa"
MENDED: Final = "o servidor de e-mail voltou"
FEED: Final = "o-endereco-de-uma-agenda"
OFFERED: Final = "v=0 o=- 4611731400430051336 um microfone"
COMMENT: Final = "uma consulta sem pressa"
STUCK: Final = SagaId("stuck")
VISIT: Final = AppointmentId("visit-1")


def a_day(stores: Stores) -> Clinic:
    """Registration, bookings, a block, a verification and a sweep; sign-ins, a closed account, and what follows."""
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
    a_day_at_the_door(clinic, doctor)
    a_day_behind_the_desk(clinic, doctor)
    a_day_in_a_room(clinic, doctor)
    return clinic


def a_day_at_the_door(clinic: Clinic, doctor: Doctor) -> None:
    """Somebody signs in and changes profile and password; somebody else tries and leaves."""
    stores, now = clinic.stores, clinic.clock.now()
    stores.credentials.put(doctor.id, "hash")
    session = a_session(account_id=doctor.id, expires_at=now + timedelta(days=30))
    stores.sessions.add(session, now=now)
    stores.sessions.replace(session, attrs.evolve(session, generation=2))
    stores.credentials.put(doctor.id, "other hash", keep=session.id)
    changes = {"name": "Ana Lima Reis", "specialties": (Specialty.CARDIOLOGY, Specialty.PEDIATRICS)}
    changed = attrs.evolve(doctor, rev=doctor.rev + 1, price_cents=Cents(30_000), **changes)
    stores.accounts.update(doctor, changed)
    stores.accounts.update(
        changed, attrs.evolve(changed, rev=changed.rev + 1, name="Ana Lima", specialties=doctor.specialties)
    )
    leaving = clinic.patient(2)
    stores.accounts.close(leaving.close(now=now))
    stores.sessions.end(SessionId("session-2"))
    for key in ("key", "forgotten"):
        stores.attempts.change(key, lambda before: failed_login(before, now=now))
    stores.attempts.change("forgotten", lambda _: None)


def a_day_behind_the_desk(clinic: Clinic, doctor: Doctor) -> None:
    """All that has changed is told, by sagas and e-mails; one saga is stuck, and somebody mends it."""
    stores, now = clinic.stores, clinic.clock.now()
    log = stores.sagas
    while clinic.run_sagas() or clinic.deliver_notices():
        pass
    stores.notices.read(stores.notices.inbox(doctor.id, limit=9)[0].id, reader=doctor.id, now=now)
    ended, _ = log.get(SagaId(f"{doctor.id}.0"))
    log.append(SagaEntry(before=ended, progress=ended.progress, at=now), starting=[SagaStart(STUCK, "remind", STUCK)])
    (claimed,) = log.claim(clinic.owner, now=now, limit=9)
    stuck = Progress(phase=Phase.QUARANTINED, attempt=9, error="unavailable", stuck_in=Phase.FORWARD)
    log.append(SagaEntry(before=log.renew(claimed, now=now), progress=stuck, at=now))
    clinic.retry_saga(saga_id=STUCK, reason=MENDED, actor=an_administrator())
    assert len(log.claim("here:2:0", now=now, limit=9)) == 1
    assert clinic.beside().take_over() == 0
    assert log.free(["here:2:0"]) == 1
    assert len(log.claim("here:2:0", now=now, limit=9)) == 1
    stores.feeds.open(doctor.id, FEED)
    stores.feeds.open(AccountId("another"), f"{FEED}-2")
    stores.feeds.revoke(AccountId("another"))


def a_day_in_a_room(clinic: Clinic, doctor: Doctor) -> None:
    """Two people come, talk, go, are replaced and freed; another meeting is over; two visits are rated."""
    stores = clinic.stores
    for generation in (1, 2):
        stores.meetings.put(Meeting(VISIT, generation, MEETING))
    entered(stores, DOCTOR, DOCTOR, PATIENT)
    for seat in (DOCTOR, DOCTOR, PATIENT):
        stores.signals.append(seat, number=1, kind=SignalKind.OFFER, data=orjson.dumps(OFFERED).decode())
    stores.signals.leave(PATIENT)
    assert entered(stores, NEWER_DOCTOR, PATIENT).present
    assert is_lost(stores, DOCTOR)
    assert stores.signals.free([OWNER]) == 2
    entered(stores, NEWER_DOCTOR)
    say(stores, NEWER_DOCTOR, *range(1, MOST_KEPT + 9))
    entered(stores, a_seat("d-1", meeting=OTHER))
    stores.signals.close(OTHER)
    for number, comment in ((1, COMMENT), (2, None)):
        stores.ratings.add(a_rated(number, doctor, comment=comment), command=clinic.command())


def read_everything(clinic: Clinic) -> None:
    """Every read of every port, each with something to find."""
    read_what_followed(clinic.stores)
    read_what_was_said(clinic.stores)
    stores, now = clinic.stores, clinic.clock.now()
    (doctor,) = stores.doctors.list(limit=9)
    assert stores.doctors.list(
        status=doctor.status, specialty=Specialty.CARDIOLOGY, name="ana li", after=None, limit=9
    ) == [doctor]
    assert stores.doctors.queue(limit=9) == [doctor]
    assert stores.doctors.queue(status=doctor.status, limit=9) == [doctor]
    assert stores.doctors.queue(after=(doctor.registered_at, doctor.id), limit=9) == []
    assert stores.doctors.queue(status=doctor.status, after=(doctor.registered_at, doctor.id), limit=9) == []
    assert stores.doctors.verified(doctor.id, 2)[0].rev == 2
    assert stores.sessions.get(SessionId("session-1")).password_rev == 2
    assert stores.sessions.account_of(SessionId("session-1"), doctor.id) == doctor
    assert len(stores.attempts.read(("key", "forgotten"))) == 1
    stores.check()
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


def read_what_was_said(stores: Stores) -> None:
    """Every read of meetings, signals and ratings."""
    (doctor,) = stores.doctors.list(limit=9)
    assert stores.meetings.of(VISIT) == Meeting(VISIT, 2, MEETING)
    assert {name: len(news) for name, news in stores.signals.read({MEETING: 0, OTHER: 1}).items()} == {
        MEETING: MOST_KEPT + 2,
        OTHER: 1,
    }
    assert set(stores.signals.owners()) == {OWNER}
    assert (stores.signals.is_closed(MEETING), stores.signals.is_closed(OTHER)) == (False, True)
    newest, oldest = stores.ratings.list(doctor.id, limit=9)
    assert list(stores.ratings.list(doctor.id, after=(newest.at, newest.appointment_id), limit=9)) == [oldest]
    assert stores.ratings.get(oldest.appointment_id) == oldest
    assert stores.ratings.sums([doctor.id]) == {doctor.id: RatingSum(2, newest.score + oldest.score)}


def read_what_followed(stores: Stores) -> None:
    """Every read of sagas, notices and calendar secrets."""
    (doctor,) = stores.doctors.list(limit=9)
    log, notices = stores.sagas, stores.notices
    whole = log.list(limit=99)
    newest, rest = whole[0], len(whole) - 1
    behind = (newest.started_at, newest.id)
    assert len(log.list(after=behind, limit=99)) == rest
    assert log.list(name="request", limit=9)
    assert log.list(name="request", after=behind, limit=9)
    assert log.list(phases=[Phase.FORWARD], limit=9)
    assert log.list(phases=[Phase.FORWARD, Phase.COMPLETED], after=behind, limit=99)
    assert log.list(subject=doctor.id, name="verification", phases=[Phase.COMPLETED], limit=9)
    assert len(log.get(STUCK)[1]) == 1
    assert log.owners() == {"here:2:0"}
    assert log.published(doctor.id) == 2
    first, *others = notices.inbox(doctor.id, limit=99)
    assert list(notices.inbox(doctor.id, after=(first.at, first.seq, first.id), limit=99)) == others
    last = notices.log(limit=1)[0]
    after = (last.at, last.seq, last.id)
    assert notices.log(after=after, limit=9)
    assert notices.log(channel=Channel.EMAIL, after=after, limit=9)
    delivered = [DeliveryStatus.DELIVERED]
    assert notices.log(statuses=delivered, limit=9)
    assert notices.log(statuses=[*delivered, DeliveryStatus.DEAD], channel=Channel.IN_APP, after=after, limit=9)
    about = next(one.appointment_id for one in others if one.appointment_id is not None)
    assert notices.log(appointment_id=about, limit=9)
    assert notices.log(appointment_id=about, statuses=delivered, after=after, limit=9)
    assert notices.get(NoticeId(last.id)) == last
    assert stores.feeds.find(FEED) == doctor.id
    assert [one.rev for one in stores.doctors.decisions(doctor.id, after=1)] == [2]
