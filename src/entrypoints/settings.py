"""The settings: environment variables with the prefix ``TELEMED_``, checked before anything starts."""

import difflib
import math
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from telemed_core.domain.instants import as_utc, parse_instant
from telemed_core.errors import InvalidError

PREFIX: Final = "TELEMED_"
SECRETS: Final = ("secret", "pepper", "data_key", "issuer_key")
ROTATING: Final = ("secret_previous", "data_key_previous", "issuer_key_previous")

Source = Literal["option", "environment", "default"]

_PROFILES = ("memory", "local")
_LATER = frozenset({"store", "objects", "events", "meetings", "identity", "ice_servers", "aws_endpoint_url"})
_WHOLE: Final = {"threads": (1, 256), "trusted_proxies": (0, 16), "requests_per_minute": (1, 1_000_000)}
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?!:memory:|file:)[^?]+(?:\?.*)?").fullmatch
_POSTGRES = re.compile(r"postgres(?:ql(?:\+psycopg)?)?://.+").fullmatch
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*").fullmatch


class SettingsError(Exception):
    """A setting is wrong; the text names the variable and says what is allowed, and never repeats its value."""


class Settings(BaseSettings):
    """Where everything is and how it behaves; each field is the variable ``TELEMED_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    profile: Literal["memory", "local"] = Field("local", description="which adapters: memory, or local (one machine)")
    data: Path = Field(Path("data"), description="folder of the SQLite file and of the secrets made for it")
    at: datetime | None = Field(None, description="instant at which this process's clock starts, and runs")
    public_url: str = Field("http://127.0.0.1:8000", description="address at which people reach the system")
    background: Literal["on", "off"] = Field(
        "on", description="whether workers sweep, run sagas and send e-mails; off: telemed sweep --watch does"
    )
    smtp_url: SecretStr | None = Field(None, description="mail server; unset: no e-mail is sent")
    mail_from: str = Field("no-reply@localhost", description="address that e-mails and invitations come from")
    threads: int = Field(16, description="requests that one worker carries out at once, and its database connections")
    trusted_proxies: int = Field(
        0, description="how many proxies of ours a request passes, each adding X-Forwarded-For"
    )
    requests_per_minute: int | None = Field(None, description="most requests of one address in a minute; unset: any")
    demo: bool = Field(default=False, description="whether people of a demonstration are made at the first start")
    clock_began: float | None = Field(
        None, description="the machine's monotonic clock at TELEMED_AT; telemed serve tells it to its workers"
    )
    database_url: SecretStr | None = Field(None, description="database in place of the SQLite file")
    secret: SecretStr | None = Field(None, description="root secret, from which others are derived: 32 bytes in base64")
    secret_previous: SecretStr | None = Field(None, description="the root secret before, while it is rotated")
    pepper: SecretStr | None = Field(None, description="pepper of the blind indexes, never rotated: 32 bytes in base64")
    data_key: SecretStr | None = Field(None, description="key of texts and CPFs at rest: 32 bytes in base64")
    data_key_previous: SecretStr | None = Field(None, description="the data key before, while it is rotated")
    issuer_key: SecretStr | None = Field(None, description="RSA key of the token issuer: PEM")
    issuer_key_previous: SecretStr | None = Field(None, description="the issuer's key before, while it is rotated")

    _options: frozenset[str] = PrivateAttr(default=frozenset())

    @field_validator("*", mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if isinstance(value, str) and not value.strip():
            raise ValueError("is empty: leave it out, or say something")
        return value

    @field_validator("profile", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if value not in _PROFILES:
            raise ValueError("must be memory or local; aws is not part of this release")
        return value

    @field_validator("background", mode="before")
    @classmethod
    def _on_or_off(cls, value: Any) -> Any:
        if value not in {"on", "off"}:
            raise ValueError("must be on or off")
        return value

    @field_validator(*_WHOLE, mode="before")
    @classmethod
    def _whole(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None:
            return None
        least, most = _WHOLE[str(info.field_name)]
        text = str(value)
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    @field_validator("demo", mode="before")
    @classmethod
    def _yes_or_no(cls, value: Any) -> Any:
        if str(value).lower() not in {"true", "false"}:
            raise ValueError("must be true or false")
        return str(value).lower() == "true"

    @field_validator("clock_began", mode="before")
    @classmethod
    def _reading(cls, value: Any) -> Any:
        if value is None:
            return None
        try:
            told = value is None or math.isfinite(float(value))
        except ValueError:
            told = False
        if not told:
            raise ValueError("must be a number of seconds")
        return value

    @field_validator("at", mode="before")
    @classmethod
    def _instant(cls, value: Any) -> Any:
        try:
            return parse_instant(value, field="at") if isinstance(value, str) else value and as_utc(value)
        except InvalidError as error:
            raise ValueError(error.fields[0].message) from None

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            url = urlsplit(value)
            plain = url.scheme in {"http", "https"} and url.hostname and url.port != 0 and "@" not in url.netloc
        except ValueError:
            plain = False
        if not plain or not re.fullmatch(r"[!-~]+", value) or "?" in value or "#" in value:
            raise ValueError("must be an address such as https://clinic.example")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not (_SQLITE(value.get_secret_value()) or _POSTGRES(value.get_secret_value())):
            raise ValueError("must be sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not _is_mail_server(value.get_secret_value()):
            raise ValueError("must be smtp://[USER:PASSWORD@]HOST[:PORT], or smtps://…")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        if not _MAIL_ADDRESS(value) or len(value) > 254:
            raise ValueError("must be an e-mail address such as no-reply@clinic.example")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.profile == "memory" and self.database_url:
            raise ValueError(f"{PREFIX}DATABASE_URL must be left out: the memory profile has no database")
        missing = [PREFIX + name.upper() for name in SECRETS if getattr(self, name) is None]
        if self.database_url and self.database_file is None and missing:
            raise ValueError(f"{', '.join(missing)} must be set: a server database has no folder to keep secrets in")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What ``load_settings`` hands in alone: it reads the environment itself, to name what is unknown there."""
        return (init_settings,)

    @property
    def sql_url(self) -> str:
        """The database's address."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.data / 'telemed.db'}"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; ``None``: the database is a server's."""
        path = self.sql_url.partition("?")[0].partition(":///")[2]
        return Path(path) if _SQLITE(self.sql_url) else None

    def configured_secrets(self) -> dict[str, str]:
        """The secrets that are set here, by name."""
        named = {name: getattr(self, name) for name in (*SECRETS, *ROTATING)}
        return {name: value.get_secret_value() for name, value in named.items() if value is not None}

    def source(self, name: str) -> Source:
        """Where that setting comes from."""
        if name in self._options:
            return "option"
        return "environment" if name in self.model_fields_set else "default"


def load_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of the environment; ``overrides`` (command-line options) win, ``None`` among them is left out.

    Raises:
        SettingsError: a variable is unknown or wrong, or a secret is missing.
    """
    options = {name: value for name, value in overrides.items() if value is not None}
    values: dict[str, Any] = {}
    for variable, text in (os.environ if environment is None else environment).items():
        if variable.startswith(PREFIX):
            values[_field(variable)] = text
    try:
        settings = Settings(**(values | options))
    except ValidationError as error:
        raise SettingsError("; ".join(_explained(error))) from None
    settings._options = frozenset(options)  # noqa: SLF001 - a private attribute is pydantic's way to keep a fact beside the fields
    return settings


def handed_on(settings: Settings, **more: Any) -> dict[str, str]:
    """The variables by which another process has these settings too: its own environment says the rest."""
    told = {name: getattr(settings, name) for name in settings._options} | more  # noqa: SLF001 # as in load_settings
    return {PREFIX + name.upper(): _shown(name, value) for name, value in told.items()}


class Setting(NamedTuple):
    """One setting as it is in force, fit to be shown: secrets are masked."""

    name: str
    value: str
    default: str
    source: Source
    description: str


def effective(settings: Settings) -> list[Setting]:
    """Every setting, in order."""
    return [
        Setting(
            name=PREFIX + name.upper(),
            value=_shown(name, getattr(settings, name)),
            default=_shown(name, field.default),
            source=settings.source(name),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _is_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        plain = parts.port != 0 and not (parts.path.strip("/") or parts.query or parts.fragment)
    except ValueError:
        return False
    signs_in = {bool(parts.username), bool(parts.password)} if "@" in parts.netloc else {True}
    return bool(re.fullmatch(r"[!-~]+", url) and plain and parts.scheme in {"smtp", "smtps"} and parts.hostname) and (
        signs_in == {True}
    )


def _field(variable: str) -> str:
    name = variable.removeprefix(PREFIX).lower()
    if name in Settings.model_fields and variable == PREFIX + name.upper():
        return name
    if name in _LATER:
        raise SettingsError(f"{variable} is not a setting of this release")
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    raise SettingsError(
        f"{variable} is not a setting" + (f": did you mean {PREFIX}{close[0].upper()}?" if close else "")
    )


def _explained(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_input=False):
        reason = str(found.get("ctx", {}).get("error", found["msg"]))
        yield " ".join([*(f"{PREFIX}{name}".upper() for name in found["loc"]), reason])


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in {"database_url", "smtp_url"}:
        return _masked(value.get_secret_value())
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _masked(url: str) -> str:
    without = re.sub(r"(?<=://)([^:/?#]*):.*@", r"\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", without, flags=re.IGNORECASE)
