"""The composition root: which adapter stands behind each port, and what each use case is made of."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

from dependency_injector import containers, providers
from dependency_injector.providers import Provider
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container import opening, running, signing_in, storing, telling
from entrypoints.container.video import open_ice_servers, open_video
from entrypoints.settings import Settings
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
from telemed_core.application.rating import ListRatings, RateVisit, ReadComments, RecallRating, SumRatings
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
from telemed_core.application.signalling import EnterMeeting, FindClosed
from telemed_core.application.signing_in import Authenticate, ChangePassword, Guard, RefreshSession, SignIn, SignOut
from telemed_core.application.sweeping import Sweep
from telemed_core.application.verification import VerifyDoctor
from telemed_core.application.visiting import CompleteVisit, DeclareAbsence, JoinVisit, MeetingRoom
from telemed_core.domain.sagas import SagaRow
from telemed_core.ports.meetings import AttendeeTokens, MeetingRooms, Meetings, Signals
from telemed_core.ports.notices import Feeds, Mailer, Notices
from telemed_core.ports.people import Accounts, Attempts, Credentials, Doctors, Patients, Sessions
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.storage import Appointments, Ledger, Ratings, Receipts, Schedules, Texts
from telemed_core.ports.system import Clock
from telemed_core.saga.operating import CompensateSaga, ListSagas, ResolveSaga, RetrySaga, ShowSaga
from telemed_core.saga.running import Inline, RunSagas, TakeOver
from telemed_core.saga.sagas import REGISTRY, Registry


class Container(containers.DeclarativeContainer):
    """Every part, made once, on first use, whichever thread comes first."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    migrate: providers.Dependency[bool] = providers.Dependency(instance_of=bool, default=True)
    clock = Once(opening.open_clock, settings)
    ids = Once(opening.open_ids)
    secrets = Once(opening.open_secrets, settings)
    sealing = Once(opening.open_sealing, secrets)

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
    public_url: Provider[str] = settings.provided.public_url
    issuer = Once(signing_in.open_issuer, secrets)
    tokens = Once(signing_in.open_tokens, settings, issuer.provider)
    identity = Once(signing_in.open_identity, settings, credentials, sessions, ids, issuer.provider, secrets)
    judge_sign_up = Once(signing_in.open_judging)
    cursors = Once(signing_in.open_cursors, secrets)
    video = Once(open_video, settings, secrets.provider, signals)
    meeting_rooms: Provider[MeetingRooms] = video.provided.rooms
    attendee_tokens: Provider[AttendeeTokens] = video.provided.tokens

    wake: Once[threading.Event] = Once(threading.Event)
    """Set by commits of this process: sagas are to be run."""

    committed = Once(running.open_committed, settings, wake)
    commands = Once(Commands, clock, ids, receipts, committed)
    committing = Once(Committing, appointments, commands)

    mailer = Once(telling.open_mailer, settings)
    email = Once(telling.sends_email, mailer)
    calendars = Once(telling.open_calendars, settings)
    notify = Once(Notify, notices, email)
    publisher = Once(telling.open_publisher, settings, notify)
    take_announcements = Once(telling.open_taking, settings, notify)
    hand_on_records = Once(telling.open_handing_on, notify)
    deliver_notices = Once(
        DeliverNotices,
        notices,
        accounts,
        identity,
        mailer,
        calendars,
        clock,
        public_url,
        providers.Object(running.alarm_of_notice),
    )
    list_notices = Once(ListNotices, notices, accounts)
    read_notice = Once(ReadNotice, notices, clock)
    list_deliveries = Once(ListDeliveries, notices)
    replay_notice = Once(ReplayNotice, notices)

    owner = Once(running.open_owner)
    gone = Once(running.open_gone)
    registry: Provider[Registry] = providers.Object(REGISTRY)
    alarm: Provider[Callable[[SagaRow], None]] = providers.Object(running.alarm_of_saga)
    participants = Once(running.open_participants, stores, identity, publisher, meeting_rooms, clock)
    run_sagas = Once(RunSagas, sagas, registry, participants, clock, owner, alarm)
    inline_sagas = Once(Inline, sagas, registry, participants, clock, providers.Object(running.pause), alarm)
    sagas_begun = Once(running.open_begun)
    start_saga = Once(running.open_start, settings, sagas)
    saga_step = Once(running.open_step, sagas, registry, participants, clock)
    take_over = Once(TakeOver, sagas, owner, gone)
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

    meeting_room = Once(MeetingRoom, meetings, meeting_rooms)
    join_visit = Once(JoinVisit, appointments, committing, meeting_room)
    enter_meeting = Once(EnterMeeting, attendee_tokens, meetings, appointments, accounts, signals, clock, ids, owner)
    find_closed = Once(FindClosed, appointments, clock)
    take_over_seats = Once(TakeOver, signals, owner, gone)
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
    rate_visit = Once(RateVisit, appointments, ratings, commands)
    recall_rating = Once(RecallRating, ratings)
    list_ratings = Once(ListRatings, show_doctor, ratings)
    read_comments = Once(ReadComments, texts)
    sum_ratings = Once(SumRatings, ratings)
    describe_appointments = Once(DescribeAppointments, accounts, texts)

    sweep = Once(Sweep, appointments, cancel_blocked, attempts, clock, ids)
    verify_ledger = Once(VerifyLedger, ledger)
    repair_ledger = Once(RepairLedger, ledger)


def open_container(
    settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None, migrate: bool = True
) -> Container:
    """The parts of this process; ``clock`` and ``mailer`` in place of those that the settings choose.

    Args:
        migrate: whether the database is brought to this version when it is opened.

    Raises:
        SettingsError: a setting is not what its adapter takes.
    """
    open_ice_servers(settings)
    container = Container(settings=settings, migrate=migrate)
    if mailer is not None:
        container.mailer.override(providers.Object(mailer))
    if clock is not None:
        container.clock.override(providers.Object(clock))
    return container
