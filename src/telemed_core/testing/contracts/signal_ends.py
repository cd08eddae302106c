"""The contract of ``Signals`` where seats and meetings come to their end: dead processes, and the end of a visit."""

import pytest

from telemed_core.domain.events import Side
from telemed_core.domain.ids import MeetingId
from telemed_core.domain.signals import Signal, SignalKind
from telemed_core.errors import SeatLostError
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.signals import (
    DOCTOR,
    MEETING,
    NEWER_DOCTOR,
    NEWER_PATIENT,
    OTHER,
    PATIENT,
    a_seat,
    entered,
    is_lost,
    log_of,
    say,
    words,
)
from telemed_core.testing.contracts.suite import Suite


class SignalEndsContract(Suite):
    """Seats that are freed, and logs that are closed."""

    def test_the_owners_are_the_processes_with_a_connection_in_a_seat(self, stores: Stores) -> None:
        assert set(stores.signals.owners()) == set()
        entered(stores, DOCTOR, owner="host:1:0")
        entered(stores, PATIENT, a_seat("p-1", meeting=OTHER), owner="host:2:0")
        assert set(stores.signals.owners()) == {"host:1:0", "host:2:0"}
        entered(stores, NEWER_DOCTOR, owner="host:3:0")
        assert set(stores.signals.owners()) == {"host:2:0", "host:3:0"}
        stores.signals.leave(PATIENT)
        assert set(stores.signals.owners()) == {"host:2:0", "host:3:0"}
        stores.signals.close(OTHER)
        assert set(stores.signals.owners()) == {"host:3:0"}

    def test_the_connections_of_freed_owners_have_left(self, stores: Stores) -> None:
        entered(stores, DOCTOR, a_seat("p-1", meeting=OTHER), owner="host:1:0")
        entered(stores, PATIENT, owner="host:2:0")
        entered(stores, a_seat("d-1", meeting=OTHER), owner="host:3:0")
        say(stores, DOCTOR, 1)
        assert stores.signals.free(()) == 0
        assert stores.signals.free(["host:1:0", "host:3:0", "unknown"]) == 3
        assert words(log_of(stores)) == ["p-1 entered", "d-1:1", "d-1 left"]
        assert [one.seq for one in log_of(stores)] == [2, 3, 4]
        assert sorted(words(log_of(stores, OTHER))) == ["d-1 left", "p-1 left"]
        assert [one.seq for one in log_of(stores, OTHER)] == [3, 4]
        assert set(stores.signals.owners()) == {"host:2:0"}
        assert is_lost(stores, DOCTOR)
        assert not is_lost(stores, PATIENT)
        assert stores.signals.free(["host:1:0"]) == 0

    def test_a_seat_that_was_taken_over_is_not_freed_with_its_first_owner(self, stores: Stores) -> None:
        entered(stores, DOCTOR, owner="host:1:0")
        entered(stores, NEWER_DOCTOR, owner="host:2:0")
        assert stores.signals.free(["host:1:0"]) == 0
        assert not is_lost(stores, NEWER_DOCTOR)

    def test_of_a_closed_meeting_only_the_end_is_left(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, DOCTOR, 1)
        stores.signals.leave(PATIENT)
        stores.signals.close(MEETING)
        end = Signal(meeting_id=MEETING, seq=5, side=Side.SYSTEM, connection=None, kind=SignalKind.CLOSED)
        assert log_of(stores) == [end]
        assert log_of(stores, after=4) == [end]
        assert log_of(stores, after=5) == []

    def test_a_closed_meeting_stays_closed_whatever_comes(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, DOCTOR, 1)
        stores.signals.close(MEETING)
        closed = log_of(stores)
        for seat in (DOCTOR, PATIENT, NEWER_DOCTOR, NEWER_PATIENT):
            with pytest.raises(SeatLostError):
                entered(stores, seat)
            assert is_lost(stores, seat)
            assert is_lost(stores, seat, number=1)
            stores.signals.leave(seat)
        assert stores.signals.free(["host:1:0"]) == 0
        stores.signals.close(MEETING)
        assert log_of(stores) == closed
        assert stores.signals.is_closed(MEETING)

    def test_a_meeting_that_nobody_was_in_is_closed_too(self, stores: Stores) -> None:
        stores.signals.close(MEETING)
        assert [(one.seq, one.kind) for one in log_of(stores)] == [(1, "closed")]
        with pytest.raises(SeatLostError):
            entered(stores, DOCTOR)

    def test_a_meeting_is_closed_once_it_was_closed(self, stores: Stores) -> None:
        assert not stores.signals.is_closed(MEETING)
        entered(stores, DOCTOR, a_seat("d-1", meeting=OTHER))
        assert not stores.signals.is_closed(MEETING)
        stores.signals.leave(DOCTOR)
        assert not stores.signals.is_closed(MEETING)
        stores.signals.close(MEETING)
        found = [stores.signals.is_closed(one) for one in (MEETING, OTHER, MeetingId("unknown"))]
        assert found == [True, False, False]
        assert not is_lost(stores, a_seat("d-1", meeting=OTHER))
