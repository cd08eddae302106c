"""Receipts: what is remembered of a command that succeeded, so that its repeat is answered and not done."""

from datetime import datetime, timedelta
from typing import Final

import attrs

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.ids import CommandId, Id
from telemed_core.errors import IdempotencyKeyReusedError

RECEIPT_LIFE: Final = timedelta(hours=24)


@attrs.frozen
class Receipt:
    """One success under a caller's key.

    Attributes:
        subject: the appointment, block or doctor that the command left.
        rev: its revision after the command: an appointment's answer is the fold of its first ``rev`` events.
        at: when; the receipt counts for 24 h.
    """

    idempotency: Idempotency
    command_id: CommandId
    subject: Id
    rev: int
    at: datetime

    def counts(self, *, now: datetime) -> bool:
        """Whether a repeat is still answered from it."""
        return now < self.at + RECEIPT_LIFE

    def fits(self, idempotency: Idempotency) -> bool:
        """Whether the same was asked."""
        return idempotency.fingerprint == self.idempotency.fingerprint

    def replays(self, idempotency: Idempotency) -> "ReplayedCommand":
        """The repeat of this command.

        Raises:
            IdempotencyKeyReusedError: something else was asked under the key.
        """
        if not self.fits(idempotency):
            raise IdempotencyKeyReusedError("Idempotency-Key")
        return ReplayedCommand(self)


class ReplayedCommand(Exception):  # no error: the command succeeded, earlier
    """The command was carried out before, and nothing was done now; ``receipt`` says what it left."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        super().__init__(receipt.subject)
