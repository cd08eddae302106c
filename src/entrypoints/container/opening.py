"""Opens the adapters that the settings choose."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from entrypoints.settings import PREFIX, Settings, SettingsError
from telemed_core.application.notifying import Notify
from telemed_core.domain.sessions import Session
from telemed_core.errors import InvalidError
from telemed_core.ports.meetings import AttendeeTokens, MeetingRooms, Signals
from telemed_core.ports.notices import Calendars, Mailer, Publisher
from telemed_core.ports.people import Credentials, Sessions
from telemed_core.ports.services import Identity, Sealing, Tokens
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Clock, Ids
from telemed_core.saga.definition import Saga

if TYPE_CHECKING:
    from adapters.cursors import Cursors
    from adapters.mailbox import Mailbox
    from adapters.secret_files import Secrets
    from adapters.system import TravellingClock
    from adapters.tokens import Issuer
    from adapters.webrtc import IceServer

BESIDE_REQUESTS: Final = 9
"""Connections to the database for what goes on beside requests: six threads of signalling, three of the background."""

# Adapters are imported by the functions that open them: what is not chosen is never loaded.


def open_clock(settings: Settings) -> Clock:
    """The machine's clock, or one that starts at ``TELEMED_AT``."""
    from adapters.system import ShiftedClock, SystemClock

    if settings.at is None:
        return SystemClock()
    return (
        ShiftedClock(settings.at)
        if settings.clock_began is None
        else ShiftedClock(settings.at, began=settings.clock_began)
    )


def travelling_clock(start: datetime) -> "TravellingClock":
    """A clock that stands still until it is told to go on: for demonstrations."""
    from adapters.system import TravellingClock

    return TravellingClock(start)


def mailbox() -> "Mailbox":
    """A mail server that keeps what it is sent: for demonstrations."""
    from adapters.mailbox import Mailbox

    return Mailbox()


def open_ids() -> Ids:
    """Random ids."""
    from adapters.system import RandomIds

    return RandomIds()


def open_secrets(settings: Settings) -> "Secrets":
    """The configured secrets; beside a SQLite file those of the data folder, which is made if it is new.

    Raises:
        SettingsError: one is missing, malformed or open to others.
    """
    from adapters.secret_files import SecretError, Secrets, new_secrets, open_secret_files

    configured = settings.configured_secrets()
    folder = settings.data / "secrets"
    try:
        if settings.profile == "memory":
            return new_secrets(configured)
        if settings.database_file is None:
            return Secrets.parse(configured)
        # Asked before the secrets are looked for: the first database file is made after all of them.
        has_data = _has_data(settings.data, settings.database_file)
        return open_secret_files(folder, configured, has_data=has_data)
    except SecretError as error:
        where = PREFIX + error.name.upper() if error.name in configured else folder / error.name
        raise SettingsError(f"{where} {error.reason}") from None


def open_sealing(secrets: "Secrets") -> Sealing:
    """Sealing under the installation's secrets."""
    from adapters.sealing import open_sealing

    return open_sealing(pepper=secrets.pepper, data_key=secrets.data_key, previous=secrets.data_key_previous)


def open_stores(settings: Settings, sealing: Callable[[], Sealing], closing: ExitStack) -> Stores:
    """The profile's stores, migrated."""
    if settings.profile == "memory":
        from adapters.memory import open_memory

        return open_memory()
    from adapters.sql import open_sql

    try:
        pool_size = settings.threads + BESIDE_REQUESTS
        stores = open_sql(settings.sql_url, sealing=sealing(), migrate=True, pool_size=pool_size)
    except InvalidError as error:
        raise SettingsError(f"{PREFIX}DATABASE_URL {error.fields[0].message}") from None
    closing.callback(stores.close)
    return stores


def open_issuer(secrets: "Secrets") -> "Issuer":
    """The issuer of our own access tokens."""
    from adapters.tokens import open_issuer

    return open_issuer(secrets.issuer_key, previous=secrets.issuer_key_previous)


def open_tokens(settings: Settings, issuer: "Issuer") -> Tokens:
    """Tells our issuer's tokens from others; a clock that was set may go back, behind what has been issued."""
    from adapters.tokens import CLIENT_ID, ISSUER, KeySet, open_verifier

    return open_verifier(
        KeySet(issuer.jwks), issuer=ISSUER, client_ids={CLIENT_ID}, future_issue_allowed=settings.at is not None
    )


def open_identity(
    credentials: Credentials, sessions: Sessions, ids: Ids, issuer: Callable[[], "Issuer"], secrets: "Secrets"
) -> Identity:
    """Passwords and sessions, kept by ourselves; the issuer is made when somebody signs in."""
    from adapters.local_identity import open_local_identity

    def access_token(session: Session, /, *, now: datetime) -> str:
        return issuer().access_token(session, now=now)

    return open_local_identity(
        credentials,
        sessions,
        ids,
        access_token=access_token,
        refresh_keys=_derived(secrets, "refresh"),
        reset_keys=_derived(secrets, "reset"),
    )


def open_cursors(secrets: "Secrets") -> "Cursors":
    """Cursors of lists."""
    from adapters.cursors import open_cursors

    return open_cursors(*_derived(secrets, "cursor"))


def open_publisher(notify: Notify) -> Publisher:
    """What has changed is told in this process, at once."""
    from adapters.publishing import open_in_process

    return open_in_process(notify)


def open_mailer(settings: Settings) -> Mailer:
    """Sends e-mails by the mail server; without one, none can leave."""
    if settings.smtp_url is None:
        from adapters.mailbox import NoMailServer

        return NoMailServer()
    from adapters.smtp import open_smtp

    try:
        return open_smtp(settings.smtp_url.get_secret_value(), settings.mail_from)
    except InvalidError as error:
        field = error.fields[0]
        raise SettingsError(f"{PREFIX}{field.field.upper()} {field.message}") from None


def open_calendars(settings: Settings) -> Calendars:
    """Writes iCalendar files, with invitations from where e-mails come from."""
    from adapters.calendars import open_calendars

    return open_calendars(settings.mail_from)


def sends_email(mailer: Mailer) -> bool:
    """Whether e-mails can leave: there is a mail server."""
    from adapters.mailbox import NoMailServer

    return not isinstance(mailer, NoMailServer)


class Video(NamedTuple):
    """A provider of video: its rooms, and what tells its attendees' tokens."""

    rooms: MeetingRooms
    tokens: AttendeeTokens


def open_video(settings: Settings, secrets: Callable[[], "Secrets"], signals: Signals) -> Video:
    """The provider that the settings choose.

    Raises:
        SettingsError: the ICE servers are not what browsers take, or the region is none of Chime's.
    """
    if settings.meetings == "chime":
        return _chime(settings)
    if settings.meetings == "memory":
        from adapters.memory.rooms import MemoryAttendeeTokens, open_memory_rooms

        return Video(open_memory_rooms(), MemoryAttendeeTokens())
    from adapters.webrtc import open_webrtc

    ice_servers = open_ice_servers(settings)
    webrtc = open_webrtc(keys=_derived(secrets(), "meeting"), ice_servers=ice_servers, signals=signals)
    return Video(webrtc, webrtc)


def _chime(settings: Settings) -> Video:
    from adapters.chime import ChimeAttendeeTokens, open_chime

    try:
        rooms = open_chime(
            media_region=settings.chime_region or "",
            connections=settings.threads,
            endpoint_url=settings.aws_endpoint_url,
        )
    except InvalidError as error:
        raise SettingsError(f"{PREFIX}{error.fields[0].field.upper()} {error.fields[0].message}") from None
    return Video(rooms, ChimeAttendeeTokens())


def open_ice_servers(settings: Settings) -> tuple["IceServer", ...]:
    """What helps browsers to find each other; none: they do without.

    Raises:
        SettingsError: it is not what browsers take.
    """
    if settings.ice_servers is None:
        return ()
    from adapters.webrtc import parse_ice_servers

    try:
        return parse_ice_servers(settings.ice_servers.get_secret_value())
    except InvalidError as error:
        raise SettingsError(f"{PREFIX}ICE_SERVERS {error.fields[0].message}") from None


def state_machine_of(saga: Saga) -> str:
    """The saga as Step Functions takes it; a deployment puts what does its tasks for ``${SagaStepArn}``."""
    from adapters.step_functions import definition

    return definition(saga, resource="${SagaStepArn}")


def _derived(secrets: "Secrets", name: str) -> tuple[bytes, ...]:
    """The key of that name, and the one before while the root secret is rotated."""
    from adapters.secret_files import derive

    return tuple(derive(root, name) for root in (secrets.root, secrets.root_previous) if root is not None)


def _has_data(folder: Path, database: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return database.exists()
    except OSError as error:
        raise SettingsError(f"{PREFIX}DATA cannot be used as a folder: {error.strerror}") from None
