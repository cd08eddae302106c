"""From decision to commit: again when the world has moved, by takeover where the way is blocked by what is due."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeVar

import attrs

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit, Idempotency
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, CommandId, PatientId, PersonId
from telemed_core.domain.status import Status
from telemed_core.errors import (
    BusyError,
    CellsHeldError,
    ForbiddenError,
    NotFoundError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    StaleVersionError,
    TelemedError,
    TooManyPendingError,
)
from telemed_core.ports.storage import Appointments, Receipts
from telemed_core.ports.system import Clock, Ids

TRIES: Final = 3
"""How often a command is decided before it answers ``busy``."""

TAKEN_OVER_AT_ONCE: Final = 7
"""How many due appointments one commit settles besides its own change; more are settled by their own commits first."""

DUE_OF_ONE_PATIENT: Final = 1000
"""How many of a patient's due appointments are looked through for unanswered requests."""

DUE_AT_ONCE: Final = 200

T = TypeVar("T")


def _nobody() -> None:
    """Nobody waits for commits."""


@attrs.frozen
class Commands:
    """Runs commands: each has one id and one instant, and is answered once per idempotency key.

    Attributes:
        woken: called after each act that has succeeded: what follows from its commit may begin.
    """

    _clock: Clock
    _ids: Ids
    _receipts: Receipts
    _woken: Callable[[], None] = _nobody

    def run(self, act: Callable[[Command], T], *, idempotency: Idempotency | None = None) -> T:
        """Act, deciding again up to three times where what was read had changed by the commit.

        Raises:
            ReplayedCommand: it succeeded before under this key; also where the repeat would now be refused.
            IdempotencyKeyReusedError: something else succeeded under this key.
            BusyError: it changed each time.
        """
        command = Command(CommandId(self._ids.new()), self._clock.now(), idempotency)
        try:
            for _ in range(TRIES):
                try:
                    done = act(command)
                except _MovedOn:
                    continue
                self._woken()
                return done
            raise BusyError
        except TelemedError as error:
            receipt = idempotency and self._receipts.find(idempotency, now=command.at)
            if not idempotency or not receipt:
                raise
            if isinstance(error, NotFoundError | ForbiddenError) and not receipt.fits(idempotency):
                raise
            raise receipt.replays(idempotency) from None


class _MovedOn(Exception):  # a signal between the functions of this module
    """What was read is not so any more."""


@contextmanager
def deciding_again() -> Generator[None, None, None]:
    """Around a commit: where the store says that what was read has changed, ``Commands.run`` acts again."""
    try:
        yield
    except (StaleRevisionError, StaleVersionError, ScheduleChangedError) as changed:
        raise _MovedOn from changed


@attrs.frozen
class Committing:
    """Decides on appointments and commits, settling what is due and in the way."""

    _appointments: Appointments
    _commands: Commands

    def __call__(self, decide: Callable[[datetime], Commit], *, idempotency: Idempotency | None = None) -> Appointment:
        """Commit what ``decide`` answers as of the command's instant; a decision without events writes nothing.

        Raises:
            PatientBusyError, SlotTakenError: the cells are held by appointments that are not due.
            TooManyPendingError: the patient's unanswered requests are not due.
            BusyError: it had to be decided too often.
        """

        def act(command: Command) -> Appointment:
            commit = decide(command.at)
            return self._commit(commit, command) if commit.events else commit.after

        return self._commands.run(act, idempotency=idempotency)

    def _commit(self, commit: Commit, command: Command) -> Appointment:
        due: dict[AppointmentId, Appointment] = {}
        for _ in range(TRIES):
            whole = commit
            for appointment in due.values():
                whole = appointment.settle(now=command.at).then(whole)
            try:
                return self._appointments.apply(whole, command=command)
            except (StaleRevisionError, ScheduleChangedError) as changed:
                raise _MovedOn from changed
            except CellsHeldError as held:
                in_the_way: Sequence[Appointment] = self._owners_due(commit, held, now=command.at)
            except TooManyPendingError:
                in_the_way = self._requests_due(commit.after.patient_id, now=command.at)
                if due.keys() >= {appointment.id for appointment in in_the_way}:
                    raise
            due.update((appointment.id, appointment) for appointment in in_the_way)
            self._settle_first(due, command)
        raise _MovedOn

    def _owners_due(self, commit: Commit, held: CellsHeldError, *, now: datetime) -> list[Appointment]:
        """The owners in the way, if time has ended the claims of all of them."""
        owners = list(self._appointments.many({AppointmentId(owner) for owner in held.owners}))
        if len(owners) < len(held.owners):
            raise held
        wanted = {(claim.person_id, cell) for claim in commit.claims if claim.before is None for cell in claim.cells}
        settled = [owner.settled(now=now) for owner in owners]
        kept = wanted.intersection(cell for owner in settled for cell in _claims(owner))
        if any(person == commit.after.patient_person for person, _ in kept):
            raise PatientBusyError(held.owners) from None
        if kept:
            raise SlotTakenError(held.owners) from None
        return owners

    def _requests_due(self, patient_id: PatientId, *, now: datetime) -> list[Appointment]:
        due = self._appointments.due(now=now, patient=patient_id, limit=DUE_OF_ONE_PATIENT)
        return [appointment for appointment in due if appointment.status is Status.REQUESTED]

    def _settle_first(self, due: dict[AppointmentId, Appointment], command: Command) -> None:
        for appointment in list(due.values())[TAKEN_OVER_AT_ONCE:]:
            settle(self._appointments, due.pop(appointment.id), command=command)


def settle(appointments: Appointments, appointment: Appointment, *, command: Command) -> bool:
    """Write down what time has made of it, by a commit of its own; whether this call did it."""
    commit = appointment.settle(now=command.at)
    if not commit.events:
        return False
    try:
        appointments.apply(commit, command=attrs.evolve(command, idempotency=None))
    except StaleRevisionError:
        return False
    return True


def settle_due(appointments: Appointments, *, command: Command, patient: PatientId | None = None) -> int:
    """Write down what time has made of everything that is due, or of that patient's; how many this call did."""
    settled = 0
    while due := appointments.due(now=command.at, patient=patient, limit=DUE_AT_ONCE):
        done = sum([settle(appointments, appointment, command=command) for appointment in due])
        if not done:
            break
        settled += done
    return settled


def _claims(appointment: Appointment) -> Iterator[tuple[PersonId, int]]:
    for person, side in ((appointment.doctor_person, Side.DOCTOR), (appointment.patient_person, Side.PATIENT)):
        yield from ((person, cell) for cell in appointment.cells(side))
