"""Doctors: how they are found, what they offer, and how they are verified."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from entrypoints.operations.doctor_ratings import rated, rating_of
from entrypoints.operations.languages import language_of
from entrypoints.operations.operation import ADMINISTRATORS, ANYONE, SIGNED_IN, Answer, Call, Operation
from entrypoints.operations.pages import page_of
from entrypoints.operations.slots import LIST_SLOTS
from telemed_core.domain.accounts import Administrator
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.ratings import Rating
from telemed_core.domain.receipts import Receipt
from telemed_core.errors import InvalidTransitionError
from telemed_core.messages.account_views import (
    DoctorCardView,
    DoctorView,
    OwnDoctorView,
    SpecialtiesView,
    VerifiedDoctorView,
    doctor_card_view,
    doctor_view,
    own_doctor_view,
    specialties_view,
    verified_doctor_view,
)
from telemed_core.messages.meetings import RatingsQuery, RatingView, rating_views
from telemed_core.messages.queries import DoctorQueueQuery, DoctorsQuery
from telemed_core.messages.requests import VerificationDecision
from telemed_core.messages.views import Page, View


def _list_specialties(call: Call[None, None]) -> Answer:
    language = language_of(call.headers)
    return Answer(specialties_view(language), {"Content-Language": language, "Vary": "Accept-Language"})


def _list(call: Call[None, DoctorsQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[Doctor]:
        return call.container.list_doctors()(
            specialty=call.query.specialty,
            name=call.query.name,
            after=None if after is None else DoctorId(after[0]),
            limit=limit,
        )

    return page_of(
        call, read, position=lambda one: [one.id], view=lambda found: rated(call.container, found, doctor_card_view)
    )


def _list_registrations(call: Call[None, DoctorQueueQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[Doctor]:
        behind = None if after is None else (datetime.fromisoformat(after[0]), DoctorId(after[1]))
        return call.container.list_registrations()(
            viewer=call.actor, status=call.query.status, after=behind, limit=limit
        )

    return page_of(
        call,
        read,
        position=lambda one: [one.registered_at.isoformat(), one.id],
        view=lambda found: rated(call.container, found, own_doctor_view),
    )


def _show(call: Call[None, None]) -> View:
    doctor = call.container.show_doctor()(doctor_id=DoctorId(call.ids["id"]), viewer=call.actor)
    own = isinstance(call.actor, Administrator) or call.actor.id == doctor.id
    return (own_doctor_view if own else doctor_view)(doctor, rating_of(call.container, doctor))


def _list_ratings(call: Call[None, RatingsQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[Rating]:
        return call.container.list_ratings()(
            doctor_id=DoctorId(call.ids["id"]),
            viewer=call.actor,
            after=None if after is None else (datetime.fromisoformat(after[0]), AppointmentId(after[1])),
            limit=limit,
        )

    return page_of(
        call,
        read,
        position=lambda one: [one.at.isoformat(), one.appointment_id],
        view=lambda found: rating_views(found, call.container.read_comments()(found)),
    )


def _verify(call: Call[VerificationDecision, None]) -> View:
    doctor, affected = call.container.verify_doctor()(
        doctor_id=DoctorId(call.ids["id"]),
        decision=call.body.decision,
        reason=call.body.reason,
        actor=call.actor,
        idempotency=call.idempotency,
    )
    return verified_doctor_view(doctor, rating_of(call.container, doctor), affected)


def _recall_verification(call: Call[VerificationDecision, None], receipt: Receipt) -> View:
    doctor, affected = call.container.recall_verification()(receipt)
    return verified_doctor_view(doctor, rating_of(call.container, doctor), affected)


OPERATIONS: Final = (
    Operation(
        name="list_specialties",
        method="GET",
        path="/v1/specialties",
        about="The specialties by code, with their names in the language that is asked for.",
        tag="doctors",
        roles=ANYONE,
        view=SpecialtiesView,
        act=_list_specialties,
        request_headers={"Accept-Language": "pt-BR (the default) or en"},
        answer_headers={"Content-Language": "pt-BR or en"},
    ),
    Operation(
        name="list_doctors",
        method="GET",
        path="/v1/doctors",
        about="The approved doctors.",
        tag="doctors",
        roles=SIGNED_IN,
        query=DoctorsQuery,
        view=Page[DoctorCardView],
        act=_list,
    ),
    Operation(
        name="show_doctor",
        method="GET",
        path="/v1/doctors/{id}",
        about="A doctor; to themself and administrators with what others do not see.",
        tag="doctors",
        roles=SIGNED_IN,
        view=(DoctorView, OwnDoctorView),
        act=_show,
        links={"list_slots": "id", "list_ratings": "id"},
    ),
    LIST_SLOTS,
    Operation(
        name="list_ratings",
        method="GET",
        path="/v1/doctors/{id}/ratings",
        about="What patients thought of their visits, newest first; who they were is not told.",
        tag="doctors",
        roles=SIGNED_IN,
        query=RatingsQuery,
        view=Page[RatingView],
        act=_list_ratings,
    ),
    Operation(
        name="verify_doctor",
        method="POST",
        path="/v1/doctors/{id}/verification",
        about="Approve, reject or suspend a doctor; live appointments stand and are named.",
        tag="administration",
        roles=ADMINISTRATORS,
        body=VerificationDecision,
        view=VerifiedDoctorView,
        refusals=(InvalidTransitionError,),
        act=_verify,
        replay=_recall_verification,
    ),
    Operation(
        name="list_registrations",
        method="GET",
        path="/v1/admin/doctors",
        about="Doctors by the status of their registration, last registered first.",
        tag="administration",
        roles=ADMINISTRATORS,
        query=DoctorQueueQuery,
        view=Page[OwnDoctorView],
        act=_list_registrations,
    ),
)
