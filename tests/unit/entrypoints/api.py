"""The API without a transport, on memory, with fast passwords: for tests of what it answers."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
from dependency_injector import providers

from entrypoints.container import Container, open_container
from entrypoints.operations.all_operations import OPERATIONS
from entrypoints.operations.answering import Api
from entrypoints.operations.operation import Incoming, Operation
from entrypoints.settings import load_settings
from telemed_core.domain.people import Cpf
from telemed_core.testing.builders import a_cpf, a_crm, a_password, an_email
from telemed_core.testing.doubles import MemoryIdentity, MemoryTokens, SettableClock

MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
PASSWORD = a_password().secret
AGENDA: Mapping[str, Any] = {
    "time_zone": "America/Sao_Paulo",
    "weekly": [
        {"weekday": day, "start": "00:00", "end": "24:00"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    ],
}


@attrs.frozen
class Reply:
    """What the API answered."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        found: str = self.body["code"]
        return found


_PARAMETER = re.compile(r"\{(\w+)\}")


def found(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """The operation at a path, and what stands for its parameter."""
    for operation in OPERATIONS:
        if operation.method == method:
            pattern = _PARAMETER.sub(
                r"(?P<\1>[^/]+)", re.escape(operation.path).replace(r"\{", "{").replace(r"\}", "}")
            )
            if matched := re.fullmatch(pattern, path):
                return operation, matched.groupdict()
    raise LookupError(path)


@attrs.frozen
class Clinic:
    """The API, and whoever is signed in."""

    container: Container
    api: Api

    @property
    def clock(self) -> SettableClock:
        clock = self.container.clock()
        assert isinstance(clock, SettableClock)
        return clock

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        token: str | None = None,
        raw: bytes | None = None,
        address: str = "198.51.100.1",
        **headers: str,
    ) -> Reply:
        split = urlsplit(url)
        operation, ids = found(method, split.path)
        sent = {name.replace("_", "-"): [value] for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = [f"Bearer {token}"]
        answer = self.api.answer(
            operation,
            Incoming(
                path=split.path,
                ids=ids,
                query=parse_qsl(split.query, keep_blank_values=True),
                headers=sent,
                body=raw if raw is not None else b"" if body is None else json.dumps(body).encode(),
                address=address,
            ),
        )
        return Reply(answer.status, answer.headers, answer.body)

    def sign_in(self, login: str, password: str = PASSWORD) -> str:
        """The access token."""
        reply = self.call("POST", "/v1/auth/token", {"login": login, "password": password})
        assert reply.status == 200, reply.raw
        token: str = reply.body["access_token"]
        return token

    def administrator(self) -> str:
        """An administrator's token."""
        email = an_email(1, of="administrator")
        self.container.create_administrator()(email=email, password=a_password(), time_zone=ZONE)
        return self.sign_in(str(email))

    def doctor(self, number: int = 1, *, administrator: str | None = None, **facts: Any) -> tuple[str, str]:
        """A doctor's id and token; approved and receiving at any hour where an administrator is there to approve."""
        registered = self.call("POST", "/v1/doctors", {**doctor_body(number), **facts})
        assert registered.status == 201, registered.raw
        doctor_id = registered.body["id"]
        token = self.sign_in(str(a_crm(number)))
        if administrator:
            self.call("POST", f"/v1/doctors/{doctor_id}/verification", {"decision": "approve"}, token=administrator)
            etag = self.call("GET", "/v1/agenda", token=token).headers["ETag"]
            assert self.call("PUT", "/v1/agenda", AGENDA, token=token, if_match=etag).status == 200
        return doctor_id, token

    def patient(self, number: int = 1, **facts: Any) -> tuple[str, str]:
        """A patient's id and token."""
        registered = self.call("POST", "/v1/patients", {**patient_body(number), **facts})
        assert registered.status == 201, registered.raw
        return registered.body["id"], self.sign_in(str(an_email(number)))


ZONE: Any = "America/Sao_Paulo"


def cpf_of(number: int) -> Cpf:
    return a_cpf(100_000_000 + number)


def doctor_body(number: int = 1) -> dict[str, Any]:
    return {
        "name": "Ana Lima",
        "crm": str(a_crm(number)),
        "email": str(an_email(number, of="doctor")),
        "cpf": cpf_of(500 + number).digits,
        "password": PASSWORD,
        "specialties": ["cardiology"],
        "location": {"lat": -23.55, "lon": -46.63},
        "time_zone": "America/Sao_Paulo",
        "price_cents": 25_000,
    }


def patient_body(number: int = 1) -> dict[str, Any]:
    return {
        "name": "Bruno Reis",
        "cpf": cpf_of(number).digits,
        "email": str(an_email(number)),
        "password": PASSWORD,
        "birth_date": "1980-02-29",
        "time_zone": "America/Sao_Paulo",
        "consents": ["telemedicine", "data_processing"],
    }


@cache
def issuer_key() -> str:
    """One for all: a new one takes a tenth of a second."""
    from adapters.secret_files import new_secrets

    key = new_secrets({}).issuer_key
    assert key is not None
    return key.decode()


def on_memory() -> dict[str, str]:
    """The environment of the memory profile, with that key."""
    return {"TELEMED_PROFILE": "memory", "TELEMED_ISSUER_KEY": issuer_key()}


def with_fast_passwords(container: Container) -> Container:
    """The same parts, with passwords that cost nothing to check."""
    identity = MemoryIdentity(container.credentials(), container.sessions(), container.ids())
    container.identity.override(providers.Object(identity))
    return container


@contextmanager
def a_clinic(**environment: str) -> Iterator[Clinic]:
    """The API on a new memory, on a Monday noon."""
    settings = load_settings({**on_memory(), **environment})
    container = with_fast_passwords(open_container(settings, clock=SettableClock(MONDAY)))
    container.tokens.override(providers.Object(MemoryTokens()))
    yield Clinic(container, Api(container))
    container.close()
