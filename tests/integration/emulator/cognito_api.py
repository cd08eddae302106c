"""The API over people whose passwords Cognito keeps, and other processes on the same data."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from dependency_injector import providers

from adapters.aws.calling import Call
from adapters.cognito.pool import Pool
from adapters.dynamodb.tables import Tables
from adapters.system import SystemClock
from entrypoints.container import open_container
from entrypoints.operations.answering import Api
from entrypoints.settings import Settings, load_settings
from integration.emulator.fresh_tables import new_prefix
from telemed_core.ports.system import Clock
from telemed_core.testing.doubles import SkewedClock
from unit.entrypoints.api import PASSWORD, Clinic, Reply

KEY: Final = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
"""32 bytes, as secrets are set."""


def settings_on(store: str, *, endpoint_url: str, pool: Pool, data: Path, **more: str) -> Settings:
    """Those of an installation whose people sign in by that pool, and which is else kept in that store."""
    services = {
        "TELEMED_PROFILE": "memory",
        "TELEMED_STORE": store,
        "TELEMED_IDENTITY": "cognito",
        "TELEMED_USER_POOL_ID": pool.id,
        "TELEMED_USER_POOL_CLIENT_ID": pool.client_id,
        "TELEMED_AWS_ENDPOINT_URL": endpoint_url,
        "TELEMED_DATA": str(data),
    }
    secrets = dict.fromkeys(("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY"), KEY)
    return load_settings({**services, **secrets, **more})


def new_prefix_of_tables(call: Call) -> str:
    """Makes tables that nobody else has; what their names begin with."""
    prefix = new_prefix()
    for table in Tables.named(prefix).all:
        call("CreateTable", table.creation())
    return prefix


@contextmanager
def a_clinic(settings: Settings) -> Iterator[Clinic]:
    """The API by these settings, nobody there yet."""
    container = open_container(settings)
    yield Clinic(container, Api(container))
    container.close()


def beside(clinic: Clinic, *, clock: Clock | None = None, **changed: Any) -> Clinic:
    """Another process over the same data: by another clock, or with other settings."""
    old = clinic.container
    settings = old.settings().model_copy(update=changed)
    container = open_container(settings, clock=clock)
    container.stores.override(providers.Object(old.stores()))
    return Clinic(container, Api(container))


def ahead(clinic: Clinic, by: timedelta) -> Clinic:
    """Another process, whose clock is ahead of the machine's by that much."""
    return beside(clinic, clock=SkewedClock(SystemClock(), by))


def signed(clinic: Clinic, login: str, password: str = PASSWORD) -> dict[str, Any]:
    """The tokens of a sign-in."""
    reply = try_to(clinic, login, password)
    assert reply.status == 200, reply.raw
    tokens: dict[str, Any] = reply.body
    return tokens


def try_to(clinic: Clinic, login: str, password: str = PASSWORD) -> Reply:
    """What a sign-in is answered."""
    return clinic.call("POST", "/v1/auth/token", {"login": login, "password": password})


def refreshed(clinic: Clinic, tokens: dict[str, Any]) -> Reply:
    """What the refresh token is answered."""
    return clinic.call("POST", "/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})


def me(clinic: Clinic, tokens: dict[str, Any]) -> Reply:
    """Whom the access token is taken for."""
    return clinic.call("GET", "/v1/me", token=tokens["access_token"])


def claims_of(tokens: dict[str, Any]) -> dict[str, Any]:
    """What the access token says."""
    said: dict[str, Any] = json.loads(urlsafe_b64decode(tokens["access_token"].split(".")[1] + "=="))
    return said


def check_over(clinic: Clinic, tokens: dict[str, Any]) -> None:
    """Nothing of the session is good for anything."""
    for reply in (me(clinic, tokens), refreshed(clinic, tokens)):
        assert (reply.status, reply.code) == (401, "unauthenticated")
        assert reply.headers["WWW-Authenticate"] == "Bearer"
