"""Who calls the fuzzed API, and the real things that their calls are about."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs

from integration.attacks.clinic import NOW, Clinic, instant
from integration.attacks.visits import held, under_way
from integration.http.people import PASSWORD, Person, a_doctors_registration, a_patients_registration
from integration.http.server import Client
from telemed_core.domain.accounts import parse_login
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.people import EmailAddress, Password
from telemed_core.testing.builders import a_cpf, a_crm

ROLES: Final = ("nobody", "patient", "doctor", "administrator")
SESSIONS: Final = 12
"""Sessions of each caller that signing out may end."""

ACCOUNTS: Final = 8
"""Accounts of each role that may be closed, locked out and given another password."""

VERBS: Final = ("retry", "compensate", "resolve")

SIDES: Final = ("patient", "doctor")
RATED: Final = 2
"""So many of the past visits have their rating before a run."""

A_DAY: Final = timedelta(days=1)
AN_HOUR: Final = timedelta(hours=1)
FREE_FROM: Final = NOW + timedelta(days=100)
"""In these days nothing was booked when the run began."""


@attrs.frozen
class Cast:
    """A caller and real things, all of one run alone: no run disturbs another.

    Attributes:
        token: the caller's; ``None``: nobody is signed in.
        spent: tokens for operations that end the token's session or account, by operation.
        dictionaries: values that are mixed into valid input, by their name in schemathesis.toml.
    """

    role: str
    token: str | None
    spent: Mapping[str, Sequence[str]]
    dictionaries: Mapping[str, Sequence[str]]


def cast(clinic: Clinic, role: str) -> Cast:
    """That of one role: a doctor with appointments of every kind, and one patient who is in some of each."""
    number = 10_000 * (1 + ROLES.index(role))
    doctor, patient = clinic.doctor(), clinic.patient()
    caller = {"patient": patient, "doctor": doctor, "administrator": clinic.administrator}.get(role)
    proposes = patient if caller is doctor else doctor
    requested = [clinic.requested(one, doctor) for one in (patient, *clinic.patients(19))]
    confirmed = [clinic.confirmed(patient, doctor) for _ in range(8)]
    agreeable, declinable, proposed = (clinic.proposed(patient, doctor, by=proposes) for _ in range(3))
    past = held(
        clinic, patient, doctor, [NOW - A_DAY - hour * AN_HOUR for hour in range(RATED + 20)], SIDES, completed=True
    )
    for visit in past[:RATED]:
        patient.client.post(f"{visit.path}/rating", {"score": 4, "comment": "Took her time."}).expect(201)
    if caller is patient:
        # The doctor has not come to it.
        current = [under_way(clinic, "patient", patient=patient)]
    else:
        # The doctor may come to it, and bring it to its end; when its hour is over, to the next one.
        hour = clinic.now().replace(minute=0, second=0, microsecond=0)
        current = held(clinic, clinic.patient(), doctor, [hour, hour + AN_HOUR], ["patient"])
    over = [clinic.cancelled(patient, doctor), _refused(clinic, patient, doctor)]
    blocks = [_blocked(doctor, day) for day in range(6)]
    registered = [_register_doctor(clinic, number + one) for one in range(8)]
    others = [] if caller is patient else requested[1:6]
    administers = role == "administrator"
    return Cast(
        role,
        caller.client.token if caller else None,
        _spent(clinic, role, caller, number + 1000) if caller else {},
        {
            "appointments": [one["id"] for one in (requested[0], *others, *confirmed[:5], proposed, *over)],
            "confirmed": [one["id"] for one in confirmed],
            "requested": [one["id"] for one in requested],
            "current": [visit.id for visit in current],
            "completed": [visit.id for visit in past[RATED:]],
            # One of each: appointment and proposal are drawn apart, and have to meet.
            "agreeable": [agreeable["id"]],
            "agreeable-proposals": [agreeable["proposal"]["id"]],
            "declinable": [declinable["id"]],
            "declinable-proposals": [declinable["proposal"]["id"]],
            "blocks": blocks,
            "doctors": [doctor.id, clinic.ana.id],
            "registrations": [one["id"] for one in registered],
            "starts": [instant(FREE_FROM + timedelta(hours=hour)) for hour in range(60)],
            "ends": [instant(FREE_FROM + timedelta(days=3, hours=hour)) for hour in range(20)],
            "cpfs": [a_cpf(number * 1000 + one).digits for one in range(200)],
            "crms": [str(a_crm(1_000_000 + number + one)) for one in range(200)],
            "emails": [f"fuzz.{number + one}@example.org" for one in range(200)],
            "logins": [_register_patient(clinic, number + one) for one in range(6)],
            "passwords": [PASSWORD],
            "tokens": [_signed_in(clinic, patient)["refresh_token"] for _ in range(6)],
            "cursors": _cursors(caller, doctor) or ["none"],
            "notices": [clinic.notice(caller, confirmed[0]["id"])["id"]] if caller in {patient, doctor} else ["none"],
            "feeds": [_feed(one) for one in clinic.patients(4)],
            "resets": _resets(clinic, [_register_patient(clinic, number + 3000 + one) for one in range(20)]),
            "deliveries": clinic.dead_deliveries(patient, 20) if administers else ["none"],
            "sagas": clinic.quarantined_sagas(8) if administers else ["none"],
            # One list for each of what may be done to them: each can be done once.
            **{f"to-{verb}": clinic.quarantined_sagas(20) if administers else ["none"] for verb in VERBS},
            "subjects": [one["id"] for one in confirmed],
        },
    )


def _refused(clinic: Clinic, patient: Person, doctor: Person) -> dict[str, Any]:
    made = clinic.requested(patient, doctor)
    refused: dict[str, Any] = doctor.client.post(f"/v1/appointments/{made['id']}/refuse", {"reason": "away"}).expect(
        200
    )
    return refused


def _blocked(doctor: Person, day: int) -> str:
    start = FREE_FROM + timedelta(days=10 + day)
    body = {"start": instant(start), "end": instant(start + timedelta(hours=3)), "reason": "a congress"}
    return str(doctor.client.post("/v1/agenda/blocks", body).expect(201)["id"])


def _register_doctor(clinic: Clinic, number: int) -> dict[str, Any]:
    made: dict[str, Any] = clinic.nobody.post("/v1/doctors", a_doctors_registration(number)).expect(201)
    return made


def _register_patient(clinic: Clinic, number: int) -> str:
    body = a_patients_registration(number)
    clinic.nobody.post("/v1/patients", body).expect(201)
    return str(body["cpf"])


def _signed_in(clinic: Clinic, person: Person) -> dict[str, str]:
    tokens: dict[str, str] = clinic.nobody.tokens(person.login, PASSWORD).expect(200)
    return tokens


def _feed(person: Person) -> str:
    """The secret of the person's calendar."""
    url = str(person.client.get("/v1/calendar").expect(200)["url"])
    return url.rpartition("/")[2].removesuffix(".ics")


def _resets(clinic: Clinic, logins: Sequence[str]) -> list[str]:
    """What mails for new passwords to these would have in them."""
    with clinic.server.installation.container(at=clinic.now()) as container:
        accounts = [container.accounts().find(parse_login(login)) for login in logins]
        tokens = [container.identity().reset_token(one.id, now=clinic.now()) for one in accounts if one]
    return [token for token in tokens if token]


def _spent(clinic: Clinic, role: str, caller: Person, number: int) -> dict[str, list[str]]:
    return {
        "sign_out": [_signed_in(clinic, caller)["access_token"] for _ in range(SESSIONS)],
        "change_password": _accounts(clinic, role, number),
        "close_me": _accounts(clinic, role, number + ACCOUNTS),
    }


def _accounts(clinic: Clinic, role: str, number: int) -> list[str]:
    """Tokens of new accounts of that role."""
    numbers = range(number, number + ACCOUNTS)
    if role == "patient":
        logins = [_register_patient(clinic, one) for one in numbers]
    elif role == "doctor":
        logins = [_register_doctor(clinic, one)["crm"] for one in numbers]
    else:
        logins = _administrators(clinic, numbers)
    return [str(clinic.nobody.tokens(login, PASSWORD).expect(200)["access_token"]) for login in logins]


def _administrators(clinic: Clinic, numbers: Sequence[int]) -> list[str]:
    emails = [EmailAddress.parse(f"root.{one}@example.com") for one in numbers]
    # By the server's time: to its background what began a lease earlier was left by somebody who died.
    with clinic.server.installation.container(at=clinic.now()) as container:
        create = container.create_administrator()
        for email in emails:
            create(email=email, password=Password.parse(PASSWORD), time_zone=TimeZone("UTC"))
    return [email.address for email in emails]


def _cursors(caller: Person | None, doctor: Person) -> list[str]:
    """Of the lists that the caller may read, where they have a second page."""
    if not caller:
        return []
    lists = (
        "/v1/doctors",
        f"/v1/doctors/{doctor.id}/ratings",
        "/v1/appointments",
        "/v1/agenda/blocks",
        "/v1/notifications",
        "/v1/admin/doctors",
        "/v1/admin/sagas",
        "/v1/admin/notifications",
    )
    pages = [_page(caller.client, path) for path in lists]
    return [page["next_cursor"] for page in pages if page.get("next_cursor")]


def _page(client: Client, path: str) -> dict[str, Any]:
    page: dict[str, Any] = client.get(path, limit=1).json
    return page
