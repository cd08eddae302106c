"""Where people's accounts, passwords and sessions meet what came in between."""

import copy
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.dynamodb.access import Dynamo
from integration.emulator.faulty import Faulty
from integration.emulator.people import AT_ONCE, People
from telemed_core.domain.attempts import Failures
from telemed_core.domain.ids import PersonId
from telemed_core.domain.sagas import LEASE, Phase, SagaEntry
from telemed_core.errors import ConflictError, NotFoundError, StaleVersionError
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY, a_patient, a_reservation, a_session
from telemed_core.testing.contracts.sagas import moved

PATIENT = a_patient()
SESSION = a_session(1, account_id=PATIENT.id)
YEAR = timedelta(days=365)


@pytest.fixture
def people(dynamo: Dynamo) -> People:
    return People.on(dynamo)


def completing() -> SagaEntry:
    row = REGISTRY.begin(a_reservation(PATIENT).saga, at=MONDAY + LEASE)
    return moved(row, phase=Phase.COMPLETED, step=3)


def test_who_was_released_is_not_added_late_by_a_runner_that_is_not_fenced(people: People) -> None:
    people.accounts.reserve(a_reservation(PATIENT))
    assert people.accounts.release(PATIENT.id) is False
    with pytest.raises(ConflictError):
        people.accounts.add(PATIENT, entry=completing())
    assert people.accounts.find(PATIENT.cpf) is None
    assert people.sagas.get(completing().before.id)[0].seq == 0


def test_a_reservation_that_arrives_after_its_release_takes_nothing(people: People) -> None:
    reservation, other = a_reservation(PATIENT), a_patient(2, cpf=PATIENT.cpf, email=PATIENT.email)
    people.accounts.reserve(reservation)
    people.accounts.release(PATIENT.id)
    again = attrs.evolve(reservation, person_id=PersonId("another"))
    assert people.accounts.reserve(again) == reservation.person_id
    with pytest.raises(ConflictError):
        people.accounts.add(PATIENT)
    people.accounts.reserve(a_reservation(other))
    people.accounts.add(other)
    assert people.accounts.find(PATIENT.cpf) == other


def test_a_password_that_is_set_after_an_account_was_closed_revives_no_session(people: People) -> None:
    signed_in(people)
    people.accounts.close(PATIENT.close(now=MONDAY))
    people.credentials.put(PATIENT.id, "late")
    with pytest.raises(NotFoundError):
        people.sessions.get(SESSION.id)


def test_a_removed_user_is_refused_also_after_the_account_was_closed(people: People) -> None:
    signed_in(people)
    people.credentials.remove(PATIENT.id)
    people.accounts.close(PATIENT.close(now=MONDAY))
    with pytest.raises(ConflictError):
        people.credentials.put(PATIENT.id, "late")


def test_nothing_is_opened_for_a_user_who_was_removed_before_there_was_a_password(people: People) -> None:
    people.credentials.remove(PATIENT.id)
    people.sessions.add(SESSION, now=MONDAY)
    with pytest.raises(NotFoundError):
        people.sessions.get(SESSION.id)


def test_a_closed_account_leaves_its_saga(people: People) -> None:
    people.enrol(PATIENT)
    closure = PATIENT.close(now=MONDAY)
    people.accounts.close(closure)
    assert people.sagas.get(closure.saga.id)[0] == REGISTRY.begin(closure.saga, at=MONDAY)


class Between:
    """Calls, with something that happens once after the first read."""

    def __init__(self, call: Faulty, happens: Callable[[], object]) -> None:
        self._call, self._happens = call, [happens]

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        answer = self._call(operation, request)
        if operation == "GetItem" and self._happens:
            self._happens.pop()()
        return answer


def test_an_account_that_is_closed_while_its_login_is_looked_up_is_not_found(people: People, faulty: Faulty) -> None:
    people.enrol(PATIENT)
    call = Between(faulty, lambda: people.accounts.close(PATIENT.close(now=MONDAY)))
    assert People.on(Dynamo(call, people.dynamo.tables)).accounts.find(PATIENT.email) is None


def test_a_session_that_was_forgotten_is_not_replaced(people: People) -> None:
    signed_in(people)
    people.sessions.add(a_session(2, account_id=PATIENT.id), now=SESSION.expires_at)
    with pytest.raises(StaleVersionError):
        people.sessions.replace(SESSION, attrs.evolve(SESSION, generation=2))


class Torn:
    """Calls of which the first batch is read while a new password is being written."""

    def __init__(self, call: Faulty) -> None:
        self._call, self.torn = call, 0

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        answer = self._call(operation, request)
        if operation != "BatchGetItem" or self.torn:
            return answer
        self.torn += 1
        told = copy.deepcopy(dict(answer))
        for items in told["Responses"].values():
            for item in items:
                if item["SK"]["S"] == "CRED":
                    item["rev"] = {"N": "1"}
        return told


def test_a_session_that_is_kept_goes_on_while_the_new_password_is_written(people: People, faulty: Faulty) -> None:
    signed_in(people)
    people.credentials.put(PATIENT.id, "next", keep=SESSION.id)
    torn = Torn(faulty)
    between = People.on(Dynamo(torn, people.dynamo.tables, AT_ONCE))
    faulty.forget()
    assert between.sessions.account_of(SESSION.id, PATIENT.id) == PATIENT
    assert (torn.torn, faulty.sent) == (1, {"BatchGetItem": 2})


def test_a_sign_in_by_a_clock_far_ahead_hides_no_later_session(people: People) -> None:
    signed_in(people)
    people.sessions.add(a_session(2, account_id=PATIENT.id, expires_at=MONDAY + 2 * YEAR), now=MONDAY + YEAR)
    with pytest.raises(NotFoundError):
        people.sessions.get(SESSION.id)
    later = a_session(3, account_id=PATIENT.id)
    people.sessions.add(later, now=MONDAY)
    assert people.sessions.get(later.id) == later


def test_a_sweep_by_a_clock_far_ahead_hides_no_later_attempt(people: People) -> None:
    counted = Failures(1, MONDAY + timedelta(minutes=15))
    people.attempts.change("before", lambda _: counted)
    people.attempts.forget(now=MONDAY + YEAR)
    people.attempts.change("after", lambda _: counted)
    assert people.attempts.read(["before", "after"]) == {"after": counted}
    people.attempts.change("before", lambda kept: kept or attrs.evolve(counted, count=9))
    assert people.attempts.read(["before"])["before"].count == 9


def signed_in(people: People) -> None:
    people.enrol(PATIENT)
    people.credentials.put(PATIENT.id, "first")
    people.sessions.add(SESSION, now=MONDAY)
