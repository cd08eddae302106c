"""All parts: what the web server and the command line are made of."""

from dependency_injector import providers
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.booking import BookingParts
from entrypoints.container.ground import Ground, open_parts
from entrypoints.container.notices import NoticeParts
from entrypoints.container.sagas import SagaParts
from entrypoints.container.sweeping import SweepParts
from entrypoints.settings import Settings
from telemed_core.application.auditing import RepairLedger, VerifyLedger
from telemed_core.application.calendars import AppointmentCalendar, OpenFeed, ReadFeed, RevokeFeed
from telemed_core.application.notifying import ListDeliveries, ListNotices, ReadNotice, ReplayNotice
from telemed_core.application.profiles import ChangeProfile, CloseAccount
from telemed_core.application.rating import ListRatings, RateVisit, ReadComments, RecallRating, SumRatings
from telemed_core.application.reading import ListDoctors, ListRegistrations, RecallVerification, ShowDoctor
from telemed_core.application.registration import CreateAdministrator, Enrolment, RegisterDoctor, RegisterPatient
from telemed_core.application.resetting import AskReset, ResetPassword
from telemed_core.application.signalling import EnterMeeting, FindClosed
from telemed_core.application.signing_in import ChangePassword, Guard, RefreshSession, SignIn, SignOut
from telemed_core.application.verification import VerifyDoctor
from telemed_core.application.visiting import CompleteVisit, DeclareAbsence, JoinVisit, MeetingRoom
from telemed_core.ports.notices import Mailer
from telemed_core.ports.system import Clock
from telemed_core.saga.operating import CompensateSaga, ListSagas, ResolveSaga, RetrySaga, ShowSaga
from telemed_core.saga.running import TakeOver


class Container(BookingParts, SweepParts):
    """What functions are made of, and all that none of them has."""

    list_notices = Once(ListNotices, Ground.notices, Ground.accounts)
    read_notice = Once(ReadNotice, Ground.notices, Ground.clock)
    list_deliveries = Once(ListDeliveries, Ground.notices)
    replay_notice = Once(ReplayNotice, Ground.notices)

    take_over = Once(TakeOver, Ground.sagas, Ground.owner, Ground.gone)
    list_sagas = Once(ListSagas, Ground.sagas)
    show_saga = Once(ShowSaga, Ground.sagas, Ground.texts, SagaParts.registry)
    retry_saga = Once(RetrySaga, Ground.sagas, SagaParts.registry, Ground.clock)
    compensate_saga = Once(CompensateSaga, Ground.sagas, SagaParts.registry, Ground.clock)
    resolve_saga = Once(ResolveSaga, Ground.sagas, SagaParts.registry, Ground.clock)

    guard = Once(Guard, Ground.attempts, Ground.sealing)
    sign_in = Once(SignIn, Ground.accounts, Ground.identity, guard, Ground.clock)
    refresh_session = Once(RefreshSession, Ground.identity, Ground.sessions, Ground.clock)
    sign_out = Once(SignOut, Ground.identity)
    change_password = Once(ChangePassword, Ground.identity, guard, Ground.clock)
    ask_reset = Once(AskReset, Ground.accounts, Ground.notices, Ground.clock, NoticeParts.email)
    reset_password = Once(ResetPassword, Ground.identity, Ground.clock)

    enrolment = Once(Enrolment, Ground.accounts, Ground.identity, Ground.ids, Ground.clock, SagaParts.inline_sagas)
    register_doctor = Once(RegisterDoctor, enrolment, Ground.ids, Ground.clock)
    register_patient = Once(RegisterPatient, enrolment, Ground.ids, Ground.clock)
    create_administrator = Once(CreateAdministrator, enrolment, Ground.ids)
    verify_doctor = Once(VerifyDoctor, Ground.doctors, Ground.commands)
    recall_verification = Once(RecallVerification, Ground.doctors)
    change_profile = Once(ChangeProfile, Ground.accounts, Ground.commands)
    close_account = Once(CloseAccount, Ground.accounts, Ground.patients, Ground.appointments, Ground.commands)
    show_doctor = Once(ShowDoctor, Ground.doctors)
    list_doctors = Once(ListDoctors, Ground.doctors)
    list_registrations = Once(ListRegistrations, Ground.doctors)

    meeting_room = Once(MeetingRoom, Ground.meetings, Ground.meeting_rooms)
    join_visit = Once(JoinVisit, Ground.appointments, Ground.committing, meeting_room)
    enter_meeting = Once(
        EnterMeeting,
        Ground.attendee_tokens,
        Ground.meetings,
        Ground.appointments,
        Ground.accounts,
        Ground.signals,
        Ground.clock,
        Ground.ids,
        Ground.owner,
    )
    find_closed = Once(FindClosed, Ground.appointments, Ground.clock)
    take_over_seats = Once(TakeOver, Ground.signals, Ground.owner, Ground.gone)
    declare_absence = Once(DeclareAbsence, Ground.appointments, Ground.committing)
    complete_visit = Once(CompleteVisit, Ground.appointments, Ground.committing)

    appointment_calendar = Once(
        AppointmentCalendar,
        Ground.appointments,
        Ground.accounts,
        NoticeParts.calendars,
        Ground.clock,
        Ground.public_url,
    )
    open_feed = Once(OpenFeed, Ground.feeds, Ground.ids)
    read_feed = Once(
        ReadFeed,
        Ground.feeds,
        Ground.accounts,
        Ground.appointments,
        NoticeParts.calendars,
        Ground.clock,
        Ground.public_url,
    )
    revoke_feed = Once(RevokeFeed, Ground.feeds)
    rate_visit = Once(RateVisit, Ground.appointments, Ground.ratings, Ground.commands)
    recall_rating = Once(RecallRating, Ground.ratings)
    list_ratings = Once(ListRatings, show_doctor, Ground.ratings)
    read_comments = Once(ReadComments, Ground.texts)
    sum_ratings = Once(SumRatings, Ground.ratings)

    verify_ledger = Once(VerifyLedger, Ground.ledger)
    repair_ledger = Once(RepairLedger, Ground.ledger)


def open_container(
    settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None, migrate: bool = True
) -> Container:
    """The parts of this process; ``clock`` and ``mailer`` in place of those that the settings choose.

    Args:
        migrate: whether the database is brought to this version when it is opened.

    Raises:
        SettingsError: a setting is not what its adapter takes.
    """
    container = open_parts(Container, settings, migrate=migrate)
    if mailer is not None:
        container.mailer.override(providers.Object(mailer))
    if clock is not None:
        container.clock.override(providers.Object(clock))
    return container
