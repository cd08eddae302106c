"""What the values of settings may be: each check says what is allowed, and never repeats what it was given."""

import math
import re
from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

from telemed_core.domain.instants import as_utc, parse_instant
from telemed_core.errors import InvalidError


def one_of(*allowed: str) -> BeforeValidator:
    """One of these words."""

    def check(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"must be {', '.join(allowed[:-1])} or {allowed[-1]}")
        return value

    return BeforeValidator(check)


def by_profile(**chosen: str) -> Callable[[dict[str, Any]], Any]:
    """The default that a profile has for a setting."""

    def default(validated: dict[str, Any]) -> str:
        return chosen[validated["profile"]]

    return default


def whole(least: int, most: int) -> BeforeValidator:
    """A whole number, or ``None`` where the setting can be left out."""

    def check(value: Any) -> Any:
        text = str(value)
        if value is not None and not (re.fullmatch(r"[0-9]{1,9}", text) and least <= int(text) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}")
        return None if value is None else int(text)

    return BeforeValidator(check)


def fitting(fits: Callable[[str], bool], allowed: str) -> AfterValidator:
    """A text, or a secret one, for which that holds."""

    def check(value: str | SecretStr | None) -> str | SecretStr | None:
        said = value.get_secret_value() if isinstance(value, SecretStr) else value
        if said is not None and not fits(said):
            raise ValueError(f"must be {allowed}")
        return value

    return AfterValidator(check)


@AfterValidator
def without_slash(url: str) -> str:
    """An address to which paths are added."""
    return url.rstrip("/")


@BeforeValidator
def yes_or_no(value: Any) -> Any:
    """True or false."""
    if str(value).lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return str(value).lower() == "true"


@BeforeValidator
def seconds(value: Any) -> Any:
    """A finite number, or ``None``."""
    try:
        told = value is None or math.isfinite(float(value))
    except ValueError:
        told = False
    if not told:
        raise ValueError("must be a number of seconds")
    return value


@BeforeValidator
def instant(value: Any) -> Any:
    """An instant in text with its offset or as a ``datetime``, or ``None``."""
    try:
        return parse_instant(value, field="at") if isinstance(value, str) else value and as_utc(value)
    except InvalidError as error:
        raise ValueError(error.fields[0].message) from None
