"""How a command runs: its options, commands imported when they are called, and what each end is in exit codes."""

import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, Final, NamedTuple

import attrs
import click

from entrypoints.failures import FAILED, MISUSED, Problem, exit_code, problem
from telemed_core.errors import TelemedError

INTERRUPTED: Final = 130
EXTRAS: Final = {
    "sqlalchemy": "local",
    "alembic": "local",
    "cryptography": "local",
    "argon2": "local",
    "joserfc": "local",
    "icalendar": "local",
    "fastapi": "server",
    "granian": "server",
    "psycopg": "postgres",
    "boto3": "aws",
    "botocore": "aws",
}


@attrs.frozen
class Options:
    """What every command takes; ``None``: the environment decides, or the default."""

    profile: str | None = None
    data: Path | None = None
    at: str | None = None

    def over(self, outer: "Options | None") -> "Options":
        """These, and the outer ones where these are silent."""
        if outer is None:
            return self
        return Options(self.profile or outer.profile, self.data or outer.data, self.at or outer.at)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--profile``, ``--data`` and ``--at``, and hands them on as ``options``."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, profile: str | None, data: Path | None, at: str | None, **named: Any) -> Any:
        outer = click.get_current_context().find_object(Options)
        return command(*arguments, options=Options(profile, data, at).over(outer), **named)

    for option in (
        click.option(
            "--at",
            metavar="INSTANT",
            help="Start this process's clock there, such as 2026-06-01T12:00:00Z; it runs on.",
        ),
        click.option("--data", metavar="DIR", type=click.Path(path_type=Path), help="Folder of the data."),
        click.option("--profile", metavar="NAME", help="memory, local (the default), or aws."),
    ):
        wrapped = option(wrapped)
    return wrapped


class Target(NamedTuple):
    """Where a command is, as ``module:name``, and what it does, in one line."""

    where: str
    about: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that its help is there at once."""

    def __init__(self, *arguments: Any, targets: Mapping[str, Target], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._targets = targets

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        return list(self._targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # as above
        if cmd_name not in self._targets:
            return None
        module, name = self._targets[cmd_name].where.split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, target.about) for name, target in self._targets.items()])


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run the command line; answer its exit code, with every refusal told on standard error."""
    try:
        answer = command.main(arguments, standalone_mode=False, prog_name="telemed")
        sys.stdout.flush()
        return answer if isinstance(answer, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except TelemedError as error:
        tell(problem(error))
        return exit_code(error)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        click.echo(
            f"telemed is installed without a part of this profile: pip install 'telemed[{EXTRAS[error.name]}]'",
            err=True,
        )
        return MISUSED
    except BrokenPipeError:
        # Whoever read the output has gone: nothing more is written, at interpreter exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def tell(refusal: Problem) -> None:
    """Say on standard error what was refused, which fields are wrong, and from when on it can be done."""
    click.echo(f"{refusal.code}: {refusal.detail}", err=True)
    if refusal.opens_at:
        click.echo(f"  opens_at: {refusal.opens_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", err=True)
    if len(refusal.fields) > 1:
        for name, message in refusal.fields:
            click.echo(f"  {name}: {message}", err=True)
