"""Where the demonstration plays: in a folder of its own, or on an emulator of AWS."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs

from entrypoints.cli.acting import WrongSetting
from entrypoints.container.opening import open_clock
from entrypoints.settings import Settings, load_settings

OPENING = datetime(2026, 6, 1, 12, tzinfo=UTC)


@attrs.frozen
class Place:
    """Where it plays.

    Attributes:
        settings: of the clinic that it plays in.
        opening: when it begins, by its own clock.
        kept: what is said of what is left there in the end; nothing, where nothing is.
    """

    settings: Settings
    opening: datetime
    kept: str | None = None


@contextmanager
def place_of(settings: Settings, *, folder: Path | None) -> Iterator[Place]:
    """The place that these settings choose; ``folder``: where it is kept, if it is to be kept in one.

    Raises:
        WrongSetting: there is no place to play in.
    """
    if settings.profile == "aws":
        yield _emulator(settings)
        return
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory(prefix="telemed-") as data:
        # Of the environment nothing but the profile: a database that is configured there is no stage.
        own = load_settings({}, profile=settings.profile, data=Path(data))
        yield Place(own, settings.at or OPENING, f"The data are in {data}." if folder else None)


def _emulator(settings: Settings) -> Place:
    """All that the environment says, but never at AWS."""
    if settings.aws_endpoint_url is None:
        # Of a real clinic it would end every visit that lies before its own time.
        raise WrongSetting("TELEMED_AWS_ENDPOINT_URL must be set to an emulator: the demonstration's clock runs ahead")
    if settings.events == "sns" and settings.queue_url is None:
        raise WrongSetting("TELEMED_QUEUE_URL must be set: the demonstration empties the queue by itself")
    opening = monday_after(open_clock(settings).now())
    return Place(settings, opening, f"The data are at {settings.aws_endpoint_url} and in the database.")


def monday_after(now: datetime) -> datetime:
    """Noon, in UTC, of the first Monday after that day.

    An emulator has a clock of its own, and collects what has expired by it: nothing may lie in its past.
    """
    day = now.astimezone(UTC) + timedelta(days=7 - now.astimezone(UTC).weekday())
    return day.replace(hour=OPENING.hour, minute=0, second=0, microsecond=0)
