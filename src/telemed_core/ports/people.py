"""Where people are kept: accounts, doctors, patients, what they sign in with, and who has signed in."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from telemed_core.domain.accounts import Account, Login, Reservation
from telemed_core.domain.attempts import Failures
from telemed_core.domain.commit import Command
from telemed_core.domain.doctor import Doctor, DoctorStatus, Verification
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, PatientId, PersonId, SessionId
from telemed_core.domain.patient import Closure, Patient
from telemed_core.domain.sagas import SagaEntry
from telemed_core.domain.sessions import Credential, Session
from telemed_core.domain.specialties import Specialty


class Accounts(Protocol):
    """Who may sign in, and the steps of a registration: reserve, then add or release."""

    def reserve(self, reservation: Reservation, /) -> PersonId:
        """Make its logins this account's, whole or not at all, and record its saga.

        Answers the person that has the CPF: the one who had it, else ``reservation.person_id``, who has it from now
        on. Reserving again for the same account changes nothing and gives the same answer.

        Raises:
            AlreadyRegisteredError: one of the logins is another account's.
        """
        ...

    def release(self, account_id: AccountId, /, *, entry: SagaEntry | None = None) -> bool:
        """Give the logins of an unfinished registration back; ``add`` is refused from then on.

        Answers whether the account has been added, which it then stays. ``entry`` is written in the same commit where
        it has not been; without one the log stays as it is. Releasing again changes nothing and gives the same answer.

        Raises:
            FencedError: ``entry.before`` is not what the log has any more.
        """
        ...

    def add(self, account: Account, /, *, entry: SagaEntry | None = None) -> None:
        """Turn a reservation into an account, with its counters (patient) or its schedule at ``rev`` 1 (doctor).

        ``entry`` is written in the same commit; without one its saga has completed.

        The schedule begins with the default agenda, without windows, in the profile's time zone, and is not bookable
        before the doctor is approved. Adding the same account again changes nothing.

        Raises:
            ConflictError: nothing is reserved for it.
            FencedError: ``entry.before`` is not what the log has any more.
        """
        ...

    def find(self, login: Login, /) -> Account | None:
        """The account that signs in with this; ``None``: there is none, or it was only reserved."""
        ...

    def get(self, account_id: AccountId, /) -> Account:
        """The account.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def update(self, before: Account, after: Account, /) -> None:
        """Write a changed profile: the directory finds it by what it says now, a doctor's schedule has its price.

        A changed price raises the schedule's ``rev``; nothing else of the schedule changes. Writing again what was
        written changes nothing.

        Raises:
            StaleVersionError: the account has changed since ``before``, or was closed.
        """
        ...

    def close(self, closure: Closure, /) -> None:
        """Close a patient's account in one commit: its logins, password and sessions are gone, its saga recorded.

        The person may register anew with the same logins, and is the same person then. No new live appointment is
        made for a closed account. ``get`` and ``names`` still answer it. Closing again changes nothing.

        Raises:
            LiveAppointmentsError: the person's quota counts live appointments; those that time has ended count too.
            StaleVersionError: the account has changed since ``closure.before``.
        """
        ...

    def anonymise(self, patient_id: PatientId, /) -> None:
        """Erase what a closed account's record has no need of: ``Patient.anonymised``; again, it changes nothing.

        Nothing of an open account is erased, nor of an unknown one.
        """
        ...

    def names(self, account_ids: Collection[AccountId], /) -> Mapping[AccountId, str]:
        """The names of doctors and patients, in one read; unknown ids are left out."""
        ...


class Doctors(Protocol):
    """The doctors, as the directory shows them."""

    def get(self, doctor_id: DoctorId, /) -> Doctor:
        """The doctor, whatever the status.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def list(
        self,
        *,
        status: DoctorStatus | None = None,
        specialty: Specialty | None = None,
        name: str | None = None,
        after: DoctorId | None = None,
        limit: int,
    ) -> Sequence[Doctor]:
        """Up to ``limit`` doctors by id, those after ``after``.

        ``name``: each of its words is a prefix of a word of the doctor's name, without regard to case and accents.
        """
        ...

    def apply(self, verification: Verification, /, *, command: Command) -> Sequence[AppointmentId]:
        """Write the decision, open or close the schedule (``rev`` + 1), record the saga; answer the live appointments.

        Raises:
            ReplayedCommand: it was carried out before.
            StaleVersionError: the account has changed since ``before``.
        """
        ...

    def queue(
        self, *, status: DoctorStatus | None = None, after: tuple[datetime, DoctorId] | None = None, limit: int
    ) -> Sequence[Doctor]:
        """Up to ``limit`` doctors, last registered first (by id where at the same instant), those behind ``after``."""
        ...

    def verified(self, doctor_id: DoctorId, rev: int, /) -> tuple[Doctor, Sequence[AppointmentId]]:
        """The doctor as the decision that made ``rev`` left them, and what ``apply`` answered then.

        Raises:
            NotFoundError: no decision made that revision.
        """
        ...

    def decisions(self, doctor_id: DoctorId, /, *, after: int) -> Sequence[Doctor]:
        """The doctor as each decision on the registration left them, by ``rev``, those above ``after``."""
        ...


class Patients(Protocol):
    """The patients."""

    def get(self, patient_id: PatientId, /) -> Patient:
        """The patient.

        Raises:
            NotFoundError: there is none.
        """
        ...


class Credentials(Protocol):
    """Password hashes, for an ``Identity`` of our own."""

    def put(
        self, username: AccountId, secret_hash: str, /, *, keep: SessionId | None = None, before: int | None = None
    ) -> None:
        """Set the hash of that user, new or not, ``rev`` + 1 (1 at first), and end their sessions but ``keep``.

        All in one commit: ``keep`` goes on with the new ``rev``.

        Args:
            before: the ``rev`` that it must have still; ``None``: any.

        Raises:
            ConflictError: the user was removed, which is for ever.
            StaleVersionError: it has another ``rev`` than ``before``, or there is nothing; nothing has changed then.
        """
        ...

    def get(self, username: AccountId, /) -> Credential | None:
        """What is kept of that user; ``None``: there is nothing."""
        ...

    def remove(self, username: AccountId, /) -> None:
        """Forget the hash and end the sessions; from then on that user is refused, also one that was never put."""
        ...


class Sessions(Protocol):
    """Who has signed in, and has not signed out.

    A session has ended when it is not there any more, or when its ``password_rev`` is not its user's; what is handed
    out may have expired, which the caller looks at.
    """

    def add(self, session: Session, /, *, now: datetime) -> None:
        """Keep a new one, and forget those of the account that have expired by ``now``."""
        ...

    def get(self, session_id: SessionId, /) -> Session:
        """The session.

        Raises:
            NotFoundError: there is none, or it has ended.
        """
        ...

    def replace(self, before: Session, after: Session, /) -> None:
        """Write its next state.

        Raises:
            StaleVersionError: it is not as ``before`` any more, or has ended.
        """
        ...

    def end(self, session_id: SessionId, /) -> None:
        """End it; an unknown one too."""
        ...

    def account_of(self, session_id: SessionId, account_id: AccountId, /) -> Account:
        """The account whose session it is, as it is now, in one read.

        Raises:
            NotFoundError: the session has ended, or is another's; or the account is closed.
        """
        ...


class Attempts(Protocol):
    """Wrong passwords, counted under keys that do not tell whose."""

    def read(self, keys: Collection[str], /) -> Mapping[str, Failures]:
        """What is kept under these keys, in one read; unknown keys are left out."""
        ...

    def change(self, key: str, change: Callable[[Failures | None], Failures | None], /) -> None:
        """Put what ``change`` makes of what is kept (``None``: nothing) in its place.

        Of any number at once each sees what the one before it left. What ``change`` raises comes out, and nothing is
        changed; it may be called more than once.
        """
        ...

    def forget(self, *, now: datetime) -> None:
        """Keep nothing any more that counted ``until`` now or earlier."""
        ...
