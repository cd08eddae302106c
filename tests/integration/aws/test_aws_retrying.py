"""Patience: how often, how long, and what is said at last."""

from collections.abc import Callable

import pytest

from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import FIRST_PAUSE, LONGEST_PAUSE, Patience
from telemed_core.errors import BusyError, UnavailableError


class Script:
    """A call that goes as written, each time taking so many seconds, and a clock that it all happens on."""

    def __init__(self, *goes: type[Exception] | str, takes: float = 0.0, share: float = 1.0) -> None:
        self.goes, self.takes, self.share = list(goes), takes, share
        self.now, self.calls = 1000.0, 0
        self.pauses: list[float] = []

    def act(self) -> str:
        self.calls += 1
        self.now += self.takes
        go = self.goes.pop(0) if len(self.goes) > 1 else self.goes[0]
        if isinstance(go, str):
            return go
        raise AwsError("dynamodb", "PutItem", "ValidationException") if go is AwsError else go

    def sleep(self, pause: float) -> None:
        self.pauses.append(pause)
        self.now += pause

    def run(self, *, repeatable: bool = True) -> str:
        chance: Callable[[float, float], float] = lambda low, high: low + (high - low) * self.share
        return Patience(seconds=lambda: self.now, sleep=self.sleep, chance=chance)(self.act, repeatable=repeatable)


def test_contention_is_waited_out_with_pauses_that_grow() -> None:
    script = Script(*[BusyError] * 5, "done")
    assert script.run() == "done"
    assert script.pauses == [2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_each_pause_is_drawn_from_nothing_to_the_whole_of_it() -> None:
    script = Script(BusyError, BusyError, "done", share=0.0)
    assert script.run() == "done"
    assert script.pauses == [0.0, 0.0]


def test_after_eight_tries_it_is_busy() -> None:
    script = Script(BusyError, share=0.1)
    with pytest.raises(BusyError):
        script.run()
    assert (script.calls, len(script.pauses)) == (8, 7)


def test_after_about_two_seconds_it_is_busy() -> None:
    script = Script(BusyError, takes=0.4)
    with pytest.raises(BusyError):
        script.run()
    assert script.calls < 8
    assert script.now - 1000 <= 2.4


def test_an_answer_that_took_all_the_time_to_be_lost_is_asked_for_once_more() -> None:
    script = Script(LostAnswerError, "done", takes=3.0)
    assert script.run() == "done"
    lost = Script(LostAnswerError, takes=3.0)
    with pytest.raises(LostAnswerError):
        lost.run()
    assert lost.calls == 2


def test_what_may_not_be_repeated_is_not_once_its_answer_is_lost() -> None:
    script = Script(BusyError, LostAnswerError, "done")
    with pytest.raises(LostAnswerError):
        script.run(repeatable=False)
    assert script.calls == 2


def test_contention_after_a_lost_answer_is_never_called_busy() -> None:
    script = Script(LostAnswerError, BusyError)
    with pytest.raises(UnavailableError) as told:
        script.run()
    assert not isinstance(told.value, BusyError)
    assert script.calls > 2


@pytest.mark.parametrize("failure", [UnavailableError, AwsError, ZeroDivisionError])
def test_anything_else_is_told_at_once(failure: type[Exception]) -> None:
    script = Script(failure)
    with pytest.raises(failure):
        script.run()
    assert (script.calls, script.pauses) == (1, [])
