"""What the profile ``aws`` needs, made on an emulator."""

import os
from typing import Final

import click

from entrypoints.cli.acting import WrongSetting
from entrypoints.cli.running import Options, common
from entrypoints.container.bootstrapping import bootstrap as make
from entrypoints.settings import PREFIX, SettingsError, load_settings

_OF_AWS: Final = f"{PREFIX}AWS_"


@click.group()
def aws() -> None:
    """What is to be there before TELEMED_PROFILE=aws can start."""


@aws.command()
@common
def bootstrap(options: Options) -> None:  # noqa: ARG001 # every command takes them; this one opens no store
    """Make tables, topic, queues, user pool and state machines on an emulator.

    It is the one at TELEMED_AWS_ENDPOINT_URL; names begin with TELEMED_AWS_PREFIX. Prints the variables that say where
    everything is, one a line. What is there already is left, or set as it is to be.
    """
    # Of the environment what says where to make it; the rest of a profile may not be whole before this has run.
    where = {name: value for name, value in os.environ.items() if name.startswith(_OF_AWS)}
    try:
        made = make(load_settings(where, profile="memory"))
    except SettingsError as error:
        raise WrongSetting(str(error)) from None
    for name, value in made.items():
        click.echo(f"{name}={value}")
