"""Logs of signals as items: the head of each, what was said in it, and who is in its seats, for the index of owners."""

from typing import Any, Final
from zlib import crc32

import attrs
import orjson

from adapters.dynamodb.actions import Action, Item, Purpose, binary, flag, key, number, pair, text
from adapters.dynamodb.items import SHARDS, indexed
from adapters.dynamodb.settling import act, was_read
from adapters.dynamodb.signal_log import SIDES, Log, Place
from adapters.dynamodb.tables import HELD
from telemed_core.domain.events import Side
from telemed_core.domain.ids import ConnectionId, MeetingId
from telemed_core.domain.signals import Seat, Signal, SignalKind

SAID: Final = "S#"
"""How the sort keys of messages begin."""


def log_partition(meeting_id: MeetingId) -> str:
    return f"V#{meeting_id}"


def log_key(meeting_id: MeetingId) -> Item:
    return key(log_partition(meeting_id), "LOG")


def log_item(log: Log) -> Item:
    """The head of the log."""
    places = {side.value: place for side in SIDES if (place := log.place(side))}
    return {
        **log_key(log.meeting_id),
        "seq": number(log.seq),
        "closed": flag(value=log.closed),
        "kept": number(log.kept),
        **{side: text(orjson.dumps(attrs.asdict(place)).decode()) for side, place in places.items()},
    }


def load_log(meeting_id: MeetingId, item: Item) -> Log:
    """The head that was written."""
    return Log(
        meeting_id,
        seq=int(str(item["seq"]["N"])),
        closed=bool(item["closed"]["BOOL"]),
        kept=int(str(item["kept"]["N"])),
        doctor=_load_place(item, Side.DOCTOR),
        patient=_load_place(item, Side.PATIENT),
    )


def _load_place(item: Item, side: Side) -> Place | None:
    if side.value not in item:
        return None
    written: dict[str, Any] = orjson.loads(str(item[side.value]["S"]))
    speaker = written["speaker"]
    return Place(
        **{
            **written,
            "connection": ConnectionId(written["connection"]),
            "speaker": None if speaker is None else ConnectionId(speaker),
        }
    )


def head_action(table: str, before: Log, after: Log) -> Action:
    """Put the head in the place of the one that was read; refused where there has been another entry since."""
    return act("Put", table, purpose=Purpose.EVENT, Item=log_item(after), **was_read("seq", before.seq or None))


def put_action(table: str, item: Item) -> Action:
    return act("Put", table, purpose=Purpose.EVENT, Item=item)


def delete_action(table: str, at: Item) -> Action:
    return act("Delete", table, purpose=Purpose.EVENT, Key=at)


def message_key(meeting_id: MeetingId, seq: int) -> Item:
    return key(log_partition(meeting_id), sort_key(seq))


def sort_key(seq: int) -> str:
    return f"{SAID}{seq:09}"


def message_item(seat: Seat, seq: int, kind: SignalKind, sealed: bytes) -> Item:
    return {
        **message_key(seat.meeting_id, seq),
        "side": text(seat.side.value),
        "speaker": text(seat.connection),
        "kind": text(kind.value),
        "sealed": binary(sealed),
    }


def signal(item: Item) -> Signal:
    """The message without what it says."""
    partition, sort = pair(item)
    return Signal(
        meeting_id=MeetingId(partition.removeprefix("V#")),
        seq=int(sort.removeprefix(SAID)),
        side=Side(str(item["side"]["S"])),
        connection=ConnectionId(str(item["speaker"]["S"])),
        kind=SignalKind(str(item["kind"]["S"])),
    )


def seat_key(meeting_id: MeetingId, side: Side) -> Item:
    return key(log_partition(meeting_id), f"SEAT#{side.value}")


def seat_action(table: str, meeting_id: MeetingId, side: Side, owner: str) -> Action:
    """What the index of owners has of a taken seat; the truth of it is the head."""
    shard = crc32(meeting_id.encode()) % SHARDS
    held = indexed(HELD, held_partition(shard), f"{owner}#{meeting_id}#{side.value}")
    return put_action(table, {**seat_key(meeting_id, side), **held})


def held_partition(shard: int) -> str:
    return f"OWNERS#SEATS#{shard}"


def owner_in(item: Item) -> str:
    return str(item[HELD.sort_key]["S"]).rsplit("#", 2)[0]


def meeting_of(item: Item) -> MeetingId:
    return MeetingId(pair(item)[0].removeprefix("V#"))
