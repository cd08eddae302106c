"""The settings: environment variables with the prefix ``TELEMED_``, checked before anything starts."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from entrypoints.settings.addresses import (
    is_database,
    is_fifo_queue,
    is_fifo_topic,
    is_mail_address,
    is_mail_server,
    is_name_prefix,
    is_public,
    is_sqlite,
    is_state_machines,
    is_user_pool,
    is_user_pool_client,
    masked,
)
from entrypoints.settings.fitting import misfits
from entrypoints.settings.values import by_profile, fitting, instant, one_of, seconds, whole, without_slash, yes_or_no

PREFIX: Final = "TELEMED_"
SECRETS: Final = ("secret", "pepper", "data_key", "issuer_key")
ROTATING: Final = ("secret_previous", "data_key_previous", "issuer_key_previous")

Source = Literal["option", "environment", "default"]

_LATER = frozenset({"objects"})


class SettingsError(Exception):
    """A setting is wrong; the text names the variable and says what is allowed, and never repeats its value."""


class Settings(BaseModel):
    """Where everything is and how it behaves; each field is the variable ``TELEMED_<FIELD>``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    profile: Annotated[Literal["memory", "local", "aws"], one_of("memory", "local", "aws")] = Field(
        "local", description="which adapters: memory, local (one machine), or aws; each can be chosen on its own"
    )
    store: Annotated[Literal["memory", "sql", "dynamodb"], one_of("memory", "sql", "dynamodb")] = Field(
        default_factory=by_profile(memory="memory", local="sql", aws="dynamodb"),
        description="where all is kept: memory, sql, or dynamodb (with notices in a database beside it)",
    )
    events: Annotated[Literal["process", "sns"], one_of("process", "sns")] = Field(
        default_factory=by_profile(memory="process", local="process", aws="sns"),
        description="how changes are announced: process (told at once by whoever runs the saga), or sns (Amazon's)",
    )
    identity: Annotated[Literal["local", "cognito"], one_of("local", "cognito")] = Field(
        default_factory=by_profile(memory="local", local="local", aws="cognito"),
        description="who keeps passwords and signs tokens: local (ourselves), or cognito (Amazon's)",
    )
    saga_engine: Annotated[Literal["embedded", "step_functions"], one_of("embedded", "step_functions")] = Field(
        default_factory=by_profile(memory="embedded", local="embedded", aws="step_functions"),
        description="what runs sagas: embedded (these processes), or step_functions (Amazon's; these adopt the rest)",
    )
    data: Path = Field(Path("data"), description="folder of the SQLite file and of the secrets made for it")
    at: Annotated[datetime | None, instant] = Field(
        None, description="instant at which this process's clock starts, and runs"
    )
    public_url: Annotated[str, fitting(is_public, "an address such as https://clinic.example"), without_slash] = Field(
        "http://127.0.0.1:8000", description="address at which people reach the system"
    )
    background: Annotated[Literal["on", "off"], one_of("on", "off")] = Field(
        "on", description="whether workers sweep, run sagas and send e-mails; off: telemed sweep --watch does"
    )
    meetings: Annotated[Literal["memory", "webrtc", "chime"], one_of("memory", "webrtc", "chime")] = Field(
        default_factory=by_profile(memory="memory", local="webrtc", aws="chime"),
        description="video: webrtc (from browser to browser), chime (Amazon's), or memory (without sound and picture)",
    )
    ice_servers: SecretStr | None = Field(
        None, description="STUN and TURN servers of webrtc: a JSON list of {urls, username, credential}"
    )
    chime_region: str | None = Field(None, description="AWS region in which meetings of chime take place")
    aws_endpoint_url: Annotated[str | None, fitting(is_public, "an address such as http://127.0.0.1:4566")] = Field(
        None, description="where services of AWS answer instead of at AWS: an emulator"
    )
    aws_prefix: Annotated[str, fitting(is_name_prefix, "1 to 32 of A-Z, a-z, 0-9, _ and -")] = Field(
        "telemed-", description="what the names of our tables at AWS begin with, and of all that bootstrap makes"
    )
    topic_arn: Annotated[str | None, fitting(is_fifo_topic, "the ARN of a FIFO topic of SNS")] = Field(
        None, description="topic that changes are announced on"
    )
    queue_url: Annotated[str | None, fitting(is_fifo_queue, "the URL of a FIFO queue of SQS")] = Field(
        None, description="queue of announcements that the background empties; unset: functions do it"
    )
    user_pool_id: Annotated[str | None, fitting(is_user_pool, "the id of a user pool: REGION_ID")] = Field(
        None, description="user pool of Cognito"
    )
    user_pool_client_id: Annotated[str | None, fitting(is_user_pool_client, "the id of a user pool's client")] = Field(
        None, description="the client of it that we are"
    )
    state_machines: Annotated[str | None, fitting(is_state_machines, "the beginning of a state machine's ARN")] = Field(
        None, description="what the ARNs of the sagas' state machines begin with, up to the saga's name"
    )
    smtp_url: Annotated[
        SecretStr | None, fitting(is_mail_server, "smtp://[USER:PASSWORD@]HOST[:PORT], or smtps://…")
    ] = Field(None, description="mail server; unset: no e-mail is sent")
    mail_from: Annotated[str, fitting(is_mail_address, "an e-mail address such as no-reply@clinic.example")] = Field(
        "no-reply@localhost", description="address that e-mails and invitations come from"
    )
    threads: Annotated[int, whole(1, 256)] = Field(
        16, description="requests that one worker carries out at once; it has 11 more connections to its database"
    )
    trusted_proxies: Annotated[int, whole(0, 16)] = Field(
        0, description="how many proxies of ours a request passes, each adding X-Forwarded-For"
    )
    requests_per_minute: Annotated[int | None, whole(1, 1_000_000)] = Field(
        None, description="most requests of one address in a minute; unset: any"
    )
    demo: Annotated[bool, yes_or_no] = Field(
        default=False, description="whether people of a demonstration are made at the first start"
    )
    clock_began: Annotated[float | None, seconds] = Field(
        None, description="the machine's monotonic clock at TELEMED_AT; telemed serve tells it to its workers"
    )
    database_url: Annotated[
        SecretStr | None,
        fitting(is_database, "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"),
    ] = Field(None, description="database in place of the SQLite file")
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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if found := "; ".join(misfits(self)):
            raise ValueError(found)
        return self

    @property
    def sql_url(self) -> str:
        """The database's address."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.data / 'telemed.db'}"

    @property
    def keeps_memory_only(self) -> bool:
        """Whether nothing outlives the process, and no other process knows of it."""
        return self.store == "memory"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; ``None``: the database is a server's."""
        path = self.sql_url.partition("?")[0].partition(":///")[2]
        return Path(path) if is_sqlite(self.sql_url) else None

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
            default=_shown(
                name, field.get_default(call_default_factory=True, validated_data={"profile": settings.profile})
            ),
            source=settings.source(name),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _field(variable: str) -> str:
    name = variable.removeprefix(PREFIX).lower()
    if name in Settings.model_fields and variable == PREFIX + name.upper():
        return name
    if name in _LATER:
        raise SettingsError(f"{variable} is not a setting of this release")
    import difflib  # noqa: PLC0415 # a process whose settings are right does not load it

    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    raise SettingsError(
        f"{variable} is not a setting" + (f": did you mean {PREFIX}{close[0].upper()}?" if close else "")
    )


def _explained(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_input=False):
        # A default that was not made, since a setting before it is wrong: that one is told of.
        if found["type"] == "default_factory_not_called":
            continue
        reason = str(found.get("ctx", {}).get("error", found["msg"]))
        yield " ".join([*(f"{PREFIX}{name}".upper() for name in found["loc"]), reason])


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in {"database_url", "smtp_url"}:
        return masked(value.get_secret_value())
    return value.isoformat() if isinstance(value, datetime) else str(value)
