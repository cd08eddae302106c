"""The zips do their work on an emulator of AWS: requests through its gateway, and all that follows from them."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import attrs
import pytest

from entrypoints.operations.answering import Api
from integration.emulator.ministack import ACCOUNT, REGION, Ministack
from integration.lambdas.sources import sign_up_event
from integration.packaging.deployed import PREFIX, Deployment, Told, eventually
from integration.postgres import PostgresServer
from unit.entrypoints.api import AGENDA, Clinic


@attrs.frozen
class Booking:
    """A doctor, two patients, and an appointment of the first.

    Attributes:
        asked: what the first patient sent, and sends again.
    """

    clinic: Clinic
    doctor: str
    patient: str
    other: str
    starts: list[str]
    asked: Mapping[str, str]
    booked: Told

    def inbox(self, token: str) -> dict[str, str | None]:
        """The kinds of notices that somebody has, each with its appointment."""
        told = self.clinic.call("GET", "/v1/notifications", token=token)
        return {one["kind"]: one["appointment_id"] for one in told.body["items"]}


@pytest.fixture(scope="module")
def deployment(zips: Mapping[str, Path], credentials: None, postgres_server: PostgresServer) -> Iterator[Deployment]:
    database = postgres_server.create()
    url = postgres_server.url(database).replace("postgresql:", "postgresql+psycopg:")
    with pytest.MonkeyPatch.context() as patch, Ministack() as emulator:
        patch.setenv("AWS_REGION", REGION)
        made = Deployment.of(zips, emulator, database_url=url)
        yield made
        made.close()
    postgres_server.drop(database)


@pytest.fixture(scope="module")
def booking(deployment: Deployment) -> Booking:
    """All of it through the gateway, but for signing in, which is the server's."""
    clinic = Clinic(deployment.container, Api(deployment.container))
    doctor_id, doctor = clinic.doctor(administrator=clinic.administrator())
    (_, patient), (_, other) = clinic.patient(1), clinic.patient(2)
    agenda = deployment.ask("GET", "/v1/agenda", token=doctor)
    assert agenda.raw == clinic.call("GET", "/v1/agenda", token=doctor).raw
    replaced = deployment.ask("PUT", "/v1/agenda", AGENDA, token=doctor, If_Match=agenda.headers["etag"])
    assert replaced.status == 200, replaced.raw
    slots = deployment.ask("GET", f"/v1/doctors/{doctor_id}/slots?{_days_of_next_week()}", token=patient)
    assert slots.status == 200, slots.raw
    starts = [one["start"] for one in slots.body["items"]]
    asked = {"doctor_id": doctor_id, "start": starts[0]}
    booked = deployment.ask("POST", "/v1/appointments", asked, token=patient, Idempotency_Key="first")
    assert (booked.status, booked.body["status"]) == (201, "requested"), booked.raw
    return Booking(clinic, doctor, patient, other, starts, asked, booked)


def test_what_is_booked_and_decided_through_the_gateway_is_told_to_both(
    deployment: Deployment, booking: Booking
) -> None:
    """From the table's stream to the starter, its executions, their steps, the topic, the queue, the notifier."""
    found = booking.booked.body["id"]
    accepted = deployment.ask("POST", f"/v1/appointments/{found}/accept", {"rev": 1}, token=booking.doctor)
    assert (accepted.status, accepted.body["status"]) == (200, "confirmed"), accepted.raw
    assert accepted.raw == booking.clinic.call("GET", f"/v1/appointments/{found}", token=booking.doctor).raw
    told = eventually(lambda: booking.inbox(booking.patient).get("confirmed"))
    assert told == found, deployment.said()
    assert booking.inbox(booking.doctor)["requested"] == found
    # Reminders are told when it is time for them.
    assert eventually(lambda: _ended(deployment, but="remind-1")), _executions(deployment)
    # Of what anybody is called nothing is said by any function.
    assert not re.search("Ana Lima|Bruno Reis|@", "".join(deployment.said().values()))


def test_a_request_that_comes_again_and_one_that_comes_too_late_get_the_servers_own_bytes(
    deployment: Deployment, booking: Booking
) -> None:
    again = deployment.ask("POST", "/v1/appointments", booking.asked, token=booking.patient, Idempotency_Key="first")
    assert (again.status, again.body["id"]) == (201, booking.booked.body["id"])
    late = deployment.ask("POST", "/v1/appointments", booking.asked, token=booking.other)
    same = booking.clinic.call("POST", "/v1/appointments", booking.asked, token=booking.other)
    assert (late.status, late.body["code"], late.raw) == (409, "slot_taken", same.raw)
    stranger = deployment.ask("POST", "/v1/appointments", booking.asked, token="no.such.token")
    assert (stranger.status, stranger.headers["content-type"]) == (401, "application/problem+json")


def test_what_no_stream_has_told_of_the_schedules_sweep_finds(deployment: Deployment, booking: Booking) -> None:
    deployment.leave_stream_alone()
    before = len(_executions(deployment))
    wanted = {**booking.asked, "start": booking.starts[1]}
    asked = deployment.ask("POST", "/v1/appointments", wanted, token=booking.other)
    assert asked.status == 201, asked.raw
    cancelled = deployment.ask(
        "POST", f"/v1/appointments/{asked.body['id']}/cancel", {"reason": "Viagem."}, token=booking.other
    )
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled"), cancelled.raw
    # It runs once in a minute.
    assert eventually(lambda: booking.inbox(booking.doctor).get("cancelled")) == asked.body["id"], deployment.said()
    assert len(_executions(deployment)) == before


def test_a_message_that_is_none_of_ours_comes_back_and_holds_up_its_own_subject_alone(deployment: Deployment) -> None:
    queue = f"{deployment.emulator.endpoint_url}/{ACCOUNT}/{PREFIX}notices.fifo"
    sqs = deployment.client("sqs")
    sqs.send_message(QueueUrl=queue, MessageBody="{}", MessageGroupId="nobody", MessageDeduplicationId="nothing")

    def kept() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        waiting = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return "announcement" in deployment.said()["notifier"] and sum(map(int, waiting.values())) == 1

    assert eventually(kept), deployment.said()["notifier"]


def test_the_pools_function_refuses_whoever_comes_by_themselves(deployment: Deployment) -> None:
    """Called by hand: this emulator asks it about users of social providers alone."""
    ours = sign_up_event("0" * 26)
    assert deployment.invoke("sign-up", ours) == (None, ours)
    failed, told = deployment.invoke("sign-up", {**ours, "triggerSource": "PreSignUp_SignUp"})
    assert (failed, told["errorMessage"]) == ("Unhandled", "nobody signs up here by themselves")


def _executions(deployment: Deployment) -> list[tuple[str, str]]:
    """Each execution, as the name of its machine and how it stands."""
    states = deployment.client("stepfunctions")
    return [
        (machine["name"].removeprefix(PREFIX), one["status"])
        for machine in states.list_state_machines()["stateMachines"]
        for one in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    ]


def _ended(deployment: Deployment, *, but: str) -> bool:
    """Whether all have come to their end, except for those of that machine, which wait."""
    return {(status, name == but) for name, status in _executions(deployment)} == {
        ("SUCCEEDED", False),
        ("RUNNING", True),
    }


def _days_of_next_week() -> str:
    begin = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(days=7)
    span = (begin, begin + timedelta(days=2))
    return urlencode(dict(zip(("from", "to"), (f"{at.isoformat()}Z" for at in span), strict=True)))
