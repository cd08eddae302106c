"""What identifies people: CPF, CRM, e-mail, names and passwords, parsed so that two spellings are one value."""

import re
import unicodedata
from enum import StrEnum
from typing import Final, Self

import attrs

from telemed_core.domain.texts import clean
from telemed_core.errors import InvalidError

FEDERATIVE_UNITS: Final = frozenset(
    "AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO".split()
)

_CPF = re.compile(r"[0-9]{11}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}").fullmatch
_CRM = re.compile(r"([0-9]{1,7})-([A-Za-z]{2})").fullmatch
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*").fullmatch
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
).fullmatch


class Role(StrEnum):
    PATIENT = "patient"
    DOCTOR = "doctor"
    ADMINISTRATOR = "administrator"


class Language(StrEnum):
    PORTUGUESE = "pt-BR"
    ENGLISH = "en"

    @classmethod
    def parse(cls, text: str, *, field: str = "language") -> Self:
        try:
            return cls(text)
        except ValueError:
            raise InvalidError(field, "must be pt-BR or en") from None


@attrs.frozen
class Cpf:
    """The Brazilian taxpayer number: 11 ASCII digits whose last two check the first nine."""

    digits: str = attrs.field(repr=False)

    @classmethod
    def parse(cls, text: str, *, field: str = "cpf") -> Self:
        """Read 11 digits, bare or in the full mask ``000.000.000-00``.

        Raises:
            InvalidError: another shape, another script's digits, all digits equal, or wrong check digits.
        """
        if not _CPF(text):
            raise InvalidError(field, "must be 11 digits, or 000.000.000-00")
        digits = text.replace(".", "").replace("-", "")
        if len(set(digits)) == 1 or digits[9:] != cls.check_digits(digits[:9]):
            raise InvalidError(field, "is not a CPF: its check digits do not fit")
        return cls(digits)

    @staticmethod
    def check_digits(nine: str) -> str:
        """The two digits that follow the first nine, by the weights 10…2 and 11…2 modulo 11."""
        digits = [int(char) for char in nine]
        for top in (10, 11):
            rest = sum(weight * digit for weight, digit in zip(range(top, 1, -1), digits, strict=True)) % 11
            digits.append(0 if rest < 2 else 11 - rest)
        return f"{digits[9]}{digits[10]}"

    def __str__(self) -> str:
        return "***"


@attrs.frozen
class Crm:
    """A doctor's registration: a number and the state whose council gave it, as in ``123456-SP``."""

    number: str
    unit: str

    @classmethod
    def parse(cls, text: str, *, field: str = "crm") -> Self:
        """Read 1–7 digits, a hyphen and one of the 27 states; leading zeros are dropped.

        Raises:
            InvalidError: anything else.
        """
        found = _CRM(text)
        number = found[1].lstrip("0") if found else ""
        unit = found[2].upper() if found else ""
        if not number or unit not in FEDERATIVE_UNITS:
            raise InvalidError(field, "must be a number and a state, such as 123456-SP")
        return cls(number, unit)

    def __str__(self) -> str:
        return f"{self.number}-{self.unit}"


@attrs.frozen
class EmailAddress:
    """An address that mail can be sent to; equal whatever the case."""

    address: str = attrs.field(repr=False)

    @classmethod
    def parse(cls, text: str, *, field: str = "email") -> Self:
        """Read ``local@domain`` in ASCII, at most 254 characters, the domain with a dot.

        Raises:
            InvalidError: anything else.
        """
        stripped = text.strip(" ")
        local, at, domain = stripped.rpartition("@")
        if not at or len(stripped) > 254 or len(local) > 64 or not _LOCAL(local) or not _DOMAIN(domain):
            raise InvalidError(field, "must be an e-mail address")
        return cls(stripped.lower())

    def __str__(self) -> str:
        return self.address


@attrs.frozen
class Password:
    """A secret of 12–128 characters; it never shows itself."""

    secret: str = attrs.field(repr=False)

    @classmethod
    def parse(cls, text: str, *, field: str = "password") -> Self:
        """Take the text as it is.

        Raises:
            InvalidError: too short, too long, or not encodable.
        """
        if not 12 <= len(text) <= 128:
            raise InvalidError(field, "must have 12 to 128 characters")
        if any("\ud800" <= char <= "\udfff" or char == "\0" for char in text):
            raise InvalidError(field, "has characters that cannot be used")
        return cls(text)

    def __str__(self) -> str:
        return "***"


def person_name(text: str, *, field: str = "name") -> str:
    """A person's name: 2–120 characters with at least one letter."""
    name = " ".join(clean(text, field=field, least=2, most=120).split())
    if not any(char.isalpha() for char in name):
        raise InvalidError(field, "must have a letter")
    return name


def name_words(name: str) -> frozenset[str]:
    """The words of a name as they are searched: without regard to case and accents."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return frozenset("".join(char for char in plain if not unicodedata.combining(char)).split())
