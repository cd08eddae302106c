"""The items of the tables: their keys, and what a commit writes into them."""

from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from adapters.dynamodb.actions import Item, binary, key, number, text
from adapters.dynamodb.tables import BY_DOCTOR, BY_PATIENT, EXPIRES, WORK, Index
from adapters.serialization import dump_appointment, dump_event, dump_receipt
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Idempotency
from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.ids import AppointmentId, CommandId, DoctorId, Id, PatientId, PersonId
from telemed_core.domain.instants import CELLS_PER_DAY, EPOCH
from telemed_core.domain.receipts import RECEIPT_LIFE, Receipt
from telemed_core.domain.texts import TextKey

SHARDS: Final = 8
"""Into how many partitions of the index the work is spread."""

APPOINTMENTS: Final = "A#"
"""How the partitions of appointments begin."""
LEDGERS: Final = "AG#"
"""How those of people's days begin."""
ITSELF: Final = "M"
"""The sort key of what a partition is about."""
EVENTS: Final = "E#"
"""How the sort keys of events begin."""

COLLECTED_AFTER: Final = timedelta(days=1)
"""How long a receipt that does not count any more is left before it may be collected."""


def sortable(instant: datetime) -> str:
    """The instant as text whose order is that of time."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def appointment_partition(appointment_id: AppointmentId) -> str:
    """Where the appointment is, and its events, in their order."""
    return f"{APPOINTMENTS}{appointment_id}"


def appointment_key(appointment_id: AppointmentId) -> Item:
    return key(appointment_partition(appointment_id), ITSELF)


def event_key(appointment_id: AppointmentId, seq: int) -> Item:
    return key(appointment_partition(appointment_id), f"{EVENTS}{seq:06}")


def patient_partition(patient_id: PatientId) -> str:
    """Where their index has the appointments of a patient."""
    return f"P#{patient_id}"


def doctor_partition(doctor_id: DoctorId) -> str:
    """Where their index has the appointments of a doctor."""
    return f"D#{doctor_id}"


def head_key(doctor_id: DoctorId) -> Item:
    return key(f"D#{doctor_id}", "SCHED")


def quota_key(person: PersonId) -> Item:
    return key(f"P#{person}", "QUOTA")


def ledger_partition(person: PersonId) -> str:
    """Where a person's days are."""
    return f"{LEDGERS}{person}"


def ledger_day(cell: int) -> str:
    """The UTC day that the cell lies in."""
    return f"{EPOCH + timedelta(days=cell // CELLS_PER_DAY):%Y-%m-%d}"


def ledger_key(person: PersonId, cell: int) -> Item:
    """The item of the UTC day that the cell lies in."""
    return key(ledger_partition(person), ledger_day(cell))


def receipt_key(asked: Idempotency) -> Item:
    return key(f"R#{asked.account_id}", asked.key)


def text_key(written: TextKey) -> Item:
    return key(f"T#{written.owner}", f"{written.seq:06}")


def appointment_item(appointment: Appointment) -> Item:
    """The appointment without its history; in the work index while time will change it."""
    by_start = at_and_id(appointment.visit.start, appointment.id)
    return {
        **appointment_key(appointment.id),
        **indexed(BY_PATIENT, patient_partition(appointment.patient_id), by_start),
        **indexed(BY_DOCTOR, doctor_partition(appointment.doctor_id), by_start),
        **(work(appointment.id, due=appointment.due_at) if appointment.due_at else {}),
        "rev": number(appointment.rev),
        "body": text(dump_appointment(appointment)),
    }


def event_item(event: AppointmentEvent, command_id: CommandId) -> Item:
    return {
        **event_key(event.appointment_id, event.seq),
        "command": text(command_id),
        "body": text(dump_event(event)),
    }


def receipt_item(asked: Idempotency, command: Command, *, subject: Id, rev: int) -> Item:
    receipt = Receipt(asked, command.id, subject, rev, command.at)
    collected = command.at + RECEIPT_LIFE + COLLECTED_AFTER
    return {
        **receipt_key(asked),
        "written": text(sortable(command.at)),
        EXPIRES: number((collected - EPOCH) // timedelta(seconds=1)),
        "body": text(dump_receipt(receipt)),
    }


def text_item(written: TextKey, sealed: bytes) -> Item:
    return {**text_key(written), "sealed": binary(sealed)}


def due_partition(shard: int) -> str:
    """Where the index of work has what is due, of one shard: what was done has left it, so the past is short."""
    return f"DUE#{shard}"


def work(of: Id, *, due: datetime) -> Item:
    """The attributes by which something is in the index of work."""
    return indexed(WORK, due_partition(crc32(of.encode()) % SHARDS), at_and_id(due, of))


def at_and_id(at: datetime, of: Id) -> str:
    """A sort key: by instant, then by id."""
    return f"{sortable(at)}#{of}"


def indexed(index: Index, partition: str, sort: str) -> Item:
    """The attributes by which an item is in the index."""
    return {index.partition_key: text(partition), index.sort_key: text(sort)}
