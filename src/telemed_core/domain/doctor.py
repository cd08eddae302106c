"""Doctors: their profile, and their registration from pending to approved and suspended."""

from datetime import datetime
from enum import StrEnum
from typing import Self

import attrs

from telemed_core.domain.ids import DoctorId, PersonId, SagaId
from telemed_core.domain.instants import EPOCH, TimeZone
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.sagas import SagaStart
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.texts import Text, TextKey, reason
from telemed_core.errors import InvalidError, InvalidTransitionError, LicenceInactiveError


class DoctorStatus(StrEnum):
    """Where the registration stands; only approved doctors are found and booked."""

    PENDING = "pending_verification"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class Decision(StrEnum):
    """What an administrator decides on a registration."""

    APPROVE = "approve"
    REJECT = "reject"
    SUSPEND = "suspend"

    @classmethod
    def parse(cls, text: str, *, field: str = "decision") -> Self:
        try:
            return cls(text)
        except ValueError:
            raise InvalidError(field, "must be approve, reject or suspend") from None


_NEXT = {
    (DoctorStatus.PENDING, Decision.APPROVE): DoctorStatus.APPROVED,
    (DoctorStatus.PENDING, Decision.REJECT): DoctorStatus.REJECTED,
    (DoctorStatus.APPROVED, Decision.SUSPEND): DoctorStatus.SUSPENDED,
    (DoctorStatus.REJECTED, Decision.APPROVE): DoctorStatus.APPROVED,
    (DoctorStatus.SUSPENDED, Decision.APPROVE): DoctorStatus.APPROVED,
}


@attrs.frozen(kw_only=True)
class Doctor:
    """A doctor's account.

    Attributes:
        rev: rises with every change of the account, 1 at first.
        price_cents: of one consultation; an appointment keeps the one it was asked for at.
        registered_at: when; 1970 for those whose registration was not dated yet.
    """

    id: DoctorId
    person_id: PersonId
    rev: int = 1
    name: str = attrs.field(repr=False)
    crm: Crm
    email: EmailAddress
    cpf: Cpf
    specialties: tuple[Specialty, ...]
    location: GeoPoint = attrs.field(repr=False)
    address: str | None = attrs.field(default=None, repr=False)
    time_zone: TimeZone
    price_cents: Cents
    language: Language = Language.PORTUGUESE
    status: DoctorStatus = DoctorStatus.PENDING
    registered_at: datetime = EPOCH

    def __attrs_post_init__(self) -> None:
        if not self.specialties or len(set(self.specialties)) != len(self.specialties):
            raise InvalidError("specialties", "must name at least one specialty, each once")

    @property
    def approved(self) -> bool:
        return self.status is DoctorStatus.APPROVED

    def check_licence(self) -> None:
        """Only approved doctors act on visits.

        Raises:
            LicenceInactiveError: this one is not.
        """
        if not self.approved:
            raise LicenceInactiveError

    def verify(self, decision: Decision, *, why: str | None) -> "Verification":
        """Decide on the registration; a reason is required but for approval.

        Raises:
            InvalidTransitionError: the decision does not follow from where the registration stands.
            InvalidError: no reason.
        """
        if why is None and decision is not Decision.APPROVE:
            raise InvalidError("reason", "is required but for approval")
        key = TextKey(self.id, self.rev + 1)
        texts = () if why is None else (Text(key, reason(why)),)
        status = _NEXT.get((self.status, decision))
        if status is None:
            raise InvalidTransitionError
        after = attrs.evolve(self, status=status, rev=self.rev + 1)
        saga = SagaStart(SagaId(f"{self.id}.{after.rev}"), "verification", self.id)
        return Verification(before=self, after=after, texts=texts, saga=saga)


@attrs.frozen(kw_only=True)
class Verification:
    """A decision on a registration; it also opens or closes the schedule, whose ``rev`` rises by one."""

    before: Doctor
    after: Doctor
    texts: tuple[Text, ...]
    saga: SagaStart
