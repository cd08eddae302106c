"""What follows from closing an account: the user is removed where passwords are kept, then feeds, then the profile."""

import attrs
import pytest

from adapters.memory.sagas import MemorySagaLog
from telemed_core.domain.ids import AccountId, SagaId
from telemed_core.domain.patient import NOBODY, Patient
from telemed_core.domain.people import Role
from telemed_core.domain.sagas import Phase, Progress, SagaStart
from telemed_core.errors import ConflictError, UnavailableError
from telemed_core.ports.services import Identity
from telemed_core.saga.sagas import SAGAS
from telemed_core.testing.builders import a_password
from telemed_core.testing.faults import After, Before, Fault, Faulty
from telemed_core.testing.wiring import Clinic

PASSWORD = a_password()
DOWN = UnavailableError()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    patient = clinic.patient()
    clinic.identity.create(patient.id, PASSWORD, role=Role.PATIENT)
    return patient


def is_removed(clinic: Clinic, username: AccountId) -> bool:
    """Whether the user is never made again; else it is made here."""
    try:
        clinic.identity.create(username, PASSWORD, role=Role.PATIENT)
    except ConflictError:
        return True
    return False


def faulty(clinic: Clinic, *plan: Fault) -> tuple[Clinic, Faulty[Identity]]:
    """The same clinic, with an identity that fails so."""
    identity = Faulty[Identity](clinic.identity, plan={"remove": plan})
    return attrs.evolve(clinic, identity=identity.port), identity


def test_a_closed_account_has_no_user_no_feed_and_no_address(clinic: Clinic, patient: Patient) -> None:
    secret = clinic.open_feed(account=patient)
    clinic.close_account(patient=patient)
    assert clinic.stores.feeds.find(secret) == patient.id
    assert clinic.run_sagas() == 1
    assert is_removed(clinic, patient.id)
    assert clinic.stores.feeds.find(secret) is None
    assert clinic.stores.patients.get(patient.id).email == NOBODY


def test_closing_alone_leaves_the_user_to_the_saga(clinic: Clinic, patient: Patient) -> None:
    clinic.close_account(patient=patient)
    assert not is_removed(clinic, patient.id)
    clinic.run_sagas()
    assert is_removed(clinic, patient.id)


@pytest.mark.parametrize("fault", [Before(DOWN), After(DOWN)])
def test_while_whoever_keeps_passwords_is_silent_it_is_tried_again_and_nothing_else_is_erased(
    clinic: Clinic, patient: Patient, fault: Fault
) -> None:
    clinic, identity = faulty(clinic, fault)
    secret = clinic.open_feed(account=patient)
    clinic.close_account(patient=patient)
    clinic.run_sagas()
    [row] = clinic.log.list(name="close_account", limit=9)
    assert (row.version, row.progress.step, row.progress.error) == (2, 1, "dependency_unavailable")
    assert clinic.stores.feeds.find(secret) == patient.id
    assert row.due_at is not None
    clinic.pause(row.due_at - clinic.clock.now())
    assert clinic.run_sagas() == 1
    assert identity.calls == ["remove", "remove"]
    assert clinic.log.get(row.id)[0].progress.phase is Phase.COMPLETED
    assert is_removed(clinic, patient.id)
    assert clinic.stores.feeds.find(secret) is None


def test_whoever_comes_back_is_another_user(clinic: Clinic, patient: Patient) -> None:
    clinic.close_account(patient=patient)
    clinic.run_sagas()
    again = clinic.patient(2, cpf=patient.cpf, email=patient.email)
    clinic.identity.create(again.id, PASSWORD, role=Role.PATIENT)
    assert (again.id == patient.id, again.person_id) == (False, patient.person_id)
    assert [clinic.identity.check(one.id, PASSWORD) for one in (again, patient)] == [True, False]


def test_a_saga_begun_before_users_were_removed_ends_as_it_was_begun(clinic: Clinic, patient: Patient) -> None:
    clinic, identity = faulty(clinic)
    secret = clinic.open_feed(account=patient)
    clinic.close_account(patient=patient)
    [row] = clinic.log.list(name="close_account", limit=9)
    [first] = [saga for saga in SAGAS if (saga.name, saga.version) == ("close_account", 1)]
    log = clinic.stores.sagas
    assert isinstance(log, MemorySagaLog)
    log._state.keep(first.begin(SagaStart(SagaId(row.id), row.name, row.subject), at=row.started_at))
    assert clinic.run_sagas() == 1
    done = clinic.log.get(row.id)[0]
    assert (done.version, done.progress) == (1, Progress(phase=Phase.COMPLETED, step=3))
    assert identity.calls == []
    assert clinic.stores.feeds.find(secret) is None
    assert clinic.stores.patients.get(patient.id).email == NOBODY
