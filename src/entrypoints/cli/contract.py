"""The contract of the HTTP API."""

import json

import click

from entrypoints.cli.running import Options, common


@click.command("openapi")
@common
def openapi(options: Options) -> None:  # noqa: ARG001 # every command takes them; this one opens nothing
    """Print the OpenAPI document of the HTTP API."""
    from entrypoints.operations.all_operations import OPERATIONS
    from entrypoints.operations.openapi import document
    from telemed_core import __version__

    click.echo(json.dumps(document(OPERATIONS, version=__version__), ensure_ascii=False, indent=2))
