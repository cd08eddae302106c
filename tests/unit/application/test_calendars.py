"""What calendars are told of appointments: by file, by feed, and to nobody without the secret."""

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from telemed_core.application.calendars import AppointmentCalendar, OpenFeed, ReadFeed, RevokeFeed
from telemed_core.domain.accounts import Account
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Language
from telemed_core.errors import NotFoundError
from telemed_core.ports.notices import CalendarEntry, CalendarMethod, CalendarStatus
from telemed_core.testing.builders import MONDAY, an_administrator
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

URL = "https://clinic.example"


@attrs.define
class LastCalendar:
    """``Calendars`` that show what they were to write last."""

    entries: Sequence[CalendarEntry] = ()
    method: CalendarMethod | None = None
    name: str | None = None

    def write(self, entries: Sequence[CalendarEntry], /, *, method: CalendarMethod, name: str | None = None) -> bytes:
        self.entries, self.method, self.name = entries, method, name
        return b"a calendar"


@pytest.fixture
def calendar() -> LastCalendar:
    return LastCalendar()


@pytest.fixture
def read_feed(clinic: Clinic, calendar: LastCalendar) -> ReadFeed:
    stores = clinic.stores
    return ReadFeed(stores.feeds, stores.accounts, stores.appointments, calendar, clinic.clock, URL)


@pytest.fixture
def open_feed(clinic: Clinic) -> OpenFeed:
    return OpenFeed(clinic.stores.feeds, clinic.ids)


def confirmed(clinic: Clinic, doctor: Doctor, patient: Patient, *, days: int = 1) -> Appointment:
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(days), patient=patient, reason="a secret")
    return clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=doctor)


def file_of(clinic: Clinic, calendar: LastCalendar, appointment: Appointment, actor: Doctor | Patient) -> CalendarEntry:
    write = AppointmentCalendar(clinic.stores.appointments, clinic.stores.accounts, calendar, clinic.clock, URL)
    assert write(appointment_id=appointment.id, actor=actor) == b"a calendar"
    assert (calendar.method, calendar.name) == (CalendarMethod.PUBLISH, None)
    (entry,) = calendar.entries
    return entry


def test_an_appointments_file_says_when_with_whom_and_where(
    clinic: Clinic, calendar: LastCalendar, doctor: Doctor, patient: Patient
) -> None:
    appointment = confirmed(clinic, doctor, patient)
    url = f"{URL}/appointments/{appointment.id}/visit"
    assert file_of(clinic, calendar, appointment, patient) == CalendarEntry(
        uid=f"{appointment.id}@telemed",
        sequence=0,
        status=CalendarStatus.CONFIRMED,
        start=appointment.visit.start,
        end=appointment.visit.end,
        stamped_at=MONDAY,
        changed_at=MONDAY,
        summary=f"Consulta com Dr(a). {doctor.name}",
        description=f"A entrada abre 10 minutos antes: {url}",
        url=url,
        attendee=None,
    )
    assert file_of(clinic, calendar, appointment, doctor).summary == f"Consulta – {patient.name}"


def test_an_appointments_file_is_for_its_two_sides_alone(
    clinic: Clinic, calendar: LastCalendar, doctor: Doctor
) -> None:
    appointment = confirmed(clinic, doctor, clinic.patient(1))
    with pytest.raises(NotFoundError):
        file_of(clinic, calendar, appointment, clinic.patient(2))


def test_an_appointment_keeps_its_uid_and_its_sequence_rises(
    clinic: Clinic, calendar: LastCalendar, doctor: Doctor, patient: Patient
) -> None:
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(2), patient=patient)
    seen = [file_of(clinic, calendar, asked, patient)]
    clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor)
    seen.append(file_of(clinic, calendar, asked, patient))
    proposed = clinic.reschedule_appointment(appointment_id=asked.id, start=clinic.noon(3), actor=doctor)
    assert proposed.proposal is not None
    clinic.agree_to_reschedule(appointment_id=asked.id, proposal_id=proposed.proposal.id, actor=patient)
    seen.append(file_of(clinic, calendar, asked, patient))
    clinic.cancel_appointment(appointment_id=asked.id, reason="not needed", actor=patient)
    seen.append(file_of(clinic, calendar, asked, patient))
    assert {entry.uid for entry in seen} == {f"{asked.id}@telemed"}
    assert [(entry.sequence, entry.status, entry.url is not None) for entry in seen] == [
        (0, CalendarStatus.TENTATIVE, False),
        (0, CalendarStatus.CONFIRMED, True),
        (1, CalendarStatus.CONFIRMED, True),
        (2, CalendarStatus.CANCELLED, False),
    ]


def test_an_appointments_file_shows_what_time_has_made_of_it(
    clinic: Clinic, clock: SettableClock, calendar: LastCalendar, doctor: Doctor, patient: Patient
) -> None:
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(3), patient=patient)
    clock.advance(timedelta(days=2))
    entry = file_of(clinic, calendar, asked, patient)
    assert (entry.status, entry.changed_at) == (CalendarStatus.CANCELLED, MONDAY + timedelta(days=1))


def test_a_feed_has_one_address_until_it_is_revoked(
    clinic: Clinic, open_feed: OpenFeed, read_feed: ReadFeed, patient: Patient
) -> None:
    secret = open_feed(account=patient)
    assert open_feed(account=patient) == secret
    assert read_feed(secret=secret) == b"a calendar"
    RevokeFeed(clinic.stores.feeds)(account=patient)
    with pytest.raises(NotFoundError):
        read_feed(secret=secret)
    assert open_feed(account=patient) != secret


def test_a_feed_has_what_is_to_come_and_thirty_days_back(
    clinic: Clinic,
    clock: SettableClock,
    open_feed: OpenFeed,
    read_feed: ReadFeed,
    calendar: LastCalendar,
    doctor: Doctor,
    patient: Patient,
) -> None:
    first = confirmed(clinic, doctor, patient, days=1)
    second = confirmed(clinic, doctor, patient, days=50)
    secret = open_feed(account=doctor)
    clock.set(first.visit.start + timedelta(days=30))
    read_feed(secret=secret)
    assert [entry.uid for entry in calendar.entries] == [f"{one.id}@telemed" for one in (first, second)]
    assert (calendar.method, calendar.name) == (CalendarMethod.PUBLISH, "Consultas Health&Med")
    clock.advance(timedelta(seconds=1))
    read_feed(secret=secret)
    assert [entry.uid for entry in calendar.entries] == [f"{second.id}@telemed"]
    (entry,) = calendar.entries
    assert (entry.stamped_at, entry.changed_at) == (clock.now(), None)


def test_a_feed_shows_each_appointment_as_it_stands(
    clinic: Clinic,
    clock: SettableClock,
    open_feed: OpenFeed,
    read_feed: ReadFeed,
    calendar: LastCalendar,
    doctor: Doctor,
    patient: Patient,
) -> None:
    missed = confirmed(clinic, doctor, patient, days=1)
    live = confirmed(clinic, doctor, patient, days=3)
    cancelled = confirmed(clinic, doctor, patient, days=4)
    clinic.cancel_appointment(appointment_id=cancelled.id, reason="not needed", actor=doctor)
    refused = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(5), patient=patient)
    clinic.refuse_appointment(appointment_id=refused.id, reason=None, doctor=doctor)
    expired = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(6), patient=patient)
    clock.advance(timedelta(days=2))
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(9), patient=patient)
    read_feed(secret=open_feed(account=patient))
    assert [(entry.uid.removesuffix("@telemed"), entry.status, bool(entry.url)) for entry in calendar.entries] == [
        (missed.id, CalendarStatus.CONFIRMED, False),
        (live.id, CalendarStatus.CONFIRMED, True),
        (cancelled.id, CalendarStatus.CANCELLED, False),
        (refused.id, CalendarStatus.CANCELLED, False),
        (expired.id, CalendarStatus.CANCELLED, False),
        (asked.id, CalendarStatus.TENTATIVE, False),
    ]
    assert not any(entry.attendee for entry in calendar.entries)
    assert "secret" not in repr(calendar.entries)


def test_a_long_feed_is_read_page_by_page_with_one_read_of_names(
    clinic: Clinic, open_feed: OpenFeed, calendar: LastCalendar, doctor: Doctor, patient: Patient
) -> None:
    appointment = confirmed(clinic, doctor, patient)
    made = [
        attrs.evolve(
            appointment,
            id=type(appointment.id)(f"appointment-{number:03}"),
            visit=type(appointment.visit).lasting(
                appointment.visit.start + timedelta(hours=number), timedelta(hours=1)
            ),
        )
        for number in range(250)
    ]
    pages: list[int] = []

    class Listed:
        def list(self, owner: object, /, *, after: object, limit: int, **_: object) -> Sequence[Appointment]:
            behind = [one for one in made if after is None or (one.visit.start, one.id) > after]  # type: ignore[operator]
            pages.append(len(behind[:limit]))
            return behind[:limit]

    reads: list[object] = []

    class Counted:
        get = clinic.stores.accounts.get

        def names(self, people: object, /) -> object:
            reads.append(people)
            return clinic.stores.accounts.names(people)

    read = ReadFeed(clinic.stores.feeds, Counted(), Listed(), calendar, clinic.clock, URL)
    read(secret=open_feed(account=patient))
    assert [entry.uid for entry in calendar.entries] == [f"{one.id}@telemed" for one in made]
    assert (pages, len(reads)) == ([100, 100, 50], 1)


def test_a_feed_is_called_in_its_owners_language(
    clinic: Clinic, open_feed: OpenFeed, read_feed: ReadFeed, calendar: LastCalendar
) -> None:
    read_feed(secret=open_feed(account=clinic.patient(7, language=Language.ENGLISH)))
    assert (calendar.name, calendar.entries) == ("Health&Med appointments", [])


def test_the_feed_of_an_account_that_was_closed_leads_nowhere(
    clinic: Clinic, open_feed: OpenFeed, read_feed: ReadFeed, patient: Patient
) -> None:
    secret = open_feed(account=patient)
    clinic.close_account(patient=patient)
    with pytest.raises(NotFoundError):
        read_feed(secret=secret)


def test_an_administrators_feed_is_empty(clinic: Clinic, open_feed: OpenFeed, calendar: LastCalendar) -> None:
    administrator: Account = an_administrator()

    class One:
        def get(self, _: object, /) -> Account:
            return administrator

    read = ReadFeed(clinic.stores.feeds, One(), None, calendar, clinic.clock, URL)
    read(secret=open_feed(account=administrator))
    assert calendar.entries == []


def test_a_secret_that_is_nobodys_leads_nowhere(read_feed: ReadFeed) -> None:
    with pytest.raises(NotFoundError):
        read_feed(secret="made-up")
