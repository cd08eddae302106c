"""Publishers keep every sentence of their port; and the contract notices one that does not."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from adapters.publishing import MemoryPublisher, open_in_process
from telemed_core.domain.notices import Announcement
from telemed_core.errors import UnavailableError
from telemed_core.ports.notices import Publisher
from telemed_core.testing.contracts import PublisherContract
from telemed_core.testing.contracts.publishing import Failing, HandedOn, an_announcement, first_of_each
from telemed_core.testing.telling import HandingOn


@attrs.define
class Reader:
    """Whoever notifies, and fails where a test wants it."""

    came: list[Announcement] = attrs.field(factory=list)
    left: int | None = None

    def __call__(self, announcements: Sequence[Announcement], /) -> None:
        for one in announcements:
            if self.left == 0:
                self.left = None
                raise UnavailableError
            self.left = None if self.left is None else self.left - 1
            self.came.append(one)

    def fail_after(self, count: int) -> None:
        self.left = count

    def handed_on(self) -> Sequence[Announcement]:
        return self.came


class OfReader:
    @pytest.fixture
    def reader(self) -> Reader:
        return Reader()

    @pytest.fixture
    def handed_on(self, reader: Reader) -> HandedOn:
        return reader.handed_on

    @pytest.fixture
    def failing(self, reader: Reader) -> Failing:
        return reader.fail_after


class TestInProcess(OfReader, PublisherContract):
    @pytest.fixture
    def publisher(self, reader: Reader) -> Publisher:
        return open_in_process(reader)


class TestHandingOn(OfReader, PublisherContract):
    @pytest.fixture
    def publisher(self, reader: Reader) -> Publisher:
        return HandingOn(reader)


def test_what_memory_keeps_is_all_that_was_published() -> None:
    publisher = MemoryPublisher()
    told = [an_announcement(seq) for seq in (1, 2, 1)]
    publisher.publish(told)
    assert publisher.published == told


@attrs.frozen
class Careless:
    """A publisher that hands on what is ``made`` of what it is given, and tells of no failure where it is ``mute``."""

    reader: Reader
    made: Callable[[list[Announcement]], Sequence[Announcement]] = lambda told: told
    mute: bool = False

    def publish(self, announcements: Sequence[Announcement], /) -> None:
        try:
            self.reader(self.made([*announcements]))
        except UnavailableError:
            if not self.mute:
                raise


CARELESS: dict[str, dict[str, Any]] = {
    "loses the last": {"made": lambda told: told[:-1]},
    "turns the order": {"made": lambda told: told[::-1]},
    "knows ten": {"made": lambda told: told[:10]},
    "changes what was done": {"made": lambda told: [attrs.evolve(one, facts={}) for one in told]},
    "says nothing": {"mute": True},
    "swaps within a subject": {"made": lambda told: sorted(told, key=lambda one: (one.seq // 2, -one.seq))},
}


def broken(name: str) -> list[str]:
    """The tests of the contract that notice it."""
    found = []
    for test, arguments in (
        ("test_every_kind_is_handed_on_as_it_was_published", {}),
        ("test_those_of_one_subject_are_handed_on_in_order", {"subjects": ("visit-1", "visit-2", "doctor-1")}),
        ("test_a_failure_is_told_and_publishing_all_again_is_right", {"after": 7}),
    ):
        reader = Reader()
        asked: dict[str, Any] = {"publisher": Careless(reader, **CARELESS[name]), "handed_on": reader.handed_on}
        if "after" in arguments:
            asked["failing"] = reader.fail_after
        try:
            getattr(PublisherContract(), test)(**asked, **arguments)
        except (AssertionError, pytest.fail.Exception):
            found.append(test)
    return found


@pytest.mark.parametrize("name", CARELESS)
def test_the_contract_notices_a_publisher_that(name: str) -> None:
    assert broken(name)


def test_what_came_again_counts_where_it_came_first() -> None:
    first, second = an_announcement(1), an_announcement(2)
    assert first_of_each([first, second, first]) == {first.subject: [first, second]}
