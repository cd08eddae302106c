"""People of a served clinic: an administrator, doctors who receive at any hour, patients; and how they sign in."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any, Final

import attrs
from argon2 import PasswordHasher
from dependency_injector import providers

from integration.http.server import Client, Server
from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Password, Role
from telemed_core.ports.people import Credentials
from telemed_core.testing.builders import SAO_PAULO, a_cpf, a_crm, an_email

PASSWORD: Final = "four quiet otters juggle"
QUICK: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The least that argon2id can cost."""

ADMINISTRATOR: Final = "root@example.com"
EVERY_DAY: Final = tuple(
    {"weekday": weekday, "start": "00:00", "end": "24:00"}
    for weekday in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
)


@attrs.frozen
class Person:
    """Somebody with an account, signed in."""

    id: str
    login: str
    client: Client

    def again(self) -> "Person":
        """The same, signed in anew."""
        return attrs.evolve(self, client=self.client.sign_in(self.login, PASSWORD))


def a_doctors_registration(number: int = 1, **facts: Any) -> dict[str, Any]:
    """The body of ``POST /v1/doctors`` of doctor ``number``."""
    return {
        "name": "Ana Lima",
        "crm": str(a_crm(number)),
        "email": an_email(number, of="doctor").address,
        "cpf": a_cpf(100_000_000 + number).digits,
        "password": PASSWORD,
        "specialties": ["cardiology"],
        "location": {"lat": SAO_PAULO.lat, "lon": SAO_PAULO.lon},
        "time_zone": "America/Sao_Paulo",
        "price_cents": 25_000,
        **facts,
    }


def a_patients_registration(number: int = 1, **facts: Any) -> dict[str, Any]:
    """The body of ``POST /v1/patients`` of patient ``number``."""
    return {
        "name": "Bruno Reis",
        "cpf": a_cpf(200_000_000 + number).digits,
        "email": an_email(number, of="patient").address,
        "password": PASSWORD,
        "birth_date": "1980-02-29",
        "time_zone": "America/Sao_Paulo",
        "consents": ["telemedicine", "data_processing"],
        **facts,
    }


def an_agendas_replacement(**facts: Any) -> dict[str, Any]:
    """The body of ``PUT /v1/agenda``: every hour of every day, by UTC."""
    return {"time_zone": "UTC", "min_notice_minutes": 0, "weekly": EVERY_DAY, **facts}


def administrator(server: Server) -> Person:
    """Made by the command line, as the first one always is."""
    made = server.installation.run("admin", "create", ADMINISTRATOR, typed=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    client = server.client().sign_in(ADMINISTRATOR, PASSWORD)
    return Person(client.get("/v1/me").expect(200)["id"], ADMINISTRATOR, client)


def doctor(server: Server, number: int = 1, *, approved_by: Person, **agenda: Any) -> Person:
    """Doctor ``number``, registered, approved, with an agenda."""
    body = a_doctors_registration(number)
    made = server.client().post("/v1/doctors", body).expect(201)
    approved_by.client.post(f"/v1/doctors/{made['id']}/verification", {"decision": "approve"}).expect(200)
    client = server.client().sign_in(body["crm"], PASSWORD)
    known = client.get("/v1/agenda")
    client.put("/v1/agenda", an_agendas_replacement(**agenda), if_match=known.headers["etag"]).expect(200)
    return Person(made["id"], body["crm"], client)


def patient(server: Server, number: int = 1, **facts: Any) -> Person:
    """Patient ``number``, registered."""
    body = a_patients_registration(number, **facts)
    made = server.client().post("/v1/patients", body).expect(201)
    return Person(made["id"], body["cpf"], server.client().sign_in(body["cpf"], PASSWORD))


def crowd(server: Server, numbers: Sequence[int], *, at: datetime | None = None) -> list[Person]:
    """Patients of these numbers, registered in this process with hashes that cost nothing; they sign in for real."""
    with server.installation.container(at=at) as container, ThreadPoolExecutor(4) as pool:
        container.identity.override(providers.Object(QuickIdentity(container.credentials())))
        register = container.register_patient()
        made = list(pool.map(lambda number: _registered(register, number), numbers))
        return list(pool.map(lambda one: Person(one[0], one[1], server.client().sign_in(one[1], PASSWORD)), made))


def _registered(register: Callable[..., Any], number: int) -> tuple[str, str]:
    cpf = a_cpf(200_000_000 + number)
    made = register(
        name="Bruno Reis",
        cpf=cpf,
        email=an_email(number, of="patient"),
        password=Password.parse(PASSWORD),
        born=date(1980, 2, 29),
        time_zone=TimeZone("America/Sao_Paulo"),
        location=None,
        consented=tuple(ConsentKind),
    )
    return made.id, cpf.digits


@attrs.frozen
class QuickIdentity:
    """The half of an ``Identity`` that registers."""

    _credentials: Credentials

    def create(self, username: AccountId, password: Password, /, *, role: Role) -> None:
        self._credentials.put(username, QUICK.hash(password.secret))
