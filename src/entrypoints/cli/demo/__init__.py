"""``telemed demo``: the main job, end to end, every outcome checked."""

import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from entrypoints.cli.acting import opened_with, settings_of
from entrypoints.cli.demo.stage import Stage
from entrypoints.cli.demo.story import CHAPTERS
from entrypoints.cli.demo.tellings import Tellings
from entrypoints.cli.running import Options, common
from entrypoints.container.opening import travelling_clock
from entrypoints.container.telling import mailbox
from entrypoints.settings import load_settings

OPENING = datetime(2026, 6, 1, 12, tzinfo=UTC)
BETWEEN_CHAPTERS = timedelta(minutes=6)


@click.command()
@common
def demo(options: Options) -> None:
    """Show the system at work: from registration over a lost race to a visit that is rated, in a folder
    of its own.

    The clock is the demonstration's, and starts at --at; e-mails go to a mailbox in memory. With --data the folder is
    kept.
    """
    settings = settings_of(options)
    clock = travelling_clock(settings.at or OPENING)
    mails = mailbox()
    keeping = options.data is not None
    with nullcontext(str(options.data)) if keeping else tempfile.TemporaryDirectory(prefix="telemed-") as folder:
        # Of the environment nothing but the profile: a database that is configured there is no stage.
        own = load_settings({}, profile=settings.profile, data=Path(folder))
        with opened_with(own, clock=clock, mailer=mails) as container:
            stage = Stage(container, clock, Tellings(container, mails))
            for number, (title, chapter) in enumerate(CHAPTERS, start=1):
                stage.open(f"{number}. {title}")
                chapter(stage)
                # Whatever was to be told has been.
                stage.told()
                clock.travel(BETWEEN_CHAPTERS)
        click.echo(f"\nEverything ended as it must: {stage.checks} outcomes checked.")
        if keeping:
            click.echo(f"The data are in {folder}.")
