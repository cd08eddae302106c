"""The functions: what each is made of, and what of it stays out of the others' zips."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

import attrs

_CORE: Final = ("attrs", "cattrs", "dependency-injector", "orjson", "pydantic", "tzdata")
_STORES: Final = (*_CORE, "botocore", "cryptography")
_API: Final = (*_STORES, "joserfc")
_SAGAS: Final = (*_STORES, "argon2-cffi", "zxcvbn")
_DATABASE: Final = ("psycopg[binary]", "sqlalchemy")

_TOUCHED_BY_SAGAS: Final = frozenset({"chime-sdk-meetings", "cognito-idp", "dynamodb", "sns"})


@attrs.frozen
class Family:
    """A function: events of one kind.

    Attributes:
        name: of its zip, and after the prefix also of the function.
        requires: the distributions that it imports; what these require comes along.
        services: botocore's names of the services of AWS that it calls.
    """

    name: str
    requires: tuple[str, ...]
    services: frozenset[str] = frozenset({"dynamodb"})

    @property
    def module(self) -> str:
        """Where its handler is."""
        return f"entrypoints.lambdas.{self.name.replace('-', '_')}"

    def packs(self, path: PurePosixPath) -> bool:
        """Whether this file of our source belongs into the zip."""
        if any(path.is_relative_to(place) for place in _ELSEWHERE):
            return False
        if path.is_relative_to("adapters/sql") and "sqlalchemy" not in self.requires:
            return False
        return path == _HANDLERS[self.name] or path not in _HANDLERS.values()


FAMILIES: Final = (
    Family("agenda", _API),
    Family("decisions", _API),
    Family("booking", _API),
    # It runs sagas itself where the engine is embedded.
    Family("saga-starter", _SAGAS, _TOUCHED_BY_SAGAS | {"stepfunctions"}),
    Family("saga-step", _SAGAS, _TOUCHED_BY_SAGAS),
    # E-mails leave by it too, invitations among them.
    Family("notifier", (*_SAGAS, *_DATABASE, "icalendar"), frozenset({"cognito-idp", "dynamodb"})),
    Family("sweep", (*_SAGAS, *_DATABASE, "icalendar"), _TOUCHED_BY_SAGAS),
    Family("sign-up", _CORE, frozenset()),
)

_HANDLERS: Final[Mapping[str, PurePosixPath]] = {
    one.name: PurePosixPath(f"{one.module.replace('.', '/')}.py") for one in FAMILIES
}

_ELSEWHERE: Final = (
    # The other ways in, and what is for tests.
    "entrypoints/cli",
    "entrypoints/http",
    "entrypoints/seeding.py",
    "entrypoints/serve.py",
    "entrypoints/web",
    "telemed_core/testing",
    # A deployment migrates its database once, and not each of its functions.
    "adapters/sql/migrations/env.py",
    "adapters/sql/migrations/versions",
)
