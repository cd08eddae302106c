"""Doctors, patients and administrators."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from entrypoints.cli.acting import acting, as_usage, opened
from entrypoints.cli.running import Options, common
from entrypoints.cli.showing import as_json, show_json, show_page, show_table
from entrypoints.cli.visits import ratings
from entrypoints.container import Container
from entrypoints.operations import registering
from entrypoints.operations.doctor_ratings import rated, rating_of
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import DoctorId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.people import EmailAddress, Password
from telemed_core.domain.ratings import UNRATED, RatingSum
from telemed_core.messages.account_views import (
    account_view,
    doctor_card_view,
    own_doctor_view,
    patient_view,
    verified_doctor_view,
)
from telemed_core.messages.fields import Request
from telemed_core.messages.parsing import load_json, parse
from telemed_core.messages.queries import DoctorQueueQuery, DoctorsQuery
from telemed_core.messages.requests import DoctorRegistration, PatientRegistration, VerificationDecision
from telemed_core.messages.views import View

R = TypeVar("R", bound=Request)

MOST_AT_ONCE = 100

file_ = click.option(
    "--file",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON as the API takes it, without the password.",
)
the_operator = click.option("--as", "as_", metavar="EMAIL", help="The administrator who acts; left out: the operator.")


def read_body(model: type[R], file: Path, *, signing_in: bool = False) -> R:
    """The request in a file; ``signing_in``: with the password of standard input, if the file has none."""
    # What is wrong is named as the file names it.
    with as_usage(naming=str):
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise click.UsageError(f"the file cannot be read: {error.strerror}") from None
        data = load_json(raw)
        if signing_in and isinstance(data, dict) and "password" not in data:
            data = {**data, "password": read_password()}
        return parse(model, data)


def read_password() -> str:
    """The first line of standard input, or what is typed unseen on a terminal."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError("the password on standard input is not text") from None


@click.group()
def doctors() -> None:
    """Register, list, find and verify doctors."""


@doctors.command("register")
@file_
@as_json
@common
def register_doctor(options: Options, file: Path, json_: bool) -> None:
    """Register a doctor, who then waits for verification; the password comes from standard input."""
    body = read_body(DoctorRegistration, file, signing_in=True)
    with opened(options) as container:
        doctor = registering.register_doctor(container, body)
    if json_:
        show_json(own_doctor_view(doctor, UNRATED))
    else:
        click.echo(f"doctor {doctor.id} ({doctor.crm}) is {doctor.status}")


@doctors.command("list")
@click.option("--status", metavar="STATUS", help="pending_verification, approved, rejected or suspended.")
@the_operator
@as_json
@common
def list_doctors(options: Options, status: str | None, as_: str | None, json_: bool) -> None:
    """List doctors of any status, last registered first (administrators)."""
    with as_usage():
        query = parse(DoctorQueueQuery, {"status": status})
    with opened(options) as container:
        viewer = acting(container, as_)
        found: list[Doctor] = []
        while page := container.list_registrations()(
            viewer=viewer,
            status=query.status,
            after=(found[-1].registered_at, found[-1].id) if found else None,
            limit=MOST_AT_ONCE,
        ):
            found += page
        _show(container, found, own_doctor_view, json_=json_)


@doctors.command("search")
@click.option("--specialty", metavar="CODE", help="Such as cardiology.")
@click.option("--name", metavar="WORDS", help="Each word begins a word of the name.")
@as_json
@common
def search_doctors(options: Options, specialty: str | None, name: str | None, json_: bool) -> None:
    """Find approved doctors."""
    with as_usage():
        query = parse(DoctorsQuery, {"specialty": specialty, "name": name})
    with opened(options) as container:
        found: list[Doctor] = []
        while page := container.list_doctors()(
            specialty=query.specialty, name=query.name, after=found[-1].id if found else None, limit=MOST_AT_ONCE
        ):
            found += page
        _show(container, found, doctor_card_view, json_=json_)


def _show(container: Container, found: list[Doctor], view: Callable[[Doctor, RatingSum], View], *, json_: bool) -> None:
    if json_:
        show_page(rated(container, found, view))
    else:
        show_table(
            ("ID", "CRM", "Name", "Specialties", "Status", "Price", "Rating"),
            rated(container, found, _row),
            nothing="no doctors",
        )


def _row(doctor: Doctor, rating: RatingSum) -> tuple[object, ...]:
    return (
        doctor.id,
        doctor.crm,
        doctor.name,
        ", ".join(doctor.specialties),
        doctor.status,
        f"R$ {doctor.price_cents / 100:.2f}",
        "none yet" if rating.average is None else f"{rating.average:.1f} ({rating.count})",
    )


@doctors.command("verify")
@click.argument("doctor_id", metavar="ID")
@click.option("--decision", required=True, metavar="DECISION", help="approve, reject or suspend.")
@click.option("--reason", metavar="TEXT", help="Required but to approve.")
@the_operator
@as_json
@common
def verify_doctor(
    options: Options, doctor_id: str, decision: str, reason: str | None, as_: str | None, json_: bool
) -> None:
    """Approve, reject or suspend a doctor (administrators)."""
    with as_usage():
        body = parse(VerificationDecision, {"decision": decision, "reason": reason})
        found = DoctorId(doctor_id)
    with opened(options) as container:
        doctor, affected = container.verify_doctor()(
            doctor_id=found, decision=body.decision, reason=body.reason, actor=acting(container, as_)
        )
        rating = rating_of(container, doctor)
    if json_:
        show_json(verified_doctor_view(doctor, rating, affected))
    else:
        click.echo(
            f"doctor {doctor.id} is {doctor.status}; appointments still to come: {', '.join(affected) or 'none'}"
        )


doctors.add_command(ratings)


@click.group()
def patients() -> None:
    """Register patients."""


@patients.command("register")
@file_
@as_json
@common
def register_patient(options: Options, file: Path, json_: bool) -> None:
    """Register a patient; the password comes from standard input."""
    body = read_body(PatientRegistration, file, signing_in=True)
    with opened(options) as container:
        patient = registering.register_patient(container, body)
    if json_:
        show_json(patient_view(patient))
    else:
        click.echo(f"patient {patient.id} is registered")


@click.group()
def admin() -> None:
    """Create administrators."""


@admin.command("create")
@click.argument("email")
@as_json
@common
def create_administrator(options: Options, email: str, json_: bool) -> None:
    """Create an administrator who signs in with EMAIL; the password comes from standard input."""
    with as_usage():
        address, password = EmailAddress.parse(email), Password.parse(read_password())
    with opened(options) as container:
        made = container.create_administrator()(
            email=address, password=password, time_zone=TimeZone("America/Sao_Paulo")
        )
    if json_:
        show_json(account_view(made))
    else:
        click.echo(f"administrator {made.id} is created")
