"""Where the demonstration plays: never in a clinic of somebody's, and never in the past of an emulator."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrypoints.cli.acting import WrongSetting
from entrypoints.cli.demo.places import OPENING, monday_after, place_of
from entrypoints.settings import Settings, load_settings
from unit.entrypoints.test_aws_settings import AWS

EMULATOR = {"TELEMED_AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}


def on_aws(**changed: str | None) -> Settings:
    variables = AWS | EMULATOR | {f"TELEMED_{name.upper()}": value for name, value in changed.items()}
    return load_settings({name: value for name, value in variables.items() if value is not None})


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        ("2026-11-24T18:00:00+00:00", "2026-11-30T12:00:00+00:00"),
        ("2026-11-29T23:59:59+00:00", "2026-11-30T12:00:00+00:00"),
        ("2026-11-30T00:00:00+00:00", "2026-12-07T12:00:00+00:00"),
        # It is Monday there already, and Sunday in UTC.
        ("2026-11-30T01:00:00+09:00", "2026-11-30T12:00:00+00:00"),
        ("2026-12-30T12:00:00+00:00", "2027-01-04T12:00:00+00:00"),
    ],
)
def test_on_an_emulator_it_begins_at_noon_of_the_next_monday(now: str, monday: str) -> None:
    assert monday_after(datetime.fromisoformat(now)) == datetime.fromisoformat(monday)


def test_on_an_emulator_it_takes_all_that_the_environment_says() -> None:
    settings = on_aws()
    with place_of(settings, folder=None) as place:
        assert place.settings is settings
        assert place.opening > datetime.now(UTC)
        assert place.kept == "The data are at http://127.0.0.1:4566 and in the database."


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"aws_endpoint_url": None}, "TELEMED_AWS_ENDPOINT_URL must be set to an emulator"),
        ({"queue_url": None}, "TELEMED_QUEUE_URL must be set"),
    ],
)
def test_it_does_not_play_at_aws_or_where_nobody_empties_the_queue(changed: dict[str, None], said: str) -> None:
    with pytest.raises(WrongSetting, match=said), place_of(on_aws(**changed), folder=None):
        pass


def test_where_changes_are_told_by_the_process_no_queue_is_missing() -> None:
    with place_of(on_aws(events="process", topic_arn=None, queue_url=None), folder=None) as place:
        assert place.settings.events == "process"


def test_anywhere_else_it_takes_nothing_of_the_environment_but_the_profile(tmp_path: Path) -> None:
    theirs = load_settings(
        {"TELEMED_DATA": "theirs", "TELEMED_AWS_PREFIX": "theirs-", "TELEMED_AT": "2027-01-04T12:00:00Z"}
    )
    with place_of(theirs, folder=tmp_path) as kept:
        assert (kept.settings.data, kept.settings.aws_prefix) == (tmp_path, "telemed-")
        assert kept.opening == datetime(2027, 1, 4, 12, tzinfo=UTC)
        assert kept.kept == f"The data are in {tmp_path}."
    with place_of(load_settings({}), folder=None) as passing:
        assert passing.settings.data.is_dir()
        assert (passing.opening, passing.kept) == (OPENING, None)
    assert not passing.settings.data.exists()
