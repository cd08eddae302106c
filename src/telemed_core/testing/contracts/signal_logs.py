"""The contract of ``Signals`` where sides speak: what is kept of it, and who reads it."""

from typing import Final

import attrs
import pytest

from telemed_core.domain.events import Side
from telemed_core.domain.ids import MeetingId
from telemed_core.domain.signals import MOST_KEPT, Signal, SignalKind
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.signals import (
    DOCTOR,
    MEETING,
    NEWER_DOCTOR,
    NEWER_PATIENT,
    OTHER,
    OWNER,
    PATIENT,
    a_seat,
    entered,
    is_lost,
    log_of,
    say,
    words,
)
from telemed_core.testing.contracts.suite import Suite

SAID: Final = [kind for kind in SignalKind if kind.said]


class SignalLogsContract(Suite):
    """One log by meeting."""

    @pytest.mark.parametrize("kind", SAID)
    @pytest.mark.parametrize("data", ["null", '{"sdp": "v=0\\r\\n \'\\u00e9\'"}', f'"{"é😀" * 8000}"'], ids=len)
    def test_what_is_said_is_read_as_it_was_said(self, stores: Stores, kind: SignalKind, data: str) -> None:
        entered(stores, DOCTOR, PATIENT)
        stores.signals.append(PATIENT, number=1, kind=kind, data=data)
        said = Signal(meeting_id=MEETING, seq=3, side=Side.PATIENT, connection=PATIENT.connection, kind=kind, data=data)
        assert log_of(stores, after=2) == [said]
        stores.signals.leave(DOCTOR)
        assert entered(stores, NEWER_DOCTOR).waiting == ()
        stores.signals.leave(NEWER_DOCTOR)
        stores.signals.append(PATIENT, number=2, kind=kind, data=data)
        assert entered(stores, DOCTOR).waiting == (attrs.evolve(said, seq=7),)

    def test_saying_the_same_number_again_changes_nothing(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, DOCTOR, 1, 1, 2, 1, 2)
        say(stores, PATIENT, 1)
        say(stores, DOCTOR, 3, 2)
        assert words(log_of(stores, after=2)) == ["d-1:1", "d-1:2", "p-1:1", "d-1:3"]
        entered(stores, NEWER_DOCTOR)
        say(stores, NEWER_DOCTOR, 1, 1)
        assert words(log_of(stores, after=6)) == ["d-2 entered", "d-2:1"]
        assert [one.seq for one in log_of(stores, after=6)] == [7, 8]

    def test_nobody_speaks_without_a_seat(self, stores: Stores) -> None:
        assert is_lost(stores, DOCTOR)
        entered(stores, PATIENT, a_seat("d-1", meeting=OTHER))
        assert is_lost(stores, DOCTOR)
        assert is_lost(stores, NEWER_PATIENT)
        entered(stores, DOCTOR)
        assert not is_lost(stores, DOCTOR, number=1)
        stores.signals.leave(DOCTOR)
        assert is_lost(stores, DOCTOR, number=1)
        assert is_lost(stores, DOCTOR, number=2)
        assert not is_lost(stores, a_seat("d-1", meeting=OTHER))

    def test_the_last_messages_of_both_sides_are_kept_and_who_is_there(self, stores: Stores) -> None:
        alone = a_seat("d-1", meeting=OTHER)
        entered(stores, DOCTOR, PATIENT, alone)
        say(stores, alone, 1)
        for number in range(1, MOST_KEPT // 2 + 1):
            say(stores, DOCTOR, number)
            say(stores, PATIENT, number)
        came, whole = ["d-1 entered", "p-1 entered"], log_of(stores)
        assert (len(whole), words(whole[:4])) == (MOST_KEPT + 2, [*came, "d-1:1", "p-1:1"])
        say(stores, PATIENT, MOST_KEPT, MOST_KEPT + 1, MOST_KEPT + 2)
        assert words(log_of(stores)) == [
            *came,
            *words(whole[5:]),
            *(f"p-1:{number}" for number in range(MOST_KEPT, MOST_KEPT + 3)),
        ]
        say(stores, DOCTOR, 1, MOST_KEPT // 2)
        assert log_of(stores)[-1].seq == MOST_KEPT + 5
        assert words(log_of(stores, OTHER)) == ["d-1 entered", "d-1:1"]

    def test_a_read_has_what_is_behind_each_seq_and_nothing_of_what_has_no_news(self, stores: Stores) -> None:
        third = MeetingId("meeting-3")
        for meeting in (MEETING, OTHER, third):
            entered(stores, a_seat("d-1", meeting=meeting), a_seat("p-1", meeting=meeting))
        say(stores, DOCTOR, 1, 2)
        say(stores, PATIENT, 1)
        say(stores, a_seat("p-1", meeting=OTHER), 1)
        read = stores.signals.read({MEETING: 3, OTHER: 0, third: 2, MeetingId("unknown"): 0})
        assert {meeting: words(entries) for meeting, entries in read.items()} == {
            MEETING: ["d-1:2", "p-1:1"],
            OTHER: ["d-1 entered", "p-1 entered", "p-1:1"],
        }
        assert {one.meeting_id for one in read[OTHER]} == {OTHER}
        assert stores.signals.read({}) == {}
        assert stores.signals.read({MEETING: 99}) == {}

    def test_seq_rises_by_one_with_each_entry(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, DOCTOR, 1, 1)
        stores.signals.leave(PATIENT)
        stores.signals.leave(PATIENT)
        assert is_lost(stores, PATIENT)
        entered(stores, PATIENT, PATIENT)
        say(stores, PATIENT, 1)
        assert stores.signals.free([OWNER]) == 2
        entered(stores, a_seat("d-1", meeting=OTHER))
        entered(stores, NEWER_DOCTOR)
        assert log_of(stores)[-1].seq == 9
        stores.signals.close(MEETING)
        assert [one.seq for one in log_of(stores)] == [10]
        assert [one.seq for one in log_of(stores, OTHER)] == [1]
