"""Events are immutable facts with names and sagas of their own."""

from typing import get_args

import attrs
import pytest
from hypothesis import given, settings

from telemed_core.domain.commit import Commit
from telemed_core.domain.events import AppointmentEvent, Event
from telemed_core.testing.strategies import lives
from unit.domain.lives import asking, requested

KINDS: tuple[type[Event], ...] = get_args(AppointmentEvent)


def test_no_two_kinds_share_a_name_or_a_saga() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    # By name: attrs makes each class anew, and the one it was made of is there until it is collected.
    assert {kind.__name__ for kind in KINDS} == {kind.__name__ for kind in Event.__subclasses__()}
    sagas = [kind.saga for kind in KINDS if kind.saga]
    assert len(set(sagas)) == len(sagas)
    assert {kind.name for kind in KINDS if kind.saga is None} == {"joined", "started"}


def test_facts_cannot_be_changed() -> None:
    (event,) = asking().events
    for thing, field in ((event, "seq"), (requested(), "status"), (requested().visit, "start")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(thing, field, None)


@settings(max_examples=25)
@given(lives())
def test_each_event_that_concerns_other_parts_starts_its_saga(life: tuple[Commit, ...]) -> None:
    for commit in life:
        expected = [(f"{one.appointment_id}.{one.seq}", one.saga) for one in commit.events if one.saga]
        assert [(saga.id, saga.name) for saga in commit.sagas] == expected


@settings(max_examples=25)
@given(lives())
def test_events_hold_no_text(life: tuple[Commit, ...]) -> None:
    written = [text.body for commit in life for text in commit.texts]
    shown = repr([commit.events for commit in life])
    assert not [body for body in written if body in shown]
