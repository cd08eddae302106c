"""Passwords of our own beside the contract: what is kept, what is refused, and how many hash at once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from argon2 import Type, extract_parameters
from argon2.exceptions import VerifyMismatchError

from adapters import local_identity
from adapters.local_identity import open_local_identity
from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password
from telemed_core.errors import BusyError, InvalidError
from telemed_core.ports.services import Identity
from telemed_core.testing.builders import a_password

USER = AccountId("user-1")


@attrs.define
class Hashes:
    """Credentials that remember what was read."""

    kept: dict[AccountId, str] = attrs.field(factory=dict)
    reads: int = 0

    def put(self, username: AccountId, secret_hash: str, /) -> None:
        self.kept[username] = secret_hash

    def get(self, username: AccountId, /) -> str | None:
        self.reads += 1
        return self.kept.get(username)

    def remove(self, username: AccountId, /) -> None:
        self.kept.pop(username, None)


@attrs.define
class SlowHasher:
    """Takes as long as it is told, and counts how many it does at once."""

    go_on: threading.Event = attrs.field(factory=threading.Event)
    lock: Any = attrs.field(factory=threading.Lock)
    running: int = 0
    most: int = 0
    checked: list[str] = attrs.field(factory=list)

    def verify(self, kept: str, _: str) -> bool:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.checked.append(kept)
        assert self.go_on.wait(10)
        with self.lock:
            self.running -= 1
        if kept != "right":
            raise VerifyMismatchError
        return True


@pytest.fixture
def hashes() -> Hashes:
    return Hashes()


@pytest.fixture
def identity(hashes: Hashes) -> Identity:
    return open_local_identity(hashes)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowHasher]:
    slow = SlowHasher()
    monkeypatch.setattr(local_identity, "_HASHER", slow)
    yield slow
    slow.go_on.set()


def test_what_is_kept_is_argon2id_of_19_mib_in_two_passes_on_one_lane(identity: Identity, hashes: Hashes) -> None:
    identity.create(USER, a_password())
    used = extract_parameters(hashes.kept[USER])
    assert (used.type, used.memory_cost, used.time_cost, used.parallelism) == (Type.ID, 19 * 1024, 2, 1)


def test_the_hash_of_nobody_costs_what_any_hash_costs() -> None:
    assert extract_parameters(local_identity.NOBODYS_HASH) == extract_parameters(local_identity._HASHER.hash("any"))


@pytest.mark.parametrize("username", [USER, AccountId("unknown"), None])
def test_known_and_unknown_users_take_the_same_path(
    identity: Identity, hashes: Hashes, hasher: SlowHasher, username: AccountId | None
) -> None:
    hashes.put(USER, "another")
    hasher.go_on.set()
    assert not identity.check(username, a_password())
    assert (hashes.reads, len(hasher.checked)) == (1, 1)


def test_what_fits_the_hash_of_nobody_is_still_nobodys_password(
    identity: Identity, hasher: SlowHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_identity, "NOBODYS_HASH", "right")
    hasher.go_on.set()
    assert not identity.check(None, a_password())
    assert hasher.checked == ["right"]


def test_two_hash_at_once_eight_wait_and_the_eleventh_is_refused(
    identity: Identity, hashes: Hashes, hasher: SlowHasher
) -> None:
    hashes.put(USER, "right")
    with ThreadPoolExecutor(10) as pool:
        admitted = [pool.submit(identity.check, USER, a_password()) for _ in range(10)]
        until = time.monotonic() + 10
        while hashes.reads < 10 or hasher.running < 2:
            assert time.monotonic() < until
            time.sleep(0.001)
        time.sleep(0.02)
        for _ in range(3):
            with pytest.raises(BusyError):
                identity.check(USER, a_password())
        with pytest.raises(BusyError):
            identity.create(USER, a_password())
        hasher.go_on.set()
        assert [answer.result() for answer in admitted] == [True] * 10
    assert hasher.most == 2
    assert identity.check(USER, a_password())


def test_a_refused_password_gives_its_turn_back(identity: Identity, hashes: Hashes) -> None:
    for _ in range(11):
        with pytest.raises(InvalidError):
            identity.create(USER, Password("password1234"))
    assert hashes.kept == {}


@pytest.mark.parametrize(
    "common",
    [
        "senha12345678",
        "aaaaaaaaaaaa",
        "P@ssw0rd2024",
        "corinthians10",
        "passwordpassword!",
        "1q2w3e4r5t6y",
        "01012000joao",
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_and_not_repeated(identity: Identity, common: str) -> None:
    with pytest.raises(InvalidError) as refused:
        identity.create(USER, Password(common))
    assert [name for name, _ in refused.value.fields] == ["password"]
    assert common not in str(refused.value)


def test_no_password_takes_long_to_weigh(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    weighed: list[str] = []

    def guesses_of(text: str) -> dict[str, int]:
        weighed.append(text)
        return {"guesses": 0}

    monkeypatch.setattr(local_identity, "zxcvbn", guesses_of)
    with pytest.raises(InvalidError):
        identity.create(USER, Password("4@8({[<369&#!1/|0$5+7%2" * 5))
    assert [len(text) for text in weighed] == [16]
