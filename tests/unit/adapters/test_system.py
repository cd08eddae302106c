"""Clocks and ids."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from adapters import system
from adapters.system import RandomIds, ShiftedClock, SystemClock, TravellingClock, is_gone, this_process
from telemed_core.domain.ids import Id
from telemed_core.errors import InvalidError

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_system_clock_tells_the_present_in_utc() -> None:
    before = datetime.now(UTC)
    told = SystemClock().now()
    assert before <= told <= datetime.now(UTC)
    assert told.tzinfo is UTC


def test_a_shifted_clock_starts_there_and_runs() -> None:
    ticks = iter([1000.0, 1000.0, 1090.5])
    clock = ShiftedClock(NOON, lambda: next(ticks))
    assert clock.now() == NOON
    assert clock.now() == NOON + timedelta(seconds=90.5)


def test_shifted_clocks_that_began_together_agree_whenever_they_are_made() -> None:
    now = 1090.5
    clocks = [ShiftedClock(NOON, lambda: now, began=began) for began in (1000.0, 1000.0, 1090.5)]
    assert [clock.now() - NOON for clock in clocks] == [timedelta(seconds=90.5)] * 2 + [timedelta()]


def test_a_shifted_clock_runs_by_itself() -> None:
    clock = ShiftedClock(NOON)
    before = clock.now()
    time.sleep(0.002)
    assert NOON <= before < clock.now() < NOON + timedelta(minutes=1)


def test_a_travelling_clock_stands_still_until_it_is_told() -> None:
    clock = TravellingClock(NOON)
    assert [clock.now(), clock.now()] == [NOON, NOON]
    clock.travel(HOUR)
    assert clock.now() == NOON + HOUR
    clock.travel_to(NOON - HOUR)
    assert clock.now() == NOON - HOUR


@pytest.mark.parametrize("kind", [ShiftedClock, TravellingClock])
def test_a_clock_takes_any_offset_and_tells_utc(kind: type[ShiftedClock | TravellingClock]) -> None:
    told = kind(NOON.astimezone(timezone(timedelta(hours=-3)))).now()
    assert told.tzinfo is UTC
    assert NOON <= told < NOON + HOUR


def test_a_travelling_clock_is_told_any_offset_and_tells_utc() -> None:
    clock = TravellingClock(NOON)
    clock.travel_to((NOON + HOUR).astimezone(timezone(timedelta(hours=-3))))
    assert clock.now() == NOON + HOUR
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("kind", [ShiftedClock, TravellingClock])
def test_a_clock_refuses_an_instant_without_offset(kind: type[ShiftedClock | TravellingClock]) -> None:
    with pytest.raises(InvalidError):
        kind(NOON.replace(tzinfo=None))


def test_ids_are_well_formed_and_never_drawn_twice() -> None:
    ids = RandomIds()
    drawn = [ids.new() for _ in range(5000)]
    assert len(set(drawn)) == len(drawn)
    assert all(re.fullmatch(r"[a-z2-7]{26}", one) and Id(one) == one for one in drawn)


def test_every_character_of_an_id_is_drawn_from_all_32() -> None:
    drawn = [RandomIds().new() for _ in range(2000)]
    assert [len(set(place)) for place in zip(*drawn, strict=True)] == [32] * 26


# Which process this is

HOST = socket.gethostname()


@pytest.fixture
def other() -> Iterator["subprocess.Popen[bytes]"]:
    """Another process, which runs until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def owner_of(process: "subprocess.Popen[bytes]") -> str:
    listed = system._listed(process.pid)
    assert listed is not None
    return f"{HOST}:{process.pid}:{listed.started}"


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def test_a_process_is_host_number_and_start_and_stays_the_same() -> None:
    host, pid, start = this_process().rsplit(":", 2)
    assert (host, pid) == (HOST, str(os.getpid()))
    assert start.isdigit()
    assert this_process() == this_process()


def test_whoever_runs_is_not_gone(other: "subprocess.Popen[bytes]") -> None:
    assert not is_gone(this_process())
    assert not is_gone(owner_of(other))


def test_whoever_has_ended_is_gone(other: "subprocess.Popen[bytes]") -> None:
    owner = owner_of(other)
    end(other)
    assert is_gone(owner)


def test_whoever_was_killed_is_gone_before_anybody_has_asked_how_it_ended(other: "subprocess.Popen[bytes]") -> None:
    owner = owner_of(other)
    other.kill()
    until = time.monotonic() + 10
    while not is_gone(owner) and time.monotonic() < until:
        time.sleep(0.001)
    assert is_gone(owner)
    assert other.returncode is None


def test_who_has_the_number_of_a_process_that_has_ended_is_another_one(other: "subprocess.Popen[bytes]") -> None:
    assert is_gone(f"{HOST}:{other.pid}:1")


def test_of_another_host_nobody_is_known_to_be_gone(other: "subprocess.Popen[bytes]") -> None:
    owner = owner_of(other).replace(HOST, f"not-{HOST}")
    end(other)
    assert not is_gone(owner)


@pytest.mark.parametrize("owner", ["", HOST, f"{HOST}:1", f"{HOST}:x:1", f"{HOST}::1", f"{HOST}:٣:1"])
def test_what_is_no_process_is_not_gone(owner: str) -> None:
    assert not is_gone(owner)


def test_where_processes_are_not_listed_only_one_that_does_not_answer_is_gone(
    other: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system, "_PROCESSES", tmp_path)
    mine, theirs = this_process(), f"{HOST}:{other.pid}:-"
    assert mine.endswith(":-")
    assert not is_gone(mine)
    assert not is_gone(theirs)
    assert not is_gone(f"{HOST}:{other.pid}:1")
    end(other)
    assert is_gone(theirs)


def test_who_may_not_be_asked_is_not_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def denied(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(system, "_PROCESSES", tmp_path)
    monkeypatch.setattr(os, "kill", denied)
    assert not is_gone(f"{HOST}:1:1")


def test_a_start_that_was_not_known_then_says_nothing(other: "subprocess.Popen[bytes]") -> None:
    assert not is_gone(f"{HOST}:{other.pid}:-")


def test_a_programs_name_does_not_pass_for_something_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(system, "_PROCESSES", tmp_path)
    (tmp_path / "7").mkdir()
    fields = ["S", *(str(number) for number in range(4, 22)), "4711", "rest"]
    (tmp_path / "7" / "stat").write_text(f"7 (a) Z 1 (b)) {' '.join(fields)}")
    assert system._listed(7) == ("S", "4711")
