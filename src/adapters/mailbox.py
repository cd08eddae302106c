"""A mailbox in memory: what was sent is there to be looked at, and leaves the process never."""

import attrs

from telemed_core.errors import UnavailableError
from telemed_core.ports.notices import Mail


@attrs.frozen
class Mailbox:
    """A ``Mailer`` that keeps what it is handed, in order."""

    mails: list[Mail] = attrs.field(factory=list, repr=False)

    def send(self, mail: Mail, /) -> None:
        self.mails.append(mail)


@attrs.frozen
class NoMailServer:
    """A ``Mailer`` where none is configured: what is to be sent waits until one is."""

    def send(self, mail: Mail, /) -> None:  # noqa: ARG002 # the port's signature
        raise UnavailableError
