"""The contracts notice signals that break a rule; each of their tests is needed."""

import sys
from collections.abc import Callable, Collection, Iterator
from time import sleep
from typing import Any

import attrs
import pytest

from adapters.memory import signals
from adapters.memory.signals import MemorySignals
from adapters.memory.state import SignalLog
from telemed_core.domain.events import Side
from telemed_core.domain.signals import MOST_KEPT, SignalKind
from telemed_core.errors import SeatLostError
from telemed_core.testing.contracts import (
    SignalEndsContract,
    SignalLogsContract,
    SignalRacesContract,
    SignalsContract,
)
from unit.contracts.breaking import Broken, Table, Test, all_tests, each, fails, name_of, part, runs_of, torn, undone

ENTER, APPEND, READ, LEAVE = MemorySignals.enter, MemorySignals.append, MemorySignals.read, MemorySignals.leave
FREE, CLOSE = MemorySignals.free, MemorySignals.close
ADD_ENTRY, FORGOTTEN = signals._add, signals._forgotten


def found(**changes: Callable[[Any], Any]) -> Callable[..., Any]:
    """The seat is taken, and something else is found."""

    def careless(port: Any, seat: Any, /, *, owner: str) -> Any:
        welcome = ENTER(port, seat, owner=owner)
        return attrs.evolve(welcome, **{name: change(welcome) for name, change in changes.items()})

    return careless


def entered_anew(port: Any, seat: Any, /, *, owner: str) -> Any:
    port._state.signals.setdefault(seat.meeting_id, SignalLog()).seated.pop(seat.side, None)
    return ENTER(port, seat, owner=owner)


def entered_closed(port: Any, seat: Any, /, *, owner: str) -> Any:
    port._state.signals.setdefault(seat.meeting_id, SignalLog()).closed = False
    return ENTER(port, seat, owner=owner)


def entered_for_the_first(port: Any, seat: Any, /, *, owner: str) -> Any:
    log = port._state.signals.get(seat.meeting_id, SignalLog())
    before = log.seated.get(seat.side)
    return ENTER(port, seat, owner=before.owner if before else owner)


def replaced_as_if_left(log: Any, seat: Any) -> Any:
    """Who takes a seat finds what waited for whoever had it."""
    log.entries = [attrs.evolve(one, kind=SignalKind.LEFT) if of_seat(one, seat) else one for one in log.entries]
    return FORGOTTEN(log, seat)


def of_seat(entry: Any, seat: Any) -> bool:
    return entry.side is seat.side and entry.kind is SignalKind.ENTERED


def whatever_the_connection(log: Any, seat: Any) -> Any:
    other = log.seated.get(signals._other(seat.side))
    return [one for one in FORGOTTEN(log, seat) if other is None or one.connection == other.seat.connection]


def whoever_has_left(log: Any, seat: Any) -> Any:
    return FORGOTTEN(log, seat) if signals._other(seat.side) in log.seated else []


def own_words_too(log: Any, seat: Any) -> Any:
    return [*FORGOTTEN(log, seat), *(one for one in log.entries if one.kind.said and one.side is seat.side)]


def comes_and_goes_beside(log: Any, seat: Any, kind: Any) -> None:
    ADD_ENTRY(log, signals._entry(seat, kind))


def said_as(**changes: Callable[[Any], Any]) -> Callable[..., None]:
    """Something else is kept than was said."""

    def careless(port: Any, seat: Any, /, **told: Any) -> None:
        APPEND(port, seat, **{**told, **{name: change(told[name]) for name, change in changes.items()}})

    return careless


def said_again(port: Any, seat: Any, /, **told: Any) -> None:
    log = port._state.signals.get(seat.meeting_id)
    if log is not None and seat.side in log.seated:
        log.seated[seat.side].said = 0
    APPEND(port, seat, **told)


def numbered_by_side(port: Any, seat: Any, /, *, owner: str) -> Any:
    """A new connection goes on with the numbers of the one before."""
    log = port._state.signals.get(seat.meeting_id, SignalLog())
    said = log.seated[seat.side].said if seat.side in log.seated else 0
    welcome = ENTER(port, seat, owner=owner)
    port._state.signals[seat.meeting_id].seated[seat.side].said = said
    return welcome


def said_without_a_seat(port: Any, seat: Any, /, **told: Any) -> None:
    try:
        APPEND(port, seat, **told)
    except SeatLostError:
        return


def said_in_place_of_the_first(port: Any, seat: Any, /, **told: Any) -> None:
    """Of all entries the last ones are kept, whatever they are."""
    APPEND(port, seat, **told)
    log = port._state.signals[seat.meeting_id]
    log.entries = log.entries[-MOST_KEPT:]


def said_late(port: Any, seat: Any, /, **told: Any) -> None:
    """The place in the log is there at once, and what belongs there comes later."""
    with port._state.lock:
        log = port._state.signals[seat.meeting_id]
        before = log.seq
        APPEND(port, seat, **told)
        late: list[Any] = [log.entries.pop()] if log.seq > before else []
    sleep(0.001 if seat.side is Side.DOCTOR else 0)
    with port._state.lock:
        log.entries = sorted([*log.entries, *late], key=lambda one: one.seq)


def read_with(change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda port, after, /: {meeting: change(entries) for meeting, entries in READ(port, after).items()}


def read_all_asked(port: Any, after: Any, /) -> Any:
    news = READ(port, after)
    return {meeting: news.get(meeting, ()) for meeting in after}


def left_anyway(port: Any, seat: Any, /) -> None:
    log = port._state.signals.setdefault(seat.meeting_id, SignalLog())
    log.seated.pop(seat.side, None)
    signals._come_or_go(log, seat, SignalKind.LEFT)


def left_without_a_word(port: Any, seat: Any, /) -> None:
    log = port._state.signals.get(seat.meeting_id)
    if log is not None and signals._has(log, seat):
        del log.seated[seat.side]


def counted_twice(log: Any, entry: Any) -> None:
    log.seq += 1
    ADD_ENTRY(log, entry)


def freed_without_a_word(port: Any, owners: Collection[str], /) -> int:
    freed = 0
    for log in port._state.signals.values():
        for side in [side for side, one in log.seated.items() if one.owner in owners]:
            del log.seated[side]
            freed += 1
    return freed


def closed_with_its_log(port: Any, meeting_id: Any, /) -> None:
    entries = port._state.signals.get(meeting_id, SignalLog()).entries
    CLOSE(port, meeting_id)
    log = port._state.signals[meeting_id]
    log.entries = [*entries, *(one for one in log.entries if one not in entries)]


def closed_from_the_start(port: Any, meeting_id: Any, /) -> None:
    port._state.signals[meeting_id] = SignalLog()
    CLOSE(port, meeting_id)


def closed_where_there_is_one(port: Any, meeting_id: Any, /) -> None:
    if meeting_id in port._state.signals:
        CLOSE(port, meeting_id)


def closed_again(port: Any, meeting_id: Any, /) -> None:
    port._state.signals.setdefault(meeting_id, SignalLog()).closed = False
    CLOSE(port, meeting_id)


def closed_by_emptiness(port: Any, meeting_id: Any, /) -> bool:
    log = port._state.signals.get(meeting_id)
    return log is not None and not log.seated


enter, append, read, leave = (part(MemorySignals, name) for name in ("enter", "append", "read", "leave"))
owners, free, close, is_closed = (part(MemorySignals, name) for name in ("owners", "free", "close", "is_closed"))
has, forgotten, most = part(signals, "_has"), part(signals, "_forgotten"), part(signals, "MOST_KEPT")
come_or_go, add = part(signals, "_come_or_go"), part(signals, "_add")
S, L, E, R = SignalsContract, SignalLogsContract, SignalEndsContract, SignalRacesContract

BROKEN: Table = {
    S.test_who_enters_finds_whether_the_other_is_there_and_reads_on_behind_that: {
        "nobody is there": enter(found(present=lambda _: False)),
        "somebody is there": enter(found(present=lambda _: True)),
        "one reads one's own coming": enter(found(seq=lambda welcome: welcome.seq - 1)),
    },
    S.test_a_sides_last_coming_or_going_is_the_only_one: {
        "every coming and going is kept": come_or_go(comes_and_goes_beside),
    },
    S.test_who_enters_takes_the_seat_of_whoever_has_it: {
        "a side has as many seats as it likes": has(lambda log, seat: seat.side in log.seated),
    },
    S.test_where_a_side_has_never_been_all_that_was_said_waits: {
        "nothing waits": enter(found(waiting=lambda _: ())),
        "what waits is forgotten": forgotten(signals._said_to),
        "what waits is in no order": enter(found(waiting=lambda welcome: welcome.waiting[::-1])),
    },
    S.test_where_a_side_had_left_what_was_said_since_waits_and_the_rest_is_forgotten: {
        "what was read waits": forgotten(lambda *_: ()),
        "what waits is forgotten as well": forgotten(signals._said_to),
    },
    S.test_where_a_seat_is_taken_from_another_nothing_waits_and_all_is_forgotten: {
        "what waited for another waits": forgotten(replaced_as_if_left),
    },
    S.test_what_a_connection_said_that_is_not_in_the_seat_any_more_does_not_wait: {
        "what another said waits": forgotten(whatever_the_connection),
    },
    S.test_what_somebody_said_who_has_left_does_not_wait: {
        "what somebody said who has left waits": forgotten(whoever_has_left),
    },
    S.test_what_a_side_said_itself_is_still_read_when_it_comes_again: {
        "what one said is forgotten": forgotten(own_words_too),
    },
    S.test_entering_again_with_the_same_connection_changes_nothing_and_finds_the_same: {
        "entering again is entering anew": enter(entered_anew),
    },
    S.test_who_leaves_gives_the_seat_up: {
        "nobody leaves": leave(undone(LEAVE)),
        "who leaves is not missed": leave(left_without_a_word),
        "who leaves twice is told twice": leave(left_anyway),
    },
    S.test_leaving_what_one_is_not_in_changes_nothing: {"who was not there leaves": leave(left_anyway)},
    L.test_what_is_said_is_read_as_it_was_said: {
        "all is an offer": append(said_as(kind=lambda _: SignalKind.OFFER)),
        "what is long is cut": append(said_as(data=lambda data: data[:9999])),
        "letters are lost": append(said_as(data=lambda data: data.encode("ascii", "ignore").decode())),
    },
    L.test_saying_the_same_number_again_changes_nothing: {
        "numbers do not count": append(said_again),
        "a side has one row of numbers": enter(numbered_by_side),
    },
    L.test_nobody_speaks_without_a_seat: {"who has no seat is not told": append(said_without_a_seat)},
    L.test_the_last_messages_of_both_sides_are_kept_and_who_is_there: {
        "one less is kept": most(255),
        "one more is kept": most(257),
        "all is kept": most(10**6),
        "who is there is forgotten": append(said_in_place_of_the_first),
    },
    L.test_a_read_has_what_is_behind_each_seq_and_nothing_of_what_has_no_news: {
        "a read begins anew": read(lambda port, after, /: READ(port, dict.fromkeys(after, 0))),
        "a read has the last one again": read(
            lambda port, after, /: READ(port, {one: seq - 1 for one, seq in after.items()})
        ),
        "a read is in no order": read(read_with(lambda entries: entries[::-1])),
        "a read is of one side": read(read_with(lambda entries: [one for one in entries if one.side == "patient"])),
        "a read has all that was asked": read(read_all_asked),
    },
    L.test_seq_rises_by_one_with_each_entry: {"seq has gaps": add(counted_twice)},
    E.test_the_owners_are_the_processes_with_a_connection_in_a_seat: {"nobody has a seat": owners(lambda _: ())},
    E.test_the_connections_of_freed_owners_have_left: {
        "nobody is freed": free(undone(FREE)),
        "all are freed": free(lambda port, _, /: FREE(port, port.owners())),
        "who is freed is not missed": free(freed_without_a_word),
    },
    E.test_a_seat_that_was_taken_over_is_not_freed_with_its_first_owner: {
        "a seat stays its first owner's": enter(entered_for_the_first),
    },
    E.test_of_a_closed_meeting_only_the_end_is_left: {
        "a closed log is kept": close(closed_with_its_log),
        "the end has the first place": close(closed_from_the_start),
    },
    E.test_a_closed_meeting_stays_closed_whatever_comes: {
        "a closed meeting is entered": enter(entered_closed),
        "a meeting ends twice": close(closed_again),
    },
    E.test_a_meeting_that_nobody_was_in_is_closed_too: {
        "an empty meeting is not closed": close(closed_where_there_is_one),
    },
    E.test_a_meeting_is_closed_once_it_was_closed: {
        "no meeting is closed": is_closed(lambda *_: False),
        "an empty meeting counts as closed": is_closed(closed_by_emptiness),
    },
    R.test_of_many_who_enter_one_side_at_once_one_has_the_seat: {"each of many has the seat": enter(torn(ENTER))},
    R.test_what_both_sides_say_at_once_is_read_whole_and_in_order: {
        "what is said at once is lost": append(torn(APPEND)),
        "what is said turns up before what was read": append(said_late),
    },
    R.test_what_is_said_while_somebody_enters_waits_or_is_read_behind: {
        "what is said is lost on whoever enters": enter(torn(ENTER)),
    },
    R.test_one_number_said_many_times_at_once_is_said_once: {"a number is said twice at once": append(said_again)},
    R.test_nothing_is_said_after_the_end: {"who speaks at the end opens it again": append(torn(APPEND))},
    R.test_nobody_enters_after_the_end: {"who enters at the end opens it again": enter(torn(ENTER))},
    R.test_of_many_who_close_a_meeting_at_once_one_does: {"each of many closes it": close(closed_again)},
}


@pytest.fixture(autouse=True)
def _hurried() -> Iterator[None]:
    """Threads take turns so often that whatever can come between does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(("test", "broken"), each(BROKEN))
def test_a_broken_rule_is_noticed(test: Test, broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broken.owner, broken.name, broken.careless)
    assert any(fails(run) for run in runs_of(test))


@pytest.mark.parametrize("test", all_tests(S, L, E, R), ids=name_of)
def test_each_test_notices_something_and_nothing_where_no_rule_is_broken(test: Test) -> None:
    assert test in BROKEN
    assert not any(fails(run) for run in runs_of(test))
