"""An emulator of AWS, clients for it, and tables that are the test's own."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from adapters.aws.calling import Call, open_call
from adapters.cognito.pool import Pool, make_pool
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.opening import open_dynamodb
from adapters.dynamodb.tables import Tables
from adapters.memory import open_memory
from integration.emulator.faulty import Faulty
from integration.emulator.fresh_tables import new_tables
from integration.emulator.ministack import CREDENTIALS, REGION, Ministack
from integration.emulator.states_engine import Engine
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

THREADS = 32


@pytest.fixture(scope="session")
def credentials() -> Iterator[None]:
    """Those that an emulator takes, in the environment as botocore looks for them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session")
def emulator(credentials: None) -> Iterator[Ministack]:
    """One for all tests of this process: what a test makes, it names itself."""
    with Ministack() as server:
        yield server


@pytest.fixture(scope="session")
def endpoint_url(emulator: Ministack) -> str:
    return emulator.endpoint_url


@pytest.fixture(scope="session")
def client(endpoint_url: str) -> Callable[[str], Any]:
    """The bare client of a service: what a test looks with, apart from our own calls."""
    made: dict[str, Any] = {}

    def of(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(service, region_name=REGION, endpoint_url=endpoint_url)
        return made[service]

    return of


@pytest.fixture(scope="session")
def call(endpoint_url: str) -> Call:
    """Calls to DynamoDB on it."""
    return open_call("dynamodb", region=REGION, endpoint_url=endpoint_url, connections=THREADS)


@pytest.fixture(scope="session")
def engine(credentials: None) -> Iterator[Engine]:
    """An emulator of its own, for executions: in it no wait takes any time."""
    with Engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def call_states(engine: Engine) -> Call:
    """Calls to Step Functions on it."""
    return open_call("stepfunctions", region=REGION, endpoint_url=engine.server.endpoint_url, connections=4)


@pytest.fixture
def region(credentials: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where everything is, as a container looks for it."""
    monkeypatch.setenv("AWS_REGION", REGION)
    return REGION


@pytest.fixture(scope="session")
def user_pool(endpoint_url: str) -> Pool:
    """One for all: that Cognito knows a user from elsewhere does not make them one of ours."""
    cognito = open_call("cognito-idp", region=REGION, endpoint_url=endpoint_url, connections=1)
    return make_pool(cognito, name="people", protected=False)


@pytest.fixture
def tables(call: Call) -> Tables:
    """New, empty tables."""
    return new_tables(call)


@pytest.fixture
def faulty(call: Call) -> Faulty:
    """Calls that go wrong as a test says, and are counted."""
    return Faulty(call)


@pytest.fixture
def dynamo(faulty: Faulty, tables: Tables) -> Dynamo:
    return Dynamo(faulty, tables)


@pytest.fixture
def stores(dynamo: Dynamo, sealing: Sealing) -> Stores:
    """All stores in those tables, with notices beside them, which are not kept there."""
    return open_dynamodb(dynamo, sealing=sealing, notices=open_memory().notices)


@pytest.fixture
def open_fresh_dynamodb(call: Call, sealing: Sealing) -> Callable[[], Stores]:
    """Opens the stores in other new tables each time."""

    def open_fresh() -> Stores:
        return open_dynamodb(Dynamo(call, new_tables(call)), sealing=sealing, notices=open_memory().notices)

    return open_fresh


@pytest.fixture
def clinic(stores: Stores) -> Clinic:
    """On the test's stores."""
    return a_clinic(stores)


@pytest.fixture
def clock(clinic: Clinic) -> SettableClock:
    """The clinic's."""
    assert isinstance(clinic.clock, SettableClock)
    return clinic.clock


@pytest.fixture
def doctor(clinic: Clinic) -> Doctor:
    """The clinic's first."""
    return clinic.doctor()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    """The clinic's first."""
    return clinic.patient()
