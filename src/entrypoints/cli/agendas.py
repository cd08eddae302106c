"""Slots, agendas and blocks."""

from collections.abc import Sequence
from pathlib import Path

import click

from entrypoints.cli.acting import acting, acting_as, as_usage, opened
from entrypoints.cli.people import read_body
from entrypoints.cli.running import Options, common
from entrypoints.cli.showing import as_json, local, show_json, show_page, show_table
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import BlockId, DoctorId
from telemed_core.messages.agenda_view import (
    agenda_view,
    block_view,
    created_block_view,
    replaced_agenda_view,
    slots_view,
)
from telemed_core.messages.parsing import parse
from telemed_core.messages.queries import SlotsQuery
from telemed_core.messages.requests import AgendaReplacement, BlockCreation

as_doctor = click.option("--as", "as_", metavar="CRM", required=True, help="The doctor who acts.")


@click.command()
@click.argument("doctor_id", metavar="DOCTOR")
@click.option("--from", "from_", metavar="INSTANT", required=True, help="Starts from then on.")
@click.option("--to", metavar="INSTANT", required=True, help="Starts before then, at most 31 days later.")
@click.option("--as", "as_", metavar="WHO", help="A patient: only starts at which the patient is free too.")
@as_json
@common
def slots(options: Options, doctor_id: str, from_: str, to: str, as_: str | None, json_: bool) -> None:
    """List the free starts of a doctor."""
    with as_usage():
        query = parse(SlotsQuery, {"from": from_, "to": to})
        doctor = DoctorId(doctor_id)
    with opened(options) as container:
        viewer = acting(container, as_)
        schedule, free = container.list_slots()(doctor_id=doctor, within=query.to_interval(), viewer=viewer)
    if json_:
        show_json(slots_view(schedule, free))
    else:
        zone = schedule.agenda.time_zone
        show_table(
            (f"Start ({zone})", "End", "UTC"),
            ((local(slot.start, zone), local(slot.end, zone)[-12:], f"{slot.start:%Y-%m-%dT%H:%MZ}") for slot in free),
            nothing="no free time",
        )


@click.group()
def agenda() -> None:
    """A doctor's agenda, and blocks, during which nothing is offered."""


@agenda.command("show")
@as_doctor
@as_json
@common
def show_agenda(options: Options, as_: str, json_: bool) -> None:
    """Show the agenda."""
    with opened(options) as container:
        schedule = container.show_agenda()(doctor=acting_as(Doctor, container, as_))
    view = agenda_view(schedule)
    if json_:
        show_json(view)
        return
    click.echo(
        f"{view.time_zone}: {view.consultation_minutes} min and {view.buffer_minutes} min after, "
        f"from {view.min_notice_minutes} min to {view.horizon_days} days ahead"
    )
    rows = [(rule.weekday, rule.start, rule.end) for rule in view.weekly]
    rows += [(rule.date, rule.start or "closed", rule.end or "") for rule in view.dates]
    show_table(("Day", "From", "To"), rows, nothing="no windows")


@agenda.command("set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_doctor
@as_json
@common
def set_agenda(options: Options, file: Path, as_: str, json_: bool) -> None:
    """Replace the agenda by the one in FILE (JSON as the API takes it)."""
    body = read_body(AgendaReplacement, file)
    with opened(options) as container:
        doctor = acting_as(Doctor, container, as_)
        version = container.show_agenda()(doctor=doctor).agenda_version
        schedule, affected = container.replace_agenda()(agenda=body.to_agenda(), version=version, doctor=doctor)
    if json_:
        show_json(replaced_agenda_view(schedule, affected))
    else:
        click.echo(f"agenda set; {len(affected)} appointments are outside it{_listed(affected)}")


@agenda.command("block")
@click.argument("start")
@click.argument("end")
@click.option("--reason", metavar="TEXT", help="Read by the doctor alone.")
@click.option("--cancel-appointments", is_flag=True, help="Cancel what the block overlaps.")
@as_doctor
@as_json
@common
def block_time(
    options: Options,
    start: str,
    end: str,
    reason: str | None,
    cancel_appointments: bool,
    as_: str,
    json_: bool,
) -> None:
    """Offer nothing from START to END."""
    with as_usage():
        said = {"start": start, "end": end, "reason": reason, "cancel_appointments": cancel_appointments}
        body = parse(BlockCreation, said)
    with opened(options) as container:
        block, affected = container.block_time()(
            interval=body.to_interval(),
            doctor=acting_as(Doctor, container, as_),
            reason=body.reason,
            cancel_appointments=body.cancel_appointments,
        )
    if json_:
        show_json(created_block_view(block.id, block.interval, affected))
    else:
        click.echo(f"block {block.id}; it overlaps {len(affected)} appointments{_listed(affected)}")


@agenda.command("blocks")
@as_doctor
@as_json
@common
def list_blocks(options: Options, as_: str, json_: bool) -> None:
    """List the blocks that are not over."""
    with opened(options) as container:
        doctor = acting_as(Doctor, container, as_)
        blocks = container.list_blocks()(doctor=doctor)
    if json_:
        show_page(map(block_view, blocks))
    else:
        zone = doctor.time_zone
        rows = ((one.id, local(one.interval.start, zone), local(one.interval.end, zone)) for one in blocks)
        show_table(("ID", "From", "To"), rows, nothing="no blocks")


@agenda.command("unblock")
@click.argument("block_id", metavar="ID")
@as_doctor
@common
def remove_block(options: Options, block_id: str, as_: str) -> None:
    """Remove a block; cancelled appointments stay cancelled."""
    with as_usage():
        block = BlockId(block_id)
    with opened(options) as container:
        container.remove_block()(block_id=block, doctor=acting_as(Doctor, container, as_))
    click.echo("removed")


def _listed(ids: Sequence[str]) -> str:
    return ": " + ", ".join(ids) if ids else ""
