"""The doctor's rules of time: the agenda, replaced by version, and blocks over it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from entrypoints.operations.operation import DOCTORS, Answer, Call, Operation
from entrypoints.operations.pages import page_of
from telemed_core.domain.agenda import Block
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import BlockId
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.schedule import Schedule
from telemed_core.errors import (
    OverlappingWindowsError,
    StaleVersionError,
    VersionRequiredError,
)
from telemed_core.messages.agenda_view import (
    AgendaView,
    BlockView,
    CreatedBlockView,
    ReplacedAgendaView,
    agenda_view,
    block_view,
    created_block_view,
    replaced_agenda_view,
)
from telemed_core.messages.queries import BlocksQuery
from telemed_core.messages.requests import AgendaReplacement, BlockCreation
from telemed_core.messages.views import Page, View

_VERSIONED: Final = {"ETag": "the version of the agenda, for If-Match"}


def _doctor(call: Call[Any, Any]) -> Doctor:
    assert isinstance(call.actor, Doctor)  # noqa: S101 # the operations are for doctors
    return call.actor


def _etag(schedule: Schedule) -> dict[str, str]:
    return {"ETag": f'"{schedule.agenda_version}"'}


def _show(call: Call[None, None]) -> Answer:
    schedule = call.container.show_agenda()(doctor=_doctor(call))
    return Answer(agenda_view(schedule), _etag(schedule))


def _replace(call: Call[AgendaReplacement, None]) -> Answer:
    doctor = _doctor(call)
    version = _matched(call.headers.get("if-match", ()), call.container.show_agenda()(doctor=doctor))
    schedule, affected = call.container.replace_agenda()(agenda=call.body.to_agenda(), version=version, doctor=doctor)
    return Answer(replaced_agenda_view(schedule, affected), _etag(schedule))


def _matched(headers: Sequence[str], schedule: Schedule) -> int:
    """The version that ``If-Match`` (RFC 9110) allows to be replaced."""
    tags = [tag.strip() for header in headers for tag in header.split(",")]
    if not any(tags):
        raise VersionRequiredError
    if "*" not in tags and _etag(schedule)["ETag"] not in tags:
        raise StaleVersionError
    return schedule.agenda_version


def _block(call: Call[BlockCreation, None]) -> View:
    block, affected = call.container.block_time()(
        interval=call.body.to_interval(),
        doctor=_doctor(call),
        reason=call.body.reason,
        cancel_appointments=call.body.cancel_appointments,
        idempotency=call.idempotency,
    )
    return created_block_view(block.id, block.interval, affected)


def _recall_block(call: Call[BlockCreation, None], receipt: Receipt) -> View:
    block, affected = call.container.recall_block()(receipt)
    return created_block_view(block.id, block.interval, affected)


def _list_blocks(call: Call[None, BlocksQuery]) -> View:
    blocks = call.container.list_blocks()(doctor=_doctor(call))

    def read(after: Sequence[Any] | None, limit: int) -> Sequence[Block]:
        behind = None if after is None else (datetime.fromisoformat(after[0]), after[1])
        return [one for one in blocks if not behind or (one.interval.start, one.id) > behind][:limit]

    return page_of(
        call,
        read,
        position=lambda one: [one.interval.start.isoformat(), one.id],
        view=lambda found: [block_view(one) for one in found],
    )


def _remove_block(call: Call[None, None]) -> None:
    call.container.remove_block()(block_id=BlockId(call.ids["id"]), doctor=_doctor(call))


OPERATIONS: Final = (
    Operation(
        name="show_agenda",
        method="GET",
        path="/v1/agenda",
        about="One's own agenda; before it is set, the defaults without windows.",
        tag="agenda",
        roles=DOCTORS,
        view=AgendaView,
        act=_show,
        answer_headers=_VERSIONED,
    ),
    Operation(
        name="replace_agenda",
        method="PUT",
        path="/v1/agenda",
        about="Replace the agenda; live appointments stand, and those it no longer covers are named.",
        tag="agenda",
        roles=DOCTORS,
        body=AgendaReplacement,
        view=ReplacedAgendaView,
        refusals=(VersionRequiredError, StaleVersionError, OverlappingWindowsError),
        act=_replace,
        request_headers={"If-Match": "the ETag of the agenda that is to be replaced"},
        answer_headers=_VERSIONED,
    ),
    Operation(
        name="block_time",
        method="POST",
        path="/v1/agenda/blocks",
        about="Offer nothing for a while; live appointments in it are named, or cancelled.",
        tag="agenda",
        roles=DOCTORS,
        status=201,
        body=BlockCreation,
        view=CreatedBlockView,
        act=_block,
        replay=_recall_block,
        links={"remove_block": "id"},
    ),
    Operation(
        name="list_blocks",
        method="GET",
        path="/v1/agenda/blocks",
        about="The blocks that are not over, by start.",
        tag="agenda",
        roles=DOCTORS,
        query=BlocksQuery,
        view=Page[BlockView],
        act=_list_blocks,
    ),
    Operation(
        name="remove_block",
        method="DELETE",
        path="/v1/agenda/blocks/{id}",
        about="Offer the time again; cancelled appointments do not come back.",
        tag="agenda",
        roles=DOCTORS,
        status=204,
        act=_remove_block,
    ),
)
