"""Opens what everything stands on: the clock, ids, this process, secrets and sealing."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from entrypoints.settings import PREFIX, Settings, SettingsError
from telemed_core.ports.services import Sealing
from telemed_core.ports.system import Clock, Ids

if TYPE_CHECKING:
    from adapters.secret_files import Secrets
    from adapters.system import TravellingClock

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


def open_ids() -> Ids:
    """Random ids."""
    from adapters.system import RandomIds

    return RandomIds()


def open_owner() -> str:
    """This process, as the log of sagas and the seats of meetings name it."""
    from adapters.system import this_process

    return this_process()


def open_gone() -> Callable[[str], bool]:
    """Tells whether another process of this host is known not to run any more."""
    from adapters.system import is_gone

    return is_gone


def open_secrets(settings: Settings) -> "Secrets":
    """The configured secrets; beside a SQLite file those of the data folder, which is made if it is new.

    Raises:
        SettingsError: one is missing, malformed or open to others.
    """
    from adapters.secret_files import SecretError, Secrets, new_secrets, open_secret_files

    configured = settings.configured_secrets()
    folder = settings.data / "secrets"
    try:
        if settings.keeps_memory_only:
            return new_secrets(configured)
        if settings.store == "dynamodb" or settings.database_file is None:
            return Secrets.parse(configured, issues=settings.identity == "local")
        # Asked before the secrets are looked for: the first database file is made after all of them.
        has_data = _has_data(settings, settings.database_file)
        return open_secret_files(folder, configured, has_data=has_data)
    except SecretError as error:
        where = PREFIX + error.name.upper() if error.name in configured else folder / error.name
        raise SettingsError(f"{where} {error.reason}") from None


def open_sealing(secrets: "Secrets") -> Sealing:
    """Sealing under the installation's secrets."""
    from adapters.sealing import open_sealing

    return open_sealing(pepper=secrets.pepper, data_key=secrets.data_key, previous=secrets.data_key_previous)


def open_committed(settings: Settings, wake: threading.Event) -> Callable[[], None]:
    """What follows a commit in this process: sagas are run at once, unless others are to be told of them first."""
    return wake.set if settings.saga_engine == "embedded" else _others_run_them


def _others_run_them() -> None:
    """Executions are begun by what the table streams; what they leave is found by looking."""


def _has_data(settings: Settings, database: Path) -> bool:
    make_folder(settings)
    try:
        return database.exists()
    except OSError as error:
        raise _no_folder(error) from None


def make_folder(settings: Settings) -> None:
    """Make the data folder, for nobody else to look into, unless it is there.

    Raises:
        SettingsError: it cannot be one.
    """
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(error) from None


def _no_folder(error: OSError) -> SettingsError:
    return SettingsError(f"{PREFIX}DATA cannot be used as a folder: {error.strerror}")
