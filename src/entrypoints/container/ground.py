"""What all functions and processes stand on: the settings, secrets, stores, who somebody is, and commits."""

from __future__ import annotations  # what is only written as a type is not loaded

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from dependency_injector import containers, providers
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container import opening, signing_in, storing
from entrypoints.container.video import open_ice_servers, open_video
from entrypoints.settings import Settings
from telemed_core.application.authenticating import Authenticate
from telemed_core.application.committing import Commands, Committing

if TYPE_CHECKING:
    from dependency_injector.providers import Provider

    from telemed_core.ports.meetings import AttendeeTokens, MeetingRooms, Meetings, Signals
    from telemed_core.ports.notices import Feeds, Notices
    from telemed_core.ports.people import Accounts, Attempts, Credentials, Doctors, Patients, Sessions
    from telemed_core.ports.sagas import SagaLog
    from telemed_core.ports.storage import Appointments, Ledger, Ratings, Receipts, Schedules, Texts


class Ground(containers.DeclarativeContainer):
    """Every part is made once, on first use, whichever thread comes first."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    migrate: providers.Dependency[bool] = providers.Dependency(instance_of=bool, default=True)
    clock = Once(opening.open_clock, settings)
    ids = Once(opening.open_ids)
    owner = Once(opening.open_owner)
    gone = Once(opening.open_gone)
    secrets = Once(opening.open_secrets, settings)
    sealing = Once(opening.open_sealing, secrets)
    public_url: Provider[str] = settings.provided.public_url

    closing: Once[ExitStack] = Once(ExitStack)
    close: Provider[None] = closing.provided.close.call()
    stores = Once(storing.open_stores, settings, sealing.provider, closing, migrate.provider)
    accounts: Provider[Accounts] = stores.provided.accounts
    doctors: Provider[Doctors] = stores.provided.doctors
    patients: Provider[Patients] = stores.provided.patients
    schedules: Provider[Schedules] = stores.provided.schedules
    appointments: Provider[Appointments] = stores.provided.appointments
    receipts: Provider[Receipts] = stores.provided.receipts
    texts: Provider[Texts] = stores.provided.texts
    ledger: Provider[Ledger] = stores.provided.ledger
    credentials: Provider[Credentials] = stores.provided.credentials
    sessions: Provider[Sessions] = stores.provided.sessions
    attempts: Provider[Attempts] = stores.provided.attempts
    sagas: Provider[SagaLog] = stores.provided.sagas
    notices: Provider[Notices] = stores.provided.notices
    feeds: Provider[Feeds] = stores.provided.feeds
    meetings: Provider[Meetings] = stores.provided.meetings
    signals: Provider[Signals] = stores.provided.signals
    ratings: Provider[Ratings] = stores.provided.ratings

    issuer = Once(signing_in.open_issuer, secrets)
    tokens = Once(signing_in.open_tokens, settings, issuer.provider)
    identity = Once(signing_in.open_identity, settings, credentials, sessions, ids, issuer.provider, secrets)
    judge_sign_up = Once(signing_in.open_judging)
    cursors = Once(signing_in.open_cursors, secrets)
    authenticate = Once(Authenticate, tokens, sessions, clock)
    video = Once(open_video, settings, secrets.provider, signals)
    meeting_rooms: Provider[MeetingRooms] = video.provided.rooms
    attendee_tokens: Provider[AttendeeTokens] = video.provided.tokens

    wake: Once[threading.Event] = Once(threading.Event)
    """Set by commits of this process: sagas are to be run."""

    committed = Once(opening.open_committed, settings, wake)
    commands = Once(Commands, clock, ids, receipts, committed)
    committing = Once(Committing, appointments, commands)


P = TypeVar("P", bound=Ground)


def open_parts(kind: type[P], settings: Settings, *, migrate: bool = True) -> P:
    """The parts of that kind for this process.

    Args:
        migrate: whether the database is brought to this version when it is opened.

    Raises:
        SettingsError: a setting is not what its adapter takes.
    """
    open_ice_servers(settings)
    return kind(settings=settings, migrate=migrate)
