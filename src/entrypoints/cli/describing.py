"""How one appointment is printed."""

from collections.abc import Collection

from entrypoints.cli.showing import local, show_json, show_table
from entrypoints.container import Container
from telemed_core.application.booking import Participant
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.status import Status
from telemed_core.messages.appointment_view import AppointmentView, appointment_view


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
