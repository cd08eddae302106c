"""Registration: what identifies the account is reserved, the identity made, the account added; or all of it undone."""

from datetime import date, datetime
from typing import TypeVar

import attrs

from telemed_core.domain.accounts import Account, Administrator, Reservation
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, AdministratorId, DoctorId, PatientId, PersonId, SagaId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.patient import ConsentKind, Patient, birth_date, consents
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Password, Role
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.sagas import LEASE, SagaStart
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import BusyError, ConflictError
from telemed_core.ports.people import Accounts
from telemed_core.ports.sagas import InlineSagas
from telemed_core.ports.services import Identity
from telemed_core.ports.system import Clock, Ids

A = TypeVar("A", Doctor, Patient, Administrator)


@attrs.frozen
class Enrolment:
    """The steps that every registration takes, as a saga that is carried to its end at once.

    What identifies the account is reserved in the commit that records the saga; the saga is due a lease later, and
    until then it is this call's. Nobody else has the password: should this process die or be too slow, all is undone.
    """

    _accounts: Accounts
    _identity: Identity
    _ids: Ids
    _clock: Clock
    _sagas: InlineSagas

    def draw_person(self) -> PersonId:
        """Who the account's owner is, should nobody have the CPF yet."""
        return PersonId(self._ids.new())

    def enrol(self, account: A, password: Password) -> A:
        """Add the account, as the person's who has its CPF.

        Raises:
            AlreadyRegisteredError: one of its logins is another's.
            InvalidError: the password is a common one.
            BusyError: it took too long, or too many do so at once; it is being undone.
        """
        due_at = self._clock.now() + LEASE
        reservation = self._reservation(account, due_at=due_at)
        person_id = self._accounts.reserve(reservation)
        enrolled = account if isinstance(account, Administrator) else attrs.evolve(account, person_id=person_id)
        self._sagas.run(
            reservation.saga,
            {
                "create_identity": lambda _: self._identify(enrolled.id, password, reservation.role),
                "create_profile": lambda entry: self._accounts.add(enrolled, entry=entry),
            },
            at=due_at,
        )
        return enrolled

    def _identify(self, account_id: AccountId, password: Password, role: Role) -> None:
        try:
            self._identity.create(account_id, password, role=role)
        except ConflictError:
            # It has been removed: others take this registration for one whose process has died.
            raise BusyError from None

    def _reservation(self, account: Account, *, due_at: datetime) -> Reservation:
        role = _role(account)
        return Reservation(
            account_id=account.id,
            role=role,
            email=account.email,
            cpf=None if isinstance(account, Administrator) else account.cpf,
            crm=account.crm if isinstance(account, Doctor) else None,
            person_id=self.draw_person() if isinstance(account, Administrator) else account.person_id,
            saga=SagaStart(SagaId(self._ids.new()), f"register_{role}", account.id, due_at),
        )


def _role(account: Account) -> Role:
    match account:
        case Doctor():
            return Role.DOCTOR
        case Patient():
            return Role.PATIENT
        case _:
            return Role.ADMINISTRATOR


@attrs.frozen
class RegisterDoctor:
    """A doctor registers, and waits for verification.

    Raises:
        AlreadyRegisteredError: CPF, CRM or e-mail is another doctor's.
        InvalidError: the password is a common one.
        BusyError: it took too long, or too many do so at once; it is being undone.
    """

    _enrolment: Enrolment
    _ids: Ids
    _clock: Clock

    def __call__(
        self,
        *,
        name: str,
        crm: Crm,
        email: EmailAddress,
        cpf: Cpf,
        password: Password,
        specialties: tuple[Specialty, ...],
        location: GeoPoint,
        address: str | None,
        time_zone: TimeZone,
        price_cents: Cents,
        language: Language = Language.PORTUGUESE,
    ) -> Doctor:
        doctor = Doctor(
            id=DoctorId(self._ids.new()),
            person_id=self._enrolment.draw_person(),
            name=name,
            crm=crm,
            email=email,
            cpf=cpf,
            specialties=specialties,
            location=location,
            address=address,
            time_zone=time_zone,
            price_cents=price_cents,
            language=language,
            registered_at=self._clock.now(),
        )
        return self._enrolment.enrol(doctor, password)


@attrs.frozen
class RegisterPatient:
    """A patient registers.

    Raises:
        AlreadyRegisteredError: CPF or e-mail is another patient's, or the e-mail an administrator's.
        InvalidError: a consent is missing, the day of birth is not past, or the password is a common one.
        BusyError: it took too long, or too many do so at once; it is being undone.
    """

    _enrolment: Enrolment
    _ids: Ids
    _clock: Clock

    def __call__(
        self,
        *,
        name: str,
        cpf: Cpf,
        email: EmailAddress,
        password: Password,
        born: date,
        time_zone: TimeZone,
        location: GeoPoint | None,
        consented: tuple[ConsentKind, ...],
        language: Language = Language.PORTUGUESE,
    ) -> Patient:
        now = self._clock.now()
        birth, given = birth_date(born, now=now), consents(consented, at=now)
        patient = Patient(
            id=PatientId(self._ids.new()),
            person_id=self._enrolment.draw_person(),
            name=name,
            cpf=cpf,
            email=email,
            birth_date=birth,
            time_zone=time_zone,
            location=location,
            language=language,
            consents=given,
        )
        return self._enrolment.enrol(patient, password)


@attrs.frozen
class CreateAdministrator:
    """Whoever runs the system names an administrator.

    Raises:
        AlreadyRegisteredError: the e-mail is a patient's or another administrator's.
        InvalidError: the password is a common one.
        BusyError: it took too long, or too many do so at once; it is being undone.
    """

    _enrolment: Enrolment
    _ids: Ids

    def __call__(
        self,
        *,
        email: EmailAddress,
        password: Password,
        time_zone: TimeZone,
        language: Language = Language.PORTUGUESE,
    ) -> Administrator:
        administrator = Administrator(
            id=AdministratorId(self._ids.new()), email=email, time_zone=time_zone, language=language
        )
        return self._enrolment.enrol(administrator, password)
