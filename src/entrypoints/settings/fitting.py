"""Which settings go together, and what is said of those that do not."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from entrypoints.settings.addresses import is_verified

if TYPE_CHECKING:
    from entrypoints.settings import Settings


def misfits(settings: "Settings") -> Iterator[str]:
    """What does not fit, each in a sentence that names the variables."""
    if settings.keeps_memory_only and settings.database_url:
        yield "TELEMED_DATABASE_URL must be left out: what is kept in memory has no database"
    if settings.meetings != "webrtc" and settings.ice_servers:
        yield "TELEMED_ICE_SERVERS must be left out: only meetings from browser to browser use them"
    yield from _of_services(settings)
    if settings.profile == "aws":
        yield from _of_aws(settings)
    yield from _of_secrets(settings)


def _of_services(settings: "Settings") -> Iterator[str]:
    """What a chosen service needs, and no other has."""
    sns, cognito = settings.events == "sns", settings.identity == "cognito"
    for name, chosen, wanted in (
        ("chime_region", "MEETINGS=chime", settings.meetings == "chime"),
        ("topic_arn", "EVENTS=sns", sns),
        ("user_pool_id", "IDENTITY=cognito", cognito),
        ("user_pool_client_id", "IDENTITY=cognito", cognito),
        ("state_machines", "SAGA_ENGINE=step_functions", settings.saga_engine == "step_functions"),
    ):
        if wanted != (getattr(settings, name) is not None):
            yield f"TELEMED_{name.upper()} must be set with TELEMED_{chosen}, and with no other"
    if settings.queue_url and not sns:
        yield "TELEMED_QUEUE_URL must be left out: only TELEMED_EVENTS=sns has a queue"
    if settings.saga_engine == "step_functions" and settings.store != "dynamodb":
        yield "TELEMED_SAGA_ENGINE must be embedded: executions are begun by what TELEMED_STORE=dynamodb streams"


def _of_aws(settings: "Settings") -> Iterator[str]:
    if settings.at is not None:
        yield "TELEMED_AT must be left out: services of AWS have clocks of their own"
    if settings.identity == "local":
        yield "TELEMED_IDENTITY must be cognito: on the aws profile nobody else signs tokens"
    if settings.keeps_memory_only:
        return
    if settings.database_file is not None:
        yield "TELEMED_DATABASE_URL must be set to a Postgres server: on the aws profile no machine keeps a file"
    elif not is_verified(settings.sql_url):
        yield "TELEMED_DATABASE_URL must say sslmode=verify-full: the server's certificate is to be checked"


def _of_secrets(settings: "Settings") -> Iterator[str]:
    if settings.keeps_memory_only or (settings.store == "sql" and settings.database_file is not None):
        return
    needed = ["secret", "pepper", "data_key", *(["issuer_key"] if settings.identity == "local" else [])]
    missing = [f"TELEMED_{name.upper()}" for name in needed if getattr(settings, name) is None]
    if missing:
        yield f"{', '.join(missing)} must be set: what is kept elsewhere has no folder to keep secrets in"
