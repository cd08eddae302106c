"""Receipts answer a repeat for a day, and nothing else."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.ids import AppointmentId, CommandId, PatientId
from telemed_core.domain.receipts import Receipt
from telemed_core.errors import IdempotencyKeyReusedError
from telemed_core.testing.builders import MONDAY

KEY = Idempotency(PatientId("p-1"), "key", "print")
RECEIPT = Receipt(KEY, CommandId("c-1"), AppointmentId("a-1"), 2, MONDAY)


def test_a_receipt_counts_for_24_hours() -> None:
    assert RECEIPT.counts(now=MONDAY + timedelta(hours=24) - timedelta(microseconds=1))
    assert not RECEIPT.counts(now=MONDAY + timedelta(hours=24))


def test_the_same_request_is_a_repeat() -> None:
    assert RECEIPT.replays(KEY).receipt == RECEIPT


def test_another_request_under_the_key_is_refused() -> None:
    with pytest.raises(IdempotencyKeyReusedError) as refused:
        RECEIPT.replays(attrs.evolve(KEY, fingerprint="other"))
    assert refused.value.fields[0].field == "Idempotency-Key"
