"""A doctor's schedule: everything that a booking depends on, under one revision."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Self

import attrs

from telemed_core.domain.agenda import Agenda, Block
from telemed_core.domain.availability import Availability
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, BlockId, DoctorId, PersonId
from telemed_core.domain.instants import Interval
from telemed_core.domain.people import EmailAddress
from telemed_core.domain.places import Cents
from telemed_core.domain.slots import Slots, check_start, free_slots
from telemed_core.domain.texts import Text, TextKey, reason
from telemed_core.errors import InvalidError, NotFoundError, SelfBookingError, StaleVersionError

MOST_BLOCKS: Final = 500


@attrs.frozen(kw_only=True)
class Schedule:
    """The rules of one doctor's time, and the facts about the doctor that a booking depends on.

    Attributes:
        rev: rises with every change of anything here; each booking is committed against it.
        agenda_version: the ``rev`` that last changed the agenda; 0 before it was ever set.
        bookable: whether the doctor's registration is approved.
        blocks: absences that are not over, by start.
    """

    doctor_id: DoctorId
    person_id: PersonId
    email: EmailAddress
    price_cents: Cents
    bookable: bool
    rev: int
    agenda: Agenda
    agenda_version: int = 0
    blocks: tuple[Block, ...] = ()

    @classmethod
    def first(cls, doctor: Doctor) -> Self:
        """That of a doctor who has just registered, and has set no agenda yet."""
        return cls(
            doctor_id=doctor.id,
            person_id=doctor.person_id,
            email=doctor.email,
            price_cents=doctor.price_cents,
            bookable=doctor.approved,
            rev=1,
            agenda=Agenda(doctor.time_zone),
        )

    def visit_at(self, start: datetime, *, now: datetime) -> Interval:
        """The visit that would begin at ``start``, if the rules offer it; who holds the time is not asked.

        Raises:
            TooSoonError, BeyondHorizonError, SlotNotOfferedError: they do not.
        """
        return check_start(self.agenda, self.blocks, start, now=now)

    def check_patient(self, person: PersonId, email: EmailAddress) -> None:
        """Nobody books themself.

        Raises:
            SelfBookingError: the same human being, or the same e-mail address.
        """
        if person == self.person_id or email == self.email:
            raise SelfBookingError("doctor_id")

    def slots(
        self,
        within: Interval,
        *,
        now: datetime,
        doctor_busy: Iterable[range] = (),
        patient_busy: Iterable[range] = (),
    ) -> Slots:
        """The free starts in ``[within.start, within.end)``; busy times are runs of cells."""
        return free_slots(
            self.agenda, self.blocks, within=within, now=now, doctor_busy=doctor_busy, patient_busy=patient_busy
        )

    def with_agenda(self, agenda: Agenda, *, version: int) -> "ScheduleEdit":
        """Replace the rules that had this ``version``.

        Raises:
            StaleVersionError: they have been replaced since.
        """
        if version != self.agenda_version:
            raise StaleVersionError
        return self._edit(agenda=agenda, agenda_version=self.rev + 1)

    def with_block(
        self, block_id: BlockId, interval: Interval, *, why: str | None, cancelling: bool, now: datetime
    ) -> "ScheduleEdit":
        """Offer nothing that overlaps ``interval``; ``cancelling``: end the appointments that it overlaps.

        Raises:
            InvalidError: it is over already, the reason is too long, or there are 500 blocks.
        """
        if interval.end <= now:
            raise InvalidError("end", "must be later than now")
        block = Block(interval, block_id, TextKey(block_id, 0) if why else None)
        texts = (Text(TextKey(block_id, 0), reason(why, least=1)),) if why else ()
        current = [kept for kept in self.blocks if kept.interval.end > now]
        if len(current) >= MOST_BLOCKS:
            raise InvalidError("start", f"an agenda has at most {MOST_BLOCKS} blocks that are not over")
        edit = self._edit(blocks=tuple(sorted((*current, block))))
        return attrs.evolve(edit, block=block, texts=texts, cancelling=cancelling)

    def without_block(self, block_id: BlockId) -> "ScheduleEdit":
        """Offer again what the block kept back.

        Raises:
            NotFoundError: there is no such block.
        """
        kept = tuple(block for block in self.blocks if block.id != block_id)
        if len(kept) == len(self.blocks):
            raise NotFoundError
        return self._edit(blocks=kept)

    def opened(self, *, bookable: bool) -> Self:
        """The schedule after a decision on the doctor's registration."""
        return attrs.evolve(self, bookable=bookable, rev=self.rev + 1)

    def _edit(self, **changes: Any) -> "ScheduleEdit":
        return ScheduleEdit(before=self, after=attrs.evolve(self, rev=self.rev + 1, **changes))


@attrs.frozen(kw_only=True)
class ScheduleEdit:
    """One change of a schedule, applied only while it is still at ``before.rev``.

    Attributes:
        block: the block that is new in it.
        cancelling: whether the live appointments that the block overlaps are to be cancelled.
    """

    before: Schedule
    after: Schedule
    block: Block | None = None
    texts: tuple[Text, ...] = ()
    cancelling: bool = False

    def affects(self, visit: Interval) -> bool:
        """Whether a live appointment of that time is to be named in the answer."""
        if self.block is not None:
            return self.block.interval.overlaps(visit)
        return self.after.agenda != self.before.agenda and not Availability.of(self.after.agenda).covers(visit)


@attrs.frozen
class BlockCancellation:
    """One appointment that a block is still to cancel."""

    doctor_id: DoctorId
    block_id: BlockId
    appointment_id: AppointmentId
    reason: TextKey | None = None
