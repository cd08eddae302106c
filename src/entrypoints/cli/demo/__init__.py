"""``telemed demo``: the main job, end to end, every outcome checked."""

from datetime import timedelta

import click

from entrypoints.cli.acting import opened_with, settings_of
from entrypoints.cli.demo.places import place_of
from entrypoints.cli.demo.stage import Stage
from entrypoints.cli.demo.story import CHAPTERS
from entrypoints.cli.demo.tellings import Tellings
from entrypoints.cli.running import Options, common
from entrypoints.container.opening import travelling_clock
from entrypoints.container.telling import mailbox

BETWEEN_CHAPTERS = timedelta(minutes=6)


@click.command()
@common
def demo(options: Options) -> None:
    """Show the system at work: from registration over a lost race to a visit that is rated, in a folder
    of its own.

    The clock is the demonstration's, and starts at --at; e-mails go to a mailbox in memory. With --data the folder is
    kept.

    With --profile aws it plays on the emulator at TELEMED_AWS_ENDPOINT_URL, and in the database that is set; its clock
    starts next Monday, and what it has made stays there.
    """
    settings = settings_of(options)
    mails = mailbox()
    with place_of(settings, folder=options.data) as place:
        clock = travelling_clock(place.opening)
        with opened_with(place.settings, clock=clock, mailer=mails) as container:
            stage = Stage(container, clock, Tellings(container, mails))
            for number, (title, chapter) in enumerate(CHAPTERS, start=1):
                stage.open(f"{number}. {title}")
                chapter(stage)
                # Whatever was to be told has been.
                stage.told()
                clock.travel(BETWEEN_CHAPTERS)
        click.echo(f"\nEverything ended as it must: {stage.checks} outcomes checked.")
        if place.kept:
            click.echo(place.kept)
