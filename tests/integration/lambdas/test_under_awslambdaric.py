"""All functions as Lambda runs them: processes of its own client, which get events and send answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.aws.calling import Call
from entrypoints.container import Container
from entrypoints.operations.answering import Api
from integration.emulator.states_engine import Engine
from integration.lambdas.deployment import Deployment
from integration.lambdas.runtime_api import Function, FunctionError
from integration.lambdas.sources import scheduled, sign_up_event
from integration.notifications.mail_server import MailServer
from telemed_core.domain.notices import Kind
from telemed_core.domain.sagas import Phase
from unit.entrypoints.api import Clinic

MARK: Final = "maria@example.org"
FUNCTIONS: Final = ("agenda", "booking", "decisions", "saga_starter", "saga_step", "notifier", "sweep", "sign_up")


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def deployment(
    engine: Engine, call_states: Call, mail: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("functions")
    with Deployment.on(engine, call_states, folder, TELEMED_SMTP_URL=mail.url) as made:
        yield made


@pytest.fixture(scope="module")
def container(deployment: Deployment) -> Iterator[Container]:
    """The same installation in this process: its database is made here, since functions do not migrate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", deployment.installation.settings["AWS_REGION"])
        with deployment.installation.container() as container:
            container.stores().check()
            yield container


@pytest.fixture(scope="module")
def people(container: Container) -> tuple[str, str, str]:
    """The id of a doctor who receives at any hour, their token, and a patient's."""
    clinic = Clinic(container, Api(container))
    doctor_id, doctor = clinic.doctor(administrator=clinic.administrator())
    _, patient = clinic.patient()
    return doctor_id, doctor, patient


def free_starts(deployment: Deployment, doctor_id: str, patient: str, *, day: int) -> list[str]:
    """What the function of the agenda says of one day."""
    begin = (datetime.now(UTC) + timedelta(days=day)).replace(hour=12, minute=0, second=0, microsecond=0)
    window = f"from={begin:%Y-%m-%dT%H:%M:%SZ}&to={begin + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}"
    told = deployment.ask("agenda", "GET", f"/v1/doctors/{doctor_id}/slots?{window}", by=patient)
    assert told.status == 200, told.raw
    return [one["start"] for one in told.body["items"]]


def carry(deployment: Deployment, container: Container) -> None:
    """Everything that follows from what was committed: stream, executions, topic, queue."""
    with deployment.working(deployment.function("saga_step").invoke):
        while records := deployment.streamed():
            for saga_id in deployment.start_sagas(records):
                row, _ = container.sagas().get(saga_id)
                if row.due_at and row.due_at > datetime.now(UTC) + timedelta(minutes=1):
                    # A reminder waits for days, which take no time on this engine.
                    deployment.engine.stop(deployment.execution(row))
                elif row.progress.phase.runs:
                    assert deployment.engine.told(deployment.execution(row))["status"] == "SUCCEEDED"
    deployment.empty_queue()


def test_a_visit_is_booked_decided_and_told_of_by_functions_alone(
    deployment: Deployment, container: Container, mail: MailServer, people: tuple[str, str, str]
) -> None:
    doctor_id, doctor, patient = people
    carry(deployment, container)
    mail.received.clear()
    start = free_starts(deployment, doctor_id, patient, day=3)[0]
    request = {"doctor_id": doctor_id, "start": start}
    booked = deployment.ask("booking", "POST", "/v1/appointments", by=patient, body=request)
    assert booked.status == 201, booked.raw
    assert start not in free_starts(deployment, doctor_id, patient, day=3)
    carry(deployment, container)
    assert [one.message["Subject"] for one in mail.received] == ["Health&Med - Nova consulta agendada"]

    visit = booked.body["id"]
    accepted = deployment.ask("decisions", "POST", f"/v1/appointments/{visit}/accept", by=doctor, body={"rev": 1})
    assert (accepted.status, accepted.body["status"]) == (200, "confirmed"), accepted.raw
    carry(deployment, container)
    notices = [one for one in container.notices().log(limit=99) if one.subject == visit]
    assert {one.kind for one in notices} == {Kind.REQUESTED, Kind.CONFIRMED}
    sagas = {row.name: row.progress.phase for row in container.sagas().list(limit=99) if row.id.startswith(visit)}
    assert sagas["request"] == sagas["accept"] == Phase.COMPLETED
    assert sagas["remind"] == Phase.FORWARD


def test_what_is_delivered_twice_is_done_once(
    deployment: Deployment, container: Container, mail: MailServer, people: tuple[str, str, str]
) -> None:
    doctor_id, _, patient = people
    carry(deployment, container)
    mail.received.clear()
    request = {"doctor_id": doctor_id, "start": free_starts(deployment, doctor_id, patient, day=4)[0]}
    assert deployment.ask("booking", "POST", "/v1/appointments", by=patient, body=request).status == 201
    before, records = deployment.executions(), deployment.streamed()
    with deployment.working(deployment.function("saga_step").invoke):
        (saga_id,) = deployment.start_sagas(records)
        deployment.start_sagas(records)
        row, _ = container.sagas().get(saga_id)
        assert deployment.engine.told(deployment.execution(row))["status"] == "SUCCEEDED"
        deployment.start_sagas(records)
    assert deployment.executions() == before + 1
    handed = deployment.empty_queue()
    kept = [*container.notices().log(limit=99)]
    for _ in range(2):
        assert deployment.function("notifier").invoke({"Records": handed}) == {"batchItemFailures": []}
    assert [*container.notices().log(limit=99)] == kept
    assert len(mail.received) == 1


def test_what_the_stream_has_missed_the_sweep_finds(
    deployment: Deployment, container: Container, mail: MailServer, people: tuple[str, str, str]
) -> None:
    doctor_id, _, patient = people
    carry(deployment, container)
    request = {"doctor_id": doctor_id, "start": free_starts(deployment, doctor_id, patient, day=5)[0]}
    booked = deployment.ask("booking", "POST", "/v1/appointments", by=patient, body=request)
    assert booked.status == 201, booked.raw
    mail.received.clear()
    done = deployment.function("sweep").invoke(scheduled())
    assert done == {"settled": 0, "cancelled": 0, "sagas": 1, "mails": 0}
    deployment.empty_queue()
    assert len(mail.received) == 1
    records = deployment.streamed()
    before = deployment.executions()
    deployment.start_sagas(records)
    assert deployment.executions() == before, "what has ended is not begun"


def test_without_step_functions_the_starter_runs_what_has_begun(
    deployment: Deployment, container: Container, mail: MailServer, people: tuple[str, str, str], tmp_path: Path
) -> None:
    doctor_id, _, patient = people
    carry(deployment, container)
    mail.received.clear()
    request = {"doctor_id": doctor_id, "start": free_starts(deployment, doctor_id, patient, day=6)[0]}
    booked = deployment.ask("booking", "POST", "/v1/appointments", by=patient, body=request)
    assert booked.status == 201, booked.raw
    environment = deployment.environment(TELEMED_SAGA_ENGINE="embedded")
    del environment["TELEMED_STATE_MACHINES"]
    before = deployment.executions()
    with Function("saga_starter", environment, tmp_path) as starter:
        assert starter.invoke({"Records": deployment.streamed()}) == {"batchItemFailures": []}
    row = next(row for row in container.sagas().list(name="request", limit=9) if row.id.startswith(booked.body["id"]))
    assert row.progress.phase is Phase.COMPLETED
    assert deployment.executions() == before
    deployment.empty_queue()
    assert len(mail.received) == 1


def test_a_user_is_judged_without_any_setting(tmp_path: Path) -> None:
    ours = sign_up_event("01jwabcdefghjkmnpqrstvwxyz", email=MARK)
    with Function("sign_up", {}, tmp_path) as function:
        assert function.invoke(ours) == ours
        with pytest.raises(FunctionError) as refused:
            function.invoke(sign_up_event(MARK, source="PreSignUp_SignUp"))
        assert refused.value.message == "nobody signs up here by themselves"
        assert function.invoke(ours) == ours
        assert MARK not in function.log()


@pytest.mark.parametrize("module", FUNCTIONS)
def test_a_function_outlives_an_event_that_it_cannot_read_and_says_nothing_of_it(
    deployment: Deployment, container: Container, module: str
) -> None:
    del container
    function = deployment.function(module)
    event: dict[str, Any] = {MARK: MARK, "Records": [{MARK: MARK}], "saga": MARK}
    for _ in range(2):
        if module == "sweep":
            assert function.invoke(event)["sagas"] == 0
        elif module in {"agenda", "booking", "decisions"}:
            assert function.invoke(event)["statusCode"] == 500
        else:
            with pytest.raises(FunctionError) as failed:
                function.invoke(event)
            assert (failed.value.type, failed.value.during) == ("EventFailedError", "response")
            assert MARK not in str(failed.value)
    assert MARK not in function.log()


@pytest.mark.parametrize("module", [one for one in FUNCTIONS if one != "sign_up"])
def test_a_setting_that_is_missing_ends_the_process_before_its_first_event(
    deployment: Deployment, module: str, tmp_path: Path
) -> None:
    environment = deployment.environment()
    del environment["TELEMED_TOPIC_ARN"]
    with Function(module, environment, tmp_path) as function, pytest.raises(FunctionError) as failed:
        function.invoke({})
    assert (failed.value.type, failed.value.during) == ("SettingsError", "init")
    assert failed.value.message.startswith("TELEMED_TOPIC_ARN must be set")
