"""``telemed serve``: the API over HTTP, until it is told to end."""

import json
import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from entrypoints.cli.running import Options, common
from entrypoints.failures import FAILED, MISUSED

if TYPE_CHECKING:
    from entrypoints.settings import Settings
    from telemed_core.domain.appointment import Appointment

BEFORE_THE_VISIT: Final = timedelta(minutes=30)
"""When the demonstration's visit was asked for, so that its time has come."""


class CannotServe(click.ClickException):
    """There is nothing to listen on."""

    exit_code = MISUSED


class Failed(click.ClickException):
    """It has served, and cannot any more."""

    exit_code = FAILED


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on; 0: a free one."
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer.")
@click.option("--demo", is_flag=True, help="Make people to try it with, once, and tell how they sign in.")
@common
def serve(options: Options, host: str, port: int, workers: int, demo: bool) -> None:
    """Serve the API, until SIGTERM or Ctrl-C.

    Prints one line, "listening on http://HOST:PORT", when it answers.
    """
    from entrypoints.http.serving import CannotListenError, WorkersFailedError, listen
    from entrypoints.http.serving import serve as run
    from entrypoints.settings import handed_on

    settings = _settings(options, demo=demo)
    if workers > 1 and settings.keeps_memory_only:
        raise click.UsageError("--workers must be 1 on the memory profile: each worker would have a memory of its own")
    try:
        address = listen(host, port)
    except CannotListenError as error:
        raise CannotServe(str(error)) from None
    with address.listening:
        visit = _prepare(settings)
        reached_by = {} if settings.source("public_url") != "default" else {"public_url": address.reachable_url}
        os.environ.update(handed_on(settings, **reached_by))

        def ready() -> None:
            click.echo(f"listening on {address.url}")
            if settings.demo:
                _tell_how_to_sign_in(address.reachable_url, visit)

        try:
            run(address, workers=workers, ready=ready)
        except WorkersFailedError as error:
            raise Failed(str(error)) from None


def _settings(options: Options, *, demo: bool) -> "Settings":
    """As for every command; and the clock of all workers starts now."""
    from entrypoints.cli.acting import WrongSetting, settings_of
    from entrypoints.settings import SettingsError, load_settings

    chosen = settings_of(options)
    began = None if chosen.at is None else time.monotonic()
    try:
        return load_settings(
            profile=options.profile, data=options.data, at=options.at, demo=demo or None, clock_began=began
        )
    except SettingsError as error:
        raise WrongSetting(str(error)) from None


def _prepare(settings: "Settings") -> "Appointment | None":
    """Migrate, once and before there are workers; memory is the worker's own. A wrong setting is told of here.

    Answers a visit that can be joined now, where there is a demonstration.
    """
    from entrypoints.cli.acting import opened_with
    from entrypoints.container.opening import travelling_clock
    from entrypoints.seeding import hour_of, seed, seed_visit

    if settings.keeps_memory_only:
        return None
    with opened_with(settings) as container:
        container.stores().check()
        container.mailer()
        if not settings.demo:
            return None
        seed(container)
        start = hour_of(container.clock().now())
    with opened_with(settings, clock=travelling_clock(start - BEFORE_THE_VISIT)) as container:
        return seed_visit(container, start=start)


def _tell_how_to_sign_in(url: str, visit: "Appointment | None") -> None:
    from entrypoints.seeding import PASSWORD, people

    everybody = people()
    for one in everybody:
        click.echo(f"  {one.role:<14} {one.name:<36} {one.login}")
    patient = json.dumps({"login": everybody[-1].login, "password": PASSWORD})
    click.echo(f"  password of all: {PASSWORD}")
    if visit is not None:
        until = f"open until {visit.closes_at:%H:%M} UTC"
        click.echo(f"  {'visit':<14} {until:<36} {visit.id}")
    click.echo(f"  curl {url}/v1/auth/token -H 'Content-Type: application/json' -d '{patient}'")
