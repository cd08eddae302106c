"""Cursors: opaque, for one list of one user, for a day."""

from datetime import timedelta

import pytest

from adapters.cursors import open_cursors
from telemed_core.errors import InvalidCursorError
from telemed_core.testing.builders import MONDAY as NOW

OLD, NEW = b"o" * 32, b"n" * 32
HERE = ("/v1/appointments", "{}", "user-1")
CURSORS = open_cursors(NEW)
DAY = timedelta(days=1)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_the_position_comes_back_for_a_day() -> None:
    cursor = CURSORS.seal(["2026-06-01", 7], bound_to=HERE, now=NOW)
    assert CURSORS.open(cursor, bound_to=HERE, now=NOW) == ["2026-06-01", 7]
    assert CURSORS.open(cursor, bound_to=HERE, now=NOW + DAY - timedelta(seconds=1)) == ["2026-06-01", 7]
    # Another process's clock may be a little behind.
    assert CURSORS.open(cursor, bound_to=HERE, now=NOW - timedelta(minutes=5)) == ["2026-06-01", 7]
    for now in (NOW + DAY, NOW - timedelta(minutes=5, seconds=1)):
        with pytest.raises(InvalidCursorError):
            CURSORS.open(cursor, bound_to=HERE, now=now)


@pytest.mark.parametrize("place", range(3))
def test_a_cursor_is_of_one_list_one_query_and_one_user(place: int) -> None:
    elsewhere = [*HERE]
    elsewhere[place] += "x"
    with pytest.raises(InvalidCursorError):
        CURSORS.open(CURSORS.seal([1], bound_to=HERE, now=NOW), bound_to=elsewhere, now=NOW)


def test_a_cursor_that_was_changed_anywhere_is_refused() -> None:
    cursor = CURSORS.seal([1], bound_to=HERE, now=NOW)
    for place, char in enumerate(cursor):
        other = ALPHABET[(ALPHABET.index(char) + 1) % 64]
        for changed in (cursor[:place] + other + cursor[place + 1 :], cursor[:place], cursor[:place] + "!" + char):
            with pytest.raises(InvalidCursorError):
                CURSORS.open(changed, bound_to=HERE, now=NOW)


@pytest.mark.parametrize("text", ["", "x", "=", "A" * 5, "A" * 400, "cursor", "\x00"])
def test_what_is_no_cursor_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidCursorError) as refused:
        CURSORS.open(text, bound_to=HERE, now=NOW)
    assert refused.value.fields[0].field == "cursor"


def test_a_cursor_under_the_key_before_is_good_while_keys_are_rotated() -> None:
    cursor = open_cursors(OLD).seal([1], bound_to=HERE, now=NOW)
    assert open_cursors(NEW, OLD).open(cursor, bound_to=HERE, now=NOW) == [1]
    with pytest.raises(InvalidCursorError):
        CURSORS.open(cursor, bound_to=HERE, now=NOW)


def test_a_cursor_does_not_show_the_position() -> None:
    first, second = (CURSORS.seal(["appointment-1"], bound_to=HERE, now=NOW) for _ in range(2))
    assert first != second
    assert "appointment" not in first
