"""A forgotten password: one mail to whom the login belongs, and the same work where it belongs to nobody."""

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from telemed_core.application.resetting import ONE_MAIL_IN, AskReset, ResetPassword
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId
from telemed_core.domain.notices import Channel, DeliveryStatus, Kind, Notice
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Role
from telemed_core.errors import InvalidError
from telemed_core.testing.builders import a_cpf, a_password
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic


@pytest.fixture
def ask(clinic: Clinic) -> AskReset:
    return AskReset(clinic.stores.accounts, clinic.stores.notices, clinic.clock, email=True)


def log(clinic: Clinic) -> Sequence[Notice]:
    return clinic.stores.notices.log(limit=100)


@pytest.mark.parametrize("login", ["crm", "cpf", "email"])
def test_whoever_signs_in_with_the_login_gets_a_mail(
    clinic: Clinic, ask: AskReset, doctor: Doctor, patient: Patient, login: str
) -> None:
    logins: dict[str, tuple[str, Doctor | Patient]] = {
        "crm": (str(doctor.crm), doctor),
        "cpf": (patient.cpf.digits, patient),
        "email": (str(patient.email), patient),
    }
    text, account = logins[login]
    ask(login=f" {text} ")
    (notice,) = log(clinic)
    assert (notice.reader, notice.channel, notice.kind) == (account.id, Channel.EMAIL, Kind.PASSWORD_RESET)
    assert (notice.status, notice.appointment_id) == (DeliveryStatus.PENDING, None)
    assert text not in repr(notice)


def test_a_doctors_email_is_no_login(clinic: Clinic, ask: AskReset, doctor: Doctor) -> None:
    ask(login=str(doctor.email))
    assert [notice.reader for notice in log(clinic)] != [doctor.id]


def test_there_is_one_mail_in_five_minutes(
    clinic: Clinic, clock: SettableClock, ask: AskReset, patient: Patient
) -> None:
    for _ in range(3):
        ask(login=str(patient.email))
        ask(login=patient.cpf.digits)
        clock.advance(ONE_MAIL_IN / 4)
    assert len(log(clinic)) == 1
    clock.advance(ONE_MAIL_IN / 4)
    ask(login=str(patient.email))
    assert len(log(clinic)) == 2


@pytest.mark.parametrize("login", ["nobody@example.com", "1-SP", "no login", "\ud800"])
def test_an_unknown_login_leaves_a_notice_to_nobody_that_does_not_tell_it(
    clinic: Clinic, ask: AskReset, login: str
) -> None:
    ask(login=login)
    ask(login=login)
    (notice,) = log(clinic)
    assert notice.reader.startswith("nobody.")
    assert login not in repr(notice)
    assert int(notice.reader.removeprefix("nobody.")) < 256


def test_the_same_is_written_for_a_known_and_an_unknown_login(clinic: Clinic, patient: Patient) -> None:
    calls: list[int] = []

    @attrs.frozen
    class Counted:
        def add(self, notices: Sequence[Notice], /) -> int:
            calls.append(len(notices))
            return clinic.stores.notices.add(notices)

    ask = AskReset(clinic.stores.accounts, Counted(), clinic.clock, email=True)
    ask(login=patient.cpf.digits)
    ask(login=a_cpf(987_654_321).digits)
    assert calls == [1, 1]


def test_without_a_mail_server_nothing_is_written(clinic: Clinic, patient: Patient) -> None:
    AskReset(clinic.stores.accounts, clinic.stores.notices, clinic.clock, email=False)(login=str(patient.email))
    assert log(clinic) == []


def test_the_bearer_of_the_token_sets_a_new_password_once(
    clinic: Clinic, clock: SettableClock, patient: Patient
) -> None:
    identity = clinic.identity
    identity.create(patient.id, a_password("the old password of it"), role=Role.PATIENT)
    token = identity.reset_token(AccountId(patient.id), now=clock.now())
    assert token is not None
    reset = ResetPassword(identity, clock)
    clock.advance(timedelta(minutes=29))
    reset(token=token, password=a_password("another good password"))
    assert identity.check(patient.id, a_password("another good password"))
    with pytest.raises(InvalidError):
        reset(token=token, password=a_password("and yet another one"))


def test_a_token_is_not_good_after_half_an_hour(clinic: Clinic, clock: SettableClock, patient: Patient) -> None:
    clinic.identity.create(patient.id, a_password("the old password of it"), role=Role.PATIENT)
    token = clinic.identity.reset_token(patient.id, now=clock.now())
    assert token is not None
    clock.advance(timedelta(minutes=30))
    with pytest.raises(InvalidError):
        ResetPassword(clinic.identity, clock)(token=token, password=a_password("another good password"))
