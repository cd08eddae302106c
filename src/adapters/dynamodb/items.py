"""The items of the tables: their keys, and what a commit writes into them."""

from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from adapters.dynamodb.actions import Item, binary, key, number, text
from adapters.dynamodb.tables import BY_DOCTOR, BY_PATIENT, WORK, Index
from adapters.serialization import dump_appointment, dump_event, dump_receipt
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Idempotency
from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.ids import AppointmentId, CommandId, DoctorId, Id, PersonId
from telemed_core.domain.instants import CELLS_PER_DAY, EPOCH
from telemed_core.domain.receipts import RECEIPT_LIFE, Receipt
from telemed_core.domain.sagas import SagaStart
from telemed_core.domain.texts import TextKey
from telemed_core.saga.sagas import REGISTRY

SHARDS: Final = 8
"""Into how many partitions the work of one hour is spread."""

COLLECTED_AFTER: Final = timedelta(days=1)
"""How long a receipt that does not count any more is left before it may be collected."""


def sortable(instant: datetime) -> str:
    """The instant as text whose order is that of time."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def appointment_key(appointment_id: AppointmentId) -> Item:
    return key(f"A#{appointment_id}", "M")


def event_key(appointment_id: AppointmentId, seq: int) -> Item:
    return key(f"A#{appointment_id}", f"E#{seq:06}")


def head_key(doctor_id: DoctorId) -> Item:
    return key(f"D#{doctor_id}", "SCHED")


def quota_key(person: PersonId) -> Item:
    return key(f"P#{person}", "QUOTA")


def ledger_key(person: PersonId, cell: int) -> Item:
    """The item of the UTC day that the cell lies in."""
    return key(f"AG#{person}", f"{EPOCH + timedelta(days=cell // CELLS_PER_DAY):%Y-%m-%d}")


def receipt_key(asked: Idempotency) -> Item:
    return key(f"R#{asked.account_id}", asked.key)


def text_key(written: TextKey) -> Item:
    return key(f"T#{written.owner}", f"{written.seq:06}")


def appointment_item(appointment: Appointment) -> Item:
    """The appointment without its history; in the work index while time will change it."""
    by_start = f"{sortable(appointment.visit.start)}#{appointment.id}"
    return {
        **appointment_key(appointment.id),
        **_indexed(BY_PATIENT, f"P#{appointment.patient_id}", by_start),
        **_indexed(BY_DOCTOR, f"D#{appointment.doctor_id}", by_start),
        **(_work(appointment.id, due=appointment.due_at) if appointment.due_at else {}),
        "rev": number(appointment.rev),
        "body": text(dump_appointment(appointment)),
    }


def event_item(event: AppointmentEvent, command_id: CommandId) -> Item:
    return {
        **event_key(event.appointment_id, event.seq),
        "command": text(command_id),
        "body": text(dump_event(event)),
    }


def saga_item(saga: SagaStart, *, at: datetime) -> Item:
    """The saga's row as it starts, due when it says, else at once."""
    row = REGISTRY.begin(saga, at=at)
    return {
        **key(f"S#{row.id}", "M"),
        **_work(row.id, due=saga.due_at or at),
        "name": text(row.name),
        "subject": text(row.subject),
        "version": number(row.version),
        "digest": text(row.digest),
        "step": number(row.progress.step),
    }


def receipt_item(asked: Idempotency, command: Command, *, subject: Id, rev: int) -> Item:
    receipt = Receipt(asked, command.id, subject, rev, command.at)
    collected = command.at + RECEIPT_LIFE + COLLECTED_AFTER
    return {
        **receipt_key(asked),
        "written": text(sortable(command.at)),
        "expires": number((collected - EPOCH) // timedelta(seconds=1)),
        "body": text(dump_receipt(receipt)),
    }


def text_item(written: TextKey, sealed: bytes) -> Item:
    return {**text_key(written), "sealed": binary(sealed)}


def _indexed(index: Index, partition: str, sort: str) -> Item:
    return {index.partition_key: text(partition), index.sort_key: text(sort)}


def _work(of: Id, *, due: datetime) -> Item:
    shard = crc32(of.encode()) % SHARDS
    return _indexed(WORK, f"DUE#{due:%Y-%m-%dT%H}#{shard}", f"{sortable(due)}#{of}")
