"""A registration as it is asked for: the body's words, as the use case takes them."""

from entrypoints.container import Container
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.messages.requests import DoctorRegistration, PatientRegistration


def register_doctor(container: Container, body: DoctorRegistration) -> Doctor:
    return container.register_doctor()(
        name=body.name,
        crm=body.crm,
        email=body.email,
        cpf=body.cpf,
        password=body.password,
        specialties=body.specialties,
        location=body.location.to_point(),
        address=body.address,
        time_zone=body.time_zone,
        price_cents=body.to_price(),
        language=body.language,
    )


def register_patient(container: Container, body: PatientRegistration) -> Patient:
    return container.register_patient()(
        name=body.name,
        cpf=body.cpf,
        email=body.email,
        password=body.password,
        born=body.birth_date,
        time_zone=body.time_zone,
        location=body.to_point(),
        consented=body.consents,
        language=body.language,
    )
