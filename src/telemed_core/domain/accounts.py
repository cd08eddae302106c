"""Accounts: one role of one person, found by what its owner signs in with."""

import attrs

from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, AdministratorId, PersonId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Role
from telemed_core.domain.sagas import SagaStart
from telemed_core.errors import InvalidError


@attrs.frozen(kw_only=True)
class Administrator:
    """Someone who verifies doctors and looks after the system.

    Attributes:
        rev: rises with every change of the account, 1 at first.
    """

    id: AdministratorId
    rev: int = 1
    email: EmailAddress
    time_zone: TimeZone
    language: Language = Language.PORTUGUESE


Account = Doctor | Patient | Administrator

Login = Crm | Cpf | EmailAddress
"""What one signs in with: a CRM (doctors), a CPF (patients) or an e-mail (patients, administrators)."""


def parse_login(text: str, *, field: str = "login") -> Login:
    """Read a CRM, a CPF or an e-mail address.

    Raises:
        InvalidError: it is none of them.
    """
    for kind in (EmailAddress, Crm, Cpf):
        try:
            return kind.parse(text.strip(" "))
        except InvalidError:
            continue
    raise InvalidError(field, "must be a CRM such as 123456-SP, a CPF or an e-mail address")


@attrs.frozen(kw_only=True)
class Reservation:
    """The first step of a registration: what identifies the account is nobody else's from then on.

    CPF and CRM are unique per role; an e-mail among doctors, and among patients and administrators together.

    Attributes:
        person_id: the person's, should the CPF be new.
        saga: what undoes the registration, should it not be finished.
    """

    account_id: AccountId
    role: Role
    email: EmailAddress
    cpf: Cpf | None
    crm: Crm | None
    person_id: PersonId
    saga: SagaStart

    def logins(self) -> tuple[tuple[str, Login], ...]:
        """Each thing that must be unique, with the space in which it must be."""
        emails = "doctor" if self.role is Role.DOCTOR else "other"
        found: list[tuple[str, Login]] = [(f"{emails}:email", self.email)]
        if self.cpf is not None:
            found.append((f"{self.role}:cpf", self.cpf))
        if self.crm is not None:
            found.append(("doctor:crm", self.crm))
        return tuple(found)


def login_space(login: Login) -> str:
    """The space of unique logins in which signing in looks it up."""
    match login:
        case Crm():
            return "doctor:crm"
        case Cpf():
            return "patient:cpf"
        case _:
            return "other:email"
