"""A schedule's edits: each under the revision it was decided on."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.agenda import Block
from telemed_core.domain.ids import BlockId
from telemed_core.domain.instants import Interval
from telemed_core.domain.texts import TextKey
from telemed_core.errors import InvalidError, NotFoundError, StaleVersionError
from telemed_core.testing.builders import MONDAY, a_schedule, an_agenda

HOUR = timedelta(hours=1)
SCHEDULE = a_schedule(rev=7)
TOMORROW = Interval.lasting(MONDAY + 24 * HOUR, HOUR)


def test_an_agenda_replaces_the_one_of_its_version() -> None:
    agenda = an_agenda("08:00-12:00")
    edit = attrs.evolve(SCHEDULE, agenda_version=5).with_agenda(agenda, version=5)
    assert (edit.after.agenda, edit.after.rev, edit.after.agenda_version) == (agenda, 8, 8)
    with pytest.raises(StaleVersionError):
        SCHEDULE.with_agenda(agenda, version=6)


def test_a_block_is_added_in_order_and_those_that_are_over_go() -> None:
    over = Block(Interval(MONDAY - 2 * HOUR, MONDAY), BlockId("b-0"))
    running = Block(Interval(MONDAY - 2 * HOUR, MONDAY + timedelta(microseconds=1)), BlockId("b-1"))
    schedule = attrs.evolve(SCHEDULE, blocks=(over, running))
    edit = schedule.with_block(BlockId("b-2"), TOMORROW, why="away", cancelling=True, now=MONDAY)
    assert [block.id for block in edit.after.blocks] == ["b-1", "b-2"]
    assert edit.block == Block(TOMORROW, BlockId("b-2"), TextKey(BlockId("b-2"), 0))
    assert [(text.key, text.body) for text in edit.texts] == [(edit.block and edit.block.reason, "away")]
    assert edit.cancelling
    assert (edit.after.rev, edit.after.agenda_version) == (8, SCHEDULE.agenda_version)


def test_a_block_without_a_reason_has_no_text() -> None:
    edit = SCHEDULE.with_block(BlockId("b-1"), TOMORROW, why=None, cancelling=False, now=MONDAY)
    assert edit.block is not None
    assert (edit.block.reason, edit.texts, edit.cancelling) == (None, (), False)


def test_a_block_that_is_over_or_says_too_much_is_refused_by_name() -> None:
    for interval, why, field in ((Interval(MONDAY - HOUR, MONDAY), None, "end"), (TOMORROW, "x" * 501, "reason")):
        with pytest.raises(InvalidError) as refused:
            SCHEDULE.with_block(BlockId("b-1"), interval, why=why, cancelling=False, now=MONDAY)
        assert refused.value.fields[0].field == field


def test_a_block_is_removed_once() -> None:
    edit = SCHEDULE.with_block(BlockId("b-1"), TOMORROW, why=None, cancelling=False, now=MONDAY)
    removed = edit.after.without_block(BlockId("b-1"))
    assert (removed.after.blocks, removed.after.rev) == ((), 9)
    with pytest.raises(NotFoundError):
        removed.after.without_block(BlockId("b-1"))


def test_a_block_affects_what_it_overlaps() -> None:
    edit = SCHEDULE.with_block(BlockId("b-1"), TOMORROW, why=None, cancelling=False, now=MONDAY)
    tick = timedelta(seconds=1)
    assert edit.affects(Interval(TOMORROW.end - tick, TOMORROW.end + HOUR))
    assert not edit.affects(Interval(TOMORROW.end, TOMORROW.end + HOUR))
    assert not edit.after.without_block(BlockId("b-1")).affects(TOMORROW)


def test_an_agenda_affects_what_it_no_longer_covers() -> None:
    edit = SCHEDULE.with_agenda(an_agenda("12:00-13:00"), version=SCHEDULE.agenda_version)
    assert not edit.affects(Interval.lasting(MONDAY, HOUR))
    assert edit.affects(Interval.lasting(MONDAY + HOUR / 12, HOUR))
    same = SCHEDULE.with_agenda(SCHEDULE.agenda, version=SCHEDULE.agenda_version)
    assert not same.affects(TOMORROW)


def test_opening_and_closing_raise_the_revision_alone() -> None:
    closed = SCHEDULE.opened(bookable=False)
    assert closed == attrs.evolve(SCHEDULE, bookable=False, rev=8)
