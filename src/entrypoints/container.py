"""The composition root: which adapter stands behind each port, and what each use case is made of."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dependency_injector import containers, providers
from dependency_injector.providers import Provider
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.logs import log_alarm
from entrypoints.settings import PREFIX, Settings, SettingsError
from telemed_core.application.agendas import BlockTime, CancelBlocked, ListBlocks, RemoveBlock, ReplaceAgenda
from telemed_core.application.auditing import RepairLedger, VerifyLedger
from telemed_core.application.booking import (
    AgreeToReschedule,
    CancelAppointment,
    DeclineReschedule,
    RequestAppointment,
    RescheduleAppointment,
)
from telemed_core.application.calendars import AppointmentCalendar, OpenFeed, ReadFeed, RevokeFeed
from telemed_core.application.committing import Commands, Committing
from telemed_core.application.deciding import AcceptAppointment, RefuseAppointment
from telemed_core.application.notifying import (
    DeliverNotices,
    ListDeliveries,
    ListNotices,
    Notify,
    ReadNotice,
    ReplayNotice,
)
from telemed_core.application.profiles import ChangeProfile, CloseAccount
from telemed_core.application.reading import (
    DescribeAppointments,
    ListAppointments,
    ListDoctors,
    ListRegistrations,
    ListSlots,
    RecallAppointment,
    RecallBlock,
    RecallVerification,
    ShowAgenda,
    ShowAppointment,
    ShowDoctor,
)
from telemed_core.application.registration import CreateAdministrator, Enrolment, RegisterDoctor, RegisterPatient
from telemed_core.application.resetting import AskReset, ResetPassword
from telemed_core.application.signing_in import Authenticate, ChangePassword, Guard, RefreshSession, SignIn, SignOut
from telemed_core.application.sweeping import Sweep
from telemed_core.application.verification import VerifyDoctor
from telemed_core.application.visiting import CompleteVisit, DeclareAbsence, JoinVisit
from telemed_core.domain.notices import Notice
from telemed_core.domain.sagas import SagaRow
from telemed_core.domain.sessions import Session
from telemed_core.errors import InvalidError
from telemed_core.ports.notices import Calendars, Feeds, Mailer, Notices, Publisher
from telemed_core.ports.people import Accounts, Attempts, Credentials, Doctors, Patients, Sessions
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.services import Identity, Sealing, Tokens
from telemed_core.ports.storage import Appointments, Ledger, Receipts, Schedules, Stores, Texts
from telemed_core.ports.system import Clock, Ids
from telemed_core.saga.operating import CompensateSaga, ListSagas, ResolveSaga, RetrySaga, ShowSaga
from telemed_core.saga.participants import participants
from telemed_core.saga.running import Inline, Participant, RunSagas, TakeOver
from telemed_core.saga.sagas import REGISTRY, Registry

if TYPE_CHECKING:
    from adapters.cursors import Cursors
    from adapters.mailbox import Mailbox
    from adapters.secret_files import Secrets
    from adapters.system import TravellingClock
    from adapters.tokens import Issuer

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
        stores = open_sql(settings.sql_url, sealing=sealing(), migrate=True, pool_size=settings.threads)
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


def open_owner() -> str:
    """This process, as the log of sagas names it."""
    from adapters.system import this_process

    return this_process()


def open_gone() -> Callable[[str], bool]:
    """Tells whether another process of this host is known not to run any more."""
    from adapters.system import is_gone

    return is_gone


def open_participants(
    stores: Stores, identity: Identity, publisher: Publisher, clock: Clock
) -> Mapping[str, Participant]:
    """Who carries out the steps of sagas."""
    return participants(
        appointments=stores.appointments,
        doctors=stores.doctors,
        accounts=stores.accounts,
        identity=identity,
        feeds=stores.feeds,
        log=stores.sagas,
        publisher=publisher,
        clock=clock,
    )


def _alarm_of_saga(row: SagaRow) -> None:
    saga = REGISTRY.find(row)
    step = saga.steps[row.progress.step].name if saga and 0 <= row.progress.step < len(saga.steps) else None
    log_alarm("saga quarantined", saga=row.id, name=row.name, step=step, code=row.progress.error)


def _alarm_of_notice(notice: Notice) -> None:
    log_alarm("delivery dead", notice=notice.id, event=notice.event, kind=notice.kind, code=notice.last_error)


def _pause(length: timedelta) -> None:
    time.sleep(length.total_seconds())


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


class Container(containers.DeclarativeContainer):
    """Every part, made once, on first use, whichever thread comes first."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    clock = Once(open_clock, settings)
    ids = Once(open_ids)
    secrets = Once(open_secrets, settings)
    sealing = Once(open_sealing, secrets)

    closing: Once[ExitStack] = Once(ExitStack)
    close: Provider[None] = closing.provided.close.call()
    stores = Once(open_stores, settings, sealing.provider, closing)
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
    public_url: Provider[str] = settings.provided.public_url
    issuer = Once(open_issuer, secrets)
    tokens = Once(open_tokens, settings, issuer)
    identity = Once(open_identity, credentials, sessions, ids, issuer.provider, secrets)
    cursors = Once(open_cursors, secrets)

    wake: Once[threading.Event] = Once(threading.Event)
    """Set by each commit of this process: sagas are to be run."""

    commands = Once(Commands, clock, ids, receipts, wake.provided.set)
    committing = Once(Committing, appointments, commands)

    mailer = Once(open_mailer, settings)
    email = Once(sends_email, mailer)
    calendars = Once(open_calendars, settings)
    notify = Once(Notify, notices, email)
    publisher = Once(open_publisher, notify)
    deliver_notices = Once(
        DeliverNotices,
        notices,
        accounts,
        identity,
        mailer,
        calendars,
        clock,
        public_url,
        providers.Object(_alarm_of_notice),
    )
    list_notices = Once(ListNotices, notices, accounts)
    read_notice = Once(ReadNotice, notices, clock)
    list_deliveries = Once(ListDeliveries, notices)
    replay_notice = Once(ReplayNotice, notices)

    owner = Once(open_owner)
    registry: Provider[Registry] = providers.Object(REGISTRY)
    alarm: Provider[Callable[[SagaRow], None]] = providers.Object(_alarm_of_saga)
    participants = Once(open_participants, stores, identity, publisher, clock)
    run_sagas = Once(RunSagas, sagas, registry, participants, clock, owner, alarm)
    inline_sagas = Once(Inline, sagas, registry, participants, clock, providers.Object(_pause), alarm)
    take_over = Once(TakeOver, sagas, owner, Once(open_gone))
    list_sagas = Once(ListSagas, sagas)
    show_saga = Once(ShowSaga, sagas, texts, registry)
    retry_saga = Once(RetrySaga, sagas, registry, clock)
    compensate_saga = Once(CompensateSaga, sagas, registry, clock)
    resolve_saga = Once(ResolveSaga, sagas, registry, clock)
    enrolment = Once(Enrolment, accounts, identity, ids, clock, inline_sagas)

    guard = Once(Guard, attempts, sealing)
    sign_in = Once(SignIn, accounts, identity, guard, clock)
    refresh_session = Once(RefreshSession, identity, sessions, clock)
    authenticate = Once(Authenticate, tokens, sessions, clock)
    sign_out = Once(SignOut, identity)
    change_password = Once(ChangePassword, identity, guard, clock)
    ask_reset = Once(AskReset, accounts, notices, clock, email)
    reset_password = Once(ResetPassword, identity, clock)

    register_doctor = Once(RegisterDoctor, enrolment, ids, clock)
    register_patient = Once(RegisterPatient, enrolment, ids, clock)
    create_administrator = Once(CreateAdministrator, enrolment, ids)
    verify_doctor = Once(VerifyDoctor, doctors, commands)
    change_profile = Once(ChangeProfile, accounts, commands)
    close_account = Once(CloseAccount, accounts, patients, appointments, commands)

    cancel_blocked = Once(CancelBlocked, schedules, appointments, committing)
    replace_agenda = Once(ReplaceAgenda, schedules, commands)
    block_time = Once(BlockTime, schedules, commands, cancel_blocked, ids)
    remove_block = Once(RemoveBlock, schedules, commands)
    list_blocks = Once(ListBlocks, schedules, clock)

    request_appointment = Once(RequestAppointment, schedules, committing, ids)
    accept_appointment = Once(AcceptAppointment, appointments, committing)
    refuse_appointment = Once(RefuseAppointment, appointments, committing)
    cancel_appointment = Once(CancelAppointment, appointments, committing)
    reschedule_appointment = Once(RescheduleAppointment, appointments, schedules, committing, ids)
    agree_to_reschedule = Once(AgreeToReschedule, appointments, committing)
    decline_reschedule = Once(DeclineReschedule, appointments, committing)
    join_visit = Once(JoinVisit, appointments, committing)
    declare_absence = Once(DeclareAbsence, appointments, committing)
    complete_visit = Once(CompleteVisit, appointments, committing)

    show_doctor = Once(ShowDoctor, doctors)
    list_doctors = Once(ListDoctors, doctors)
    list_registrations = Once(ListRegistrations, doctors)
    list_slots = Once(ListSlots, schedules, appointments, clock)
    show_agenda = Once(ShowAgenda, schedules)
    show_appointment = Once(ShowAppointment, appointments, clock)
    list_appointments = Once(ListAppointments, appointments, clock)
    recall_appointment = Once(RecallAppointment, appointments)
    recall_verification = Once(RecallVerification, doctors)
    recall_block = Once(RecallBlock, schedules)
    appointment_calendar = Once(AppointmentCalendar, appointments, accounts, calendars, clock, public_url)
    open_feed = Once(OpenFeed, feeds, ids)
    read_feed = Once(ReadFeed, feeds, accounts, appointments, calendars, clock, public_url)
    revoke_feed = Once(RevokeFeed, feeds)
    describe_appointments = Once(DescribeAppointments, accounts, texts)

    sweep = Once(Sweep, appointments, cancel_blocked, attempts, clock, ids)
    verify_ledger = Once(VerifyLedger, ledger)
    repair_ledger = Once(RepairLedger, ledger)


def open_container(settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None) -> Container:
    """The parts of this process; ``clock`` and ``mailer`` in place of those that the settings choose."""
    container = Container(settings=settings)
    if mailer is not None:
        container.mailer.override(providers.Object(mailer))
    if clock is not None:
        container.clock.override(providers.Object(clock))
    return container
