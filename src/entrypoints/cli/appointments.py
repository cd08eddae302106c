"""The life of an appointment."""

import click

from entrypoints.cli.acting import acting, acting_as, as_anyone, as_usage, opened
from entrypoints.cli.describing import act_on, doctor_of, show_one, the_id, views_of
from entrypoints.cli.running import Options, common
from entrypoints.cli.showing import as_json, local, show_page, show_table
from entrypoints.cli.visits import absence, complete, join, rate
from telemed_core.application.booking import participant
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.patient import Patient
from telemed_core.messages.parsing import parse
from telemed_core.messages.queries import AppointmentsQuery
from telemed_core.messages.requests import (
    Acceptance,
    AppointmentRequest,
    Cancellation,
    ProposalAnswer,
    Refusal,
    Rescheduling,
)

MOST_AT_ONCE = 100


@click.group()
def appointments() -> None:
    """Ask for, answer, move and cancel appointments, and visit."""


@appointments.command("list")
@click.option("--status", multiple=True, metavar="STATUS", help="Only these; may be repeated.")
@click.option("--from", "from_", metavar="INSTANT", help="Starts from then on.")
@click.option("--to", metavar="INSTANT", help="Starts before then.")
@as_anyone
@as_json
@common
def list_appointments(
    options: Options, status: tuple[str, ...], from_: str | None, to: str | None, as_: str, json_: bool
) -> None:
    """List one's appointments by start."""
    with as_usage():
        query = parse(AppointmentsQuery, {"status": status, "from": from_, "to": to})
    with opened(options) as container:
        actor = participant(acting(container, as_))
        found: list[Appointment] = []
        while page := container.list_appointments()(
            actor=actor,
            statuses=query.status,
            starting=query.to_interval(),
            after=(found[-1].visit.start, found[-1].id) if found else None,
            limit=MOST_AT_ONCE,
        ):
            found += page
        views = views_of(container, found)
    if json_:
        show_page(views)
    else:
        zone = actor.time_zone
        show_table(
            ("ID", f"Start ({zone})", "Doctor", "Patient", "Status", "Rev"),
            ((one.id, local(one.start, zone), one.doctor_name, one.patient_name, one.status, one.rev) for one in views),
            nothing="no appointments",
        )


@appointments.command("show")
@the_id
@as_anyone
@as_json
@common
def show(options: Options, appointment_id: str, as_: str, json_: bool) -> None:
    """Show one appointment with its history."""
    act_on(
        options,
        as_,
        lambda container, one, actor: container.show_appointment()(appointment_id=one, actor=actor),
        appointment_id,
        json_=json_,
    )


@appointments.command("request")
@click.argument("doctor_id", metavar="DOCTOR")
@click.argument("start")
@click.option("--reason", metavar="TEXT", help="Read by the doctor; at most 500 characters.")
@as_anyone
@as_json
@common
def request(options: Options, doctor_id: str, start: str, reason: str | None, as_: str, json_: bool) -> None:
    """Ask a doctor for a time (the patient)."""
    with as_usage():
        body = parse(AppointmentRequest, {"doctor_id": doctor_id, "start": start, "reason": reason})
    with opened(options) as container:
        patient = acting_as(Patient, container, as_)
        made = container.request_appointment()(
            doctor_id=body.doctor_id, start=body.start, patient=patient, reason=body.reason
        )
        show_one(container, made, patient, json_=json_)


@appointments.command("accept")
@the_id
@click.option("--rev", required=True, type=int, help="The revision that the doctor saw.")
@as_anyone
@as_json
@common
def accept(options: Options, appointment_id: str, rev: int, as_: str, json_: bool) -> None:
    """Confirm a request (the doctor)."""
    with as_usage():
        body = parse(Acceptance, {"rev": rev})
    act_on(
        options,
        as_,
        lambda container, one, actor: container.accept_appointment()(
            appointment_id=one, rev=body.rev, doctor=doctor_of(actor)
        ),
        appointment_id,
        json_=json_,
    )


@appointments.command("refuse")
@the_id
@click.option("--reason", metavar="TEXT", help="Read by the patient.")
@as_anyone
@as_json
@common
def refuse(options: Options, appointment_id: str, reason: str | None, as_: str, json_: bool) -> None:
    """Refuse a request (the doctor)."""
    with as_usage():
        body = parse(Refusal, {"reason": reason})
    act_on(
        options,
        as_,
        lambda container, one, actor: container.refuse_appointment()(
            appointment_id=one, doctor=doctor_of(actor), reason=body.reason
        ),
        appointment_id,
        json_=json_,
    )


@appointments.command("cancel")
@the_id
@click.option("--reason", metavar="TEXT", required=True, help="3 to 500 characters.")
@as_anyone
@as_json
@common
def cancel(options: Options, appointment_id: str, reason: str, as_: str, json_: bool) -> None:
    """Cancel before the start (either side)."""
    with as_usage():
        body = parse(Cancellation, {"reason": reason})
    act_on(
        options,
        as_,
        lambda container, one, actor: container.cancel_appointment()(
            appointment_id=one, reason=body.reason, actor=actor
        ),
        appointment_id,
        json_=json_,
    )


@appointments.command("reschedule")
@the_id
@click.argument("start")
@as_anyone
@as_json
@common
def reschedule(options: Options, appointment_id: str, start: str, as_: str, json_: bool) -> None:
    """Move a request (the patient), or propose another time for a confirmed visit (either side)."""
    with as_usage():
        body = parse(Rescheduling, {"start": start})
    act_on(
        options,
        as_,
        lambda container, one, actor: container.reschedule_appointment()(
            appointment_id=one, start=body.start, actor=actor
        ),
        appointment_id,
        json_=json_,
    )


the_proposal = click.option(
    "--proposal", "proposal_id", required=True, metavar="ID", help="As the appointment shows it."
)


@appointments.command("agree")
@the_id
@the_proposal
@as_anyone
@as_json
@common
def agree(options: Options, appointment_id: str, proposal_id: str, as_: str, json_: bool) -> None:
    """Take the proposed time (the other side)."""
    with as_usage():
        body = parse(ProposalAnswer, {"proposal_id": proposal_id})
    act_on(
        options,
        as_,
        lambda container, one, actor: container.agree_to_reschedule()(
            appointment_id=one, proposal_id=body.proposal_id, actor=actor
        ),
        appointment_id,
        json_=json_,
    )


@appointments.command("decline")
@the_id
@the_proposal
@as_anyone
@as_json
@common
def decline(options: Options, appointment_id: str, proposal_id: str, as_: str, json_: bool) -> None:
    """Keep the present time (either side)."""
    with as_usage():
        body = parse(ProposalAnswer, {"proposal_id": proposal_id})
    act_on(
        options,
        as_,
        lambda container, one, actor: container.decline_reschedule()(
            appointment_id=one, proposal_id=body.proposal_id, actor=actor
        ),
        appointment_id,
        json_=json_,
    )


for command in (join, absence, complete, rate):
    appointments.add_command(command)
