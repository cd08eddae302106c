"""Whatever goes wrong with any call of what people do, it is done once and wholly, or not at all and that is said."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from adapters.aws.calling import Call
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.tables import Tables
from integration.emulator.faulty import Fault, Faulty
from integration.emulator.people import AT_ONCE, People
from integration.emulator.people_acts import ACTS, DOCTOR, NEW, PATIENT, SESSION, Act, begin
from telemed_core.domain.ids import SagaId, SessionId
from telemed_core.errors import NotFoundError, UnavailableError
from telemed_core.testing.builders import a_reservation, a_session, an_administrator

HOPELESS = {Fault.NO_CONNECTION, Fault.EXPIRED_CREDENTIALS, Fault.NO_SUCH_TABLE}
OF_READS = {Fault.THROTTLED, Fault.LOST_BEFORE, Fault.EXPIRED_CREDENTIALS}
WRITES = {"TransactWriteItems", "UpdateItem", "DeleteItem", "PutItem"}
_NUMBERS = count(1)


def fresh(call: Call) -> tuple[People, Faulty]:
    """People on tables of their own, before any act, over calls that are counted from now on."""
    tables = Tables.named(f"p{next(_NUMBERS)}-")
    for table in (tables.accounts, tables.scheduling):
        call("CreateTable", table.creation())
    faulty = Faulty(call)
    people = begin(People.on(Dynamo(faulty, tables, AT_ONCE)))
    faulty.forget()
    return people, faulty


def picture(people: People) -> Any:
    """All that an act could have changed."""
    accounts = (PATIENT, NEW, DOCTOR, an_administrator())
    return (
        [_or_none(people.accounts.get, account.id) for account in (PATIENT, NEW)],
        [people.accounts.find(login) for login in (PATIENT.cpf, PATIENT.email, NEW.cpf)],
        people.credentials.get(PATIENT.id),
        [_or_none(people.sessions.get, SessionId(one)) for one in (SESSION.id, a_session(2).id)],
        people.attempts.read(["login"]),
        [people.feeds.find(secret) for secret in ("secret", "new")],
        [_saga(people, a_reservation(account).saga.id) for account in accounts],
        _saga(people, SagaId(f"{PATIENT.id}.{PATIENT.rev + 1}")),
    )


def _or_none(read: Any, of: Any) -> Any:
    try:
        return read(of)
    except NotFoundError:
        return None


def _saga(people: People, saga_id: SagaId) -> Any:
    row = _or_none(people.sagas.get, saga_id)
    return row and row[0]


def faults(sent: dict[str, int]) -> Iterator[tuple[str, int, Fault]]:
    """Each call, and each kind of fault that makes a difference to it."""
    for operation, calls in sent.items():
        for number in range(calls):
            for fault in Fault if operation in WRITES else OF_READS:
                yield operation, number, fault


@pytest.mark.parametrize("act", [act for act in ACTS if act not in {"names", "a password", "an account by id"}])
def test_each_call_goes_wrong_once_in_each_way(call: Call, act: str) -> None:
    carry_out: Act = ACTS[act][1]
    people, undisturbed = fresh(call)
    before = picture(people)
    undisturbed.forget()
    answer = carry_out(people)
    sent = dict(undisturbed.sent)
    after = picture(people)
    for operation, number, fault in faults(sent):
        people, faulty = fresh(call)
        faulty.plan(operation, fault, after=number)
        if fault in HOPELESS:
            with pytest.raises(UnavailableError):
                carry_out(people)
            assert faulty.happened == {fault: 1}
            assert picture(people) == before, (operation, number, fault)
        assert carry_out(people) == answer, (operation, number, fault)
        assert faulty.happened == {fault: 1}
        assert picture(people) == after, (operation, number, fault)
