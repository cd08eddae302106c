"""Where everything is kept: each port's methods are atomic, and safe to call from many threads and processes.

Of every method: ``UnavailableError`` where the store does not answer, ``BusyError`` where contention outlasted the
retries; then nothing has been written. What is handed out is immutable.
"""

from __future__ import annotations  # what other ports have is not loaded with these

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import attrs

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit, Idempotency
from telemed_core.domain.ids import AppointmentId, BlockId, DoctorId, PatientId, PersonId
from telemed_core.domain.instants import Interval
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.schedule import BlockCancellation, Schedule, ScheduleEdit
from telemed_core.domain.status import Status
from telemed_core.domain.texts import TextKey

if TYPE_CHECKING:
    from telemed_core.domain.ledger import LedgerPage, Repair
    from telemed_core.domain.ratings import Rated, Rating, RatingSum
    from telemed_core.ports.meetings import Meetings, Signals
    from telemed_core.ports.notices import Feeds, Notices
    from telemed_core.ports.people import Accounts, Attempts, Credentials, Doctors, Patients, Sessions
    from telemed_core.ports.sagas import SagaLog


class Schedules(Protocol):
    """What bookings depend on, by doctor."""

    def of(self, doctor_id: DoctorId, /) -> Schedule:
        """The schedule as of one moment: all its parts belong to its ``rev``. It may lag behind, never mix.

        Raises:
            NotFoundError: there is no such doctor.
        """
        ...

    def known(self, doctor_id: DoctorId, /) -> Schedule | None:
        """The schedule as it was seen last, at the cost of no read; ``None``: it would have to be read.

        It may lag behind by any length of time, never mix. Who is refused by it asks again by the present one.
        """
        ...

    def apply(self, edit: ScheduleEdit, /, *, command: Command) -> Sequence[AppointmentId]:
        """Write the edit and answer the live appointments that it affects (``edit.affects``), by start.

        No booking that was decided on the schedule before it commits after it. Where ``edit.cancelling``, the
        affected are recorded to be cancelled, in the same commit. Appointments whose time has settled by
        ``command.at`` are not affected.

        Raises:
            ReplayedCommand: it was carried out before.
            ScheduleChangedError: the schedule is not at ``before.rev`` any more.
        """
        ...

    def block_of(self, block_id: BlockId, /) -> tuple[Interval, Sequence[AppointmentId]]:
        """A block as it was made, and the appointments it affected then, by start; also after its deletion.

        Raises:
            NotFoundError: there never was one.
        """
        ...

    def cancellations(self, *, block_id: BlockId | None = None, limit: int) -> Sequence[BlockCancellation]:
        """Appointments that blocks, or that block, are still to cancel."""
        ...

    def cancelled(self, cancellation: BlockCancellation, /) -> None:
        """Forget that one: it is done. Forgetting it again changes nothing."""
        ...


class Appointments(Protocol):
    """The appointments and the ledger of everyone's time.

    Every appointment is handed out as it was stored: settling it is the caller's.
    """

    def get(self, appointment_id: AppointmentId, /) -> Appointment:
        """The appointment with its history.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def many(self, appointment_ids: Collection[AppointmentId], /) -> Sequence[Appointment]:
        """These appointments without their history, in one read, by id; unknown ids are left out."""
        ...

    def list(
        self,
        owner: DoctorId | PatientId,
        /,
        *,
        statuses: Collection[Status] = (),
        starting: Interval | None = None,
        after: tuple[datetime, AppointmentId] | None = None,
        limit: int,
        now: datetime,
    ) -> Sequence[Appointment]:
        """Up to ``limit`` appointments of that account, by (start, id), without their history.

        Filters and order go by what each is at ``now``, settled; so these are handed out settled.

        Args:
            statuses: only these; empty: all.
            starting: only those whose start it contains.
            after: only those behind this (start, id).
        """
        ...

    def due(self, *, now: datetime, patient: PatientId | None = None, limit: int) -> Sequence[Appointment]:
        """Up to ``limit`` appointments, or those of that patient, whose ``due_at`` has come, most overdue first."""
        ...

    def busy(self, person: PersonId, within: Interval, /, *, now: datetime) -> Sequence[range]:
        """Runs of cells inside ``within`` owned by appointments that still own them at ``now``, settled."""
        ...

    def apply(self, commit: Commit, /, *, command: Command) -> Appointment:
        """Write the commit whole and answer ``commit.after``, or refuse it and change nothing at all.

        It is refused for the first of: the command's key has a receipt that counts · a guard · a quota · an
        appointment that is not at its ``rev`` · a cell of a patient that is not its ``before``'s · one of a doctor.
        A quota is refused where it would rise above its limit; rising within it and falling always pass.
        Applying a command again whose answer was lost gives its first outcome.

        Raises:
            ReplayedCommand: it was carried out before.
            IdempotencyKeyReusedError: the key was used for something else in the last 24 h.
            ScheduleChangedError: by a ``ScheduleGuard``: the doctor may not be booked, or the ``rev`` is another.
            LicenceInactiveError: by a ``LicenceGuard``: the doctor is not approved.
            TooManyPendingError: the quota is exhausted.
            NotFoundError: the patient's account is closed.
            StaleRevisionError: an appointment has changed since it was read.
            PatientBusyError, SlotTakenError: cells belong to others; all the others are named.
        """
        ...


class Receipts(Protocol):
    """What is remembered of commands that succeeded."""

    def find(self, idempotency: Idempotency, /, *, now: datetime) -> Receipt | None:
        """The receipt under that account's key that still counts, whatever its fingerprint."""
        ...


class Texts(Protocol):
    """What people wrote, encrypted at rest."""

    def read(self, keys: Collection[TextKey], /) -> Mapping[TextKey, str]:
        """The texts under these keys, in one read; unknown keys are left out."""
        ...


class Ratings(Protocol):
    """What patients thought of their visits, and the sum of it for each doctor."""

    def add(self, rated: Rated, /, *, command: Command) -> Rating:
        """Keep the visit's rating, its text and the doctor's sum, in one commit; answers the rating.

        Adding it again by the same command, whose answer was lost, gives its first outcome.

        Raises:
            ReplayedCommand: it was carried out before.
            IdempotencyKeyReusedError: the key was used for something else in the last 24 h.
            AlreadyRatedError: the visit has one.
        """
        ...

    def get(self, appointment_id: AppointmentId, /) -> Rating:
        """The visit's rating.

        Raises:
            NotFoundError: it has none.
        """
        ...

    def list(
        self, doctor_id: DoctorId, /, *, after: tuple[datetime, AppointmentId] | None = None, limit: int
    ) -> Sequence[Rating]:
        """Up to ``limit`` ratings of the doctor by (at, id of the visit), descending, those behind ``after``."""
        ...

    def sums(self, doctor_ids: Collection[DoctorId], /) -> Mapping[DoctorId, RatingSum]:
        """The sums of these doctors, in one read; those without a rating are left out."""
        ...


class Ledger(Protocol):
    """The ledger as a whole, for its verification."""

    def people(self, *, after: PersonId | None = None, limit: int) -> Sequence[PersonId]:
        """Up to ``limit`` people with claims or live appointments, by id, those behind ``after``."""
        ...

    def read(self, people: Collection[PersonId], /, *, cells: range | None = None) -> LedgerPage:
        """Claims and appointments of these people, as of one moment; ``cells``: only claims of these."""
        ...

    def apply(self, repair: Repair, /) -> None:
        """Write the repair whole, or change nothing.

        Raises:
            StaleRevisionError: the appointment is not at its ``rev``.
            SlotTakenError: a cell's owner is not the one the repair names.
        """
        ...


@attrs.frozen(kw_only=True)
class Stores:
    """All of one technology's stores over the same data; what ``open_…`` of an adapter answers."""

    accounts: Accounts
    doctors: Doctors
    patients: Patients
    schedules: Schedules
    appointments: Appointments
    receipts: Receipts
    texts: Texts
    ledger: Ledger
    credentials: Credentials
    sessions: Sessions
    attempts: Attempts
    sagas: SagaLog
    notices: Notices
    feeds: Feeds
    meetings: Meetings
    signals: Signals
    ratings: Ratings
    check: Callable[[], None]
    """One cheap read, to see that the store answers; ``UnavailableError``: it does not."""
    close: Callable[[], None]
    """Gives connections and files back; nothing is used after it."""
