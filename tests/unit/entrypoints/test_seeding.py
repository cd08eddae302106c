"""The people of a demonstration."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.system import TravellingClock
from entrypoints.container import Container, open_container
from entrypoints.seeding import ADMINISTRATOR, PASSWORD, people, seed
from entrypoints.settings import load_settings
from telemed_core.domain.accounts import Administrator, parse_login
from telemed_core.domain.doctor import Doctor, DoctorStatus
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, Password, Role
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
