"""A doctor's rules of time, and what they offer, as they are answered."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

from telemed_core.domain.agenda import Block, clock_text
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import Interval
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.slots import Slots
from telemed_core.messages import schemas
from telemed_core.messages.views import DateText, IdText, Instant, NumberOfCents, View, ZoneText

ClockText = Annotated[str, schemas.CLOCK]

_MINUTE = timedelta(minutes=1)


class SlotView(View):
    """A visit that can be booked."""

    start: Instant
    end: Instant


class SlotsView(View):
    """Free starts, all of them."""

    items: tuple[SlotView, ...]
    time_zone: ZoneText
    price_cents: NumberOfCents


class WeeklyWindowView(View):
    """A window of every week; an end that is not after the start is the next day's."""

    weekday: Annotated[str, schemas.WEEKDAY]
    start: ClockText
    end: ClockText


class DateRuleView(View):
    """One local date: closed, or a window in place of the weekly ones."""

    date: DateText
    closed: bool
    start: ClockText | None
    end: ClockText | None


class AgendaView(View):
    """An agenda, in the very shape in which it is replaced."""

    time_zone: ZoneText
    consultation_minutes: Annotated[int, schemas.CONSULTATION]
    buffer_minutes: Annotated[int, schemas.BUFFER]
    min_notice_minutes: Annotated[int, schemas.NOTICE]
    horizon_days: Annotated[int, schemas.HORIZON]
    weekly: tuple[WeeklyWindowView, ...]
    dates: tuple[DateRuleView, ...]


class ReplacedAgendaView(AgendaView):
    """After it was replaced: with the live appointments that it no longer covers, by start."""

    affected: tuple[IdText, ...]


class BlockView(View):
    """An absence."""

    id: IdText
    start: Instant
    end: Instant


class CreatedBlockView(BlockView):
    """As it was made: with the live appointments that it overlapped then, by start."""

    affected: tuple[IdText, ...]


def slots_view(schedule: Schedule, slots: Slots) -> SlotsView:
    """The free starts of a doctor."""
    items = tuple(SlotView(start=slot.start, end=slot.end) for slot in slots)
    return SlotsView(items=items, time_zone=schedule.agenda.time_zone, price_cents=schedule.price_cents)


def agenda_view(schedule: Schedule) -> AgendaView:
    """A doctor's agenda, in local time."""
    return AgendaView(**_agenda(schedule))


def replaced_agenda_view(schedule: Schedule, affected: Iterable[AppointmentId]) -> ReplacedAgendaView:
    """The new agenda, and whom it concerns."""
    return ReplacedAgendaView(**_agenda(schedule), affected=tuple(affected))


def block_view(block: Block) -> BlockView:
    """A block."""
    return BlockView(id=block.id, start=block.interval.start, end=block.interval.end)


def created_block_view(block_id: str, interval: Interval, affected: Iterable[AppointmentId]) -> CreatedBlockView:
    """A block as it was made, and whom it concerned then."""
    return CreatedBlockView(id=block_id, start=interval.start, end=interval.end, affected=tuple(affected))


def _agenda(schedule: Schedule) -> dict[str, Any]:
    agenda = schedule.agenda
    return {
        "time_zone": agenda.time_zone,
        "consultation_minutes": agenda.consultation // _MINUTE,
        "buffer_minutes": agenda.buffer // _MINUTE,
        "min_notice_minutes": agenda.min_notice // _MINUTE,
        "horizon_days": agenda.horizon.days,
        "weekly": tuple(
            WeeklyWindowView(
                weekday=rule.weekday.name.lower(), start=clock_text(rule.window.start), end=clock_text(rule.window.end)
            )
            for rule in agenda.weekly
        ),
        "dates": tuple(
            DateRuleView(
                date=rule.date.isoformat(),
                closed=rule.window is None,
                start=None if rule.window is None else clock_text(rule.window.start),
                end=None if rule.window is None else clock_text(rule.window.end),
            )
            for rule in agenda.dates
        ),
    }
