"""Both sides come, somebody cancels, the room dies, and the patient rates: three at once and one fault anywhere."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import combinations_with_replacement
from typing import Any, Final

import attrs
import pytest

from adapters.memory.state import State
from integration.schedules.exploring import End, explore
from integration.schedules.judging import asked_again
from integration.schedules.scenes import DEEDS, HOUR, Deed, Start, confirmed, named
from scale import scaled
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AccountId, AppointmentId, AttendeeId, MeetingId
from telemed_core.domain.meetings import Attendee, Meeting, Provider, Room
from telemed_core.domain.ratings import RatingSum
from telemed_core.errors import AlreadyRatedError, NotFoundError
from telemed_core.ports.meetings import Signals
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Ids
from telemed_core.testing.contracts.suite import assert_clean
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

FAULTS = scaled(2, ci=1)
SIDES: Final = (Side.DOCTOR, Side.PATIENT)


@attrs.frozen
class EverAnother:
    """Rooms of a provider that does not know what it made for whom: it is for us to keep one; they die with signals."""

    _ids: Ids
    _signals: Signals

    def create(self, _: AppointmentId, /, *, generation: int) -> Room:
        return Room(provider=Provider.MEMORY, id=MeetingId(f"{generation}-{self._ids.new()}"))

    def find(self, meeting: Meeting, /) -> Room | None:
        return None if self._signals.is_closed(meeting.id) else Room(provider=Provider.MEMORY, id=meeting.id)

    def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
        if self._signals.is_closed(meeting.id):
            raise NotFoundError
        return Attendee(id=AttendeeId(f"{meeting.id}-{account_id}"))

    def end(self, meeting: Meeting, /) -> None:
        self._signals.close(meeting.id)


def with_rooms(clinic: Clinic) -> Clinic:
    """With rooms that live and die in these stores."""
    return attrs.evolve(clinic, rooms=EverAnother(clinic.ids, clinic.stores.signals))


def _come(by: Side) -> Callable[[Start, Clinic, Idempotency], Any]:
    def come(start: Start, clinic: Clinic, _: Idempotency) -> Any:
        actor = start.doctors[0] if by is Side.DOCTOR else start.patients[0]
        joined = with_rooms(clinic).join_visit(appointment_id=start.appointment, actor=actor)
        return by, joined.room.id, joined.attendee.id

    return come


def _die(start: Start, clinic: Clinic, _: Idempotency) -> None:
    meeting = clinic.stores.meetings.of(start.appointment)
    if meeting is not None:
        with_rooms(clinic).rooms.end(meeting)


def _rate(score: int) -> Callable[[Start, Clinic, Idempotency], Any]:
    return lambda start, clinic, key: clinic.rate_visit(
        appointment_id=start.appointment, patient=start.patients[0], score=score, comment="words", idempotency=key
    )


def _by_now(_: object, __: object) -> bool:
    """Whatever it makes is looked at here."""
    return True


COMING: Final = (
    *(Deed(name=f"come by {side}", act=_come(side), made=_by_now) for side in SIDES),
    Deed(name="the room dies", act=_die, made=_by_now),
    DEEDS["cancel by doctor"],
)
RATING: Final = tuple(Deed(name=f"rate {score}", act=_rate(score), made=_by_now) for score in (5, 2))


@cache
def about_to_begin(*, met: bool = False) -> Start:
    """A confirmed visit that opens now; ``met``: the patient has come already."""
    start = confirmed()
    start = attrs.evolve(start, now=start.noon - HOUR / 6, due_at=start.noon + 2 * HOUR)
    if met:
        left = _at(start).join_visit(appointment_id=start.appointment, actor=start.patients[0])
        start = attrs.evolve(start, rev=left.appointment.rev)
    return start


@cache
def completed() -> Start:
    """A visit that is over."""
    start = about_to_begin(met=True)
    copied, _ = start.copied()
    over = attrs.evolve(start, stores=copied)
    _at(over).join_visit(appointment_id=start.appointment, actor=start.doctors[0])
    left = _at(over).complete_visit(appointment_id=start.appointment, doctor=start.doctors[0])
    return attrs.evolve(over, rev=left.rev)


def _at(start: Start) -> Clinic:
    return with_rooms(start.process(start.stores, name="before", clock=SettableClock(start.now)))


def casts() -> Iterator[tuple[Deed, Deed, Deed]]:
    """Every three of them; a side may come twice."""
    once = set(COMING[2:])
    for cast in combinations_with_replacement(COMING, 3):
        if all(cast.count(deed) <= (1 if deed in once else 2) for deed in cast) and cast[0] not in once:
            yield cast


def judge_coming(start: Start, cast: Sequence[Deed], end: End) -> None:
    """Who was answered is present, in the one room that both find, and no room is given up that lives."""
    known = asked_again(start, cast, end)
    ways = {one.answer for one in known if one.succeeded and isinstance(one.answer, tuple)}
    visit = end.stores.appointments.get(start.appointment)
    _judge_presence(visit, {by for by, _, _ in ways})
    assert_clean(end.stores)
    assert len({(by, room) for by, room, _ in ways}) == len(ways) == len({way for _, _, way in ways}), "whose way"
    closed = [room for room, log in end.state.signals.items() if log.closed]
    assert closed or len({room for _, room, _ in ways}) <= 1, "two rooms at once"
    kept = end.stores.meetings.of(start.appointment)
    if kept is None:
        assert not ways
        return
    assert len(closed) in {kept.generation - 1, kept.generation}, "a room was given up that lives"
    assert {room for _, room, _ in ways} <= {*closed, kept.id}, "a room that is not kept"


def _judge_presence(visit: Appointment, answered: set[Side]) -> None:
    history = visit.history or ()
    assert Appointment.fold(history) == visit
    came = [event.by for event in history if event.name == "joined"]
    assert len(came) == len({*came}), "somebody came twice"
    assert answered <= {*came}, "somebody was answered and is not present"
    names = [event.name for event in history if event.name != "joined"]
    ends = ["cancelled"] if "cancelled" in names else ["started"] if len(came) == 2 else []
    assert names == ["requested", "confirmed", *ends]


def judge_rating(start: Start, cast: Sequence[Deed], end: End) -> None:
    """One of them counts, and it is the one that was answered."""
    known = asked_again(start, cast, end)
    won = {deed.key for deed, one in zip(cast, known, strict=True) if one.succeeded}
    assert {one.code for one in known if not one.succeeded} <= {AlreadyRatedError.code}
    assert len(won) == 1, "one rating per visit"
    rating = end.stores.ratings.get(start.appointment)
    assert won == {f"rate {rating.score}"}
    doctor = start.doctors[0].id
    assert dict(end.stores.ratings.sums([doctor])) == {doctor: RatingSum(1, rating.score)}
    assert list(end.stores.ratings.list(doctor, limit=9)) == [rating]
    assert rating.comment is not None
    assert end.stores.texts.read([rating.comment]) == {rating.comment: "words"}


@pytest.mark.parametrize("met", [False, True])
@pytest.mark.parametrize("cast", [pytest.param(cast, id=named(cast)) for cast in casts()])
def test_whoever_comes_at_once_finds_one_room(
    met: bool, cast: Sequence[Deed], record_property: Callable[[str, object], None]
) -> None:
    start = about_to_begin(met=met)
    explored = explore(start, cast, partial(judge_coming, start, cast), faults=FAULTS)
    assert explored.schedules >= explored.runs > 1
    record_property("explored", [explored.schedules, explored.runs, explored.ends])


@pytest.mark.parametrize(
    "cast",
    [
        pytest.param(cast, id=named(cast))
        for cast in ((RATING[0], RATING[1], RATING[0].again()), (RATING[0], RATING[0].again(), RATING[0].again()))
    ],
)
def test_of_all_who_rate_a_visit_at_once_one_counts(
    cast: Sequence[Deed], record_property: Callable[[str, object], None]
) -> None:
    start = completed()
    explored = explore(start, cast, partial(judge_rating, start, cast), faults=FAULTS)
    assert explored.schedules >= explored.runs > 1
    record_property("explored", [explored.schedules, explored.runs, explored.ends])


@attrs.frozen
class _LastOneKept:
    """Meetings of which the last one to be put is kept."""

    _real: Any
    _state: State

    def put(self, meeting: Meeting, /) -> Meeting:
        self._real.of(meeting.appointment_id)
        self._state.meetings[meeting.appointment_id] = meeting
        return meeting

    def of(self, appointment_id: AppointmentId, /) -> Meeting | None:
        found: Meeting | None = self._real.of(appointment_id)
        return found


def test_keeping_the_last_room_would_be_found() -> None:
    def spoil(stores: Stores, state: State) -> Stores:
        return attrs.evolve(stores, meetings=_LastOneKept(stores.meetings, state))

    start, cast = about_to_begin(), COMING[:2]
    with pytest.raises(AssertionError, match="two rooms at once"):
        explore(start, cast, partial(judge_coming, start, cast), spoil=spoil, faults=0)
