"""What races leave, in the identity that is made for tests."""

from collections.abc import Callable
from typing import Any

import attrs

from adapters.memory import open_memory
from telemed_core.domain.ids import AccountId
from telemed_core.domain.sessions import Session, SignedIn
from telemed_core.ports.people import Sessions
from telemed_core.testing.builders import MONDAY, a_password
from telemed_core.testing.doubles import MemoryIdentity, SeededIds

USER = AccountId("user-1")


@attrs.define
class Overtaken:
    """Sessions in which something happens just before the first is replaced."""

    sessions: Sessions
    first: list[Callable[[], object]] = attrs.field(factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sessions, name)

    def replace(self, before: Session, after: Session, /) -> None:
        if self.first:
            self.first.pop()()
        self.sessions.replace(before, after)


def test_of_two_refreshes_at_once_the_second_gives_what_the_first_one_gave() -> None:
    stores = open_memory()
    sessions = Overtaken(stores.sessions)
    identity = MemoryIdentity(stores.credentials, sessions, SeededIds())
    identity.create(USER, a_password())
    signed = identity.sign_in(USER, a_password(), now=MONDAY)
    assert signed is not None
    first: list[SignedIn] = []
    sessions.first = [lambda: first.append(identity.refresh(signed.refresh_token, now=MONDAY))]
    assert [identity.refresh(signed.refresh_token, now=MONDAY)] == first
