"""The use cases of an appointment up to its visit: it is asked for, decided on, moved, given up and read."""

from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.ground import Ground
from telemed_core.application.booking import (
    AgreeToReschedule,
    CancelAppointment,
    DeclineReschedule,
    RequestAppointment,
    RescheduleAppointment,
)
from telemed_core.application.deciding import AcceptAppointment, RefuseAppointment
from telemed_core.application.reading_appointments import (
    DescribeAppointments,
    ListAppointments,
    RecallAppointment,
    ShowAppointment,
)


class BookingParts(Ground):
    """What reads and changes appointments."""

    request_appointment = Once(RequestAppointment, Ground.schedules, Ground.committing, Ground.ids)
    accept_appointment = Once(AcceptAppointment, Ground.appointments, Ground.committing)
    refuse_appointment = Once(RefuseAppointment, Ground.appointments, Ground.committing)
    cancel_appointment = Once(CancelAppointment, Ground.appointments, Ground.committing)
    reschedule_appointment = Once(
        RescheduleAppointment, Ground.appointments, Ground.schedules, Ground.committing, Ground.ids
    )
    agree_to_reschedule = Once(AgreeToReschedule, Ground.appointments, Ground.committing)
    decline_reschedule = Once(DeclineReschedule, Ground.appointments, Ground.committing)
    show_appointment = Once(ShowAppointment, Ground.appointments, Ground.clock)
    list_appointments = Once(ListAppointments, Ground.appointments, Ground.clock)
    recall_appointment = Once(RecallAppointment, Ground.appointments)
    describe_appointments = Once(DescribeAppointments, Ground.accounts, Ground.texts)
