"""Who somebody is by the token that they send."""

import attrs

from telemed_core.domain.accounts import Account
from telemed_core.domain.ids import SessionId
from telemed_core.errors import NotFoundError, UnauthenticatedError
from telemed_core.ports.people import Sessions
from telemed_core.ports.services import Tokens
from telemed_core.ports.system import Clock


@attrs.frozen
class Authenticate:
    """Who sends an access token: the account as our directory has it now, whatever the token says of roles.

    Raises:
        UnauthenticatedError: the token is not good, its session has ended, or its account is closed.
    """

    _tokens: Tokens
    _sessions: Sessions
    _clock: Clock

    def __call__(self, token: str, /) -> tuple[Account, SessionId]:
        claims = self._tokens.verify(token, now=self._clock.now())
        try:
            return self._sessions.account_of(claims.session_id, claims.username), claims.session_id
        except NotFoundError:
            raise UnauthenticatedError from None
