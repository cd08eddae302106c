"""What lies in the tables of people: no key says who somebody is, and no item their CPF or a calendar's secret."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.tables import PARTITION_KEY, SORT_KEY
from integration.emulator.people import People
from telemed_core.domain.accounts import Account
from telemed_core.domain.attempts import Failures
from telemed_core.testing.builders import (
    MONDAY,
    a_cpf,
    a_crm,
    a_doctor,
    a_patient,
    a_reservation,
    a_session,
    an_administrator,
    an_email,
)

SECRET = "the-secret-of-a-calendar"
CPF = a_cpf(987_654_321)
PATIENT = a_patient(cpf=CPF, name="Jacarandá Quixabeira", email=an_email(7_771))
DOCTOR = a_doctor(cpf=CPF, crm=a_crm(654_321), name="Jacarandá Quixabeira", email=an_email(7_772))
ADMINISTRATOR = an_administrator(email=an_email(7_773))
PEOPLE: tuple[Account, ...] = (PATIENT, DOCTOR, ADMINISTRATOR)

Item = dict[str, Any]


@pytest.fixture
def items(dynamo: Dynamo, client: Callable[[str], Any]) -> list[Item]:
    """Everything there is after people have come, one of them has left, and another was undone."""
    people = People.on(dynamo)
    for number, account in enumerate(PEOPLE, 1):
        people.enrol(account)
        people.credentials.put(account.id, "hash")
        people.sessions.add(a_session(number, account_id=account.id), now=MONDAY)
        people.feeds.open(account.id, f"{SECRET}-{number}")
    people.attempts.change("opaque", lambda _: Failures(1, MONDAY))
    people.attempts.forget(now=MONDAY)
    undone = a_patient(2, cpf=a_cpf(987_654_322), email=an_email(7_774))
    people.accounts.reserve(a_reservation(undone))
    people.accounts.release(undone.id)
    renamed = attrs.evolve(DOCTOR, rev=DOCTOR.rev + 1, name="Quixabeira Jacarandá")
    people.accounts.update(DOCTOR, renamed)
    people.accounts.close(PATIENT.close(now=MONDAY))
    return [*scanned(client("dynamodb"), dynamo)]


def scanned(client: Any, dynamo: Dynamo) -> Iterator[Item]:
    for table in dynamo.tables.all:
        for page in client.get_paginator("scan").paginate(TableName=table.name):
            yield from page["Items"]


def keys_of(item: Item) -> str:
    """Its keys, those of indexes too."""
    return " ".join(value["S"] for name, value in item.items() if name.endswith((PARTITION_KEY, SORT_KEY)))


def markers() -> Iterator[str]:
    for cpf in (CPF, a_cpf(987_654_322)):
        yield from (cpf.digits, str(cpf), cpf.digits[:9])
    yield from ("654321", "654.321")
    for number in (7_771, 7_772, 7_773, 7_774):
        address = an_email(number).address
        yield from (address, address.split("@")[0])
    yield from ("jacarand", "quixabeira", SECRET)


def test_no_key_says_who_somebody_is(items: list[Item]) -> None:
    keys = [keys_of(item).lower() for item in items]
    assert {one.split("#")[0] for one in keys} >= {"cpf", "acc", "ses", "f", "feed"}
    assert [(one, told) for one in keys for told in markers() if told.lower() in one] == []


def test_the_markers_are_found_where_something_is_in_the_clear(items: list[Item]) -> None:
    # Or the search of keys proved nothing: profiles are text.
    profiles = " ".join(item["profile"]["S"].lower() for item in items if "profile" in item)
    for told in ("jacarand", "quixabeira", an_email(7_772).address, "654321"):
        assert told in profiles


def test_no_item_has_a_cpf_or_the_secret_of_a_calendar_in_the_clear(items: list[Item]) -> None:
    for item in items:
        whole = repr(item)
        for told in (CPF.digits, str(CPF), a_cpf(987_654_322).digits, SECRET):
            assert told not in whole


def test_what_ends_may_be_collected_and_nothing_else(items: list[Item]) -> None:
    expiring = {item[PARTITION_KEY]["S"].split("#")[0] for item in items if "expires" in item}
    assert expiring == {"SES", "F"}
    assert "expires" not in next(item for item in items if item[SORT_KEY]["S"] == "FORGOTTEN")


def test_of_who_was_undone_no_login_is_left(items: list[Item]) -> None:
    logins = [item["account"]["S"] for item in items if item[PARTITION_KEY]["S"].startswith("L#")]
    # CPF, CRM and e-mail of the doctor, e-mail of the administrator: the patient has left.
    assert sorted(logins) == sorted([DOCTOR.id] * 3 + [ADMINISTRATOR.id])


def test_a_closed_account_that_is_anonymised_keeps_no_way_to_reach_its_owner(dynamo: Dynamo) -> None:
    people = People.on(dynamo)
    people.enrol(PATIENT)
    closure = PATIENT.close(now=MONDAY)
    people.accounts.close(closure)
    people.accounts.anonymise(PATIENT.id)
    (item,) = dynamo.batch_get(dynamo.tables.accounts, [{"PK": {"S": f"ACC#{PATIENT.id}"}, "SK": {"S": "M"}}]).values()
    assert PATIENT.email.address not in repr(item)
    assert "logins" not in item
    assert people.patients.get(PATIENT.id) == closure.after.anonymised()
