"""The visit itself: how its sides meet, how it ends, and what patients think of it."""

import click

from entrypoints.cli.acting import acting, as_anyone, as_usage, opened, the_administrator
from entrypoints.cli.describing import act_on, doctor_of, on_appointment, patient_of, the_id
from entrypoints.cli.running import Options, common
from entrypoints.cli.showing import as_json, local, show_json, show_page, show_table
from telemed_core.domain.ids import DoctorId
from telemed_core.domain.ratings import Rating
from telemed_core.messages.meetings import VisitRating, joined_view, rating_views
from telemed_core.messages.parsing import parse

MOST_AT_ONCE = 100


@click.command("join")
@the_id
@as_anyone
@as_json
@common
def join(options: Options, appointment_id: str, as_: str, json_: bool) -> None:
    """Be present at a visit, and get one's way into its meeting (either side)."""
    with on_appointment(options, as_, appointment_id) as (container, one, actor):
        joined = container.join_visit()(appointment_id=one, actor=actor)
    if json_:
        show_json(joined_view(joined.appointment, joined.room, joined.attendee))
    else:
        # A person's token is for that person's browser: a table does without it.
        rows = (
            ("status", joined.appointment.status),
            ("provider", joined.room.provider),
            ("meeting", joined.room.id),
            ("attendee", joined.attendee.id),
            ("open until", local(joined.appointment.closes_at, actor.time_zone)),
        )
        show_table(("Appointment", joined.appointment.id), rows, nothing="")


@click.command("absence")
@the_id
@as_anyone
@as_json
@common
def absence(options: Options, appointment_id: str, as_: str, json_: bool) -> None:
    """Say that the other side did not come (a side that has joined)."""
    act_on(
        options,
        as_,
        lambda container, one, actor: container.declare_absence()(appointment_id=one, actor=actor),
        appointment_id,
        json_=json_,
    )


@click.command("complete")
@the_id
@as_anyone
@as_json
@common
def complete(options: Options, appointment_id: str, as_: str, json_: bool) -> None:
    """End a visit that is in progress (the doctor)."""
    act_on(
        options,
        as_,
        lambda container, one, actor: container.complete_visit()(appointment_id=one, doctor=doctor_of(actor)),
        appointment_id,
        json_=json_,
    )


@click.command("rate")
@the_id
@click.argument("score", type=int)
@click.option("--comment", metavar="TEXT", help="Read by everyone; at most 500 characters.")
@as_anyone
@as_json
@common
def rate(options: Options, appointment_id: str, score: int, comment: str | None, as_: str, json_: bool) -> None:
    """Give a completed visit a SCORE from 1 to 5, once (the patient)."""
    with as_usage():
        body = parse(VisitRating, {"score": score, "comment": comment})
    with on_appointment(options, as_, appointment_id) as (container, one, actor):
        rating = container.rate_visit()(
            appointment_id=one, patient=patient_of(actor), score=body.score, comment=body.comment
        )
        (view,) = rating_views([rating], container.read_comments()([rating]))
    if json_:
        show_json(view)
    else:
        click.echo(f"appointment {rating.appointment_id} is rated {rating.score}")


@click.command("ratings")
@click.argument("doctor_id", metavar="DOCTOR")
@the_administrator
@as_json
@common
def ratings(options: Options, doctor_id: str, as_: str | None, json_: bool) -> None:
    """List what patients thought of their visits to a doctor, newest first."""
    with as_usage():
        doctor = DoctorId(doctor_id)
    with opened(options) as container:
        viewer = acting(container, as_)
        found: list[Rating] = []
        while page := container.list_ratings()(
            doctor_id=doctor,
            viewer=viewer,
            after=(found[-1].at, found[-1].appointment_id) if found else None,
            limit=MOST_AT_ONCE,
        ):
            found += page
        views = rating_views(found, container.read_comments()(found))
    if json_:
        show_page(views)
    else:
        show_table(
            ("Score", f"Rated ({viewer.time_zone})", "Comment"),
            ((one.score, local(one.created_at, viewer.time_zone), one.comment) for one in views),
            nothing="no ratings",
        )
