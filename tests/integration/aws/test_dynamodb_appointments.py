"""What no emulator shows of appointments on DynamoDB: reads that fall into the midst of a transaction."""

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import Item, text
from adapters.dynamodb.appointments import DynamoAppointments
from adapters.dynamodb.claims import cell_name, owners_in
from adapters.dynamodb.items import appointment_item, event_item, ledger_key
from adapters.dynamodb.ledger import DynamoLedger
from adapters.sealing import open_sealing
from integration.aws.dynamodb_scripts import Scripted
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.events import Side
from telemed_core.domain.ids import CommandId
from telemed_core.errors import BusyError, NotFoundError
from unit.adapters.dynamodb_commits import DOCTOR, MIDDAY, accepted, ask

ASKED = ask(MIDDAY).after
CONFIRMED = accepted(ASKED)
SEALING = open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)
AT_ONCE = Patience(sleep=lambda _: None)


def appointments(*answers: Mapping[str, Any]) -> tuple[DynamoAppointments, Scripted]:
    script = Scripted(*answers)
    return DynamoAppointments(Dynamo(script, patience=AT_ONCE), SEALING, AT_ONCE), script


def events(of: Appointment) -> list[Item]:
    return [event_item(event, CommandId("command")) for event in of.history or ()]


def page(*items: Item) -> Mapping[str, Any]:
    return {"Items": [*items]}


def test_an_appointment_that_is_ahead_of_its_events_is_read_again() -> None:
    torn = page(*events(ASKED), appointment_item(CONFIRMED))
    opened, script = appointments(torn, page(*events(CONFIRMED), appointment_item(CONFIRMED)))
    assert opened.get(ASKED.id) == CONFIRMED
    assert len(script.requests) == 2


def test_events_that_are_ahead_of_their_appointment_are_left_for_the_next_read() -> None:
    opened, _ = appointments(page(*events(CONFIRMED), appointment_item(ASKED)))
    assert opened.get(ASKED.id) == ASKED


def test_an_event_without_its_appointment_is_a_write_in_progress_and_neither_is_no_appointment() -> None:
    opened, script = appointments(page(*events(ASKED)), page(*events(ASKED), appointment_item(ASKED)))
    assert opened.get(ASKED.id) == ASKED
    assert len(script.requests) == 2
    opened, script = appointments(page())
    with pytest.raises(NotFoundError):
        opened.get(ASKED.id)
    assert len(script.requests) == 1


def test_a_read_that_is_torn_every_time_is_busy() -> None:
    opened, _ = appointments(*[page(appointment_item(ASKED))] * AT_ONCE.most_tries)
    with pytest.raises(BusyError):
        opened.get(ASKED.id)


def day_of(appointment: Appointment) -> Item:
    cells = sorted(appointment.cells(Side.DOCTOR))
    return {**ledger_key(DOCTOR.person_id, cells[0]), **{cell_name(cell): text(appointment.id) for cell in cells}}


def test_the_cells_of_a_day_are_those_that_were_written() -> None:
    assert dict(owners_in(day_of(ASKED))) == dict.fromkeys(ASKED.cells(Side.DOCTOR), ASKED.id)
    assert dict(owners_in(ledger_key(DOCTOR.person_id, 5))) == {}


class Moving:
    """A table in which the appointment ends while the ledger is read for the first time."""

    def __init__(self) -> None:
        self.ended = False
        self.ledgers_read = 0

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        if operation == "BatchGetItem":
            (table,) = request["RequestItems"]
            refused = ASKED.refuse(by=DOCTOR.id, why=None, now=MIDDAY.replace(day=1)).after
            return {"Responses": {table: [appointment_item(refused if self.ended else ASKED)]}}
        if "IndexName" in request:
            return page()
        self.ledgers_read += 1
        # The second time this is read it is between the two reads of appointments.
        held = not self.ended
        self.ended = self.ended or self.ledgers_read == 2
        return page(day_of(ASKED) if held else ledger_key(DOCTOR.person_id, min(ASKED.cells(Side.DOCTOR))))


def test_a_ledger_that_moved_while_it_was_read_is_read_again() -> None:
    moving = Moving()
    found = DynamoLedger(Dynamo(moving, patience=AT_ONCE), AT_ONCE).read([DOCTOR.person_id])
    assert moving.ledgers_read == 4
    assert (found.claims, found.appointments) == ({DOCTOR.person_id: {}}, ())
