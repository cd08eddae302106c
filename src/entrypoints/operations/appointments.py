"""The life of an appointment, from the request to its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from entrypoints.operations.operation import DOCTORS, PARTICIPANTS, PATIENTS, Call, Operation
from entrypoints.operations.pages import page_of
from telemed_core.application.booking import Participant, participant
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import Receipt
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
from telemed_core.messages.appointment_view import AppointmentView, appointment_view
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


def _views(call: Call[Any, Any], found: Sequence[Appointment], *, listed: bool = False) -> list[AppointmentView]:
    details, url = call.container.describe_appointments()(found), call.container.settings().public_url
    return [
        appointment_view(one, names=details.names, texts=details.texts, public_url=url, listed=listed) for one in found
    ]


def _view(call: Call[Any, Any], appointment: Appointment) -> View:
    return _views(call, [appointment])[0]


def _id(call: Call[Any, Any]) -> AppointmentId:
    return AppointmentId(call.ids["id"])


def _actor(call: Call[Any, Any]) -> Participant:
    return participant(call.actor)


def _doctor(call: Call[Any, Any]) -> Doctor:
    assert isinstance(call.actor, Doctor)  # noqa: S101 # the operation is for doctors
    return call.actor


def _recall(call: Call[Any, Any], receipt: Receipt) -> View:
    return _view(call, call.container.recall_appointment()(receipt))


def _request(call: Call[AppointmentRequest, None]) -> View:
    patient = call.actor
    assert isinstance(patient, Patient)  # noqa: S101 # the operation is for patients
    made = call.container.request_appointment()(
        doctor_id=call.body.doctor_id,
        start=call.body.start,
        patient=patient,
        reason=call.body.reason,
        idempotency=call.idempotency,
    )
    return _view(call, made)


def _list(call: Call[None, AppointmentsQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[Appointment]:
        return call.container.list_appointments()(
            actor=_actor(call),
            statuses=call.query.status,
            starting=call.query.to_interval(),
            after=None if after is None else (datetime.fromisoformat(after[0]), AppointmentId(after[1])),
            limit=limit,
        )

    return page_of(
        call,
        read,
        position=lambda one: [one.visit.start.isoformat(), one.id],
        view=lambda found: _views(call, found, listed=True),
    )


def _show(call: Call[None, None]) -> View:
    return _view(call, call.container.show_appointment()(appointment_id=_id(call), actor=_actor(call)))


def _accept(call: Call[Acceptance, None]) -> View:
    accepted = call.container.accept_appointment()(
        appointment_id=_id(call), rev=call.body.rev, doctor=_doctor(call), idempotency=call.idempotency
    )
    return _view(call, accepted)


def _refuse(call: Call[Refusal, None]) -> View:
    refused = call.container.refuse_appointment()(
        appointment_id=_id(call), doctor=_doctor(call), reason=call.body.reason, idempotency=call.idempotency
    )
    return _view(call, refused)


def _cancel(call: Call[Cancellation, None]) -> View:
    cancelled = call.container.cancel_appointment()(
        appointment_id=_id(call), reason=call.body.reason, actor=_actor(call), idempotency=call.idempotency
    )
    return _view(call, cancelled)


def _reschedule(call: Call[Rescheduling, None]) -> View:
    rescheduled = call.container.reschedule_appointment()(
        appointment_id=_id(call), start=call.body.start, actor=_actor(call), idempotency=call.idempotency
    )
    return _view(call, rescheduled)


def _agree(call: Call[ProposalAnswer, None]) -> View:
    agreed = call.container.agree_to_reschedule()(
        appointment_id=_id(call),
        proposal_id=call.body.proposal_id,
        actor=_actor(call),
        idempotency=call.idempotency,
    )
    return _view(call, agreed)


def _decline(call: Call[ProposalAnswer, None]) -> View:
    declined = call.container.decline_reschedule()(
        appointment_id=_id(call),
        proposal_id=call.body.proposal_id,
        actor=_actor(call),
        idempotency=call.idempotency,
    )
    return _view(call, declined)


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
        replay=_recall,
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
        replay=_recall,
        links={"show_appointment": "id", "cancel_appointment": "id", "reschedule_appointment": "id"},
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
        replay=_recall,
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
        replay=_recall,
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
        replay=_recall,
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
        replay=_recall,
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
        replay=_recall,
    ),
)
