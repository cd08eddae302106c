"""A forgotten password: a mail to the account's address, and a new password by what is in it."""

from datetime import timedelta
from hashlib import sha256
from typing import Final

import attrs

from telemed_core.domain.accounts import Account, parse_login
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.notices import Announcement, Channel, EventId, Kind, Notice
from telemed_core.domain.people import Password
from telemed_core.errors import InvalidError
from telemed_core.ports.notices import Notices
from telemed_core.ports.people import Accounts
from telemed_core.ports.services import Identity
from telemed_core.ports.system import Clock

ONE_MAIL_IN: Final = timedelta(minutes=5)


@attrs.frozen
class AskReset:
    """Whoever says a login has a mail sent to its account, at most one in five minutes.

    What is not a login leaves a notice too, to nobody: whether there is such an account cannot be told by the time it
    takes. Its delivery finds no reader.

    Attributes:
        email: whether there is a mail server; without one nothing is written.
    """

    _accounts: Accounts
    _notices: Notices
    _clock: Clock
    _email: bool

    def __call__(self, *, login: str) -> None:
        if not self._email:
            return
        account = self._account(login)
        reader = account.id if account else _nobody(login)
        now = self._clock.now()
        bucket = (now - EPOCH) // ONE_MAIL_IN
        about = Announcement(
            id=EventId(f"{reader}.reset.{bucket}"),
            kind=Kind.PASSWORD_RESET,
            at=now,
            seq=bucket,
            subject=reader,
            by=Side.SYSTEM,
        )
        self._notices.add([Notice.of(about, reader=reader, channel=Channel.EMAIL)])

    def _account(self, login: str) -> Account | None:
        try:
            return self._accounts.find(parse_login(login))
        except InvalidError:
            return None


def _nobody(login: str) -> AccountId:
    """One of 256 ids that are no account's: for the same login it is the same one, and it tells nothing of it."""
    return AccountId(f"nobody.{sha256(login.encode(errors='replace')).digest()[0]}")


@attrs.frozen
class ResetPassword:
    """Whoever has the mail sets a new password, once; all sessions of the account end.

    Raises:
        InvalidError: the token is not good (any more), or the password is a common one.
        BusyError: too many at once.
    """

    _identity: Identity
    _clock: Clock

    def __call__(self, *, token: str, password: Password) -> None:
        self._identity.reset(token, password, now=self._clock.now())
