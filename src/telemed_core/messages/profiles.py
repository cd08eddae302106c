"""What people change of their own profiles."""

from typing import Any

from pydantic import Field

from telemed_core.messages.fields import (
    AddressField,
    CentsField,
    LanguageField,
    Location,
    NameField,
    Request,
    SpecialtiesField,
    ZoneField,
)


def _absent() -> Any:
    """Stands where a field was left out; only ``changes`` is read then."""


class _Patch(Request):
    """Changes of a profile: what is left out stays as it is."""

    def changes(self) -> dict[str, Any]:
        """What was sent, by the account's attributes, as the domain's values."""
        sent = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        return {name: value.to_point() if isinstance(value, Location) else value for name, value in sent.items()}


class DoctorPatch(_Patch):
    """``PATCH /v1/me`` of a doctor: what is left out stays as it is; ``null`` removes the address."""

    name: NameField = Field(default_factory=_absent)
    location: Location = Field(default_factory=_absent)
    address: AddressField | None = Field(default_factory=_absent)
    time_zone: ZoneField = Field(default_factory=_absent)
    language: LanguageField = Field(default_factory=_absent)
    price_cents: CentsField = Field(default_factory=_absent)
    specialties: SpecialtiesField = Field(default_factory=_absent)


class PatientPatch(_Patch):
    """``PATCH /v1/me`` of a patient: what is left out stays as it is; ``null`` removes the location."""

    name: NameField = Field(default_factory=_absent)
    location: Location | None = Field(default_factory=_absent)
    time_zone: ZoneField = Field(default_factory=_absent)
    language: LanguageField = Field(default_factory=_absent)


class AdministratorPatch(_Patch):
    """``PATCH /v1/me`` of an administrator: what is left out stays as it is."""

    time_zone: ZoneField = Field(default_factory=_absent)
    language: LanguageField = Field(default_factory=_absent)
