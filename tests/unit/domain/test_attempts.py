"""How wrong passwords lock a login, and exhaust an address."""

from datetime import timedelta

import pytest

from telemed_core.domain.attempts import Failures, failed_address, failed_login
from telemed_core.errors import TooManyAttemptsError
from telemed_core.testing.builders import MONDAY as NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_the_fifth_wrong_password_locks_a_login_for_a_minute() -> None:
    failures = None
    for count in range(1, 6):
        failures = failed_login(failures, now=NOW)
        assert failures.count == count
        assert failures.locked_until == (NOW + MINUTE if count == 5 else None)
    assert failures
    with pytest.raises(TooManyAttemptsError) as refused:
        failures.check(now=NOW + 59 * SECOND)
    assert refused.value.retry_after == SECOND
    failures.check(now=NOW + MINUTE)


def test_what_is_wrong_while_locked_is_refused_and_not_counted() -> None:
    locked = Failures(5, NOW + HOUR, NOW + MINUTE)
    with pytest.raises(TooManyAttemptsError):
        failed_login(locked, now=NOW)
    with pytest.raises(TooManyAttemptsError):
        failed_address(Failures(50, NOW + MINUTE, NOW + MINUTE), now=NOW)


def test_each_wrong_password_after_a_lock_locks_for_twice_as_long_up_to_a_quarter_of_an_hour() -> None:
    failures, now, locks = Failures(4, NOW + HOUR), NOW, []
    for _ in range(7):
        failures = failed_login(failures, now=now)
        assert failures.locked_until
        locks.append((failures.locked_until - now) / MINUTE)
        now = failures.locked_until
    assert locks == [1, 2, 4, 8, 15, 15, 15]
    assert failed_login(Failures(10_000, NOW + HOUR), now=NOW).locked_until == NOW + 15 * MINUTE


def test_wrong_passwords_are_forgotten_a_day_after_the_last() -> None:
    failures = failed_login(Failures(3, NOW), now=NOW - SECOND)
    assert (failures.count, failures.until) == (4, NOW - SECOND + 24 * HOUR)
    assert failed_login(failures, now=failures.until).count == 1


def test_what_a_clock_that_ran_ahead_has_left_does_not_count() -> None:
    Failures(5, NOW + HOUR, NOW + 20 * MINUTE + SECOND).check(now=NOW)
    assert failed_login(Failures(4, NOW + 24 * HOUR + 5 * MINUTE + SECOND), now=NOW).count == 1
    assert failed_address(Failures(49, NOW + 20 * MINUTE + SECOND), now=NOW).count == 1


def test_what_a_request_has_left_that_began_later_and_was_faster_counts() -> None:
    later = NOW + SECOND
    assert failed_login(failed_login(None, now=later), now=NOW).count == 2
    assert failed_address(failed_address(None, now=later), now=NOW).count == 2
    with pytest.raises(TooManyAttemptsError):
        Failures(10, later + HOUR, later + 15 * MINUTE).check(now=NOW)


def test_fifty_wrong_passwords_in_a_quarter_of_an_hour_exhaust_an_address_until_it_is_over() -> None:
    failures = None
    for count in range(1, 51):
        failures = failed_address(failures, now=NOW + count * SECOND)
        assert (failures.count, failures.until) == (count, NOW + SECOND + 15 * MINUTE)
        assert (failures.locked_until is None) == (count < 50)
    assert failures
    with pytest.raises(TooManyAttemptsError):
        failures.check(now=failures.until - SECOND)
    failures.check(now=failures.until)
    assert failed_address(failures, now=failures.until).count == 1
