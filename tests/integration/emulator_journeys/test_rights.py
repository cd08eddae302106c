"""What the guide says that each function needs to do is what it does."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest

from entrypoints.container import Container, open_container
from entrypoints.container.bootstrapping import bootstrap
from entrypoints.container.opening import travelling_clock
from entrypoints.seeding import ADMINISTRATOR, PASSWORD, people, seed
from entrypoints.settings import load_settings
from integration.emulator.ministack import Ministack
from integration.emulator_journeys.aws_front import AwsFront
from integration.emulator_journeys.conftest import ROOT, Run, operators
from integration.emulator_journeys.rights import Right
from integration.http.people import EVERY_DAY
from integration.lambdas.sources import row_keys, stream_record
from integration.postgres import PostgresServer
from telemed_core.domain.accounts import Administrator, parse_login
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from unit.entrypoints.lambdas.events import request_event

GUIDE: Final = ROOT / "docs" / "aws.md"
TABLES: Final = ("scheduling", "accounts", "clinical", "directory")
FUNCTION: Final = """
import importlib, json, sys
from integration.lambdas.sources import Called
handler = importlib.import_module("entrypoints.lambdas." + sys.argv[1]).handler
json.dump([handler(event, Called()) for event in json.load(sys.stdin)], sys.stdout)
"""
PEOPLE: Final = ("100005-RS", *(one.login for one in people()[-3:]))
"""A doctor who is always there, and three patients: nobody may have many requests unanswered."""


def granted() -> Mapping[str, frozenset[Right]]:
    """The guide's table: by function, the rights that it needs."""
    section = GUIDE.read_text(encoding="utf-8").partition("\n## Rights\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    header, _, *lines = rows
    assert header[1:5] == list(TABLES)
    return {name: frozenset(_read(cells)) for name, *cells in lines}


def _read(cells: Sequence[str]) -> Sequence[Right]:
    *tables, others = cells
    found = [Right(table, action) for table, cell in zip(TABLES, tables, strict=True) for action in _words(cell)]
    return [*found, *(Right(*name.split(":")) for name in _words(others))]


def _words(cell: str) -> Sequence[str]:
    return re.findall(r"`([a-zA-Z:-]+)`", cell)


@attrs.frozen
class Clinic:
    """A clinic on services played here, with the people of a demonstration."""

    parts: Container
    environment: Mapping[str, str]
    front: AwsFront
    doctor: Doctor
    patient: Patient
    other: Patient
    third: Patient

    def token(self, person: Doctor | Patient) -> str:
        login = next(one.login for one in people() if one.name == person.name)
        return self.parts.sign_in()(login=login, password=PASSWORD, address="203.0.113.9")[1].access_token

    def starts(self) -> Sequence[Any]:
        within = Interval.lasting(self.parts.clock().now() + timedelta(hours=1), timedelta(days=4))
        return self.parts.list_slots()(doctor_id=self.doctor.id, within=within, viewer=self.patient)[1].starts()

    def asked(self, number: int, by: Patient | None = None, parts: Container | None = None) -> Appointment:
        return (parts or self.parts).request_appointment()(
            doctor_id=self.doctor.id,
            start=self.starts()[number],
            patient=by or self.patient,
            reason="palpitations",
        )

    def expired(self, number: int) -> Appointment:
        """Asked for by somebody else two days ago, and not answered."""
        before = travelling_clock(self.parts.clock().now() - timedelta(days=2))
        past = open_container(load_settings(self.environment), clock=before, migrate=False)
        return self.asked(number, self.other, past)

    def agreed(self, number: int, by: Patient | None = None) -> Appointment:
        asked = self.asked(number, by)
        return self.parts.accept_appointment()(appointment_id=asked.id, rev=asked.rev, doctor=self.doctor)

    def proposed(self, number: int, by: Patient) -> Appointment:
        """The doctor has agreed, and then proposed another time."""
        agreed = self.agreed(number, by)
        moving = self.parts.reschedule_appointment()
        return moving(appointment_id=agreed.id, start=self.starts()[number], actor=self.doctor)

    def call(self, function: str, events: Sequence[Mapping[str, Any]]) -> Any:
        """What a process that has the function's own key makes of these events."""
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
        ended = subprocess.run(
            [sys.executable, "-c", FUNCTION, function],
            input=json.dumps(events),
            env={**self.environment, "AWS_ACCESS_KEY_ID": function, "PYTHONPATH": path, "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def run(self, function: str, events: Sequence[Mapping[str, Any]]) -> Sequence[tuple[int, Any]]:
        """The statuses and bodies of its answers."""
        return [(one["statusCode"], json.loads(one["body"] or "null")) for one in self.call(function, events)]

    def by(self, person: Doctor | Patient) -> "Callable[..., Mapping[str, Any]]":
        """Events of what that person asks."""
        token = self.token(person)

        def event(method: str, url: str, body: object = None, **headers: str) -> Mapping[str, Any]:
            said = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            }
            sent = b"" if body is None else json.dumps(body).encode()
            return request_event(method, url, headers=tuple(said.items()), body=sent)

        return event


@pytest.fixture(scope="module")
def clinic(postgres_server: PostgresServer) -> Iterator[Clinic]:
    """One for all functions: what each has used is known by its key."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Ministack() as emulator,
        AwsFront(emulator_url=emulator.endpoint_url, chime_url="http://127.0.0.1:9") as front,
    ):
        # There is no visit, and nobody is told of anything: neither Chime nor a database is asked.
        environment = operators(front, postgres_server.url("none"))
        for name, value in environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        environment |= bootstrap(load_settings({"TELEMED_AWS_ENDPOINT_URL": front.endpoint_url}))
        parts = open_container(load_settings(environment), migrate=False)
        seed(parts)
        doctor, *patients = (parts.accounts().find(parse_login(one, field="login")) for one in PEOPLE)
        assert isinstance(doctor, Doctor)
        yield Clinic(parts, environment, front, doctor, *(one for one in patients if isinstance(one, Patient)))
        parts.close()


def test_the_function_of_time(clinic: Clinic) -> None:
    ana, bia = clinic.by(clinic.doctor), clinic.by(clinic.patient)
    cancelled = clinic.agreed(30)
    agenda = {"time_zone": "America/Sao_Paulo", "weekly": EVERY_DAY, "min_notice_minutes": 0}
    first, last = cancelled.visit.start - timedelta(hours=1), cancelled.visit.end + timedelta(hours=1)
    absence = {"start": f"{first:%Y-%m-%dT%H:%M:%SZ}", "end": f"{last:%Y-%m-%dT%H:%M:%SZ}", "reason": "congress"}
    blocked = ana("POST", "/v1/agenda/blocks", {**absence, "cancel_appointments": True}, Idempotency_Key="once" * 6)
    start, end = (f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in (first, first + timedelta(days=3)))
    told = clinic.run(
        "agenda",
        [
            bia("GET", f"/v1/doctors/{clinic.doctor.id}/slots?from={start}&to={end}"),
            ana("GET", "/v1/agenda"),
            blocked,
            blocked,
            ana("GET", "/v1/agenda/blocks"),
            ana("PUT", "/v1/agenda", agenda, If_Match="*"),
        ],
    )
    assert [status for status, _ in told] == [200, 200, 201, 201, 200, 200], told
    (block,) = told[4][1]["items"]
    assert clinic.run("agenda", [ana("DELETE", f"/v1/agenda/blocks/{block['id']}")])[0][0] == 204
    assert_used(clinic, "agenda")


def test_the_function_of_whoever_books(clinic: Clinic) -> None:
    bia = clinic.by(clinic.patient)
    starts = [f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in clinic.starts()]
    wanted = {"doctor_id": clinic.doctor.id, "start": starts[1], "reason": "palpitations"}
    asked = bia("POST", "/v1/appointments", wanted, Idempotency_Key="once" * 6)
    moved, given_up, over, taken = (
        clinic.asked(10),
        clinic.agreed(20),
        clinic.expired(25),
        clinic.asked(30, clinic.other),
    )
    reason = {"reason": "I have to travel that day"}
    cancelling = bia("POST", f"/v1/appointments/{given_up.id}/cancel", reason, Idempotency_Key="twice" * 5)
    told = clinic.run(
        "booking",
        [
            asked,
            asked,
            bia("POST", f"/v1/appointments/{moved.id}/reschedule", {"start": starts[3]}),
            bia("POST", f"/v1/appointments/{given_up.id}/reschedule", {"start": starts[5]}),
            cancelling,
            cancelling,
            *(
                bia("POST", "/v1/appointments", {**wanted, "start": f"{one.visit.start:%Y-%m-%dT%H:%M:%SZ}"})
                for one in (over, taken)
            ),
        ],
    )
    assert [status for status, _ in told] == [201, 201, 200, 200, 200, 200, 201, 409], told
    assert_used(clinic, "booking")


def test_the_function_of_whoever_is_asked(clinic: Clinic) -> None:
    third = clinic.third
    ana, bia = clinic.by(clinic.doctor), clinic.by(third)
    agreed, declined = clinic.proposed(40, third), clinic.proposed(50, third)
    accepted, refused = clinic.asked(60, third), clinic.asked(70, third)
    late = ana("POST", f"/v1/appointments/{clinic.expired(75).id}/accept", {"rev": 1})
    answers = [
        bia("POST", f"/v1/appointments/{one.id}/proposal/{how}", {"proposal_id": one.proposal.id})
        for one, how in ((agreed, "accept"), (declined, "decline"))
        if one.proposal
    ]
    accepting = ana("POST", f"/v1/appointments/{accepted.id}/accept", {"rev": 1}, Idempotency_Key="again" * 5)
    refusing = ana("POST", f"/v1/appointments/{refused.id}/refuse", {"reason": "a congress, that day"})
    told = clinic.run("decisions", [accepting, accepting, refusing, *answers, late])
    assert [status for status, _ in told] == [*[200] * 5, 409], told
    assert_used(clinic, "decisions")


def test_the_functions_of_sagas(clinic: Clinic) -> None:
    clinic.asked(80, clinic.third)
    administrator = clinic.parts.accounts().find(ADMINISTRATOR)
    assert isinstance(administrator, Administrator)
    found = clinic.parts.list_sagas()(actor=administrator, limit=100)
    begun = [stream_record(number, row_keys(one.id)) for number, one in enumerate(found) if one.progress.phase.runs]
    assert begun
    assert clinic.call("saga_starter", [{"Records": begun}]) == [{"batchItemFailures": []}]
    assert_used(clinic, "saga starter")
    (swept,) = clinic.call("sweep", [{}])
    assert swept["sagas"] > 0
    # What is due in this clinic is not everything that can be.
    assert clinic.front.used["sweep"] - granted()["sweep"] == set()
    assert clinic.front.used["sweep"] >= {Right("sns", "Publish"), Right("scheduling", "PutItem")}


def test_the_servers(run: Run, on_aws: Mapping[str, str], bootstrapped: Mapping[str, str], aws: AwsFront) -> None:
    ended = run("demo", environment={**on_aws, **bootstrapped, "AWS_ACCESS_KEY_ID": "servers"})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    # A demonstration does not do everything that servers do; an audit, which reads a whole table, is the operator's.
    audit = {Right("scheduling", "Scan")}
    assert aws.used["servers"] - granted()["servers"] == audit
    assert aws.used["servers"] >= {Right("sns", "Publish"), Right("cognito-idp", "AdminCreateUser")}


def assert_used(clinic: Clinic, function: str) -> None:
    """It has used what the guide grants it: nothing else, and nothing of that in vain."""
    used, allowed = clinic.front.used[function.replace(" ", "_")], granted()[function]
    assert (sorted(used - allowed), sorted(allowed - used)) == ([], [])
