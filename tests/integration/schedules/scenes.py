"""Where three commands meet: a small clinic in one of a few states, and who may do what in it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any, Final

import attrs

from adapters.memory import open_memory
from adapters.memory.state import Quota, SignalLog, State
from telemed_core.application.committing import settle_due
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import AppointmentEvent, AppointmentRequested, Side
from telemed_core.domain.ids import AccountId, AppointmentId, ProposalId
from telemed_core.domain.patient import Patient
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Clock
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.doubles import SeededIds, SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

HOUR: Final = timedelta(hours=1)
AGAIN: Final = " again"


@attrs.frozen(kw_only=True)
class Start:
    """What is so before anybody acts.

    Attributes:
        stores: all that is kept; copied for each run.
        appointment: the one that all of them are about; in a free clinic the one that ``request`` makes.
        now: when people act; what they do is decided as of then.
        due_at: when the sweep comes: the world's clock does not wait for a command that was decided before.
        most_pending: how many unanswered requests a patient may have.
    """

    stores: Stores
    doctors: tuple[Doctor, Doctor]
    patients: tuple[Patient, Patient]
    appointment: AppointmentId
    rev: int
    proposal: ProposalId
    noon: datetime
    other_noon: datetime
    now: datetime
    due_at: datetime
    most_pending: int

    def copied(self) -> tuple[Stores, State]:
        """The same once more, for one run."""
        stores = open_memory()
        state = state_of(stores)
        for field in attrs.fields(State):
            if field.name != "lock":
                setattr(state, field.name, _copied(getattr(state_of(self.stores), field.name)))
        return stores, state

    def process(self, stores: Stores, *, name: str, clock: Clock) -> Clinic:
        """A process over these stores; its ids are its own, so that they are the same in every schedule."""
        return Clinic(stores, clock, SeededIds(name), most_pending=self.most_pending)


def state_of(stores: Stores) -> State:
    """What a memory holds."""
    state: State = stores.appointments._state  # type: ignore[attr-defined]  # the memory's own
    return state


def _copied(value: Any) -> Any:
    match value:
        case dict():
            return {key: _copied(one) for key, one in value.items()}
        case list():
            return [*value]
        case set():
            return {*value}
        case Quota():
            return attrs.evolve(value)
        case SignalLog():
            return attrs.evolve(value, entries=[*value.entries], seated=_copied(value.seated))
        case _:
            return value


@attrs.frozen(kw_only=True)
class Deed:
    """One command that somebody can give.

    Attributes:
        act: give it, in this process and under this key.
        made: whether an event of now is what this command makes; ``None``: the sweep, which answers to nobody.
        repeats: it is the repeat of another one, under its key.
    """

    name: str
    act: Callable[[Start, Clinic, Idempotency], Any]
    made: Callable[[Start, AppointmentEvent], bool] | None = None
    repeats: str | None = None

    @property
    def key(self) -> str:
        """What it and its repeats are known by."""
        return self.repeats or self.name

    def again(self) -> "Deed":
        """The same from an impatient client, at the same time."""
        return attrs.evolve(self, name=self.name + AGAIN, repeats=self.key)

    def run(self, start: Start, stores: Stores, *, retried: bool = False) -> Any:
        """Give the command, or give it again after its answer was lost."""
        name = f"{self.name}, retried" if retried else self.name
        clock = SettableClock(start.due_at if self.made is None else start.now)
        clinic = start.process(stores, name=name, clock=clock)
        return self.act(start, clinic, Idempotency(AccountId(self.key.replace(" ", "-")), self.key, self.key))


def _request(doctor: int, patient: int, *, other: bool = False) -> Callable[[Start, Clinic, Idempotency], Any]:
    return lambda start, clinic, key: clinic.request_appointment(
        doctor_id=start.doctors[doctor].id,
        start=start.other_noon if other else start.noon,
        patient=start.patients[patient],
        idempotency=key,
    )


def _requested(doctor: int, patient: int, *, other: bool = False) -> Callable[[Start, AppointmentEvent], bool]:
    def made(start: Start, event: AppointmentEvent) -> bool:
        return (
            isinstance(event, AppointmentRequested)
            and (event.doctor_id, event.patient_id) == (start.doctors[doctor].id, start.patients[patient].id)
            and event.visit.start == (start.other_noon if other else start.noon)
        )

    return made


def _did(name: str, by: Side) -> Callable[[Start, AppointmentEvent], bool]:
    return lambda _, event: event.name == name and event.by is by


def _cancel(by: Side) -> Callable[[Start, Clinic, Idempotency], Any]:
    return lambda start, clinic, key: clinic.cancel_appointment(
        appointment_id=start.appointment, reason="cannot come", actor=_side(start, by), idempotency=key
    )


def _reschedule(by: Side) -> Callable[[Start, Clinic, Idempotency], Any]:
    return lambda start, clinic, key: clinic.reschedule_appointment(
        appointment_id=start.appointment, start=start.other_noon, actor=_side(start, by), idempotency=key
    )


def _side(start: Start, by: Side) -> Doctor | Patient:
    return start.doctors[0] if by is Side.DOCTOR else start.patients[0]


DEEDS: Final = {
    deed.name: deed
    for deed in (
        Deed(name="request", act=_request(0, 0), made=_requested(0, 0)),
        Deed(name="request by another", act=_request(0, 1), made=_requested(0, 1)),
        Deed(name="request elsewhere", act=_request(1, 0), made=_requested(1, 0)),
        Deed(name="request another time", act=_request(0, 0, other=True), made=_requested(0, 0, other=True)),
        Deed(name="request the other time", act=_request(0, 1, other=True), made=_requested(0, 1, other=True)),
        Deed(
            name="accept",
            act=lambda start, clinic, key: clinic.accept_appointment(
                appointment_id=start.appointment, rev=start.rev, doctor=start.doctors[0], idempotency=key
            ),
            made=_did("confirmed", Side.DOCTOR),
        ),
        Deed(
            name="refuse",
            act=lambda start, clinic, key: clinic.refuse_appointment(
                appointment_id=start.appointment, doctor=start.doctors[0], reason="away", idempotency=key
            ),
            made=_did("refused", Side.DOCTOR),
        ),
        Deed(name="cancel", act=_cancel(Side.PATIENT), made=_did("cancelled", Side.PATIENT)),
        Deed(name="cancel by doctor", act=_cancel(Side.DOCTOR), made=_did("cancelled", Side.DOCTOR)),
        Deed(
            name="reschedule",
            act=_reschedule(Side.PATIENT),
            made=lambda _, event: event.name in {"moved", "proposed"} and event.by is Side.PATIENT,
        ),
        Deed(name="reschedule by doctor", act=_reschedule(Side.DOCTOR), made=_did("proposed", Side.DOCTOR)),
        Deed(
            name="agree",
            act=lambda start, clinic, key: clinic.agree_to_reschedule(
                appointment_id=start.appointment, proposal_id=start.proposal, actor=start.doctors[0], idempotency=key
            ),
            made=_did("agreed", Side.DOCTOR),
        ),
        Deed(
            name="decline",
            act=lambda start, clinic, key: clinic.decline_reschedule(
                appointment_id=start.appointment, proposal_id=start.proposal, actor=start.doctors[0], idempotency=key
            ),
            made=_did("declined", Side.DOCTOR),
        ),
        Deed(
            name="expire",
            act=lambda _, clinic, __: settle_due(clinic.stores.appointments, command=clinic.command()),
        ),
    )
}


def free(*, most_pending: int = 3) -> Start:
    """Nobody has asked for anything."""
    return _start(a_clinic(open_memory()), most_pending=most_pending)


def requested() -> Start:
    """The first patient has asked for the noon."""
    clinic = a_clinic(open_memory())
    return _start(clinic, _asked)


def confirmed() -> Start:
    """The doctor has accepted it; the patient may propose another noon."""
    return _start(a_clinic(open_memory()), _asked, _accepted)


def proposed() -> Start:
    """The patient has proposed another noon."""
    return _start(a_clinic(open_memory()), _asked, _accepted, _proposed)


def overdue() -> Start:
    """The request has not been answered in time, and no sweep has come yet."""
    start = requested()
    return attrs.evolve(start, now=start.due_at)


_ASKING: Final = ("request by another", "request the other time")

STARTS: Final[dict[str, tuple[Callable[[], Start], tuple[str, ...]]]] = {
    "free": (free, ("request", "request by another", "request elsewhere", "accept", "cancel", "reschedule", "expire")),
    "one request left": (
        lambda: free(most_pending=1),
        ("request", "request another time", "accept", "cancel", "expire"),
    ),
    "requested": (
        requested,
        ("request by another", "accept", "refuse", "cancel", "cancel by doctor", "reschedule", "expire"),
    ),
    "confirmed": (
        confirmed,
        (*_ASKING, "accept", "cancel", "cancel by doctor", "reschedule", "reschedule by doctor"),
    ),
    "proposed": (proposed, (*_ASKING, "agree", "decline", "cancel", "reschedule", "expire")),
    "overdue": (overdue, ("request by another", "accept", "cancel", "reschedule", "expire")),
}
"""Each start, and who may act in it."""


def casts(names: Sequence[str]) -> Iterator[tuple[Deed, Deed, Deed]]:
    """Every three of these commands: all different, or one or two of them repeated under its key."""
    deeds = [DEEDS[name] for name in names]
    yield from combinations(deeds, 3)
    for first, second in product(deeds, deeds):
        if first.made is not None:
            yield first, first.again(), second.again().again() if first is second else second


def named(cast: Iterable[Deed]) -> str:
    return " + ".join(deed.name for deed in cast)


def _asked(start: Start, clinic: Clinic) -> Appointment:
    return clinic.request_appointment(doctor_id=start.doctors[0].id, start=start.noon, patient=start.patients[0])


def _accepted(start: Start, clinic: Clinic) -> Appointment:
    return clinic.accept_appointment(appointment_id=start.appointment, rev=start.rev, doctor=start.doctors[0])


def _proposed(start: Start, clinic: Clinic) -> Appointment:
    return clinic.reschedule_appointment(
        appointment_id=start.appointment, start=start.other_noon, actor=start.patients[0]
    )


def _start(clinic: Clinic, *steps: Callable[[Start, Clinic], Appointment], most_pending: int = 3) -> Start:
    now = MONDAY + HOUR
    start = Start(
        stores=clinic.stores,
        doctors=(clinic.doctor(1), clinic.doctor(2)),
        patients=(clinic.patient(1), clinic.patient(2)),
        appointment=AppointmentId(SeededIds("request").new()),
        rev=1,
        proposal=ProposalId("none"),
        noon=clinic.noon(3),
        other_noon=clinic.noon(5),
        now=now,
        due_at=now + 24 * HOUR,
        most_pending=most_pending,
    )
    clinic.run_sagas()
    for step in steps:
        left = step(start, clinic)
        start = attrs.evolve(
            start,
            appointment=left.id,
            rev=left.rev,
            proposal=left.proposal.id if left.proposal else start.proposal,
            due_at=min(start.due_at, left.due_at or start.due_at),
        )
    return start
