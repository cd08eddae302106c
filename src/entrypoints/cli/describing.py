"""How commands act on one appointment, and print it."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import click

from entrypoints.cli.acting import acting, as_usage, opened
from entrypoints.cli.running import Options
from entrypoints.cli.showing import local, show_json, show_table
from entrypoints.container import Container
from telemed_core.application.booking import Participant, participant
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.errors import ForbiddenError
from telemed_core.messages.appointment_view import AppointmentView, appointment_view

the_id = click.argument("appointment_id", metavar="ID")


def doctor_of(actor: Participant) -> Doctor:
    """Who acts.

    Raises:
        ForbiddenError: not a doctor.
    """
    if not isinstance(actor, Doctor):
        raise ForbiddenError
    return actor


def patient_of(actor: Participant) -> Patient:
    """Who acts.

    Raises:
        ForbiddenError: not a patient.
    """
    if not isinstance(actor, Patient):
        raise ForbiddenError
    return actor


@contextmanager
def on_appointment(
    options: Options, who: str, appointment_id: str
) -> Iterator[tuple[Container, AppointmentId, Participant]]:
    """The parts of this process, the appointment that is meant, and who acts."""
    with as_usage():
        one = AppointmentId(appointment_id)
    with opened(options) as container:
        yield container, one, participant(acting(container, who))


def act_on(
    options: Options,
    who: str,
    use_case: Callable[[Container, AppointmentId, Participant], Appointment],
    appointment_id: str,
    *,
    json_: bool,
) -> None:
    """Call a use case on one appointment and print what it left."""
    with on_appointment(options, who, appointment_id) as (container, one, actor):
        show_one(container, use_case(container, one, actor), actor, json_=json_)


def views_of(container: Container, found: Collection[Appointment]) -> list[AppointmentView]:
    """The appointments with the names and texts that their sides read."""
    details, url = container.describe_appointments()(found), container.settings().public_url
    return [appointment_view(one, names=details.names, texts=details.texts, public_url=url) for one in found]


def show_one(container: Container, appointment: Appointment, actor: Participant, *, json_: bool) -> None:
    """Print one appointment, in the time zone of who acts."""
    (view,) = views_of(container, [appointment])
    if json_:
        show_json(view)
    else:
        show_table(("Appointment", view.id), _rows(view, actor.time_zone), nothing="")


def _rows(view: AppointmentView, zone: str) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("doctor", f"{view.doctor_name} ({view.doctor_id})"),
        ("patient", f"{view.patient_name} ({view.patient_id})"),
        ("start", local(view.start, zone)),
        ("end", local(view.end, zone)),
        ("status", view.status),
        ("revision", view.rev),
        ("price", f"R$ {view.price_cents / 100:.2f}"),
    ]
    if view.status == Status.REQUESTED:
        rows.append(("to be answered by", local(view.decision_deadline, zone)))
    if view.proposal:
        rows.append(("proposal", view.proposal.id))
        rows.append(("proposed start", f"{local(view.proposal.start, zone)}, by the {view.proposal.by}"))
        rows.append(("to be agreed by", local(view.proposal.expires_at, zone)))
    optional = {
        "reason": view.reason,
        "refusal reason": view.refusal_reason,
        "cancelled by": view.cancelled_by,
        "cancel reason": view.cancel_reason,
        "absent": view.absent,
        "join": view.join_url,
    }
    rows += [(name, value) for name, value in optional.items() if value]
    rows += [
        ("" if number else "history", f"{local(one.at, zone)}  {one.event} by {one.by}")
        for number, one in enumerate(view.history or ())
    ]
    return rows
