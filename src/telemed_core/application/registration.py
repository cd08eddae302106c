"""Registration: what identifies the account is reserved, the identity made, the account added; or all of it undone."""

from datetime import date

import attrs

from telemed_core.domain.accounts import Account, Administrator, Reservation
from telemed_core.domain.commit import SagaStart
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, AdministratorId, DoctorId, PatientId, PersonId, SagaId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.patient import ConsentKind, Patient, birth_date, consents
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Password, Role
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import TelemedError
from telemed_core.ports.people import Accounts
from telemed_core.ports.services import Identity
from telemed_core.ports.system import Clock, Ids


@attrs.frozen
class Enrolment:
    """The three steps that every registration takes."""

    _accounts: Accounts
    _identity: Identity
    _ids: Ids

    def reserve(
        self, account_id: AccountId, role: Role, *, email: EmailAddress, cpf: Cpf | None = None, crm: Crm | None = None
    ) -> PersonId:
        """The first step; answers the person."""
        drawn = PersonId(self._ids.new())
        saga = SagaStart(SagaId(self._ids.new()), f"register_{role}", account_id)
        return self._accounts.reserve(
            Reservation(account_id=account_id, role=role, email=email, cpf=cpf, crm=crm, person_id=drawn, saga=saga)
        )

    def finish(self, account: Account, password: Password) -> None:
        """The identity and the account; a refused identity undoes the reservation, as far as that is possible now.

        A failure while the account is added may have added it: it is left to the registration's saga.
        """
        try:
            self._identity.create(account.id, password)
        except TelemedError:
            self._identity.remove(account.id)
            self._accounts.release(account.id)
            raise
        self._accounts.add(account)


@attrs.frozen
class RegisterDoctor:
    """A doctor registers, and waits for verification.

    Raises:
        AlreadyRegisteredError: CPF, CRM or e-mail is another doctor's.
        InvalidError: the password is a common one.
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
        doctor_id = DoctorId(self._ids.new())
        person_id = self._enrolment.reserve(doctor_id, Role.DOCTOR, email=email, cpf=cpf, crm=crm)
        doctor = Doctor(
            id=doctor_id,
            person_id=person_id,
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
        self._enrolment.finish(doctor, password)
        return doctor


@attrs.frozen
class RegisterPatient:
    """A patient registers.

    Raises:
        AlreadyRegisteredError: CPF or e-mail is another patient's, or the e-mail an administrator's.
        InvalidError: a consent is missing, the day of birth is not past, or the password is a common one.
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
        patient_id = PatientId(self._ids.new())
        person_id = self._enrolment.reserve(patient_id, Role.PATIENT, email=email, cpf=cpf)
        patient = Patient(
            id=patient_id,
            person_id=person_id,
            name=name,
            cpf=cpf,
            email=email,
            birth_date=birth,
            time_zone=time_zone,
            location=location,
            language=language,
            consents=given,
        )
        self._enrolment.finish(patient, password)
        return patient


@attrs.frozen
class CreateAdministrator:
    """Whoever runs the system names an administrator.

    Raises:
        AlreadyRegisteredError: the e-mail is a patient's or another administrator's.
        InvalidError: the password is a common one.
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
        self._enrolment.reserve(administrator.id, Role.ADMINISTRATOR, email=email)
        self._enrolment.finish(administrator, password)
        return administrator
