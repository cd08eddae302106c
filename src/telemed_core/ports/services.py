"""Services beside the stores."""

from typing import Protocol

from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password


class Identity(Protocol):
    """Keeps passwords and checks them; users are named by their account id."""

    def create(self, username: AccountId, password: Password, /) -> None:
        """Make the user; making it again sets the password.

        Raises:
            InvalidError: the password is a common one, naming ``password``.
            BusyError: too many at once.
        """
        ...

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        """Whether it is the user's password; takes as long for one that does not exist (``None`` too).

        Raises:
            BusyError: too many at once.
        """
        ...

    def remove(self, username: AccountId, /) -> None:
        """Forget the user; unknown ones too."""
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
