"""Accounts: registration, one's own profile, and the end of it."""

from typing import Final

from entrypoints.operations.doctor_ratings import rating_of
from entrypoints.operations.operation import ANYONE, PATIENTS, SIGNED_IN, Call, Operation
from entrypoints.operations.registering import register_doctor, register_patient
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Role
from telemed_core.domain.ratings import UNRATED
from telemed_core.errors import AlreadyRegisteredError, LiveAppointmentsError, TooManyAttemptsError
from telemed_core.messages.account_views import (
    AdministratorView,
    OwnDoctorView,
    PatientView,
    account_view,
    own_doctor_view,
    patient_view,
)
from telemed_core.messages.profiles import AdministratorPatch, DoctorPatch, PatientPatch
from telemed_core.messages.requests import DoctorRegistration, PatientRegistration
from telemed_core.messages.sign_in import PasswordChange
from telemed_core.messages.views import View

_OWN: Final = (PatientView, OwnDoctorView, AdministratorView)


def _register_doctor(call: Call[DoctorRegistration, None]) -> View:
    return own_doctor_view(register_doctor(call.container, call.body), UNRATED)


def _register_patient(call: Call[PatientRegistration, None]) -> View:
    return patient_view(register_patient(call.container, call.body))


def _show(call: Call[None, None]) -> View:
    return account_view(call.actor, rating_of(call.container, call.actor))


def _change(call: Call[DoctorPatch | PatientPatch | AdministratorPatch, None]) -> View:
    changed = call.container.change_profile()(actor=call.actor, changes=call.body.changes())
    return account_view(changed, rating_of(call.container, changed))


def _change_password(call: Call[PasswordChange, None]) -> None:
    call.container.change_password()(
        current=call.body.current,
        new=call.body.new,
        actor=call.actor,
        session_id=call.session_id,
        address=call.address,
    )


def _close(call: Call[None, None]) -> None:
    patient = call.actor
    assert isinstance(patient, Patient)  # noqa: S101 # the operation is for patients
    call.container.close_account()(patient=patient)


OPERATIONS: Final = (
    Operation(
        name="register_doctor",
        method="POST",
        path="/v1/doctors",
        about="A doctor registers, and waits for verification.",
        tag="accounts",
        roles=ANYONE,
        status=201,
        body=DoctorRegistration,
        view=OwnDoctorView,
        refusals=(AlreadyRegisteredError,),
        act=_register_doctor,
        links={"show_doctor": "id", "list_slots": "id", "verify_doctor": "id"},
    ),
    Operation(
        name="register_patient",
        method="POST",
        path="/v1/patients",
        about="A patient registers.",
        tag="accounts",
        roles=ANYONE,
        status=201,
        body=PatientRegistration,
        view=PatientView,
        refusals=(AlreadyRegisteredError,),
        act=_register_patient,
    ),
    Operation(
        name="show_me",
        method="GET",
        path="/v1/me",
        about="One's own profile.",
        tag="accounts",
        roles=SIGNED_IN,
        view=_OWN,
        act=_show,
    ),
    Operation(
        name="change_me",
        method="PATCH",
        path="/v1/me",
        about="Change one's own profile; what is left out stays as it is.",
        tag="accounts",
        roles=SIGNED_IN,
        body={Role.PATIENT: PatientPatch, Role.DOCTOR: DoctorPatch, Role.ADMINISTRATOR: AdministratorPatch},
        view=_OWN,
        act=_change,
    ),
    Operation(
        name="change_password",
        method="POST",
        path="/v1/me/password",
        about="Set another password; all other sessions end.",
        tag="accounts",
        roles=SIGNED_IN,
        status=204,
        body=PasswordChange,
        refusals=(TooManyAttemptsError,),
        act=_change_password,
    ),
    Operation(
        name="close_me",
        method="DELETE",
        path="/v1/me",
        about="Close the account; the record is kept as the law demands.",
        tag="accounts",
        roles=PATIENTS,
        status=204,
        refusals=(LiveAppointmentsError,),
        act=_close,
    ),
)
