"""The settings: environment variables with the prefix ``TELEMED_``, checked before anything starts."""

import difflib
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import attrs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from telemed_core.domain.instants import parse_instant

PREFIX = "TELEMED_"
SECRETS = ("secret", "pepper", "data_key", "issuer_key")
PREVIOUS = ("secret", "data_key", "issuer_key")


class SettingsError(Exception):
    """A setting is wrong; the text names the variable and says what is allowed."""


class Settings(BaseSettings):
    """Where everything is and how it behaves; every field is the variable ``TELEMED_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    profile: Literal["memory", "local"] = Field("local", description="which adapters: memory, or local (one machine)")
    data: Path = Field(Path("data"), description="folder of the database file and the secrets")
    at: datetime | None = Field(None, description="instant at which this process's clock starts")
    public_url: str = Field("http://127.0.0.1:8000", description="where people reach the system")
    database_url: SecretStr | None = Field(None, description="SQLAlchemy URL in place of the SQLite file")
    secret: SecretStr | None = Field(None, description="root secret: 32 bytes in base64")
    secret_previous: SecretStr | None = Field(None, description="the root secret before, while rotating")
    pepper: SecretStr | None = Field(None, description="pepper of the blind indexes: 32 bytes in base64")
    data_key: SecretStr | None = Field(None, description="key of texts and CPFs: 32 bytes in base64")
    data_key_previous: SecretStr | None = Field(None, description="the data key before, while rotating")
    issuer_key: SecretStr | None = Field(None, description="RSA private key of the token issuer, PEM")
    issuer_key_previous: SecretStr | None = Field(None, description="the issuer's key before, while rotating")

    @field_validator("at", mode="before")
    @classmethod
    def _instant(cls, value: Any) -> Any:
        return parse_instant(value, field="at") if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or any(char.isspace() for char in value):
            raise ValueError("must be an http or https address")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
            raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load_settings`` hands in: it reads the environment itself, to name what is unknown there."""
        return (init_settings,)

    @property
    def sql_url(self) -> str:
        """The database's address."""
        if self.database_url is None:
            return f"sqlite:///{self.data / 'telemed.db'}"
        url = self.database_url.get_secret_value()
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def configured_secrets(self) -> dict[str, str]:
        """The secrets that are set here, by name; the previous ones as ``previous_…``."""
        named = {name: getattr(self, name) for name in SECRETS}
        named |= {f"previous_{name}": getattr(self, f"{name}_previous") for name in PREVIOUS}
        return {name: value.get_secret_value() for name, value in named.items() if value is not None}


def load_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of the environment; ``overrides`` (command-line options) win, ``None`` among them is left out.

    Raises:
        SettingsError: a variable is unknown or wrong.
    """
    found = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for variable, text in found.items():
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower()
            if name not in Settings.model_fields:
                raise SettingsError(f"{variable} is not a setting{_nearest(name)}")
            values[name] = text
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explained(error))) from None


@attrs.frozen
class Effective:
    """One setting as it is in force; secrets are masked."""

    variable: str
    value: str
    default: str
    description: str


def effective(settings: Settings) -> Iterator[Effective]:
    """Every setting, in order."""
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else str(field.default)
        value = getattr(settings, name)
        yield Effective(PREFIX + name.upper(), "" if value is None else str(value), default, field.description or "")


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return f": did you mean {PREFIX}{close[0].upper()}?" if close else ""


def _explained(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(found["loc"][0]) if found["loc"] else ""
        message = found["msg"].removeprefix("Value error, ").removeprefix("at: ")
        yield f"{PREFIX}{name.upper()} {message[:1].lower()}{message[1:]}"
