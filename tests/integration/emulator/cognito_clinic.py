"""A pool on the emulator and an identity over it; it lives in its own time, whatever time a test says it is."""

from datetime import UTC, datetime, timedelta

import attrs

from adapters.aws.calling import Call
from adapters.aws.retrying import Patience
from adapters.cognito.identity import open_cognito_identity
from adapters.cognito.keys import issuer_of, jwks_url, open_jwks
from adapters.cognito.pool import Pool
from adapters.local_identity import refuse_common
from adapters.tokens import KeySet, open_verifier
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import Claims, SignedIn
from telemed_core.ports.services import Identity, Tokens
from telemed_core.ports.storage import Stores

KEYS, RESET_KEYS = (b"r" * 32,), (b"s" * 32,)
QUICK = Patience(sleep=lambda _: None)


@attrs.define
class Shift:
    """How far the emulator's time is ahead of a test's."""

    by: timedelta = timedelta(0)


@attrs.frozen
class InItsOwnTime:
    """An ``Identity`` whose tokens are issued when they really are; ``shift`` is what that means for the test."""

    _identity: Identity
    _shift: Shift

    def create(self, username: AccountId, password: Password, /, *, role: Role) -> None:
        self._identity.create(username, password, role=role)

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        return self._identity.check(username, password)

    def sign_in(self, username: AccountId | None, password: Password, /, *, now: datetime) -> SignedIn | None:
        self._shift.by = datetime.now(UTC) - now
        return self._identity.sign_in(username, password, now=now)

    def refresh(self, refresh_token: str, /, *, now: datetime) -> SignedIn:
        self._shift.by = datetime.now(UTC) - now
        return self._identity.refresh(refresh_token, now=now)

    def sign_out(self, session_id: SessionId, /) -> None:
        self._identity.sign_out(session_id)

    def change(self, username: AccountId, password: Password, /, *, keep: SessionId) -> None:
        self._identity.change(username, password, keep=keep)

    def reset_token(self, username: AccountId, /, *, now: datetime) -> str | None:
        return self._identity.reset_token(username, now=now)

    def reset(self, token: str, password: Password, /, *, now: datetime) -> None:
        self._identity.reset(token, password, now=now)

    def remove(self, username: AccountId, /) -> None:
        self._identity.remove(username)


@attrs.frozen
class TokensInTheirOwnTime:
    """``Tokens`` that are verified in the time in which they were issued."""

    _tokens: Tokens
    _shift: Shift

    def verify(self, token: str, /, *, now: datetime) -> Claims:
        return self._tokens.verify(token, now=now + self._shift.by)


def identity_on(call: Call, pool: Pool, stores: Stores, *, patience: Patience = QUICK) -> Identity:
    """The pool's, with credentials and sessions of these stores."""
    return open_cognito_identity(
        stores.credentials,
        stores.sessions,
        call,
        pool=pool,
        refuse_common=refuse_common,
        refresh_keys=KEYS,
        reset_keys=RESET_KEYS,
        patience=patience,
    )


def tokens_of(pool: Pool, endpoint_url: str) -> Tokens:
    """The pool's, by the keys that it publishes."""
    return open_verifier(
        KeySet(open_jwks(jwks_url(pool.id, endpoint_url=endpoint_url))),
        issuer=issuer_of(pool.id),
        client_ids={pool.client_id},
        subject_is_username=False,
    )
