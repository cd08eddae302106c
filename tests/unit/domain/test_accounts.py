"""Accounts, what they sign in with, and the patients among them."""

from datetime import date, timedelta

import attrs
import pytest

from telemed_core.domain.accounts import Login, login_space, parse_login
from telemed_core.domain.patient import Consent, ConsentKind, birth_date, consents
from telemed_core.errors import InvalidError
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, a_reservation, an_administrator


@pytest.mark.parametrize(
    ("text", "login"),
    [
        (str(a_doctor().crm), a_doctor().crm),
        (a_patient().cpf.digits, a_patient().cpf),
        (f" {a_patient().email.address.upper()} ", a_patient().email),
    ],
)
def test_one_field_takes_crm_cpf_or_email(text: str, login: Login) -> None:
    assert parse_login(text) == login


@pytest.mark.parametrize("text", ["", "someone", "52998224724", "12-XX", "\0"])
def test_what_is_none_of_them_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_login(text)
    assert refused.value.fields[0].field == "login"


def test_what_must_be_unique_is_told_with_the_space_in_which_it_must_be() -> None:
    doctor, patient, administrator = a_doctor(), a_patient(), an_administrator()
    assert a_reservation(doctor).logins() == (
        ("doctor:email", doctor.email),
        ("doctor:cpf", doctor.cpf),
        ("doctor:crm", doctor.crm),
    )
    assert a_reservation(patient).logins() == (("other:email", patient.email), ("patient:cpf", patient.cpf))
    assert a_reservation(administrator).logins() == (("other:email", administrator.email),)


def test_each_login_is_looked_up_where_it_was_reserved() -> None:
    doctor, patient = a_doctor(), a_patient()
    assert (login_space(doctor.crm), doctor.crm) in a_reservation(doctor).logins()
    assert {(login_space(login), login) for login in (patient.cpf, patient.email)} == set(
        a_reservation(patient).logins()
    )


def test_both_consents_are_given_each_once() -> None:
    both = (ConsentKind.DATA_PROCESSING, ConsentKind.TELEMEDICINE)
    assert consents(both, at=MONDAY) == tuple(Consent(kind, MONDAY) for kind in ConsentKind)
    for kinds in ((), both[:1], (*both, both[0]), (both[0], both[0])):
        with pytest.raises(InvalidError) as refused:
            consents(kinds, at=MONDAY)
        assert refused.value.fields[0].field == "consents"


def test_a_day_of_birth_is_past_and_since_1900() -> None:
    for day in (date(1900, 1, 1), MONDAY.date()):
        assert birth_date(day, now=MONDAY) == day
    for day in (date(1899, 12, 31), MONDAY.date() + timedelta(days=1)):
        with pytest.raises(InvalidError) as refused:
            birth_date(day, now=MONDAY)
        assert refused.value.fields[0].field == "birth_date"


def test_a_patient_is_printed_without_name_birth_and_numbers() -> None:
    patient = a_patient(name="Bruno Reis")
    shown = repr(attrs.evolve(patient))
    for hidden in ("Bruno", "1980", patient.cpf.digits, patient.email.address):
        assert hidden not in shown
