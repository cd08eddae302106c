"""Our own identity beside the contract: what is kept and refused, how many hash at once, and what races leave."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerifyMismatchError

from adapters import local_identity
from adapters.local_identity import open_local_identity
from telemed_core.domain.accounts import Account
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import Credential, Session, SignedIn
from telemed_core.errors import BusyError, InvalidError, NotFoundError, StaleVersionError, UnauthenticatedError
from telemed_core.ports.services import Identity
from telemed_core.testing.builders import MONDAY, a_password
from telemed_core.testing.doubles import SeededIds

USER, SESSION = AccountId("user-1"), SessionId("session-1")
KEY, PREVIOUS, RESET_KEY = b"r" * 32, b"p" * 32, b"s" * 32


@attrs.define
class Hashes:
    """Credentials that remember what was read."""

    kept: dict[AccountId, Credential] = attrs.field(factory=dict)
    reads: int = 0

    def put(
        self, username: AccountId, secret_hash: str, /, *, keep: SessionId | None = None, before: int | None = None
    ) -> None:
        kept = self.kept.get(username)
        rev = kept.rev if kept else 0
        if before not in {None, rev}:
            raise StaleVersionError
        self.kept[username] = Credential(secret_hash, rev + 1)

    def get(self, username: AccountId, /) -> Credential | None:
        self.reads += 1
        return self.kept.get(username)

    def remove(self, username: AccountId, /) -> None:
        self.kept.pop(username, None)


@attrs.define
class OpenSessions:
    """Sessions in which something may happen just before one is replaced."""

    kept: dict[SessionId, Session] = attrs.field(factory=dict)
    before_replacing: list[Callable[[], object]] = attrs.field(factory=list)

    def add(self, session: Session, /, *, now: datetime) -> None:
        self.kept[session.id] = session

    def get(self, session_id: SessionId, /) -> Session:
        if session_id not in self.kept:
            raise NotFoundError
        return self.kept[session_id]

    def replace(self, before: Session, after: Session, /) -> None:
        if self.before_replacing:
            self.before_replacing.pop()()
        if self.kept.get(before.id) != before:
            raise StaleVersionError
        self.kept[before.id] = after

    def end(self, session_id: SessionId, /) -> None:
        self.kept.pop(session_id, None)

    def account_of(self, session_id: SessionId, account_id: AccountId, /) -> Account:
        raise NotImplementedError  # an identity never asks: it is who authenticates that does


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
def sessions() -> OpenSessions:
    return OpenSessions()


@pytest.fixture
def identity(hashes: Hashes, sessions: OpenSessions) -> Identity:
    return opened(hashes, sessions)


@pytest.fixture
def signed(identity: Identity, sessions: OpenSessions) -> SignedIn:
    """Somebody who signed in; without the time that their hash takes."""
    sessions.add(Session.opened(SESSION, USER, password_rev=1, now=MONDAY), now=MONDAY)
    return SignedIn(username=USER, session_id=SESSION, access_token="", refresh_token=f"session-1.1.{mac(KEY)}")


def opened(
    hashes: Hashes, sessions: OpenSessions, *refresh_keys: bytes, reset_keys: tuple[bytes, ...] = (RESET_KEY,)
) -> Identity:
    return open_local_identity(
        hashes,
        sessions,
        SeededIds(),
        access_token=access_token,
        refresh_keys=refresh_keys or (KEY,),
        reset_keys=reset_keys,
    )


def access_token(session: Session, /, *, now: datetime) -> str:
    return f"{session.account_id} by {session.id} at {now.isoformat()}"


def mac(key: bytes, content: str = "session-1.1") -> str:
    digest = hmac.new(key, content.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowHasher]:
    slow = SlowHasher()
    monkeypatch.setattr(local_identity, "_HASHER", slow)
    yield slow
    slow.go_on.set()


def test_what_is_kept_is_argon2id_of_19_mib_in_two_passes_on_one_lane(identity: Identity, hashes: Hashes) -> None:
    identity.create(USER, a_password(), role=Role.PATIENT)
    used = extract_parameters(hashes.kept[USER].secret_hash)
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
    assert identity.sign_in(username, a_password(), now=MONDAY) is None
    assert (hashes.reads, len(hasher.checked)) == (2, 2)


def test_what_fits_the_hash_of_nobody_is_still_nobodys_password(
    identity: Identity, hasher: SlowHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_identity, "NOBODYS_HASH", "right")
    hasher.go_on.set()
    assert not identity.check(None, a_password())
    assert identity.sign_in(None, a_password(), now=MONDAY) is None
    assert identity.sign_in(USER, a_password(), now=MONDAY) is None
    assert hasher.checked == ["right"] * 3


def test_two_hash_at_once_eight_wait_and_the_eleventh_is_refused(
    identity: Identity, hashes: Hashes, hasher: SlowHasher
) -> None:
    hashes.put(USER, "right")
    with ThreadPoolExecutor(10) as pool:
        admitted = [pool.submit(identity.check, USER, a_password()) for _ in range(10)]
        until = time.monotonic() + 10
        # Each has read what is kept before it waits to hash.
        while identity._admitted._value or hasher.running < 2:  # type: ignore[attr-defined]
            assert time.monotonic() < until
            time.sleep(0.001)
        assert hashes.reads == 10
        for _ in range(3):
            with pytest.raises(BusyError):
                identity.check(USER, a_password())
        for busy in (
            lambda: identity.create(USER, a_password(), role=Role.PATIENT),
            lambda: identity.change(USER, a_password(), keep=SESSION),
            lambda: identity.sign_in(USER, a_password(), now=MONDAY),
            lambda: identity.reset(reset_token(), a_password(), now=MONDAY),
        ):
            with pytest.raises(BusyError):
                busy()
        hasher.go_on.set()
        assert [answer.result() for answer in admitted] == [True] * 10
    assert hasher.most == 2
    assert identity.check(USER, a_password())


def test_a_refused_password_gives_its_turn_back(identity: Identity, hashes: Hashes) -> None:
    for _ in range(11):
        with pytest.raises(InvalidError):
            identity.create(USER, Password("password1234"), role=Role.PATIENT)
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
        identity.create(USER, Password(common), role=Role.PATIENT)
    assert [name for name, _ in refused.value.fields] == ["password"]
    assert common not in str(refused.value)


def test_no_password_takes_long_to_weigh(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    weighed: list[str] = []

    def guesses_of(text: str) -> dict[str, int]:
        weighed.append(text)
        return {"guesses": 0}

    monkeypatch.setattr(local_identity, "zxcvbn", guesses_of)
    with pytest.raises(InvalidError):
        identity.create(USER, Password("4@8({[<369&#!1/|0$5+7%2" * 5), role=Role.PATIENT)
    assert [len(text) for text in weighed] == [16]


def test_a_password_changed_while_it_is_checked_opens_nothing_that_counts(
    identity: Identity, hashes: Hashes, sessions: OpenSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overtaken:
        def verify(self, kept: str, _: str) -> bool:
            hashes.put(USER, "another")
            return kept == "right"

    hashes.put(USER, "right")
    monkeypatch.setattr(local_identity, "_HASHER", Overtaken())
    signed = identity.sign_in(USER, a_password(), now=MONDAY)
    assert signed is not None
    assert (sessions.kept[signed.session_id].password_rev, hashes.kept[USER].rev) == (1, 2)


def test_a_sign_in_keeps_its_session_and_hands_out_its_tokens(
    identity: Identity, hashes: Hashes, sessions: OpenSessions, hasher: SlowHasher
) -> None:
    hashes.put(USER, "right")
    hasher.go_on.set()
    signed = identity.sign_in(USER, a_password(), now=MONDAY)
    assert signed is not None
    assert sessions.kept == {
        signed.session_id: Session.opened(signed.session_id, USER, password_rev=1, now=MONDAY),
    }
    assert signed.access_token == access_token(sessions.kept[signed.session_id], now=MONDAY)
    content = f"{signed.session_id}.1"
    assert signed.refresh_token == f"{content}.{mac(KEY, content)}"


def test_refresh_tokens_under_the_previous_key_are_taken_and_new_ones_are_under_the_present(
    hashes: Hashes, sessions: OpenSessions, signed: SignedIn
) -> None:
    rotated = opened(hashes, sessions, b"n" * 32, KEY)
    renewed = rotated.refresh(signed.refresh_token, now=MONDAY)
    assert renewed.refresh_token == f"session-1.2.{mac(b'n' * 32, 'session-1.2')}"
    with pytest.raises(UnauthenticatedError):
        opened(hashes, sessions, PREVIOUS).refresh(renewed.refresh_token, now=MONDAY)
    assert sessions.kept


def test_of_two_refreshes_at_once_the_second_gives_what_the_first_one_gave(
    identity: Identity, signed: SignedIn, sessions: OpenSessions
) -> None:
    first: list[SignedIn] = []
    sessions.before_replacing = [lambda: first.append(identity.refresh(signed.refresh_token, now=MONDAY))]
    second = identity.refresh(signed.refresh_token, now=MONDAY)
    assert [second] == first
    assert sessions.kept[SESSION].generation == 2


def test_a_session_that_ends_while_it_is_refreshed_gives_nothing(
    identity: Identity, signed: SignedIn, sessions: OpenSessions
) -> None:
    sessions.before_replacing = [lambda: identity.sign_out(SESSION)]
    with pytest.raises(UnauthenticatedError):
        identity.refresh(signed.refresh_token, now=MONDAY)
    assert not sessions.kept


def test_a_session_that_never_stands_still_is_let_alone(
    identity: Identity, signed: SignedIn, sessions: OpenSessions
) -> None:
    def change() -> None:
        sessions.kept[SESSION] = attrs.evolve(
            sessions.kept[SESSION], password_rev=sessions.kept[SESSION].password_rev + 1
        )

    sessions.before_replacing = [change] * 100
    with pytest.raises(BusyError):
        identity.refresh(signed.refresh_token, now=MONDAY)
    assert len(sessions.before_replacing) == 100 - local_identity.RUNS


def test_a_refresh_within_the_grace_writes_nothing(
    identity: Identity, signed: SignedIn, sessions: OpenSessions
) -> None:
    identity.refresh(signed.refresh_token, now=MONDAY)
    sessions.before_replacing = [lambda: pytest.fail("replaced")]
    assert identity.refresh(signed.refresh_token, now=MONDAY + timedelta(seconds=29)).session_id == SESSION


def reset_token(key: bytes = RESET_KEY, *, username: str = USER, rev: int = 1, until: datetime | None = None) -> str:
    """A token for a new password, made as ours are."""
    micros = ((until or MONDAY + timedelta(minutes=30)) - EPOCH) // timedelta(microseconds=1)
    content = f"{username}.{rev}.{micros}"
    return f"{content}.{mac(key, content)}"


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_identity, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def test_a_reset_token_names_user_revision_and_end_under_its_own_key(identity: Identity, hashes: Hashes) -> None:
    hashes.put(USER, "first")
    hashes.put(USER, "second")
    assert identity.reset_token(USER, now=MONDAY) == reset_token(rev=2)


@pytest.mark.usefixtures("_fast")
def test_reset_tokens_under_the_previous_key_are_taken_and_new_ones_are_under_the_present(
    hashes: Hashes, sessions: OpenSessions
) -> None:
    hashes.put(USER, "first")
    rotated = opened(hashes, sessions, reset_keys=(b"n" * 32, RESET_KEY))
    assert rotated.reset_token(USER, now=MONDAY) == reset_token(b"n" * 32)
    rotated.reset(reset_token(RESET_KEY), a_password(), now=MONDAY)
    assert hashes.kept[USER].rev == 2
    with pytest.raises(InvalidError):
        opened(hashes, sessions, reset_keys=(PREVIOUS,)).reset(reset_token(rev=2), a_password(), now=MONDAY)


@pytest.mark.parametrize(
    "token",
    [
        reset_token(KEY),
        reset_token(PREVIOUS),
        reset_token(rev=2),
        reset_token(username="user-2"),
        reset_token(until=MONDAY),
        reset_token(until=MONDAY + timedelta(minutes=35, microseconds=1)),
        reset_token(username=""),
        reset_token(username=".user-1"),
        reset_token(until=datetime(9999, 1, 1, tzinfo=UTC)),
        f"{reset_token()}=",
        reset_token().replace("user-1.1", "user-1.01"),
    ],
    ids=[
        "a refresh key",
        "a key of before",
        "another revision",
        "an unknown user",
        "over",
        "of another clock",
        "nobody",
        "no id",
        "the end of time",
        "padded",
        "written otherwise",
    ],
)
def test_what_is_not_good_is_refused_before_anything_is_hashed(
    identity: Identity, hashes: Hashes, hasher: SlowHasher, token: str
) -> None:
    hashes.put(USER, "right")
    for password in (a_password(), Password("password1234")):
        with pytest.raises(InvalidError) as refused:
            identity.reset(token, password, now=MONDAY)
        assert [name for name, _ in refused.value.fields] == ["token"]
    assert (hashes.kept[USER], hasher.checked) == (Credential("right", 1), [])


@pytest.mark.parametrize("meanwhile", ["changed", "removed"])
def test_a_password_changed_or_removed_while_the_new_one_is_hashed_stays_so(
    identity: Identity, hashes: Hashes, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    class Overtaken:
        def hash(self, _: str) -> str:
            if meanwhile == "changed":
                hashes.put(USER, "theirs")
            else:
                hashes.remove(USER)
            return "ours"

    hashes.put(USER, "first")
    monkeypatch.setattr(local_identity, "_HASHER", Overtaken())
    with pytest.raises(InvalidError) as refused:
        identity.reset(reset_token(), a_password(), now=MONDAY)
    assert [name for name, _ in refused.value.fields] == ["token"]
    left = hashes.kept.get(USER)
    assert left == (Credential("theirs", 2) if meanwhile == "changed" else None)


def test_no_key_is_printed(identity: Identity) -> None:
    assert "rrrr" not in repr(identity)
    assert "ssss" not in repr(identity)
