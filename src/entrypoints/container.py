"""The composition root: which adapter stands behind each port, and what each use case is made of."""

from pathlib import Path

from dependency_injector import containers, providers

from entrypoints.settings import Settings, SettingsError
from telemed_core.application.agendas import BlockTime, CancelBlocked, ListBlocks, RemoveBlock, ReplaceAgenda
from telemed_core.application.auditing import RepairLedger, VerifyLedger
from telemed_core.application.booking import (
    AgreeToReschedule,
    CancelAppointment,
    DeclineReschedule,
    RequestAppointment,
    RescheduleAppointment,
)
from telemed_core.application.committing import Commands, Committing
from telemed_core.application.deciding import AcceptAppointment, RefuseAppointment
from telemed_core.application.reading import (
    DescribeAppointments,
    ListAppointments,
    ListDoctors,
    ListSlots,
    RecallAppointment,
    ShowAgenda,
    ShowAppointment,
    ShowDoctor,
)
from telemed_core.application.registration import CreateAdministrator, Enrolment, RegisterDoctor, RegisterPatient
from telemed_core.application.sweeping import Sweep
from telemed_core.application.verification import VerifyDoctor
from telemed_core.application.visiting import CompleteVisit, DeclareAbsence, JoinVisit
from telemed_core.ports.services import Identity, Sealing
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Clock, Ids

# Adapters are imported by the function that opens them: what is not chosen is never loaded.


def open_clock(settings: Settings) -> Clock:
    """The machine's clock, or one that starts at ``TELEMED_AT``."""
    from adapters.system import ShiftedClock, SystemClock

    return SystemClock() if settings.at is None else ShiftedClock(settings.at)


def open_ids() -> Ids:
    """Random ids."""
    from adapters.system import RandomIds

    return RandomIds()


def open_sealing(settings: Settings) -> Sealing:
    """Sealing under the installation's secrets.

    Raises:
        SettingsError: a secret is missing or malformed.
    """
    from adapters.sealing import open_sealing
    from adapters.secret_files import SecretError, open_secret_files, parse_secrets

    configured = settings.configured_secrets()
    try:
        if settings.sql_url.startswith("sqlite"):
            has_data = Path(settings.sql_url.removeprefix("sqlite:///")).exists()
            secrets = open_secret_files(settings.data / "secrets", has_data=has_data, configured=configured)
        else:
            secrets = parse_secrets(configured)
    except SecretError as error:
        raise SettingsError(str(error)) from None
    return open_sealing(pepper=secrets.pepper, data_key=secrets.data_key, previous=secrets.previous_data_key)


def open_stores(settings: Settings) -> Stores:
    """The stores of the profile, migrated."""
    if settings.profile == "memory":
        from adapters.memory import open_memory

        return open_memory()
    from adapters.sql import open_sql

    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_sql(settings.sql_url, sealing=open_sealing(settings))


def open_identity(stores: Stores) -> Identity:
    """Passwords kept in the stores."""
    from adapters.local_identity import open_local_identity

    return open_local_identity(stores.credentials)


class Container(containers.DeclarativeContainer):
    """Each part is made on first use, once."""

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Singleton(open_clock, settings)
    ids = providers.Singleton(open_ids)
    stores = providers.Singleton(open_stores, settings)
    identity = providers.Singleton(open_identity, stores)

    commands = providers.Singleton(Commands, clock, ids, stores.provided.receipts)
    committing = providers.Singleton(Committing, stores.provided.appointments, commands)
    enrolment = providers.Singleton(Enrolment, stores.provided.accounts, identity, ids)

    register_doctor = providers.Singleton(RegisterDoctor, enrolment, ids)
    register_patient = providers.Singleton(RegisterPatient, enrolment, ids, clock)
    create_administrator = providers.Singleton(CreateAdministrator, enrolment, ids)
    verify_doctor = providers.Singleton(VerifyDoctor, stores.provided.doctors, commands)

    replace_agenda = providers.Singleton(ReplaceAgenda, stores.provided.schedules, commands)
    cancel_blocked = providers.Singleton(
        CancelBlocked, stores.provided.schedules, stores.provided.appointments, committing
    )
    block_time = providers.Singleton(BlockTime, stores.provided.schedules, commands, cancel_blocked, ids)
    remove_block = providers.Singleton(RemoveBlock, stores.provided.schedules, commands)
    list_blocks = providers.Singleton(ListBlocks, stores.provided.schedules, clock)

    request_appointment = providers.Singleton(RequestAppointment, stores.provided.schedules, committing, ids)
    accept_appointment = providers.Singleton(AcceptAppointment, stores.provided.appointments, committing)
    refuse_appointment = providers.Singleton(RefuseAppointment, stores.provided.appointments, committing)
    cancel_appointment = providers.Singleton(CancelAppointment, stores.provided.appointments, committing)
    reschedule_appointment = providers.Singleton(
        RescheduleAppointment, stores.provided.appointments, stores.provided.schedules, committing, ids
    )
    agree_to_reschedule = providers.Singleton(AgreeToReschedule, stores.provided.appointments, committing)
    decline_reschedule = providers.Singleton(DeclineReschedule, stores.provided.appointments, committing)
    join_visit = providers.Singleton(JoinVisit, stores.provided.appointments, committing)
    declare_absence = providers.Singleton(DeclareAbsence, stores.provided.appointments, committing)
    complete_visit = providers.Singleton(CompleteVisit, stores.provided.appointments, committing)

    show_doctor = providers.Singleton(ShowDoctor, stores.provided.doctors)
    list_doctors = providers.Singleton(ListDoctors, stores.provided.doctors)
    list_slots = providers.Singleton(ListSlots, stores.provided.schedules, stores.provided.appointments, clock)
    show_agenda = providers.Singleton(ShowAgenda, stores.provided.schedules)
    show_appointment = providers.Singleton(ShowAppointment, stores.provided.appointments, clock)
    list_appointments = providers.Singleton(ListAppointments, stores.provided.appointments, clock)
    recall_appointment = providers.Singleton(RecallAppointment, stores.provided.appointments)
    describe_appointments = providers.Singleton(DescribeAppointments, stores.provided.accounts, stores.provided.texts)

    sweep = providers.Singleton(Sweep, stores.provided.appointments, cancel_blocked, clock, ids)
    verify_ledger = providers.Singleton(VerifyLedger, stores.provided.ledger)
    repair_ledger = providers.Singleton(RepairLedger, stores.provided.ledger)


def open_container(settings: Settings, *, clock: Clock | None = None) -> Container:
    """The parts of this process; ``clock`` in place of the one that the settings choose."""
    container = Container(settings=settings)
    if clock is not None:
        container.clock.override(providers.Object(clock))
    return container
