"""Who takes part: everybody registers, and the clinic verifies the doctors."""

from datetime import date
from typing import Final

from entrypoints.cli.demo.stage import DAY, ZONE, Stage
from entrypoints.cli.demo.tellings import Telling
from telemed_core.domain.doctor import Decision, Doctor, DoctorStatus
from telemed_core.domain.patient import ConsentKind, Patient
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Password
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.specialties import Specialty

PASSWORD: Final = Password("four quiet otters juggle")


def registration(stage: Stage) -> None:
    """Everyone registers; a second account with the same data is refused."""
    container = stage.container
    stage.administrator = container.create_administrator()(
        email=EmailAddress.parse(f"clinic{stage.number()}@example.org"), password=PASSWORD, time_zone=ZONE
    )
    stage.tell("the clinic", "names an administrator", "created")
    stage.ana = _doctor(stage, "Ana Lima", Specialty.CARDIOLOGY)
    stage.rui = _doctor(stage, "Rui Costa", Specialty.DERMATOLOGY)
    cpf = stage.cpf()
    stage.bia = _patient(stage, "Bia Reis", cpf)
    stage.caio = _patient(stage, "Caio Melo", stage.cpf())
    stage.duda = _patient(stage, "Duda Paz", stage.cpf())
    for one in (stage.bia, stage.caio, stage.duda):
        stage.tell(one.name, "registers as a patient, with both consents", "registered")
    again = stage.refused("already_registered", lambda: _patient(stage, "Bia Reis", cpf))
    stage.tell(stage.bia.name, "registers once more with the same CPF", again)


def _doctor(stage: Stage, name: str, specialty: Specialty) -> Doctor:
    number = stage.number()
    doctor = stage.container.register_doctor()(
        name=name,
        crm=Crm.parse(f"{number % 10_000_000 or 1}-SP"),
        email=EmailAddress.parse(f"doctor{number}@example.org"),
        cpf=stage.cpf(),
        password=PASSWORD,
        specialties=(specialty,),
        location=GeoPoint.parse(-23.55, -46.63),
        address=None,
        time_zone=ZONE,
        price_cents=Cents(25_000),
    )
    stage.check(doctor.status is DoctorStatus.PENDING, "a doctor who waits for verification")
    stage.tell(name, f"registers as a doctor ({specialty}), CRM {doctor.crm}", doctor.status)
    return doctor


def _patient(stage: Stage, name: str, cpf: Cpf) -> Patient:
    return stage.container.register_patient()(
        name=name,
        cpf=cpf,
        email=EmailAddress.parse(f"patient{stage.number()}@example.org"),
        password=PASSWORD,
        born=date(1990, 5, 17),
        time_zone=ZONE,
        location=None,
        consented=tuple(ConsentKind),
        language=Language.ENGLISH,
    )


def verification(stage: Stage) -> None:
    """Nobody books a doctor before the registration is approved."""
    soon = stage.clock.now() + DAY
    early = stage.refused("not_found", lambda: stage.ask(stage.bia, stage.ana, soon))
    stage.tell(stage.bia.name, "asks for a doctor who is not verified", early)
    approved = [
        stage.container.verify_doctor()(
            doctor_id=doctor.id, decision=Decision.APPROVE, reason=None, actor=stage.administrator
        )[0]
        for doctor in (stage.ana, stage.rui)
    ]
    stage.ana, stage.rui = approved
    for doctor in approved:
        stage.check(doctor.approved, "an approved doctor")
        stage.tell("the clinic", f"verifies the registration of {doctor.name}", doctor.status)
    stage.told(*(Telling(doctor.id, "Cadastro aprovado") for doctor in approved))
