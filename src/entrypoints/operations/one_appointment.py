"""What operations on one appointment have in common: whose it is, who acts, and how it is shown."""

from collections.abc import Sequence
from typing import Any

from entrypoints.operations.operation import Call
from telemed_core.application.booking import Participant, participant
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import Receipt
from telemed_core.messages.appointment_view import AppointmentView, appointment_view


def id_of(call: Call[Any, Any]) -> AppointmentId:
    """Of the appointment in the path."""
    return AppointmentId(call.ids["id"])


def participant_of(call: Call[Any, Any]) -> Participant:
    """Who calls, one of two sides."""
    return participant(call.actor)


def doctor_of(call: Call[Any, Any]) -> Doctor:
    """Who calls; only in operations for doctors."""
    assert isinstance(call.actor, Doctor)  # noqa: S101 # the operation says so
    return call.actor


def patient_of(call: Call[Any, Any]) -> Patient:
    """Who calls; only in operations for patients."""
    assert isinstance(call.actor, Patient)  # noqa: S101 # the operation says so
    return call.actor


def views_of(call: Call[Any, Any], found: Sequence[Appointment], *, listed: bool = False) -> list[AppointmentView]:
    """The appointments with the names and texts that their sides read; ``listed``: without their history."""
    details, url = call.container.describe_appointments()(found), call.container.settings().public_url
    return [
        appointment_view(one, names=details.names, texts=details.texts, public_url=url, listed=listed) for one in found
    ]


def view_of(call: Call[Any, Any], appointment: Appointment) -> AppointmentView:
    """The appointment with its names, texts and history."""
    return views_of(call, [appointment])[0]


def recall(call: Call[Any, Any], receipt: Receipt) -> AppointmentView:
    """The appointment as the command left it that has this receipt."""
    return view_of(call, call.container.recall_appointment()(receipt))
