"""The contract of ``Publisher``."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import pytest

from telemed_core.domain.announcing import FACTS
from telemed_core.domain.events import Side
from telemed_core.domain.ids import DoctorId, Id, PatientId
from telemed_core.domain.notices import PUBLISHED, REGISTRATIONS, Announcement, EventId, Kind
from telemed_core.errors import UnavailableError
from telemed_core.ports.notices import Publisher
from telemed_core.testing.builders import MONDAY

HandedOn = Callable[[], Sequence[Announcement]]
"""All that has been handed on so far, in the order in which it came."""

Failing = Callable[[int], None]
"""Lets handing on fail once, after that many announcements of those that are published next, or fewer."""

VALUES = {
    "decision_deadline": "2026-06-02T12:00:00Z",
    "proposed_start": "2026-06-11T13:30:00Z",
    "proposed_end": "2026-06-11T14:20:00Z",
    "expires_at": "2026-06-03T12:00:00.000001Z",
    "late": "false",
    "absent": "both",
    "sequence": "1",
}


def an_announcement(seq: int = 1, *, subject: str = "visit-1", kind: Kind = Kind.REFUSED) -> Announcement:
    """Number ``seq`` of its subject, with what its kind needs."""
    about_visit = kind not in REGISTRATIONS
    return Announcement(
        id=EventId(f"{subject}.{seq}"),
        kind=kind,
        at=MONDAY + timedelta(microseconds=seq),
        seq=seq,
        subject=Id(subject),
        by=Side.DOCTOR if about_visit else Side.SYSTEM,
        doctor_id=DoctorId("doctor-1"),
        patient_id=PatientId("patient-1") if about_visit else None,
        start=MONDAY + timedelta(days=1) if about_visit else None,
        end=MONDAY + timedelta(days=1, minutes=50) if about_visit else None,
        facts={name: VALUES[name] for name in FACTS.get(kind, ())},
    )


def mixed(count: int, *subjects: str) -> list[Announcement]:
    """So many in all of the subjects by turns, each one's in order of their seq."""
    return [
        an_announcement(number // len(subjects) + 1, subject=subjects[number % len(subjects)])
        for number in range(count)
    ]


def first_of_each(announcements: Iterable[Announcement]) -> dict[Id, list[Announcement]]:
    """By subject those that came, in the order in which each came first."""
    found: dict[Id, dict[EventId, Announcement]] = {}
    for one in announcements:
        found.setdefault(one.subject, {}).setdefault(one.id, one)
    return {subject: [*by_id.values()] for subject, by_id in found.items()}


class PublisherContract:
    """The adapter's own class adds the fixtures ``publisher``, ``handed_on`` and ``failing``."""

    def test_nothing_is_handed_on_that_was_not_published(self, publisher: Publisher, handed_on: HandedOn) -> None:
        assert [*handed_on()] == []
        publisher.publish([])
        assert [*handed_on()] == []

    def test_every_kind_is_handed_on_as_it_was_published(self, publisher: Publisher, handed_on: HandedOn) -> None:
        told = [an_announcement(seq, kind=kind) for seq, kind in enumerate(PUBLISHED, 1)]
        publisher.publish(told)
        assert [*handed_on()] == told

    @pytest.mark.parametrize("subjects", [("visit-1",), ("visit-1", "visit-2", "doctor-1")])
    def test_those_of_one_subject_are_handed_on_in_order(
        self, publisher: Publisher, handed_on: HandedOn, subjects: tuple[str, ...]
    ) -> None:
        told = mixed(25, *subjects)
        publisher.publish(told)
        assert first_of_each(handed_on()) == first_of_each(told)

    def test_a_subject_after_another_is_in_order_too(self, publisher: Publisher, handed_on: HandedOn) -> None:
        told = [*mixed(12, "visit-1"), *mixed(12, "visit-2"), *mixed(24, "visit-1", "visit-2")[13:]]
        publisher.publish(told)
        assert first_of_each(handed_on()) == first_of_each(told)

    def test_what_is_published_later_is_handed_on_later(self, publisher: Publisher, handed_on: HandedOn) -> None:
        told = mixed(12, "visit-1", "visit-2")
        for one in told:
            publisher.publish([one])
        assert first_of_each(handed_on()) == first_of_each(told)

    def test_what_is_published_again_and_goes_on_stays_in_order(
        self, publisher: Publisher, handed_on: HandedOn
    ) -> None:
        told = mixed(18, "visit-1", "visit-2")
        for count in (5, 5, 12, 18):
            publisher.publish(told[:count])
        assert first_of_each(handed_on()) == first_of_each(told)

    @pytest.mark.parametrize("after", [0, 1, 2, 7, 17])
    def test_a_failure_is_told_and_publishing_all_again_is_right(
        self, publisher: Publisher, handed_on: HandedOn, failing: Failing, after: int
    ) -> None:
        told = mixed(18, "visit-1", "visit-2")
        failing(after)
        with pytest.raises(UnavailableError):
            publisher.publish(told)
        came = first_of_each(handed_on())
        assert all(came[subject] == first_of_each(told)[subject][: len(came[subject])] for subject in came)
        publisher.publish(told)
        assert first_of_each(handed_on()) == first_of_each(told)

    def test_a_failure_after_another_and_with_more_to_tell_changes_nothing(
        self, publisher: Publisher, handed_on: HandedOn, failing: Failing
    ) -> None:
        told = mixed(24, "visit-1", "visit-2", "doctor-1")
        for after, count in ((4, 15), (9, 21)):
            failing(after)
            with pytest.raises(UnavailableError):
                publisher.publish(told[:count])
        publisher.publish(told)
        assert first_of_each(handed_on()) == first_of_each(told)
