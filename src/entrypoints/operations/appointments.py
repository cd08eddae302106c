"""The life of an appointment, from the request to its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from entrypoints.operations.one_appointment import (
    doctor_of,
    id_of,
    participant_of,
    patient_of,
    recall,
    view_of,
    views_of,
)
from entrypoints.operations.operation import DOCTORS, PARTICIPANTS, PATIENTS, Call, Operation
from entrypoints.operations.pages import page_of
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.ids import AppointmentId
from telemed_core.errors import (
    BeyondHorizonError,
    DeadlinePassedError,
    InvalidTransitionError,
    LicenceInactiveError,
    NotFoundError,
    PatientBusyError,
    ProposalExistsError,
    SelfBookingError,
    SlotNotOfferedError,
    SlotTakenError,
    StaleRevisionError,
    TooManyPendingError,
    TooSoonError,
)
from telemed_core.messages.appointment_view import AppointmentView
from telemed_core.messages.queries import AppointmentsQuery
from telemed_core.messages.requests import (
    Acceptance,
    AppointmentRequest,
    Cancellation,
    ProposalAnswer,
    Refusal,
    Rescheduling,
)
from telemed_core.messages.views import Page, View

_BOOKING: Final = (
    TooSoonError,
    BeyondHorizonError,
    SlotNotOfferedError,
    PatientBusyError,
    SlotTakenError,
)
_DECIDING: Final = (DeadlinePassedError, InvalidTransitionError)


def _request(call: Call[AppointmentRequest, None]) -> View:
    made = call.container.request_appointment()(
        doctor_id=call.body.doctor_id,
        start=call.body.start,
        patient=patient_of(call),
        reason=call.body.reason,
        idempotency=call.idempotency,
    )
    return view_of(call, made)


def _list(call: Call[None, AppointmentsQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[Appointment]:
        return call.container.list_appointments()(
            actor=participant_of(call),
            statuses=call.query.status,
            starting=call.query.to_interval(),
            after=None if after is None else (datetime.fromisoformat(after[0]), AppointmentId(after[1])),
            limit=limit,
        )

    return page_of(
        call,
        read,
        position=lambda one: [one.visit.start.isoformat(), one.id],
        view=lambda found: views_of(call, found, listed=True),
    )


def _show(call: Call[None, None]) -> View:
    return view_of(call, call.container.show_appointment()(appointment_id=id_of(call), actor=participant_of(call)))


def _accept(call: Call[Acceptance, None]) -> View:
    accepted = call.container.accept_appointment()(
        appointment_id=id_of(call), rev=call.body.rev, doctor=doctor_of(call), idempotency=call.idempotency
    )
    return view_of(call, accepted)


def _refuse(call: Call[Refusal, None]) -> View:
    refused = call.container.refuse_appointment()(
        appointment_id=id_of(call), doctor=doctor_of(call), reason=call.body.reason, idempotency=call.idempotency
    )
    return view_of(call, refused)


def _cancel(call: Call[Cancellation, None]) -> View:
    cancelled = call.container.cancel_appointment()(
        appointment_id=id_of(call), reason=call.body.reason, actor=participant_of(call), idempotency=call.idempotency
    )
    return view_of(call, cancelled)


def _reschedule(call: Call[Rescheduling, None]) -> View:
    rescheduled = call.container.reschedule_appointment()(
        appointment_id=id_of(call), start=call.body.start, actor=participant_of(call), idempotency=call.idempotency
    )
    return view_of(call, rescheduled)


def _agree(call: Call[ProposalAnswer, None]) -> View:
    agreed = call.container.agree_to_reschedule()(
        appointment_id=id_of(call),
        proposal_id=call.body.proposal_id,
        actor=participant_of(call),
        idempotency=call.idempotency,
    )
    return view_of(call, agreed)


def _decline(call: Call[ProposalAnswer, None]) -> View:
    declined = call.container.decline_reschedule()(
        appointment_id=id_of(call),
        proposal_id=call.body.proposal_id,
        actor=participant_of(call),
        idempotency=call.idempotency,
    )
    return view_of(call, declined)


OPERATIONS: Final = (
    Operation(
        name="request_appointment",
        method="POST",
        path="/v1/appointments",
        about="Ask a doctor for a time, which is held until it is answered or the deadline passes.",
        tag="appointments",
        roles=PATIENTS,
        status=201,
        body=AppointmentRequest,
        view=AppointmentView,
        refusals=(NotFoundError, SelfBookingError, TooManyPendingError, *_BOOKING),
        act=_request,
        replay=recall,
        links={
            "show_appointment": "id",
            "accept_appointment": "id",
            "refuse_appointment": "id",
            "cancel_appointment": "id",
            "reschedule_appointment": "id",
        },
    ),
    Operation(
        name="list_appointments",
        method="GET",
        path="/v1/appointments",
        about="One's own appointments by start, without their history.",
        tag="appointments",
        roles=PARTICIPANTS,
        query=AppointmentsQuery,
        view=Page[AppointmentView],
        act=_list,
    ),
    Operation(
        name="show_appointment",
        method="GET",
        path="/v1/appointments/{id}",
        about="One of one's own appointments, with its history.",
        tag="appointments",
        roles=PARTICIPANTS,
        view=AppointmentView,
        act=_show,
    ),
    Operation(
        name="accept_appointment",
        method="POST",
        path="/v1/appointments/{id}/accept",
        about="The doctor confirms what they saw.",
        tag="appointments",
        roles=DOCTORS,
        body=Acceptance,
        view=AppointmentView,
        refusals=(LicenceInactiveError, StaleRevisionError, *_DECIDING),
        act=_accept,
        replay=recall,
        links={
            "show_appointment": "id",
            "cancel_appointment": "id",
            "reschedule_appointment": "id",
            "join_visit": "id",
        },
    ),
    Operation(
        name="refuse_appointment",
        method="POST",
        path="/v1/appointments/{id}/refuse",
        about="The doctor says no, with a reason that the patient reads, or without.",
        tag="appointments",
        roles=DOCTORS,
        body=Refusal,
        view=AppointmentView,
        refusals=_DECIDING,
        act=_refuse,
        replay=recall,
    ),
    Operation(
        name="cancel_appointment",
        method="POST",
        path="/v1/appointments/{id}/cancel",
        about="Either side gives the appointment up before it starts, and says why.",
        tag="appointments",
        roles=PARTICIPANTS,
        body=Cancellation,
        view=AppointmentView,
        refusals=_DECIDING,
        act=_cancel,
        replay=recall,
    ),
    Operation(
        name="reschedule_appointment",
        method="POST",
        path="/v1/appointments/{id}/reschedule",
        about="The patient moves a request at once; either side proposes another time for a confirmed visit.",
        tag="appointments",
        roles=PARTICIPANTS,
        body=Rescheduling,
        view=AppointmentView,
        refusals=(LicenceInactiveError, ProposalExistsError, *_DECIDING, *_BOOKING),
        act=_reschedule,
        replay=recall,
        links={"agree_to_reschedule": "id", "decline_reschedule": "id"},
    ),
    Operation(
        name="agree_to_reschedule",
        method="POST",
        path="/v1/appointments/{id}/proposal/accept",
        about="The other side takes the proposed time.",
        tag="appointments",
        roles=PARTICIPANTS,
        body=ProposalAnswer,
        view=AppointmentView,
        refusals=(LicenceInactiveError, InvalidTransitionError),
        act=_agree,
        replay=recall,
    ),
    Operation(
        name="decline_reschedule",
        method="POST",
        path="/v1/appointments/{id}/proposal/decline",
        about="Either side closes a proposal; the visit keeps its time.",
        tag="appointments",
        roles=PARTICIPANTS,
        body=ProposalAnswer,
        view=AppointmentView,
        refusals=(InvalidTransitionError,),
        act=_decline,
        replay=recall,
    ),
)
