"""The delivery log: who was told of what, through which channel, and what was given up."""

from typing import Final

import click

from entrypoints.cli.acting import acting, as_usage, opened, the_administrator
from entrypoints.cli.running import Options, common
from entrypoints.cli.showing import as_json, local, show_json, show_page, show_table
from telemed_core.domain.notices import Notice, NoticeId
from telemed_core.messages.notices import DeliveriesQuery, delivery_view
from telemed_core.messages.parsing import parse

MOST_AT_ONCE: Final = 100


@click.group()
def notifications() -> None:
    """What people were told, and how it reached them."""


@notifications.command("list")
@click.option("--status", multiple=True, metavar="STATUS", help="Only these, such as dead; may be repeated.")
@click.option("--channel", metavar="CHANNEL", help="in_app or email.")
@the_administrator
@as_json
@common
def list_notifications(
    options: Options, status: tuple[str, ...], channel: str | None, as_: str | None, json_: bool
) -> None:
    """List deliveries, newest first."""
    with as_usage():
        query = parse(DeliveriesQuery, {"status": status, "channel": channel})
    with opened(options) as container:
        viewer = acting(container, as_)
        found: list[Notice] = []
        while page := container.list_deliveries()(
            viewer=viewer,
            statuses=query.status,
            channel=query.channel,
            after=(found[-1].at, found[-1].seq, found[-1].id) if found else None,
            limit=MOST_AT_ONCE,
        ):
            found += page
    if json_:
        show_page(map(delivery_view, found))
    else:
        show_table(
            ("ID", "At (UTC)", "What", "Channel", "Reader", "Status", "Attempts", "Last error"),
            (
                (
                    one.id,
                    local(one.at, "UTC"),
                    one.kind,
                    one.channel,
                    one.reader,
                    one.status,
                    one.attempts,
                    one.last_error,
                )
                for one in found
            ),
            nothing="no notifications",
        )


@notifications.command("replay")
@click.argument("notice_id", metavar="ID")
@the_administrator
@as_json
@common
def replay(options: Options, notice_id: str, as_: str | None, json_: bool) -> None:
    """Try a delivery again that was given up; the server or the sweep sends it."""
    with as_usage():
        found = NoticeId(notice_id)
    with opened(options) as container:
        notice = container.replay_notice()(notice_id=found, actor=acting(container, as_))
    if json_:
        show_json(delivery_view(notice))
    else:
        click.echo(f"{notice.id} is {notice.status}")
