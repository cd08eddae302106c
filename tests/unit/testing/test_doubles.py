"""What races leave, in the identity that is made for tests."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from adapters.memory import open_memory
from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import SignedIn
from telemed_core.errors import InvalidError
from telemed_core.testing.builders import MONDAY, a_password
from telemed_core.testing.doubles import MemoryIdentity, SeededIds

USER = AccountId("user-1")


@attrs.define
class Overtaken:
    """A port in which something happens just before the first call of that method."""

    port: Any
    method: str
    first: list[Callable[[], object]] = attrs.field(factory=list)

    def __getattr__(self, name: str) -> Any:
        if name == self.method and self.first:
            self.first.pop()()
        return getattr(self.port, name)


def test_of_two_refreshes_at_once_the_second_gives_what_the_first_one_gave() -> None:
    stores = open_memory()
    sessions = Overtaken(stores.sessions, "replace")
    identity = MemoryIdentity(stores.credentials, sessions, SeededIds())
    identity.create(USER, a_password(), role=Role.PATIENT)
    signed = identity.sign_in(USER, a_password(), now=MONDAY)
    assert signed is not None
    first: list[SignedIn] = []
    sessions.first = [lambda: first.append(identity.refresh(signed.refresh_token, now=MONDAY))]
    assert [identity.refresh(signed.refresh_token, now=MONDAY)] == first


def test_of_two_resets_at_once_the_second_is_refused() -> None:
    stores = open_memory()
    credentials = Overtaken(stores.credentials, "put")
    identity = MemoryIdentity(credentials, stores.sessions, SeededIds())
    identity.create(USER, a_password(), role=Role.PATIENT)
    token = identity.reset_token(USER, now=MONDAY)
    assert token is not None
    credentials.first = [lambda: identity.reset(token, Password("a first long passphrase"), now=MONDAY)]
    with pytest.raises(InvalidError):
        identity.reset(token, Password("another long passphrase"), now=MONDAY)
    assert identity.check(USER, Password("a first long passphrase"))
