"""Signing in and out, by a password, and what is kept of wrong ones."""

from datetime import datetime

import attrs

from telemed_core.domain.accounts import Account, Login, login_space, parse_login
from telemed_core.domain.attempts import Failures, failed_address, failed_login
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import SessionId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, EmailAddress, Password
from telemed_core.domain.sessions import SignedIn
from telemed_core.errors import (
    InvalidCredentialsError,
    InvalidError,
    NotFoundError,
    TooManyAttemptsError,
    UnauthenticatedError,
)
from telemed_core.ports.people import Accounts, Attempts, Sessions
from telemed_core.ports.services import Identity, Sealing
from telemed_core.ports.system import Clock


@attrs.frozen
class Guard:
    """Counts wrong passwords by login, known or not, and by address, under indexes that tell neither."""

    _attempts: Attempts
    _sealing: Sealing

    def check(self, *keys: str, now: datetime) -> None:
        """Let a password be tried.

        Raises:
            TooManyAttemptsError: one of these is locked.
        """
        for failures in self._attempts.read(keys).values():
            failures.check(now=now)

    def wrong(self, *logins: str, address: str, now: datetime) -> None:
        """Count one more.

        Raises:
            TooManyAttemptsError: one of the logins, or the address, has been locked meanwhile.
        """
        for login in logins:
            self._attempts.change(login, lambda before: failed_login(before, now=now))
        self._attempts.change(address, lambda before: failed_address(before, now=now))

    def right(self, *logins: str, now: datetime) -> None:
        """Forget what was counted for the logins.

        Raises:
            TooManyAttemptsError: it has been locked meanwhile, and the password does not count.
        """

        def clear(before: Failures | None) -> None:
            if before:
                before.check(now=now)

        for login in logins:
            self._attempts.change(login, clear)

    def key_of_login(self, login: Login | str) -> str:
        """What a login is counted under: the same for every spelling of it."""
        match login:
            case str():
                return self._sealing.index("attempts:unknown", login)
            case Cpf():
                return self._sealing.index(f"attempts:{login_space(login)}", login.digits)
            case EmailAddress():
                return self._sealing.index(f"attempts:{login_space(login)}", login.address)
            case _:
                return self._sealing.index(f"attempts:{login_space(login)}", str(login))

    def key_of_address(self, address: str) -> str:
        """What an address is counted under."""
        return self._sealing.index("attempts:address", address)


@attrs.frozen
class SignIn:
    """Somebody says a login and a password, and gets tokens.

    Raises:
        InvalidCredentialsError: no such login, or not its password: the same answer after the same time.
        TooManyAttemptsError: wrong ones came too often, for the login or from the address.
        BusyError: too many at once.
    """

    _accounts: Accounts
    _identity: Identity
    _guard: Guard
    _clock: Clock

    def __call__(self, *, login: str, password: str, address: str) -> tuple[Account, SignedIn]:
        now = self._clock.now()
        parsed = _read(login)
        by_login, by_address = self._guard.key_of_login(parsed), self._guard.key_of_address(address)
        self._guard.check(by_login, by_address, now=now)
        account = None if isinstance(parsed, str) else self._accounts.find(parsed)
        signed = self._identity.sign_in(account.id if account else None, Password(password), now=now)
        if account is None or signed is None:
            self._guard.wrong(by_login, address=by_address, now=now)
            raise InvalidCredentialsError
        try:
            self._guard.right(by_login, now=now)
        except TooManyAttemptsError:
            self._identity.sign_out(signed.session_id)
            raise
        return account, signed


@attrs.frozen
class RefreshSession:
    """A refresh token is changed for new tokens of the same session.

    Raises:
        UnauthenticatedError: it is not good, or not any more.
    """

    _identity: Identity
    _sessions: Sessions
    _clock: Clock

    def __call__(self, *, refresh_token: str) -> tuple[Account, SignedIn]:
        signed = self._identity.refresh(refresh_token, now=self._clock.now())
        try:
            return self._sessions.account_of(signed.session_id, signed.username), signed
        except NotFoundError:
            raise UnauthenticatedError from None


@attrs.frozen
class SignOut:
    """The session ends at once, and with it all its tokens."""

    _identity: Identity

    def __call__(self, *, session_id: SessionId) -> None:
        self._identity.sign_out(session_id)


@attrs.frozen
class ChangePassword:
    """Whoever knows the present password sets another; all other sessions end.

    Raises:
        InvalidError: the present password is wrong, which counts towards the lock, or the new one is a common one.
        TooManyAttemptsError: wrong ones came too often.
    """

    _identity: Identity
    _guard: Guard
    _clock: Clock

    def __call__(self, *, current: str, new: Password, actor: Account, session_id: SessionId, address: str) -> None:
        now = self._clock.now()
        keys = [self._guard.key_of_login(login) for login in _logins(actor)]
        by_address = self._guard.key_of_address(address)
        self._guard.check(*keys, by_address, now=now)
        if not self._identity.check(actor.id, Password(current)):
            self._guard.wrong(*keys, address=by_address, now=now)
            raise InvalidError("current", "is not the present password")
        self._guard.right(*keys, now=now)
        try:
            self._identity.change(actor.id, new, keep=session_id)
        except InvalidError as error:
            raise InvalidError("new", error.fields[0].message) from None


def _read(login: str) -> Login | str:
    """The login, or the text if it is the login of nobody."""
    try:
        return parse_login(login)
    except InvalidError:
        return login


def _logins(account: Account) -> tuple[Login, ...]:
    match account:
        case Doctor():
            return (account.crm,)
        case Patient():
            return account.cpf, account.email
        case _:
            return (account.email,)
