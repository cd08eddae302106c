"""The people of a demonstration."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.system import TravellingClock
from entrypoints.container import Container, open_container
from entrypoints.seeding import ADMINISTRATOR, PASSWORD, hour_of, people, seed, seed_visit
from entrypoints.settings import load_settings
from telemed_core.domain.accounts import Administrator, parse_login
from telemed_core.domain.doctor import Decision, Doctor, DoctorStatus
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, Password, Role
from telemed_core.domain.status import Status
from telemed_core.errors import UnavailableError
from unit.entrypoints.api import on_memory, with_fast_passwords

KINDS = {Role.ADMINISTRATOR: Administrator, Role.DOCTOR: Doctor, Role.PATIENT: Patient}


@pytest.fixture
def container() -> Iterator[Container]:
    clock = TravellingClock(datetime(2026, 6, 1, 12, tzinfo=UTC))
    opened = with_fast_passwords(open_container(load_settings(on_memory()), clock=clock))
    yield opened
    opened.close()


def accounts(container: Container) -> list[Administrator | Doctor | Patient]:
    found = [container.accounts().find(parse_login(one.login)) for one in people()]
    assert None not in found
    return [one for one in found if one is not None]


def test_everybody_who_is_told_of_can_sign_in_in_that_role(container: Container) -> None:
    container.identity.reset_override()
    told = seed(container)
    assert Counter(one.role for one in told) == {Role.ADMINISTRATOR: 1, Role.DOCTOR: 6, Role.PATIENT: 3}
    for one, account in zip(told, accounts(container), strict=True):
        assert isinstance(account, KINDS[one.role])
        assert container.identity().check(account.id, Password(PASSWORD))


def test_five_doctors_are_approved_and_receive_and_one_waits(container: Container) -> None:
    seed(container)
    doctors = [one for one in accounts(container) if isinstance(one, Doctor)]
    assert Counter(one.status for one in doctors) == {DoctorStatus.APPROVED: 5, DoctorStatus.PENDING: 1}
    patient = next(one for one in accounts(container) if isinstance(one, Patient))
    week = Interval.lasting(container.clock().now(), timedelta(days=7))
    for doctor in doctors:
        if doctor.status is DoctorStatus.APPROVED:
            assert container.list_slots()(doctor_id=doctor.id, within=week, viewer=patient)[1].starts()


def test_one_doctor_receives_every_day(container: Container) -> None:
    seed(container)
    patient = next(one for one in accounts(container) if isinstance(one, Patient))
    now = container.clock().now()

    def receives_on(doctor: Doctor, day: int) -> bool:
        within = Interval.lasting(now + timedelta(days=day), timedelta(days=1))
        return bool(container.list_slots()(doctor_id=doctor.id, within=within, viewer=patient)[1].starts())

    doctors = [one for one in accounts(container) if isinstance(one, Doctor) and one.status is DoctorStatus.APPROVED]
    assert any(all(receives_on(doctor, day) for day in range(14)) for doctor in doctors)


def test_specialties_and_cities_differ_and_cpfs_are_well_formed(container: Container) -> None:
    seed(container)
    found = [one for one in accounts(container) if isinstance(one, Doctor)]
    assert len({one.specialties for one in found}) == len({one.location for one in found}) == 6
    cpfs = {one.cpf for one in accounts(container) if not isinstance(one, Administrator)}
    assert len(cpfs) == 9
    assert all(Cpf.parse(one.digits) == one for one in cpfs)


def test_what_was_changed_since_stays_as_it_is(container: Container) -> None:
    seed(container)
    doctor = next(one for one in accounts(container) if isinstance(one, Doctor))
    before = container.show_agenda()(doctor=doctor)
    assert seed(container) == people()
    assert container.show_agenda()(doctor=doctor) == before


def test_a_start_that_was_broken_off_is_made_up_for(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, calls = type(container.replace_agenda()).__call__, 0

    def failing(self: object, **arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise UnavailableError
        return replace(self, **arguments)

    monkeypatch.setattr(type(container.replace_agenda()), "__call__", failing)
    with pytest.raises(UnavailableError):
        seed(container)
    assert container.accounts().find(ADMINISTRATOR) is None
    seed(container)
    approved = [one for one in accounts(container) if isinstance(one, Doctor) and one.status is DoctorStatus.APPROVED]
    assert len(approved) == 5


START = datetime(2026, 6, 1, 13, tzinfo=UTC)
BEFORE = START - timedelta(minutes=30)


@pytest.fixture
def clock() -> TravellingClock:
    return TravellingClock(BEFORE)


@pytest.fixture
def before(clock: TravellingClock) -> Iterator[Container]:
    """Seeded, half an hour before a visit could begin."""
    opened = with_fast_passwords(open_container(load_settings(on_memory()), clock=clock))
    seed(opened)
    yield opened
    opened.close()


def last_patient(container: Container) -> Patient:
    return [one for one in accounts(container) if isinstance(one, Patient)][-1]


@pytest.mark.parametrize("minutes", [0, 1, 59])
def test_a_visit_of_the_hour_is_open_all_through_it(before: Container, clock: TravellingClock, minutes: int) -> None:
    now = START + timedelta(minutes=minutes, seconds=59)
    assert hour_of(now) == START
    visit = seed_visit(before, start=START)
    assert visit is not None
    assert (visit.status, visit.visit.start) == (Status.CONFIRMED, START)
    clock.travel_to(now)
    doctor = next(one for one in accounts(before) if one.id == visit.doctor_id)
    assert isinstance(doctor, Doctor)
    before.join_visit()(appointment_id=visit.id, actor=doctor)
    joined = before.join_visit()(appointment_id=visit.id, actor=last_patient(before))
    assert joined.appointment.status is Status.IN_PROGRESS


def test_the_visit_of_an_hour_is_made_once(before: Container) -> None:
    first, second = (seed_visit(before, start=START) for _ in range(2))
    assert first is not None
    assert second is not None
    assert second.id == first.id
    later = seed_visit(before, start=START + timedelta(hours=1))
    assert later is not None
    assert later.id != first.id


def test_where_the_hour_is_taken_or_the_doctor_may_not_there_is_no_visit(before: Container) -> None:
    visit = seed_visit(before, start=START)
    assert visit is not None
    doctor, patient = visit.doctor_id, last_patient(before)
    before.cancel_appointment()(appointment_id=visit.id, actor=patient, reason="not today")
    other = next(one for one in accounts(before) if isinstance(one, Patient))
    before.request_appointment()(doctor_id=doctor, start=START, patient=other)
    assert seed_visit(before, start=START) is None
    root = next(one for one in accounts(before) if isinstance(one, Administrator))
    before.verify_doctor()(doctor_id=doctor, decision=Decision.SUSPEND, reason="away", actor=root)
    assert seed_visit(before, start=START + timedelta(hours=1)) is None


def test_without_demonstration_people_there_is_no_visit(container: Container) -> None:
    assert seed_visit(container, start=START) is None
