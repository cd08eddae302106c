"""The contract of ``Attempts``."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.attempts import Failures, failed_login
from telemed_core.errors import TooManyAttemptsError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.contracts.races import at_once
from telemed_core.testing.contracts.suite import Suite

TOMORROW = MONDAY + timedelta(days=1, microseconds=1)


class AttemptsContract(Suite):
    """Wrong passwords, counted under opaque keys."""

    def test_what_was_put_is_read_by_its_key_and_unknown_keys_are_left_out(self, stores: Stores) -> None:
        counted, locked = Failures(1, TOMORROW), Failures(5, TOMORROW, MONDAY + timedelta(minutes=1))
        stores.attempts.change("counted", lambda _: counted)
        stores.attempts.change("locked", lambda _: locked)
        stores.attempts.change("other", lambda _: counted)
        asked = ("counted", "locked", "unknown")
        assert dict(stores.attempts.read(asked)) == {"counted": counted, "locked": locked}
        assert dict(stores.attempts.read(())) == {}

    def test_each_change_sees_what_the_one_before_it_left(self, stores: Stores) -> None:
        seen: list[Failures | None] = []
        left = (Failures(2, TOMORROW, TOMORROW), Failures(1, TOMORROW), None, Failures(3, TOMORROW))
        coming = iter(left)

        def change(before: Failures | None) -> Failures | None:
            seen.append(before)
            return next(coming)

        for _ in left:
            stores.attempts.change("key", change)
        assert seen == [None, *left[:-1]]

    def test_nothing_in_its_place_forgets_it(self, stores: Stores) -> None:
        stores.attempts.change("key", lambda _: Failures(1, TOMORROW))
        stores.attempts.change("key", lambda _: None)
        stores.attempts.change("unknown", lambda _: None)
        assert dict(stores.attempts.read(("key", "unknown"))) == {}

    def test_what_counts_no_more_is_forgotten(self, stores: Stores) -> None:
        def put(key: str, failures: Failures) -> None:
            stores.attempts.change(key, lambda _: failures)

        put("over", Failures(1, MONDAY))
        put("locked and over", Failures(5, MONDAY, TOMORROW))
        put("counts", Failures(1, MONDAY + timedelta(microseconds=1)))
        stores.attempts.forget(now=MONDAY)
        assert list(stores.attempts.read(("over", "locked and over", "counts"))) == ["counts"]

    @pytest.mark.parametrize("kept", [None, Failures(4, TOMORROW)])
    def test_what_a_change_raises_comes_out_and_nothing_is_changed(self, stores: Stores, kept: Failures | None) -> None:
        def refuse(_: Failures | None) -> Failures:
            raise TooManyAttemptsError(timedelta(seconds=7))

        stores.attempts.change("key", lambda _: kept)
        with pytest.raises(TooManyAttemptsError) as refused:
            stores.attempts.change("key", refuse)
        assert refused.value.retry_after == timedelta(seconds=7)
        assert stores.attempts.read(("key",)).get("key") == kept

    def test_of_many_at_once_each_is_counted_also_where_nothing_was(self, stores: Stores) -> None:
        def fail() -> None:
            for number in range(4):
                for key in ("one", "other") if number % 2 else ("other", "one"):
                    stores.attempts.change(key, lambda before: Failures(before.count + 1 if before else 1, TOMORROW))

        assert at_once([fail] * 8) == [None] * 8
        assert {key: found.count for key, found in stores.attempts.read(("one", "other")).items()} == {
            "one": 32,
            "other": 32,
        }

    def test_of_many_at_once_each_sees_what_others_forget(self, stores: Stores) -> None:
        def count() -> None:
            stores.attempts.change("key", lambda before: attrs.evolve(before or Failures(0, TOMORROW), until=TOMORROW))
            stores.attempts.change("key", lambda _: None)

        assert at_once([count] * 8) == [None] * 8
        assert dict(stores.attempts.read(("key",))) == {}

    def test_of_many_wrong_passwords_at_once_five_are_allowed(self, stores: Stores) -> None:
        answers = at_once([lambda: stores.attempts.change("key", lambda before: failed_login(before, now=MONDAY))] * 8)
        assert sum(answer is None for answer in answers) == 5
        assert {type(answer) for answer in answers if answer is not None} == {TooManyAttemptsError}
        assert stores.attempts.read(("key",))["key"].count == 5
