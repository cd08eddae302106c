"""What must be so at the end of every schedule, once clients that got no answer have asked again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from adapters.memory.state import State
from integration.schedules.exploring import End
from integration.schedules.scenes import Deed, Start, state_of
from integration.schedules.stepping import Told, told
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.notices import Channel, Kind
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.sagas import Phase
from telemed_core.domain.status import Status
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.suite import assert_clean
from telemed_core.testing.doubles import SettableClock

ALLOWED: Final[dict[str, tuple[Status, bool]]] = {
    "confirmed": (Status.REQUESTED, False),
    "refused": (Status.REQUESTED, False),
    "expired": (Status.REQUESTED, False),
    "moved": (Status.REQUESTED, False),
    "proposed": (Status.CONFIRMED, False),
    "agreed": (Status.CONFIRMED, True),
    "declined": (Status.CONFIRMED, True),
    "lapsed": (Status.CONFIRMED, True),
}
"""In which state each event may happen, and whether a proposal is open in it; a cancellation is looked at below."""

TOLD: Final[dict[str, frozenset[Side]]] = {
    "requested": frozenset({Side.DOCTOR}),
    "moved": frozenset({Side.DOCTOR}),
    "confirmed": frozenset({Side.PATIENT}),
    "refused": frozenset({Side.PATIENT}),
}
"""Who reads of each event; of others both sides do, but for the one who acted."""

REMINDERS: Final = ("24h", "1h")


def judge(start: Start, cast: Sequence[Deed], end: End) -> None:
    """All that must be so."""
    known = asked_again(start, cast, end)
    judge_answers(start, cast, end.stores, known)
    judge_stores(end.stores, end.state)
    judge_what_follows(start, end.stores, end.state)


def asked_again(start: Start, cast: Sequence[Deed], end: End) -> tuple[Told, ...]:
    """What each client knows in the end: whoever got no answer has given the command again, under its key."""
    known = tuple(
        told(partial(deed.run, start, end.stores, retried=True)) if one.unknown else one
        for deed, one in zip(cast, end.told, strict=True)
    )
    assert not any(one.unknown for one in known), "a client is left without an answer"
    return known


def judge_answers(start: Start, cast: Sequence[Deed], stores: Stores, known: Sequence[Told]) -> None:
    """What was answered with success has happened once, and what was refused has not happened."""
    events = [event for one in everything(stores) for event in one.history or () if event.at == start.now]
    for deed in cast:
        if deed.made is None or deed.repeats:
            continue
        mine = [one for other, one in zip(cast, known, strict=True) if other.key == deed.key]
        answers = {(left.id, left.rev) for one in mine if one.succeeded for left in [_left(stores, one.answer)]}
        happened = sum(deed.made(start, event) for event in events)
        assert happened == len(answers), f"{deed.name}: answered {len(answers)}×, happened {happened}×"
        for appointment_id, rev in answers:
            history = stores.appointments.get(appointment_id).history or ()
            assert deed.made(start, history[rev - 1]), f"{deed.name}: the answer shows something else"


def _left(stores: Stores, answer: Any) -> Appointment:
    """The appointment that was answered, or that the receipt stands for; it is in the store as it was answered."""
    if isinstance(answer, Receipt):
        return Appointment.fold((stores.appointments.get(AppointmentId(answer.subject)).history or ())[: answer.rev])
    assert isinstance(answer, Appointment)
    history = stores.appointments.get(answer.id).history or ()
    assert Appointment.fold(history[: answer.rev]) == answer, "what was answered is not what was kept"
    return answer


def everything(stores: Stores) -> list[Appointment]:
    """All appointments, with their histories."""
    return [stores.appointments.get(one) for one in sorted(state_of(stores).appointments)]


def judge_stores(stores: Stores, state: State) -> None:
    """What is kept agrees with itself."""
    assert_clean(stores)
    pending: Counter[str] = Counter()
    live: Counter[str] = Counter()
    held: set[tuple[str, int]] = set()
    for one in everything(stores):
        _judge_history(one)
        pending[one.patient_person] += one.status is Status.REQUESTED
        live[one.patient_person] += one.status.live
        claims = {(person, cell) for person in (one.doctor_person, one.patient_person) for cell in _cells(one, person)}
        assert not held & claims, "two live appointments of one person overlap"
        held |= claims
    for person, quota in state.quotas.items():
        assert (quota.pending, quota.live) == (pending[person], live[person]), "counted wrongly"


def _cells(appointment: Appointment, person: str) -> frozenset[int]:
    if not appointment.status.live:
        return frozenset()
    buffer = [appointment.buffer] if person == appointment.doctor_person else []
    return frozenset(appointment.visit.cells(*buffer))


def _judge_history(appointment: Appointment) -> None:
    history = appointment.history or ()
    assert [event.seq for event in history] == list(range(1, appointment.rev + 1)), "the history has gaps"
    assert Appointment.fold(history) == appointment, "the state is not what its events say"
    for event in history[1:]:
        before = Appointment.fold(history[: event.seq - 1])
        if event.name == "cancelled":
            assert before.status in {Status.REQUESTED, Status.CONFIRMED}, "two winners"
        else:
            assert (before.status, before.proposal is not None) == ALLOWED[event.name], f"{event.name} came too late"


def judge_what_follows(start: Start, stores: Stores, state: State) -> None:
    """Every saga comes to its end, and every change and reminder to its readers, once and in order."""
    everyone = everything(stores)
    events = [event for one in everyone for event in one.history or ()]
    assert {f"{event.appointment_id}.{event.seq}" for event in events} <= state.sagas.keys(), "a saga is missing"
    clock = SettableClock(start.due_at)
    runner = start.process(stores, name="runner", clock=clock)
    while (due := min((row.due_at for row in state.waiting.values() if row.due_at), default=None)) is not None:
        clock.set(max(due, clock.now()))
        assert runner.run_sagas(), "a saga stands still"
    assert {row.progress.phase for row in state.sagas.values()} == {Phase.COMPLETED}, "a saga has not completed"
    assert runner.alarms == []
    inbox = [one for one in state.notices.values() if one.channel is Channel.IN_APP and one.appointment_id]
    told = Counter((str(one.event), str(one.reader)) for one in inbox)
    assert told == Counter(to_tell for one in everyone for to_tell in _to_tell(one)), "told wrongly"
    for one in everyone:
        order = [notice.seq for notice in inbox if notice.subject == one.id and notice.kind is not Kind.REMINDER]
        assert order == sorted(order), "told in another order"


def _to_tell(appointment: Appointment) -> Iterator[tuple[str, str]]:
    """By event, whom of the appointment's two sides it is told to."""
    account = {Side.DOCTOR: str(appointment.doctor_id), Side.PATIENT: str(appointment.patient_id)}
    fixed = 0
    for event in appointment.history or ():
        fixed = event.seq if event.name in {"confirmed", "agreed"} else fixed
        for side in TOLD.get(event.name, frozenset(account)) - {event.by}:
            yield f"{appointment.id}.{event.seq}", account[side]
    if appointment.status is Status.CONFIRMED:
        yield from ((f"{appointment.id}.{fixed}.{ahead}", one) for ahead in REMINDERS for one in account.values())
