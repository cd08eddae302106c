"""The sagas of this system, and the registry by which their rows find them again."""

from typing import Final, get_args

import attrs
import pytest

from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import SagaStart
from telemed_core.saga.definition import Kind, Saga
from telemed_core.saga.sagas import REGISTRY, SAGAS, Registry
from telemed_core.testing.builders import MONDAY
from unit.saga.stage import TRIP, a_row

PINNED: Final = {
    ("register_doctor", 1): "48d18c0ff7f9",
    ("register_patient", 1): "119a18a18fb6",
    ("register_administrator", 1): "90b11d353d10",
    ("request", 1): "c74fb97b2ac0",
    ("move", 1): "58460fc025b5",
    ("accept", 1): "afc64ee6fecf",
    ("refuse", 1): "a21bcb09ac1e",
    ("refuse", 2): "1d71dc09bd44",
    ("expire", 1): "239af376d6db",
    ("expire", 2): "fee9b3a5f653",
    ("cancel", 1): "eea6072ee010",
    ("cancel", 2): "8229fd721b84",
    ("propose", 1): "c8bebf8d7e87",
    ("agree", 1): "01434e64b47b",
    ("decline", 1): "dbc15d24b699",
    ("lapse", 1): "8073480768ed",
    ("complete", 1): "652cb854be2e",
    ("complete", 2): "a34e710d9e0f",
    ("no_show", 1): "62d53bee2d42",
    ("no_show", 2): "aee662d4525b",
    ("verification", 1): "c8e5108783e1",
    ("close_account", 1): "b4d8ac98e547",
    ("close_account", 2): "973d6d26eeaf",
    ("remind", 1): "b264c3e97907",
}
"""Digests of all definitions that ever were: rows carry them. A changed definition is a new version, and a new line."""

SECOND: Final = Saga("trip", 2, TRIP.steps[:-1])


def test_a_changed_definition_is_a_new_version_and_the_old_one_stays() -> None:
    assert {(saga.name, saga.version): saga.digest for saga in SAGAS} == PINNED


def test_every_saga_that_an_event_starts_is_there_and_begins_past_its_pivot() -> None:
    started = {event.saga for event in get_args(AppointmentEvent) if event.saga}
    assert started <= set(REGISTRY.names())
    for name in (*started, "verification", "close_account"):
        saga = REGISTRY.latest(name)
        assert saga is not None
        assert saga.pivot == 0
        assert saga.begun == 1


ENDINGS: Final = ("refuse", "expire", "cancel", "complete", "no_show")


def test_whatever_ends_a_visit_tells_it_and_then_ends_its_meeting() -> None:
    ending = {saga.name for saga in SAGAS if any(step.name == "end_meeting" for step in saga.steps)}
    assert ending == set(ENDINGS)
    for name in ENDINGS:
        saga = REGISTRY.latest(name)
        assert saga is not None
        assert [step.name for step in saga.steps[1:]] == ["notify", "end_meeting"]
        assert saga.version == 2


def test_who_leaves_is_forgotten_where_passwords_are_kept_before_all_else_is_erased() -> None:
    saga = REGISTRY.latest("close_account")
    assert saga is not None
    assert [step.name for step in saga.steps[1:]] == ["remove_identity", "revoke_feeds", "anonymise_profile"]


@pytest.mark.parametrize("name", ENDINGS)
def test_what_was_begun_before_meetings_were_ended_is_still_known(name: str) -> None:
    [old] = [saga for saga in SAGAS if (saga.name, saga.version) == (name, 1)]
    row = old.begin(SagaStart(SagaId("a.2"), name, Id("a")), at=MONDAY)
    assert REGISTRY.find(row) == old
    assert [step.name for step in old.steps[1:]] == ["notify"]


def test_nobody_is_told_before_the_pivot() -> None:
    for saga in SAGAS:
        tells = [step for step in saga.steps if step.do in {"publish_changes", "publish_reminder", "set_reminders"}]
        assert all(step.kind is Kind.RETRIABLE for step in tells)


def test_a_registration_is_undone_but_for_its_pivot() -> None:
    for role in ("doctor", "patient", "administrator"):
        saga = REGISTRY.latest(f"register_{role}")
        assert saga is not None
        assert [(step.name, step.undo, step.local) for step in saga.steps] == [
            ("reserve_logins", "release_logins", True),
            ("create_identity", "remove_identity", False),
            ("create_profile", None, True),
        ]
        assert (saga.pivot, saga.begun) == (2, 1)


def test_rows_keep_their_version_and_new_sagas_get_the_latest() -> None:
    registry = Registry.of([SECOND, TRIP])
    old = a_row(TRIP)
    new = registry.begin(SagaStart(SagaId("s"), "trip", Id("a")), at=MONDAY)
    assert registry.find(old) == TRIP
    assert (new.version, registry.find(new), registry.latest("trip")) == (2, SECOND, SECOND)
    assert registry.names() == ["trip"]
    assert registry.latest("tour") is None


def test_versions_are_compared_as_numbers() -> None:
    versions = [Saga("trip", version, TRIP.steps) for version in (10, 9, 2)]
    latest = Registry.of(versions).latest("trip")
    assert latest is not None
    assert latest.version == 10


@pytest.mark.parametrize("changed", [{"name": "tour"}, {"version": 3}, {"digest": "0" * 12}])
def test_a_row_whose_definition_is_another_finds_none(changed: dict[str, object]) -> None:
    assert Registry.of([TRIP, SECOND]).find(attrs.evolve(a_row(), **changed)) is None


def test_one_version_stands_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Registry.of([TRIP, Saga("trip", 1, TRIP.steps[:-1])])
