"""An ``Identity`` on a user pool: Cognito keeps passwords and signs tokens, we keep who has signed in.

Cognito knows no user for ever removed, no session that ends at once, no refresh token that is good once, and no
token for a new password without an e-mail of its own. These are kept where they are kept for an identity of our
own: in ``Credentials`` (a mark instead of a hash, with its revision) and ``Sessions``. A user whom only Cognito has
is nobody.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import attrs

from adapters.aws.calling import Call
from adapters.aws.retrying import Patience
from adapters.cognito.envelopes import Envelopes, Opened
from adapters.cognito.pool import Pool
from adapters.cognito.users import Granted, Users
from adapters.reset_tokens import ResetTokens, not_good
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import Credential, Session, SignedIn
from telemed_core.errors import (
    BusyError,
    ConflictError,
    NotFoundError,
    StaleVersionError,
    UnauthenticatedError,
)
from telemed_core.ports.people import Credentials, Sessions
from telemed_core.ports.services import Identity

MARK: Final = "cognito"
"""What stands in place of a hash."""
NOBODY: Final = AccountId("nobody")
RUNS: Final = 8
"""How often a refresh looks again where others changed its session first; after one of them it has nothing to write."""


@attrs.frozen(eq=False)
class CognitoIdentity:
    """An ``Identity`` over a pool's users, and credentials and sessions of our own.

    A new password is set in the pool first, and then its revision raised, which ends the sessions: whoever signs in
    meanwhile with either does so under the revision before.
    """

    _credentials: Credentials
    _sessions: Sessions
    _users: Users
    _envelopes: Envelopes
    _refuse_common: Callable[[Password], None]
    _resets: ResetTokens

    def create(self, username: AccountId, password: Password, /, *, role: Role) -> None:
        self._refuse_common(password)
        self._users.make(username)
        self._put(username, password)
        self._users.group(username, role)

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        return self._proved(username, password) is not None

    def sign_in(self, username: AccountId | None, password: Password, /, *, now: datetime) -> SignedIn | None:
        proved = self._proved(username, password)
        if proved is None:
            return None
        # By the revision read before the proof: a password changed meanwhile leaves nothing open.
        credential, granted = proved
        session = Session.opened(granted.session_id, granted.username, password_rev=credential.rev, now=now)
        self._sessions.add(session, now=now)
        return self._signed(session, granted, granted.refresh_token or "")

    def refresh(self, refresh_token: str, /, *, now: datetime) -> SignedIn:
        given = self._envelopes.open(refresh_token)
        granted: Granted | None = None
        for _ in range(RUNS):
            before = self._session(given.session_id, now=now)
            after = before.refreshed(given.generation, now=now)
            if after is None:
                raise self._ended(before)
            # Before the token counts as used: an outage of Cognito's takes none of its 30 seconds.
            granted = granted or self._users.renew(given.cognitos)
            if granted is None or (granted.username, granted.session_id) != (before.account_id, before.id):
                raise self._ended(before)
            try:
                if after != before:
                    self._sessions.replace(before, after)
                return self._signed(after, granted, given.cognitos)
            except StaleVersionError:
                continue
        raise BusyError

    def sign_out(self, session_id: SessionId, /) -> None:
        # Nothing at Cognito: its tokens of this session nobody has in the open, and those out there find no session.
        self._sessions.end(session_id)

    def change(self, username: AccountId, password: Password, /, *, keep: SessionId) -> None:
        self._refuse_common(password)
        self._put(username, password, keep=keep)

    def reset_token(self, username: AccountId, /, *, now: datetime) -> str | None:
        return self._resets.make(username, now=now)

    def reset(self, token: str, password: Password, /, *, now: datetime) -> None:
        username, rev = self._resets.read(token, now=now)
        self._refuse_common(password)
        try:
            # The token is used up first, by one alone: only they set a password in the pool, which compares nothing.
            self._credentials.put(username, MARK, before=rev)
            self._put(username, password)
        except ConflictError:
            raise not_good() from None

    def remove(self, username: AccountId, /) -> None:
        self._credentials.remove(username)
        self._users.delete(username)

    def _put(self, username: AccountId, password: Password, *, keep: SessionId | None = None) -> None:
        self._users.put(username, password)
        try:
            self._credentials.put(username, MARK, keep=keep)
        except ConflictError:
            self._users.delete(username)
            raise

    def _proved(self, username: AccountId | None, password: Password) -> tuple[Credential, Granted] | None:
        """What is kept of the user and what Cognito gave, where this is the password."""
        kept = self._credentials.get(username or NOBODY)
        granted = self._users.prove(username, password)
        if kept is None or granted is None or granted.username != username:
            return None
        return kept, granted

    def _session(self, session_id: SessionId, *, now: datetime) -> Session:
        try:
            session = self._sessions.get(session_id)
        except NotFoundError:
            raise UnauthenticatedError from None
        if session.expired(now=now):
            raise UnauthenticatedError
        return session

    def _ended(self, session: Session) -> UnauthenticatedError:
        self._sessions.end(session.id)
        return UnauthenticatedError()

    def _signed(self, session: Session, granted: Granted, cognitos: str) -> SignedIn:
        return SignedIn(
            username=session.account_id,
            session_id=session.id,
            access_token=granted.access_token,
            refresh_token=self._envelopes.seal(Opened(session.id, session.generation, cognitos)),
            expires_in=granted.life,
        )


def open_cognito_identity(
    credentials: Credentials,
    sessions: Sessions,
    call: Call,
    *,
    pool: Pool,
    refuse_common: Callable[[Password], None],
    refresh_keys: tuple[bytes, ...],
    reset_keys: tuple[bytes, ...],
    patience: Patience | None = None,
) -> Identity:
    """Have passwords checked by this pool, and keep who has signed in in these sessions.

    Args:
        call: to ``cognito-idp``; it repeats no reads by itself.
        refuse_common: raises ``InvalidError``, naming ``password``, for a common one: Cognito knows none.
        refresh_keys: refresh tokens are sealed under the first, and taken under each of them.
        reset_keys: the same, of tokens for a new password.
    """
    users = Users(call, pool, patience or Patience())
    resets = ResetTokens(credentials, reset_keys)
    return CognitoIdentity(credentials, sessions, users, Envelopes(refresh_keys), refuse_common, resets)
