"""What commands print: tables for people, the API's bodies for programs."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from telemed_core.messages.views import View

T = TypeVar("T")

PAPER = 200
"""How wide a table is where nobody sees it: in a file or a pipe nothing is cut short."""

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON, in the API's shape where it has one.")


def show_data(data: Any) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, ensure_ascii=False))


def show_json(body: View) -> None:
    """Print a body as the API sends it."""
    show_data(body.model_dump(mode="json"))


def show_page(items: Iterable[View]) -> None:
    """Print a whole list as the API's last page."""
    show_data({"items": [item.model_dump(mode="json") for item in items], "next_cursor": None})


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> None:
    """Print a table, or a sentence where there are no rows."""
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        # What people wrote is text, and no markup.
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    if not table.row_count:
        click.echo(nothing)
        return
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else PAPER, highlight=False)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def progress(items: Iterable[T], *, about: str) -> Iterator[T]:
    """The items, counted on a terminal while they come, and nowhere else."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} {task.description}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        yield from bar.track(items, description=about)


def local(instant: datetime, zone: str) -> str:
    """An instant as a person there reads it, with the zone's offset."""
    there = instant.astimezone(ZoneInfo(zone))
    return f"{there:%a %Y-%m-%d %H:%M} {there:%z}"
