"""The sweep, the ledger and the settings."""

import signal
import threading
from collections.abc import Iterable
from datetime import date

import click

from entrypoints.background import Background, all_at_once
from entrypoints.cli.acting import day, opened, person, settings_of
from entrypoints.cli.running import Options, common
from entrypoints.cli.showing import as_json, progress, show_data, show_table
from entrypoints.failures import REFUSED
from entrypoints.settings import effective
from telemed_core.domain.ids import PersonId
from telemed_core.domain.instants import cell_start
from telemed_core.domain.ledger import Difference


@click.command()
@click.option("--watch", is_flag=True, help="For ever, until it is told to end.")
@common
def sweep(options: Options, watch: bool) -> None:
    """Do what is due: write down what time has made true, run sagas, send e-mails; finish what a crash left."""
    ended = threading.Event()
    if watch:
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with opened(options) as container:
        if not watch:
            container.take_over()()
            click.echo(all_at_once(container))
            return
        container.stores()
        background = Background(container, did=click.echo)
        click.echo("watching")
        background.start()
        try:
            ended.wait()
        finally:
            background.stop()


@click.group()
def ledger() -> None:
    """The ledger of everyone's time, against the appointments."""


one_person = click.option("--person", "whom", metavar="ID", callback=person, help="Of one person only.")
one_day = click.option("--day", "when", metavar="YYYY-MM-DD", callback=day, help="Of one UTC day only.")


@ledger.command()
@one_person
@one_day
@as_json
@common
def verify(options: Options, whom: PersonId | None, when: date | None, json_: bool) -> int:
    """Name every difference; exits 1 if there is one."""
    with opened(options) as container:
        found = list(progress(container.verify_ledger()(person=whom, day=when), about="differences"))
    return _show(found, json_=json_)


@ledger.command()
@one_person
@one_day
@as_json
@common
def repair(options: Options, whom: PersonId | None, when: date | None, json_: bool) -> int:
    """Free what no live appointment covers, claim again what is free; exits 1 where another owns a cell."""
    with opened(options) as container:
        made, left = container.repair_ledger()(person=whom, day=when)
    if not json_:
        click.echo(f"repaired the claims of {len({one.appointment_id for one in made})} appointments")
    return _show(left, json_=json_)


def _show(differences: Iterable[Difference], *, json_: bool) -> int:
    rows = [
        (one.fault.value, one.person_id, f"{cell_start(one.cell):%Y-%m-%dT%H:%M:%SZ}", one.owner, one.expected)
        for one in differences
    ]
    if json_:
        names = ("fault", "person_id", "cell", "owner", "expected")
        show_data({"items": [dict(zip(names, row, strict=True)) for row in rows], "next_cursor": None})
    else:
        show_table(("Fault", "Person", "Cell", "Owner", "Should be"), rows, nothing="the ledger is clean")
    return REFUSED if rows else 0


@click.command()
@as_json
@common
def config(options: Options, json_: bool) -> None:
    """Show the settings in force, secrets masked."""
    found = effective(settings_of(options))
    if json_:
        show_data({one.name: one.value for one in found})
    else:
        rows = [(one.name, one.value, one.default, one.source, one.description) for one in found]
        show_table(("Variable", "Value", "Default", "From", "What it is"), rows, nothing="")
