"""What people do, each once, where a patient has signed in and has a calendar, and another is only reserved."""

from collections.abc import Callable
from datetime import timedelta

import attrs

from integration.emulator.people import People
from telemed_core.domain.attempts import failed_login
from telemed_core.domain.ids import AccountId
from telemed_core.domain.sagas import LEASE, Phase
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, a_reservation, a_session, an_administrator
from telemed_core.testing.contracts.sagas import moved

PATIENT, NEW = a_patient(1), a_patient(2)
DOCTOR = a_doctor(cpf=PATIENT.cpf)
SESSION = a_session(1, account_id=PATIENT.id)
NEXT = SESSION.refreshed(1, now=MONDAY + timedelta(minutes=1)) or SESSION
RENAMED = attrs.evolve(PATIENT, name="Íris Sá", rev=PATIENT.rev + 1)

Act = Callable[[People], object]

ACTS: dict[str, tuple[int, Act]] = {
    # Beside each, in how many round trips.
    "the account of a session": (1, lambda of: of.sessions.account_of(SESSION.id, PATIENT.id)),
    "a session": (2, lambda of: of.sessions.get(SESSION.id)),
    "a new session": (1, lambda of: of.sessions.add(a_session(2, account_id=PATIENT.id), now=MONDAY)),
    "the next state of a session": (1, lambda of: of.sessions.replace(SESSION, NEXT)),
    "the end of a session": (1, lambda of: of.sessions.end(SESSION.id)),
    "a password": (1, lambda of: of.credentials.get(PATIENT.id)),
    "a new password": (2, lambda of: of.credentials.put(PATIENT.id, "second")),
    "a new password that keeps a session": (2, lambda of: of.credentials.put(PATIENT.id, "next", keep=SESSION.id)),
    "no password any more": (1, lambda of: of.credentials.remove(PATIENT.id)),
    "an account by id": (1, lambda of: of.accounts.get(PATIENT.id)),
    "an account by login": (2, lambda of: of.accounts.find(PATIENT.email)),
    "names": (1, lambda of: of.accounts.names([PATIENT.id, AccountId("nobody")])),
    "a reservation": (1, lambda of: of.accounts.reserve(a_reservation(an_administrator()))),
    "a reservation of who is known": (2, lambda of: of.accounts.reserve(a_reservation(DOCTOR))),
    "an account with its entry": (1, lambda of: added(of)),
    "an account whose reservation is released": (2, lambda of: of.accounts.release(NEW.id)),
    "another name": (1, lambda of: of.accounts.update(PATIENT, RENAMED)),
    "a closed account": (2, lambda of: of.accounts.close(PATIENT.close(now=MONDAY))),
    "wrong passwords of a login and an address": (1, lambda of: of.attempts.read(["login", "address"])),
    "one more wrong password": (2, lambda of: of.attempts.change("login", lambda kept: failed_login(kept, now=MONDAY))),
    "what is forgotten of them": (1, lambda of: of.attempts.forget(now=MONDAY)),
    "a calendar that is there": (1, lambda of: of.feeds.open(PATIENT.id, "other")),
    "a new calendar": (2, lambda of: of.feeds.open(NEW.id, "new")),
    "whose calendar it is": (1, lambda of: of.feeds.find("secret")),
    "no calendar any more": (2, lambda of: of.feeds.revoke(PATIENT.id)),
}


def added(people: People) -> None:
    # As the runner has it, who need not read it again.
    row = REGISTRY.begin(a_reservation(NEW).saga, at=MONDAY + LEASE)
    people.accounts.add(NEW, entry=moved(row, phase=Phase.COMPLETED, step=3))


def begin(people: People) -> People:
    """What there is before any of it."""
    people.enrol(PATIENT)
    people.accounts.reserve(a_reservation(NEW))
    people.credentials.put(PATIENT.id, "first")
    people.sessions.add(SESSION, now=MONDAY)
    people.feeds.open(PATIENT.id, "secret")
    return people
