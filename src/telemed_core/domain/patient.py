"""Patients, and the consents they have given."""

from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from typing import Self

import attrs

from telemed_core.domain.ids import PatientId, PersonId, SagaId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.people import Cpf, EmailAddress, Language
from telemed_core.domain.places import GeoPoint
from telemed_core.domain.sagas import SagaStart
from telemed_core.errors import InvalidError

OLDEST = date(1900, 1, 1)

NOBODY = EmailAddress.parse("closed@telemed.invalid")
"""The address of an account that was closed."""


class ConsentKind(StrEnum):
    """What a patient must agree to before anything else."""

    TELEMEDICINE = "telemedicine"
    DATA_PROCESSING = "data_processing"

    @classmethod
    def parse(cls, text: str, *, field: str = "consents") -> Self:
        try:
            return cls(text)
        except ValueError:
            raise InvalidError(field, "must be telemedicine and data_processing") from None


@attrs.frozen
class Consent:
    """One consent, and when it was given."""

    kind: ConsentKind
    at: datetime


def consents(kinds: Collection[ConsentKind], *, at: datetime) -> tuple[Consent, ...]:
    """The consents given at registration: all of them, each once.

    Raises:
        InvalidError: one is missing or given twice.
    """
    if len(kinds) != len(ConsentKind) or set(kinds) != set(ConsentKind):
        raise InvalidError("consents", "must be telemedicine and data_processing")
    return tuple(Consent(kind, at) for kind in ConsentKind)


def birth_date(day: date, *, now: datetime) -> date:
    """A day of birth: since 1900, and past.

    Raises:
        InvalidError: it is not.
    """
    if not OLDEST <= day <= now.date():
        raise InvalidError("birth_date", "must be a past date since 1900")
    return day


@attrs.frozen(kw_only=True)
class Patient:
    """A patient's account.

    Attributes:
        rev: rises with every change of the account, 1 at first.
        closed_at: when the account was closed; ``None``: it is open.
    """

    id: PatientId
    person_id: PersonId
    rev: int = 1
    name: str = attrs.field(repr=False)
    cpf: Cpf
    email: EmailAddress
    birth_date: date = attrs.field(repr=False)
    time_zone: TimeZone
    location: GeoPoint | None = attrs.field(default=None, repr=False)
    language: Language = Language.PORTUGUESE
    consents: tuple[Consent, ...]
    closed_at: datetime | None = None

    def close(self, *, now: datetime) -> "Closure":
        """End the account; what is in the record stays, as the law demands."""
        after = attrs.evolve(self, closed_at=now, rev=self.rev + 1)
        return Closure(self, after, SagaStart(SagaId(f"{self.id}.{after.rev}"), "close_account", self.id))

    def anonymised(self) -> Self:
        """Without what only served to reach its owner; the law wants a record to say whose it is."""
        return attrs.evolve(self, email=NOBODY, location=None)


@attrs.frozen
class Closure:
    """The end of a patient's account, committed only where no appointment is live."""

    before: Patient
    after: Patient
    saga: SagaStart
