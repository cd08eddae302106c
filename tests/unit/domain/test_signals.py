"""What is said in a meeting, and what is written down about it."""

import pytest

from telemed_core.domain.events import Side
from telemed_core.domain.ids import ConnectionId, MeetingId
from telemed_core.domain.signals import Signal, SignalKind

CONTROL = {SignalKind.ENTERED, SignalKind.LEFT, SignalKind.CLOSED}


@pytest.mark.parametrize("kind", SignalKind)
def test_a_signal_is_said_or_tells_who_has_come_and_gone(kind: SignalKind) -> None:
    assert kind.said is (kind not in CONTROL)


def test_what_is_said_is_never_printed() -> None:
    said = Signal(
        meeting_id=MeetingId("m"),
        seq=1,
        side=Side.DOCTOR,
        connection=ConnectionId("c"),
        kind=SignalKind.OFFER,
        data='"v=0 10.0.0.7"',
    )
    assert "10.0.0.7" not in repr(said)
