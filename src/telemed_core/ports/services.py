"""Services beside the stores."""

from datetime import datetime
from typing import Protocol

from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import Claims, SignedIn


class Identity(Protocol):
    """Keeps passwords, checks them, and gives tokens for them; users are named by their account id."""

    def create(self, username: AccountId, password: Password, /, *, role: Role) -> None:
        """Make the user; making it again sets the password.

        The role tells whoever looks after users there whose account it is; no user can more by it than another.

        Raises:
            InvalidError: the password is a common one, naming ``password``.
            ConflictError: the user was removed.
            BusyError: too many at once.
        """
        ...

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        """Whether it is the user's password; takes as long for one that does not exist (``None`` too).

        Raises:
            BusyError: too many at once.
        """
        ...

    def sign_in(self, username: AccountId | None, password: Password, /, *, now: datetime) -> SignedIn | None:
        """Open a session for the user's own password; ``None``: it is not theirs.

        Takes as long for a user that does not exist (``None`` too).

        Raises:
            BusyError: too many at once.
        """
        ...

    def refresh(self, refresh_token: str, /, *, now: datetime) -> SignedIn:
        """New tokens of the same session. The token is good once, and for 30 s more; used later, it ends the session.

        Raises:
            UnauthenticatedError: it is not one of ours, or its session has ended or expired.
            BusyError: others kept refreshing the same session first.
        """
        ...

    def sign_out(self, session_id: SessionId, /) -> None:
        """End the session at once; an unknown one too."""
        ...

    def change(self, username: AccountId, password: Password, /, *, keep: SessionId) -> None:
        """Set the password, and end all sessions of the user but ``keep``.

        Raises:
            InvalidError: the password is a common one, naming ``password``; then nothing has changed.
            BusyError: too many at once.
        """
        ...

    def reset_token(self, username: AccountId, /, *, now: datetime) -> str | None:
        """What lets its bearer set a new password, once, for 30 minutes; ``None``: there is no such user.

        It has URL-safe characters only, and is good as long as the password is the one it was made with.
        """
        ...

    def reset(self, token: str, password: Password, /, *, now: datetime) -> None:
        """Set the password of the token's user, and end all their sessions.

        Raises:
            InvalidError: the token is not good (any more), naming ``token``; or the password is a common one, naming
                ``password``, and the token stays good.
            BusyError: too many at once.
        """
        ...

    def remove(self, username: AccountId, /) -> None:
        """Forget the password, and end all sessions; that user is never made again, also one that is unknown."""
        ...


class Tokens(Protocol):
    """Tells access tokens that are ours from all others."""

    def verify(self, token: str, /, *, now: datetime) -> Claims:
        """What the token says; whether its session goes on is not looked at here.

        Raises:
            UnauthenticatedError: anything is wrong with it; what, is not told.
            UnavailableError: the keys to verify it by cannot be had.
        """
        ...


class Sealing(Protocol):
    """Keeps what stores must not read: encryption for texts and CPFs, blind indexes for what is searched by."""

    def seal(self, plain: str, /, *, context: str) -> bytes:
        """The text, encrypted and bound to ``context`` (where it is kept); another time other bytes."""
        ...

    def unseal(self, sealed: bytes, /, *, context: str) -> str:
        """The text that was sealed with this context, under the present key or the previous one.

        Raises:
            UnavailableError: it was changed, moved to another context, or sealed under a key that is not configured.
        """
        ...

    def index(self, space: str, value: str, /) -> str:
        """The same 43 URL-safe characters for the same value of one space; they do not tell the value."""
        ...
